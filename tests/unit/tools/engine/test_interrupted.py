"""What an `up` had made when it was killed is known to the state afterwards, and has one field manager."""

import json
from copy import deepcopy
from typing import Any

import pytest

from infra.kubernetes_api import RefusedError
from tests.unit.tools.engine.fakes import CLUSTER, FakeCluster, Machine
from tools.engine import operations
from tools.engine.interrupted import hand_over, take_in, union
from tools.process import Finished

STACK = "urn:pulumi:dev::litellm::pulumi:pulumi:Stack::litellm-dev"
PROVIDER = "urn:pulumi:dev::litellm::pulumi:providers:kubernetes::kubernetes"
URN = "urn:pulumi:dev::litellm::kubernetes:apps/v1:Deployment::server"
PATH = "/apis/apps/v1/namespaces/litellm-dev/deployments/litellm"
LABELS = {"app.kubernetes.io/name": "litellm", "app.kubernetes.io/part-of": "litellm"}
OLDER, NEWER = "pulumi-kubernetes-0a1b2c3d", "pulumi-kubernetes-ffffffff"
INPUTS: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "litellm", "namespace": "litellm-dev", "labels": LABELS},
    "spec": {"replicas": 1},
}
OWN_LABELS: dict[str, Any] = {f"f:{label}": {} for label in LABELS}


def fields(*spec: str) -> dict[str, Any]:
    return {"f:metadata": {"f:labels": OWN_LABELS}, "f:spec": {f"f:{name}": {} for name in spec}}


def manager(name: str, fields_v1: dict[str, Any], *, time: str = "2026-01-01T00:00:00Z", **more: Any) -> dict[str, Any]:
    made = {"manager": name, "operation": "Apply", "apiVersion": "apps/v1", "time": time, "fieldsType": "FieldsV1"}
    return made | {"fieldsV1": fields_v1} | more


def cluster(*managers: dict[str, Any], path: str = PATH) -> FakeCluster:
    kinds = [
        {"name": "deployments/scale", "kind": "Deployment", "namespaced": True},
        {"name": "deployments", "kind": "Deployment", "namespaced": True},
    ]
    live = {"metadata": {"name": "litellm", "resourceVersion": "7", "managedFields": [*managers]}}
    return Api(objects={"/apis/apps/v1": {"resources": kinds}, path: live})


class Api(FakeCluster):
    """Deployments are objects as all others."""

    conflicts = 0
    """So many changes meet somebody else's."""

    def patch_json(self, path: str, operations: list[dict[str, Any]]) -> dict[str, Any]:
        super().patch_json(path, operations)
        if self.conflicts:
            self.conflicts -= 1
            raise RefusedError(409, "Conflict")
        return {}


def resource(**more: Any) -> dict[str, Any]:
    made = {"urn": URN, "custom": True, "type": "kubernetes:apps/v1:Deployment", "inputs": INPUTS}
    return made | {"parent": STACK, "provider": f"{PROVIDER}::id", "dependencies": [STACK]} | more


