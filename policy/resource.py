"""A resource as the rules see it, wherever it comes from: the offline plan, a preview, or the engine itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast


class Marker:
    """Stands for a value that a rule cannot see."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


UNKNOWN = Marker("[unknown]")
"""A value that is known only after the resource it comes from was made."""

SECRET = Marker("[secret]")
"""A value that Pulumi keeps as a secret."""


@dataclass(frozen=True)
class Resource:
    """One resource that a stack wants to have."""

    urn: str
    type: str
    name: str
    inputs: Mapping[str, Any]
    protect: bool = False

    @property
    def kind(self) -> str:
        """The last part of the type: `Deployment`."""
        return self.type.rpartition(":")[2]

    @property
    def namespace(self) -> Any:
        """Kubernetes namespace."""
        return at(self.inputs, "metadata", "namespace")


def at(value: Any, *path: str | int) -> Any:
    """What is at a path; None when nothing is there, the marker itself when the way ends at one."""
    for step in path:
        if isinstance(value, Marker):
            return value
        if isinstance(value, Mapping):
            value = cast("Mapping[Any, Any]", value).get(step)
        elif isinstance(value, list) and isinstance(step, int):
            items = cast("list[Any]", value)
            value = items[step] if step < len(items) else None
        else:
            return None
    return value


def known(value: Any) -> Any:
    """The value, or None when a rule cannot see it."""
    return None if isinstance(value, Marker) else value


def differs(value: Any, *allowed: Any) -> bool:
    """Whether a value is none of those allowed; one that cannot be seen gets the benefit of the doubt."""
    return not isinstance(value, Marker) and value not in allowed


def entries(value: Any) -> list[Any]:
    """The entries of a list; none when there is no list, or none that can be seen."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def mapping(value: Any) -> dict[str, Any]:
    """The keys of a map; none when there is no map, or none that can be seen."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
