"""What changes between two lists of resources."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from tools.report.model import ABSENT, Change, Difference, Operation, Planned
from tools.report.redact import redacted

HASH = re.compile(r"-[0-9a-f]{10}$")
"""How a resource's name ends that is made anew whenever its content changes."""

OPTIONS = ("protect", "retainOnDelete")


def changes(before: Sequence[Planned], after: Sequence[Planned]) -> list[Change]:
    """Every change, each below its parent, by name: the same whatever the order in which things were registered."""
    old = {resource["urn"]: resource for resource in before}
    new = {resource["urn"]: resource for resource in after}
    everything = {**old, **new}
    gone = [resource for urn, resource in old.items() if urn not in new]
    successors = {stem(resource): resource for resource in gone if stem(resource)}
    found: list[Change] = []
    for urn, resource in new.items():
        if urn in old:
            if different := differences(old[urn], resource):
                found.append(change("update", resource, different))
        elif predecessor := successors.pop(stem(resource), None):
            gone.remove(predecessor)
            found.append(change("replace", resource, differences(predecessor, resource)))
        else:
            found.append(change("create", resource))
    found += [change("delete", resource) for resource in gone]
    return sorted(found, key=lambda each: place(each.urn, everything))


def place(urn: str, resources: Mapping[str, Planned]) -> tuple[str, ...]:
    """The names on the way from the stack to a resource."""
    resource = resources.get(urn)
    return (*place(resource["parent"], resources), resource["name"]) if resource else ()


def change(operation: Operation, resource: Planned, different: Sequence[Difference] = ()) -> Change:
    return Change(operation, resource["urn"], resource["type"], resource["name"], tuple(different))


def stem(resource: Planned) -> tuple[str, str, str] | None:
    """What a resource with a hash in its name has in common with its successor."""
    name = str(resource["name"])
    return (resource["type"], resource["parent"], HASH.sub("", name)) if HASH.search(name) else None


def differences(before: Planned, after: Planned) -> list[Difference]:
    """Every property that differs, and the options that keep a resource from being deleted."""
    options = [
        Difference(option, before.get(option, False), after.get(option, False))
        for option in OPTIONS
        if before.get(option, False) != after.get(option, False)
    ]
    sides = (redacted(side["type"], side["inputs"]) for side in (before, after))
    return [*compare("", *sides), *options]


def compare(path: str, before: Any, after: Any) -> Iterator[Difference]:
    if isinstance(before, dict) and isinstance(after, dict):
        yield from compare_maps(path, cast("dict[str, Any]", before), cast("dict[str, Any]", after))
    elif isinstance(before, list) and isinstance(after, list):
        yield from compare_lists(path, cast("list[Any]", before), cast("list[Any]", after))
    elif before != after:
        yield Difference(path, before, after)


def compare_maps(path: str, before: dict[str, Any], after: dict[str, Any]) -> Iterator[Difference]:
    for key in [*before, *(key for key in after if key not in before)]:
        yield from compare(f"{path}.{key}" if path else key, before.get(key, ABSENT), after.get(key, ABSENT))


def compare_lists(path: str, before: list[Any], after: list[Any]) -> Iterator[Difference]:
    """Entries with a name are compared by it, as Kubernetes does; others by their place."""
    old, new = by_name(before), by_name(after)
    if old is None or new is None:
        old, new = dict(enumerate(before)), dict(enumerate(after))
    for key in [*old, *(key for key in new if key not in old)]:
        yield from compare(f"{path}[{key}]", old.get(key, ABSENT), new.get(key, ABSENT))


def by_name(entries: list[Any]) -> dict[Any, Any] | None:
    named = [cast("dict[str, Any]", entry) for entry in entries if isinstance(entry, dict) and "name" in entry]
    found: dict[Any, Any] = {str(entry["name"]): entry for entry in named}
    return found if len(found) == len(entries) else None