def exported(*operations: tuple[str, dict[str, Any]], known: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    there = [{"urn": STACK, "type": "pulumi:pulumi:Stack"}, {"urn": PROVIDER, "type": "pulumi:providers:x", "id": "id"}]
    pending = [{"type": kind, "resource": each} for kind, each in operations]
    return deepcopy({"deployment": {"resources": [*there, *known], "pending_operations": pending}})


def known(in_state: str = NEWER, **more: Any) -> dict[str, Any]:
    return resource(id="litellm-dev/litellm", outputs={**INPUTS, "__fieldManager": in_state}) | more


def test_what_was_being_made_and_is_there_is_known_with_the_manager_that_made_it():
    state = exported(("creating", resource()))
    assert take_in(state, cluster(manager(OLDER, fields("replicas")))) == ["Deployment litellm-dev/litellm"]
    made = state["deployment"]["resources"][-1]
    assert (made["urn"], made["id"]) == (URN, "litellm-dev/litellm")
    kept = {"__fieldManager": OLDER, "__initialApiVersion": "apps/v1", "__inputs": INPUTS}
    assert made["outputs"] == INPUTS | kept
    assert made["initErrors"], "the engine would not wait for it any more"


def test_the_one_that_made_it_last_is_kept():
    found = cluster(
        manager(NEWER, fields("replicas"), time="2026-01-02T00:00:00Z"),
        manager(OLDER, fields("replicas"), time="2026-01-01T00:00:00Z"),
    )
    state = exported(("creating", resource()))
    take_in(state, found)
    assert state["deployment"]["resources"][-1]["outputs"]["__fieldManager"] == NEWER


@pytest.mark.parametrize(
    "managers",
    [
        [],
        [manager("kubectl", fields("replicas"))],
        [manager("pulumi-kubernetes", fields("replicas"))],
        [manager(f"{OLDER}-more", fields("replicas"))],
        [manager(OLDER, fields("replicas"), operation="Update")],
        [manager(OLDER, fields("replicas"), subresource="scale")],
        [manager(OLDER, {"f:spec": {"f:replicas": {}}})],
        [manager(OLDER, {"f:metadata": {"f:labels": OWN_LABELS}})],
        [manager(OLDER, {})],
    ],
    ids=[
        "nobody",
        "another tool",
        "client-side apply",
        "a longer name",
        "an update",
        "a subresource",
        "a patch of the spec",
        "a patch of the labels",
        "without fields",
    ],
)
def test_what_somebody_else_has_made_is_not_taken(managers: list[dict[str, Any]]):
    state = exported(("creating", resource()))
    before = deepcopy(state)
    assert take_in(state, cluster(*managers)) == []
    assert state == before


@pytest.mark.parametrize(
    "operation",
    [
        ("updating", resource()),
        ("creating", resource(type="kubernetes:apps/v1:DeploymentPatch")),
        ("creating", resource(type="kubernetes:helm.sh/v3:Release", inputs={"name": "external-secrets"})),
        ("creating", resource(type="aws:kms/key:Key")),
        ("creating", resource(dependencies=["urn:gone"])),
        ("creating", resource(propertyDependencies={"spec": ["urn:gone"]})),
        ("creating", resource(parent="urn:gone")),
        ("creating", resource(deletedWith="urn:gone")),
        ("creating", resource(provider=f"{PROVIDER}::another")),
        ("creating", resource(inputs=INPUTS | {"kind": "Unheard"})),
        ("creating", resource(inputs=INPUTS | {"apiVersion": "unheard/v1"})),
        ("creating", resource(inputs=INPUTS | {"metadata": {"name": "litellm", "namespace": "litellm-dev"}})),
    ],
    ids=[
        "an update",
        "a patch",
        "a chart",
        "of another provider",
        "without what it depends on",
        "without what a property comes from",
        "without its parent",
        "without what it goes with",
        "of a provider that is gone",
        "a kind that the API does not know",
        "a group that the API does not know",
        "without a label",
    ],
)
def test_only_whole_objects_that_fit_into_the_state_are_taken(operation: tuple[str, dict[str, Any]]):
    state = exported(operation)
    before = deepcopy(state)
    assert take_in(state, cluster(manager(OLDER, fields("replicas")))) == []
    assert state == before


def test_what_the_state_knows_is_not_taken_twice():
    state = exported(("creating", resource()), known=(known(),))
    assert take_in(state, cluster(manager(OLDER, fields("replicas")))) == []


def test_what_was_being_made_by_two_runs_is_taken_once():
    state = exported(("creating", resource()), ("creating", resource()))
    assert len(take_in(state, cluster(manager(OLDER, fields("replicas"))))) == 1


def test_an_object_that_is_not_there_is_not_taken():
    assert take_in(exported(("creating", resource())), cluster(path="/elsewhere")) == []


@pytest.mark.parametrize(
    ("version", "path"), [("v1", "/api/v1/namespaces/litellm-dev"), ("apps/v1", "/apis/apps/v1/namespaces/litellm-dev")]
)
def test_objects_without_a_namespace_are_found_where_the_api_has_them(version: str, path: str):
    inputs = {"apiVersion": version, "kind": "Namespace", "metadata": {"name": "litellm-dev", "labels": LABELS}}
    live = {"metadata": {"managedFields": [manager(OLDER, {"f:metadata": {"f:labels": OWN_LABELS}})]}}
    kinds = {"resources": [{"name": "namespaces", "kind": "Namespace", "namespaced": False}]}
    found = FakeCluster(objects={path: live, path.removesuffix("/namespaces/litellm-dev"): kinds})
    state = exported(("creating", resource(inputs=inputs)))
    assert take_in(state, found) == ["Namespace litellm-dev"]


def test_no_content_of_an_object_is_asked_for():
    found = cluster(manager(OLDER, fields("replicas")))
    take_in(exported(("creating", resource())), found)
    assert "as=PartialObjectMetadata;" in found.accepted[PATH]


def handed(*managers: dict[str, Any], conflicts: int = 0, state: dict[str, Any] | None = None) -> tuple[Any, list[str]]:
    found = cluster(*managers)
    assert isinstance(found, Api)
    found.conflicts = conflicts
    return found, hand_over(state or exported(known=(known(),)), found)


def test_the_manager_of_the_state_gets_what_an_earlier_one_has():
    foreign = manager("kubectl", {"f:spec": {"f:paused": {}}}, operation="Update")
    found, names = handed(manager(OLDER, fields("paused")), foreign, manager(NEWER, fields("replicas")))
    assert names == ["Deployment litellm-dev/litellm"]
    [(verb, path, operations)] = found.writes
    assert (verb, path) == ("patch_json", PATH)
    assert operations[0]["value"] == [manager(NEWER, fields("paused", "replicas")), foreign]


def test_it_does_so_only_when_nobody_has_changed_the_object_meanwhile():
    found, _ = handed(manager(OLDER, fields()), manager(NEWER, fields()))
    assert {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"} in found.writes[0][2]


def test_it_looks_again_when_somebody_did():
    found, names = handed(manager(OLDER, fields()), manager(NEWER, fields()), conflicts=2)
    assert (len(found.writes), len(names)) == (3, 1)


def test_it_does_not_look_for_ever():
    with pytest.raises(RefusedError):
        handed(manager(OLDER, fields()), manager(NEWER, fields()), conflicts=3)


@pytest.mark.parametrize(
    "managers",
    [
        [manager(NEWER, fields("replicas"))],
        [manager(NEWER, fields("replicas")), manager("helm", fields("replicas"))],
        [manager(NEWER, fields("replicas")), manager(OLDER, {"f:spec": {"f:replicas": {}}})],
        [manager(NEWER, fields("replicas")), manager(OLDER, {"f:metadata": {"f:labels": {"f:team": {}}}})],
        [manager(OLDER, fields("replicas"))],
        [manager(OLDER, fields("replicas")), manager("pulumi-kubernetes-00000000", fields("replicas"))],
        [],
    ],
    ids=[
        "one manager",
        "another tool",
        "a patch of another stack",
        "a label of another stack",
        "none that the state knows",
        "two that it does not know",
        "nobody",
    ],
)
def test_nothing_of_somebody_else_is_handed_over(managers: list[dict[str, Any]]):
    found, names = handed(*managers)
    assert (found.writes, names) == ([], [])


@pytest.mark.parametrize(
    "state",
    [
        exported(known=(known(type="kubernetes:apps/v1:DeploymentPatch"),)),
        exported(known=(known(delete=True),)),
        exported(("creating", resource())),
    ],
    ids=["a patch", "to be deleted", "not in the state"],
)
def test_only_objects_of_the_state_are_touched(state: dict[str, Any]):
    found, _ = handed(manager(OLDER, fields()), manager(NEWER, fields()), state=state)
    assert found.writes == []


def test_the_api_is_asked_for_its_kinds_once():
    other = known(urn=f"{URN}-2", inputs=INPUTS | {"metadata": {"name": "redis", "namespace": "litellm-dev"}})
    found, _ = handed(state=exported(known=(known(), other)))
    assert found.paths.count("/apis/apps/v1") == 1


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ({}, {}, {}),
        ({"f:a": {}}, {"f:b": {}}, {"f:a": {}, "f:b": {}}),
        ({"f:a": {"f:x": {}}}, {"f:a": {"f:y": {}}}, {"f:a": {"f:x": {}, "f:y": {}}}),
        ({"f:a": {}}, {"f:a": {"f:x": {}}}, {"f:a": {".": {}, "f:x": {}}}),
        ({"f:a": {"f:x": {}}}, {"f:a": {}}, {"f:a": {".": {}, "f:x": {}}}),
        ({"f:a": {".": {}}}, {"f:a": {"f:x": {}}}, {"f:a": {".": {}, "f:x": {}}}),
    ],
)
def test_what_either_has(one: dict[str, Any], other: dict[str, Any], both: dict[str, Any]):
    assert union(one, other) == both


