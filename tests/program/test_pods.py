"""What holds for all pods of a stack, in whole programs."""

from pathlib import Path
from typing import Any

import pytest

from infra.config.base import bytes_of
from policy.resource import at
from tests.program.stacks import EXAMPLES, ROOT, is_template, stack_of
from tools.engine.stack_file import Stack, merge
from tools.gitops.render import render
from tools.offline.mock_engine import Recording
from tools.offline.plan import document, record
from tools.report.policies import violations

DEV = ROOT / "Pulumi.dev.yaml"
KINDS = ("Deployment", "StatefulSet", "Job")
TAINT = {"key": "dedicated", "operator": "Exists", "effect": "NoSchedule"}


def stack(path: Path = DEV, **config: Any) -> Stack:
    found = stack_of(path)
    return Stack(
        found.name, merge(found.document, {"config": {f"litellm:{key}": value for key, value in config.items()}})
    )


def templates(recording: Recording) -> dict[str, dict[str, Any]]:
    """The pods' templates by the name of the resource."""
    return {
        each.name: each.inputs["spec"]["template"]
        for each in recording.resources
        if each.type.rpartition(":")[2] in KINDS and each.type.startswith("kubernetes:")
    }


def pods(recording: Recording) -> dict[str, dict[str, Any]]:
    return {name: template["spec"] for name, template in templates(recording).items()}


def test_every_pod_follows_one_placement():
    placement = {"nodeSelector": {"pool": "ai"}, "tolerations": [TAINT], "priorityClassName": "high"}
    found = pods(record(stack(placement=placement)))
    assert found.keys() == {
        *("litellm-deployment", "litellm-migration-job", "database-bootstrap-job", "postgres-server", "redis-server")
    }
    assert {name: {key: pod.get(key) for key in placement} for name, pod in found.items()} == dict.fromkeys(
        found, placement
    )


def test_the_operator_follows_as_well_where_the_stack_installs_it():
    recording = record(stack(placement={"tolerations": [TAINT]}, externalSecrets={"install": True}))
    (release,) = recording.of("kubernetes:helm.sh/v3:Release")
    values = release.inputs["values"]
    parts = [values, values["webhook"], values["certController"]]
    assert [at(part, "tolerations") for part in parts] == [[TAINT]] * 3


def test_the_older_tolerations_of_the_gateway_reach_every_pod_of_a_bundle():
    """`examples/Pulumi.aws-bundle.yaml`: on nodes that all have the taint, its Redis stayed Pending."""
    found = pods(record(stack_of(EXAMPLES / "Pulumi.aws-bundle.yaml")))
    assert {name: len(pod["tolerations"]) for name, pod in found.items()} == dict.fromkeys(found, 2)


def test_an_older_selector_of_the_gateway_leaves_a_standing_database_where_its_volume_is():
    found = pods(record(stack(gateway={"nodeSelector": {"pool": "ai"}})))
    assert {name for name, pod in found.items() if "nodeSelector" in pod} == {
        "litellm-deployment",
        "litellm-migration-job",
    }


def test_a_gateway_that_is_placed_alone_on_tainted_nodes_is_reported():
    alone = stack(gateway={"placement": {"tolerations": [TAINT]}})
    found = violations("dev", document("dev", record(alone))["resources"])
    assert {each.name for each in found if each.rule.id == "placements-agree" and each.mandatory} == {
        *("database-bootstrap-job", "postgres-server", "redis-server")
    }


@pytest.mark.parametrize("path", [path for path in (ROOT / "Pulumi.ephemeral.yaml",) if is_template(path)])
def test_an_environment_for_a_branch_follows_its_template(path: Path):
    found = pods(record(stack(path, placement={"tolerations": [TAINT]})))
    assert {name for name, pod in found.items() if pod.get("tolerations") != [TAINT]} == set()


def containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [*pod.get("initContainers", ()), *pod["containers"]]


