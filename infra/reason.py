"""Why something failed, for people."""

from infra.urls import without_secrets


def reason(error: Exception) -> str:
    """The innermost cause: client libraries wrap it in the names of their own classes."""
    cause: BaseException = error
    while inner := getattr(cause, "reason", None) or cause.__cause__ or cause.__context__:
        if not isinstance(inner, BaseException):
            break
        cause = inner
    return without_secrets(str(cause).rpartition(": ")[2] or type(cause).__name__)