def interrupted(machine: Machine) -> None:
    machine.runner.answers["pulumi stack export"] = Finished(0, json.dumps(exported(("creating", resource()))))
    machine.cluster = cluster(manager(OLDER, fields("replicas")))


def written(machine: Machine) -> Any:
    return json.loads(machine.runner.only("pulumi stack import").stdin)["deployment"]["resources"][-1]


@pytest.mark.parametrize("command", [operations.recover, operations.up])
def test_whoever_goes_on_knows_what_was_made(machine: Machine, command: Any):
    interrupted(machine)
    assert command(machine.place(**CLUSTER), "dev", [], []) == 0
    assert written(machine)["outputs"]["__fieldManager"] == OLDER
    after = machine.runner.lines[machine.runner.lines.index(machine.runner.only("pulumi stack import").line) :]
    assert any(line.startswith(("pulumi refresh --stack dev", "pulumi up")) for line in after)
    assert "the interrupted run had made, and the state knows it now: Deployment litellm-dev/litellm" in machine.said


def test_the_look_for_the_lock_keeps_what_was_being_made(machine: Machine):
    interrupted(machine)
    operations.recover(machine.place(**CLUSTER), "dev", [], [])
    probe, refresh = (call.line for call in machine.runner.starting("pulumi refresh"))
    assert "--clear-pending-creates" not in probe
    assert "--clear-pending-creates" in refresh