def test_every_container_says_what_it_writes_to_the_disk_of_its_node(recording: Recording):
    """Namespaces with a quota on it refuse pods that do not say."""
    for pod in pods(recording).values():
        for container in containers(pod):
            asked, most = (at(container, "resources", kind, "ephemeral-storage") for kind in ("requests", "limits"))
            assert bytes_of(asked) <= bytes_of(most)


def test_a_full_tmp_is_refused_before_the_pod_is_evicted(recording: Recording):
    """What is in an emptyDir on the disk counts against the limits of the pod."""
    for pod in pods(recording).values():
        sizes = [at(volume, "emptyDir", "sizeLimit") for volume in pod["volumes"]]
        most = sum(bytes_of(at(each, "resources", "limits", "ephemeral-storage")) for each in pod["containers"])
        assert sum(bytes_of(size) for size in sizes if size) < most


def test_the_size_of_tmp_moves_the_limit_with_it():
    pod = pods(record(stack(gateway={"tmpSize": "5Gi"})))["litellm-deployment"]
    assert {"name": "tmp", "emptyDir": {"sizeLimit": "5Gi"}} in pod["volumes"]
    assert at(pod, "containers", 0, "resources", "limits", "ephemeral-storage") == "6Gi"


def test_a_database_without_a_volume_has_room_for_its_data_on_the_node():
    server = pods(record(stack(database={"storage": None})))["postgres-server"]
    assert at(server, "containers", 0, "resources", "limits", "ephemeral-storage") == "10Gi"


def test_the_disk_of_a_container_can_be_said():
    given = {"cpu": "1", "memory": "4Gi", "ephemeralStorage": "3Gi"}
    pod = pods(record(stack(gateway={"resources": given})))["litellm-deployment"]
    resources = pod["containers"][0]["resources"]
    assert (resources["requests"]["ephemeral-storage"], resources["limits"]["ephemeral-storage"]) == ("3Gi", "3Gi")


KEDA = {"min": 2, "max": 4, "tokens": 5000, "prometheus": "http://prometheus.monitoring:9090"}
METRICS = {"litellmSettings": {"callbacks": ["prometheus"]}}


@pytest.mark.parametrize(
    ("gateway", "kind"),
    [
        ({"autoscaling": {"max": 4}}, "autoscaling/v2:HorizontalPodAutoscaler"),
        ({"autoscaling": KEDA, **METRICS}, "keda.sh/v1alpha1:ScaledObject"),
    ],
    ids=["kubernetes", "keda"],
)
def test_an_autoscaled_gateway_keeps_to_every_rule_and_can_be_rendered(gateway: dict[str, Any], kind: str):
    scaled = stack(gateway=gateway, secrets={"vault": {"address": "https://vault.example.com:8200"}})
    recording = record(scaled)
    (autoscaler,) = recording.of(f"kubernetes:{kind}")
    assert autoscaler.inputs["metadata"]["namespace"] == "litellm-dev"
    assert not [each for each in violations("dev", document("dev", recording)["resources"]) if each.mandatory]
    rendered = {(each.kind, each.name): each.content for each in render(scaled).objects}
    assert (kind.rpartition(":")[2], "litellm") in rendered
    assert "replicas" not in rendered["Deployment", "litellm"]["spec"]


def test_the_rules_see_how_far_an_autoscaler_goes():
    """Redis is taken away behind the back of the configuration."""
    scaled = record(stack(gateway={"autoscaling": {"min": 1, "max": 4}}))
    resources = document("dev", scaled)["resources"]
    deployment = next(each for each in resources if each["name"] == "litellm-deployment")
    container = deployment["inputs"]["spec"]["template"]["spec"]["containers"][0]
    container["env"] = [each for each in container["env"] if not each["name"].startswith("REDIS")]
    assert "4 processes, and no Redis" in {each.message for each in violations("dev", resources)}
