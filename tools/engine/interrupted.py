"""Objects that an `up` was making when it was killed: the cluster has them, the state does not.

The provider makes up a field manager for each resource and keeps its name in the state. Without the state the next `up` would
apply the object under another name, both would have its fields, and the first change of one would be refused as a conflict with
ourselves. So the object is taken into the state with the manager that it was made by; and of an object that has two already,
the one that the state knows gets what the other had.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, cast

from infra.kubernetes_api import METADATA, RefusedError
from tools.engine import state
from tools.engine.cluster import Cluster
from tools.engine.sharing import unless
from tools.engine.state import Resource, part

MANAGER = re.compile(r"pulumi-kubernetes-[0-9a-f]{8}")
IN_STATE, FIRST_VERSION, INPUTS = "__fieldManager", "__initialApiVersion", "__inputs"
"""What the provider keeps in the state beside the object."""

NOT_A_PART = {"apiVersion", "kind", "metadata"}
ATTEMPTS = 3
UNKNOWN = (403, 404)

Fields = dict[str, Any]
"""A set of fields as a field manager has it: one that is a member is empty, or has `.` beside the fields below it."""


@dataclass(frozen=True)
class Objects:
    """Objects of a state, as the API has them."""

    cluster: Cluster
    kinds: dict[str, list[dict[str, Any]]] = field(default_factory=dict[str, list[dict[str, Any]]])
    """What was asked already, by API version."""

    def path(self, resource: Resource) -> str | None:
        """Where an object is; None for a kind that the API does not know."""
        inputs = part(resource, "inputs")
        version, metadata = str(inputs["apiVersion"]), inputs["metadata"]
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        if root not in self.kinds:
            self.kinds[root] = unless(self.cluster, root, *UNKNOWN).get("resources") or []
        served = [each for each in self.kinds[root] if each["kind"] == inputs["kind"] and "/" not in each["name"]]
        if not served:
            return None
        namespace = f"/namespaces/{metadata.get('namespace', 'default')}" if served[0]["namespaced"] else ""
        return f"{root}{namespace}/{served[0]['name']}/{metadata['name']}"

    def metadata(self, resource: Resource) -> dict[str, Any]:
        """The metadata of an object; nothing where there is none, or none to be seen."""
        path = self.path(resource)
        return part(unless(self.cluster, path, *UNKNOWN, accept=METADATA), "metadata") if path else {}


def take_in(exported: Mapping[str, Any], cluster: Cluster) -> list[str]:
    """Write into a state what an `up` had made when it was killed; returns what, for people.

    Raises:
        RefusedError: when the API answers with an error.
    """
    objects = Objects(cluster)
    taken = [made for each in state.being_made(exported) if fits(exported, each) and (made := as_made(each, objects))]
    exported["deployment"].setdefault("resources", []).extend(taken)
    return [shown(each) for each in taken]


def fits(exported: Mapping[str, Any], resource: Resource) -> bool:
    """Whether the state has all that a resource needs: the engine refuses a state with holes."""
    there = state.resources(exported)
    providers = {f"{each['urn']}::{each.get('id')}" for each in there}
    by_property = cast("dict[str, list[str] | None]", part(resource, "propertyDependencies"))
    above = [str(resource[key]) for key in ("parent", "deletedWith") if resource.get(key)]
    dependencies: list[str] = resource.get("dependencies") or []
    needed = {*above, *dependencies, *(urn for urns in by_property.values() for urn in urns or [])}
    return needed <= {each["urn"] for each in there} and resource.get("provider") in providers


def as_made(resource: Resource, objects: Objects) -> Resource | None:
    """A resource with what the state would know of it, had the engine lived; None when it was not made yet."""
    makers = list(made_by(objects.metadata(resource), resource))
    if not makers:
        return None
    inputs, latest = part(resource, "inputs"), max(makers, key=lambda each: str(each.get("time", "")))
    kept = {INPUTS: inputs, FIRST_VERSION: inputs["apiVersion"], IN_STATE: latest["manager"]}
    # As far as anybody knows it did not come up: the engine goes on waiting for it.
    unknown = {"initErrors": ["the engine was killed while it waited"]}
    return {**resource, "id": identity(resource), "outputs": {**inputs, **kept}, **unknown}


def hand_over(exported: Mapping[str, Any], cluster: Cluster) -> list[str]:
    """Let the field manager that the state knows have what earlier ones of the stack had; returns of what, for people.

    Raises:
        RefusedError: when the API answers with an error.
    """
    objects = Objects(cluster)
    found = [each for each in state.resources(exported) if state.is_whole_object(each)]
    return [shown(each) for each in found if handed_over(each, objects)]


def handed_over(resource: Resource, objects: Objects) -> bool:
    for attempt in range(ATTEMPTS):
        metadata, path = objects.metadata(resource), objects.path(resource)
        merged = with_one_manager(metadata, resource)
        if path is None or merged is None:
            return False
        # With the version, or what somebody else writes at this moment would be lost.
        try:
            objects.cluster.patch_json(
                path,
                [
                    {"op": "replace", "path": "/metadata/managedFields", "value": merged},
                    {"op": "replace", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]},
                ],
            )
        except RefusedError as error:
            if error.status != 409 or attempt == ATTEMPTS - 1:
                raise
        else:
            return True
    return False


def with_one_manager(metadata: Mapping[str, Any], resource: Resource) -> list[Any] | None:
    """The managers of an object when the one in the state has all that this stack has; None when that is so already.

    A field that nobody has would stay for ever: the API takes away what its manager applies no more. So none is dropped.
    """
    own, managers = list(made_by(metadata, resource)), cast("list[dict[str, Any]]", metadata.get("managedFields", []))
    kept = next((each for each in own if each["manager"] == part(resource, "outputs").get(IN_STATE)), None)
    if kept is None or len(own) == 1:
        return None
    others = [each for each in managers if each not in own]
    return [{**kept, "fieldsV1": reduce(union, (each["fieldsV1"] for each in own))}, *others]


def made_by(metadata: Mapping[str, Any], resource: Resource) -> Iterator[dict[str, Any]]:
    """The field managers under which this stack has made an object: named by the provider, and with the whole of its outline.

    That is each label, which says whose it is, and each part of the object. A Patch of somebody else has some of its fields.
    """
    inputs = part(resource, "inputs")
    labels = {f"f:{label}" for label in part(inputs["metadata"], "labels")}
    parts = {f"f:{name}" for name, value in inputs.items() if name not in NOT_A_PART and value not in (None, {}, [])}
    managers: list[dict[str, Any]] = metadata.get("managedFields") or []
    for each in managers:
        fields: Fields = each.get("fieldsV1") or {}
        whole = labels and labels <= part(part(fields, "f:metadata"), "f:labels").keys() and parts <= fields.keys()
        applied = each["operation"] == "Apply" and not each.get("subresource")
        if whole and applied and MANAGER.fullmatch(each["manager"]):
            yield each


def union(one: Fields, other: Fields) -> Fields:
    """The fields of either."""
    if not one or not other:
        return {".": {}, **one, **other} if one or other else {}
    both = {key: union(one[key], other[key]) for key in one.keys() & other.keys()}
    return {**one, **other, **both}


def identity(resource: Resource) -> str:
    """What the provider calls an object."""
    metadata = part(resource, "inputs")["metadata"]
    return "/".join(metadata[key] for key in ("namespace", "name") if metadata.get(key))


def shown(resource: Resource) -> str:
    return f"{part(resource, 'inputs')['kind']} {identity(resource)}"
