"""What a value is called where all values of a stack share one flat set of names.

That is so in two places: the keys of a bundle in AWS Secrets Manager, and the variables of an ESO template. Both take
the names that LiteLLM itself reads from its environment.
"""

MASTER = ("api-keys", "master-key")
SALT = ("salt", "salt-key")
PROVIDERS = "providers"

KEYS = "keys/"
"""How documents of virtual keys begin. Each is by itself, also beside a bundle: whoever may read one reads no other."""

WELL_KNOWN: dict[tuple[str, str], str] = {MASTER: "LITELLM_MASTER_KEY", SALT: "LITELLM_SALT_KEY"}


def variable(document: str, property: str) -> str:  # noqa: A002 - the word of the ESO API
    """The flat name of one value.

    `api-keys/master-key` is `LITELLM_MASTER_KEY`, `salt/salt-key` is `LITELLM_SALT_KEY`; the values of `providers` have
    the names of environment variables already. Every other value is its document and property: `database/username` is
    `DATABASE_USERNAME`.
    """
    if document == PROVIDERS:
        return property
    return WELL_KNOWN.get((document, property)) or f"{document}_{property}".upper().replace("-", "_")


def is_single(document: str) -> bool:
    """Whether a document is one of its own also where the others are a bundle."""
    return document == SALT[0] or document.startswith(KEYS)