def test_an_up_beside_a_run_that_lives_writes_no_state(machine: Machine):
    interrupted(machine)
    machine.runner.answers["pulumi refresh"] = Finished(255, errors="error: the stack is currently locked by 1 lock(s)")
    operations.up(machine.place(**CLUSTER), "dev", [], [])
    assert not machine.runner.starting("pulumi stack import")


def test_an_up_after_one_that_ended_well_asks_for_no_lock_and_for_no_object(machine: Machine):
    machine.runner.answers["pulumi stack export"] = Finished(0, json.dumps(exported(known=(known(),))))
    operations.up(machine.place(**CLUSTER), "dev", [], [])
    assert not machine.runner.starting("pulumi refresh")
    assert PATH not in machine.cluster.paths


def test_recovery_hands_over_what_earlier_releases_left(machine: Machine):
    machine.runner.answers["pulumi stack export"] = Finished(0, json.dumps(exported(known=(known(),))))
    machine.cluster = cluster(manager(OLDER, fields("replicas")), manager(NEWER, fields("replicas")))
    operations.recover(machine.place(**CLUSTER), "dev", [], [])
    assert machine.cluster.writes
    assert machine.said[-2].endswith("under the field manager of the state now: Deployment litellm-dev/litellm")


def test_recovery_goes_on_where_the_cluster_cannot_be_looked_at(machine: Machine):
    interrupted(machine)
    machine.cluster = cluster(manager(OLDER, fields("replicas")))
    machine.cluster.objects[PATH] = 500
    assert operations.recover(machine.place(**CLUSTER), "dev", [], []) == 0
    assert machine.runner.starting("pulumi refresh")
    assert any("is not known: 500" in line for line in machine.said)


def test_recovery_goes_on_where_the_engine_refuses_the_state(machine: Machine):
    interrupted(machine)
    machine.runner.answers["pulumi stack import"] = Finished(1, errors="error: could not import deployment")
    assert operations.recover(machine.place(**CLUSTER), "dev", [], []) == 0
    assert any("could not import deployment" in line for line in machine.said)
