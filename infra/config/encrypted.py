"""What must be encrypted in a stack file, and what must not be.

Pulumi decrypts every value for the program. Only what the schema calls a secret is a secret again afterwards; anything else
goes where it was meant to go, in plain text. And Pulumi says of a whole key of the configuration that something below it is
encrypted, never what: only the file itself tells a plain value beside an encrypted one.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from infra.config.places import SECRET_PLACES, Place, may_hold_secrets, shown, takes_a_secret, values

SECURE = "secure"
"""The one key of the map that Pulumi writes in the place of an encrypted value."""

MISPLACED = (
    "is encrypted, but would come out in plain text here: in the state, in the cluster, in rendered files. Remove it, and give "
    "the secret to the gateway with `pulumi config set --secret --path litellm:providerKeys.NAME`, or with a document of the "
    "store in providerDocuments.NAME: settings refer to it as os.environ/NAME. Passwords of servers are documents of the "
    "store: {document, property}. What is no secret is set without --secret"
)
UNENCRYPTED = (
    "is plain text in the stack file, so it must count as leaked: revoke it, and set a new one with "
    "`pulumi config set --secret --path litellm:providerKeys.NAME`"
)


def is_encrypted(value: object) -> bool:
    """Whether a value of a stack file is one that Pulumi encrypted: with a key beside it, it is a map like any other."""
    if not isinstance(value, dict):
        return False
    given = cast("dict[Any, Any]", value)
    return len(given) == 1 and isinstance(given.get(SECURE), str)


def encrypted_places(written: Any, above: Place = ()) -> Iterator[Place]:
    """Where the encrypted values of a configuration are."""
    if is_encrypted(written):
        yield above
    elif isinstance(written, Mapping):
        for key, item in cast("Mapping[Any, Any]", written).items():
            yield from encrypted_places(item, (*above, str(key)))
    elif isinstance(written, list):
        for index, item in enumerate(cast("list[Any]", written)):
            yield from encrypted_places(item, (*above, index))


def wrongly_encrypted(
    data: Mapping[str, Any], secret: Iterable[str], written: Mapping[str, Any] | None
) -> Iterator[tuple[str, str]]:
    """Places that must not be encrypted and are, or must be and are not, and what to do.

    Args:
        data: the configuration, decrypted, by key.
        secret: the keys with an encrypted value somewhere below them, as Pulumi names them.
        written: the configuration as the file has it; None when nobody knows the file, and whole keys are looked at.
    """
    keys = set(secret)
    found = list(encrypted_places(written or {}))
    if {place[0] for place in found} != keys:
        yield from ((key, MISPLACED) for key in sorted(keys) if not may_hold_secrets(key))
    else:
        yield from ((shown(place), MISPLACED) for place in found if not takes_a_secret(place))
        yield from (
            (shown(place), UNENCRYPTED)
            for place, value in values(written or {})
            if place[0] in keys and takes_a_secret(place) and value not in (None, "")
        )
    yield from (
        (key, UNENCRYPTED) for key in {str(place[0]) for place in SECRET_PLACES} if data.get(key) and key not in keys
    )
