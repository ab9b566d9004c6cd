"""Values that are made in the client of a store, and are nowhere else: what becomes of a document with such values in it.

A document says of each of them by which counter it was made, in a property of its own beside it. So a write that nobody heard
of any more, because its run was killed, is known by the next run, and nothing is made twice.
"""

import secrets
import string
from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

ALPHABET = string.ascii_letters + string.digits

COUNTER = "-rotation"
"""How the property is called that says by which counter a value was made: `master-key-rotation`, in a bundle
`LITELLM_MASTER_KEY_ROTATION`."""


class GeneratedValue(TypedDict):
    """A value that is made in the store's client: letters and digits behind an optional prefix."""

    length: int
    """Required: number of random letters and digits. Has an effect only when a value is made."""

    prefix: NotRequired[str]
    """Optional: what the value starts with, such as `sk-`. Defaults to nothing."""

    rotation: NotRequired[int]
    """Optional: raise it to have a new value made. Defaults to 0."""


Wanted = Mapping[str, Mapping[str, Any]]
"""`GeneratedValue`s by the name of their property, as a dynamic provider gets them: with numbers that are floats."""


def settled(
    found: Mapping[str, Any], wanted: Wanted, given: Mapping[str, str], before: Mapping[str, Any]
) -> dict[str, Any]:
    """What a document becomes that has the properties `found`.

    A value that is there stays as it is, whoever wrote it, until its counter changes: against that in the document, or, where a
    document has none yet, against that of the state.

    Args:
        found: the properties that are there; others than those of this document are left alone.
        wanted: the values that are made here.
        given: the values that are known.
        before: the inputs with which the document was settled last, with `generated` and `given`; empty at first.
    """
    old_wanted: Wanted = before.get("generated") or {}
    old_given: Mapping[str, str] = before.get("given") or {}
    gone = {*old_wanted, *old_given} - {*wanted, *given}
    left_out = gone | {counter(name) for name in gone}
    document = {name: value for name, value in found.items() if name not in left_out} | dict(given)
    for name, value in wanted.items():
        rotation = counted(value)
        last = found.get(counter(name)) or counted(old_wanted.get(name, value))
        if not found.get(name) or str(last) != rotation:
            document |= {name: made(value), counter(name): rotation}
    return document


def changed(olds: Mapping[str, Any], news: Mapping[str, Any], settings: Sequence[str]) -> bool:
    """Whether something has to be done about a document: a new length alone changes no value."""
    return counters(olds["generated"]) != counters(news["generated"]) or any(
        olds.get(setting) != news.get(setting) for setting in settings
    )


def counters(wanted: Wanted) -> dict[str, str]:
    return {name: counted(value) for name, value in wanted.items()}


def counter(name: str) -> str:
    return f"{name}{COUNTER.upper().replace('-', '_') if name.isupper() else COUNTER}"


def counted(value: Mapping[str, Any]) -> str:
    return str(int(value.get("rotation") or 0))


def made(value: Mapping[str, Any]) -> str:
    return str(value.get("prefix") or "") + "".join(secrets.choice(ALPHABET) for _ in range(int(value["length"])))
