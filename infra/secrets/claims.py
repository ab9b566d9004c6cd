"""What a stack is about to make must not be there already as somebody else's: asked by the engine, which knows the state.

A resource that is created is one that the state does not know. Where the state was lost, or is that of another checkout, it
would be written over what the first one made. The checks run in previews, too.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

Check = Callable[[Mapping[str, Any], Mapping[str, Any]], None]
"""Looks at the new and the old inputs of a resource, and raises a `TakenError`."""


class TakenError(pulumi.RunError):
    """What would be written is somebody else's; the message has the ways out."""


def nothing_is_there(_kind: str, _inputs: Mapping[str, Any]) -> None:
    """The answer of a store whose resources are made, or refused."""


@dataclass(frozen=True)
class Claims:
    """The checks of one store, by the type of resource."""

    before_create: Mapping[str, Check]

    before_update: Mapping[str, Check] = field(default_factory=dict[str, Check])

    there: Callable[[str, Mapping[str, Any]], str | None] = nothing_is_there
    """By which ID the engine imports a resource of a type, with its arguments, that a lost state had made; None for one that is
    to be made. A state that has it already goes on with it."""

    as_it_is: Mapping[str, list[str]] = field(default_factory=dict[str, list[str]])
    """Settings that stay as they are when a resource is imported, by the type of resource."""


def known(value: Any) -> Any:
    """A value of a resource's inputs; None when it is not known yet, or a secret."""
    return None if isinstance(value, pulumi.output.Unknown | pulumi.Output) else value
