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


SIDECAR: dict[str, Any] = {
    "name": "proxy",
    "image": "registry.example.com/proxy:1.2.3",
    "resources": {"requests": {"cpu": "10m"}, "limits": {"memory": "64Mi"}},
}


def test_every_pod_pulls_with_the_secrets_that_are_given_and_the_one_out_of_the_store():
    document = {"document": "shared/registry", "property": "config"}
    recording = record(stack(pods={"imagePullSecrets": ["registry"], "imagePullDocument": document}), preview=False)
    (external,) = [each for each in recording.resources if each.name == "image-pull-secret"]
    made = external.inputs["spec"]["target"]["template"]
    assert (made["type"], made["data"]) == ("kubernetes.io/dockerconfigjson", {".dockerconfigjson": "{{ .config }}"})
    for pod in pods(recording).values():
        first, second = pod["imagePullSecrets"]
        assert first == {"name": "registry"}
        assert second["name"].startswith("image-pull")


def test_labels_annotations_and_hosts_are_on_every_pod_and_those_of_jobs_on_jobs():
    given = {
        "labels": {"team": "ai", "mesh": "on"},
        "annotations": {"example.com/a": "b"},
        "jobLabels": {"mesh": "off"},
        "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["llm.corp.example"]}],
    }
    found = templates(record(stack(pods=given)))
    assert {name for name, each in found.items() if each["metadata"]["labels"]["mesh"] == "off"} == {
        *("litellm-migration-job", "database-bootstrap-job")
    }
    for template in found.values():
        assert template["metadata"]["labels"]["team"] == "ai"
        assert template["metadata"]["annotations"]["example.com/a"] == "b"
        assert given["hostAliases"][0] in template["spec"]["hostAliases"]


def test_the_gateway_has_labels_of_its_own():
    found = templates(record(stack(gateway={"podLabels": {"azure.workload.identity/use": "true"}})))
    labelled = {name for name, each in found.items() if "azure.workload.identity/use" in each["metadata"]["labels"]}
    assert labelled == {"litellm-deployment"}


def test_the_namespace_has_more_labels():
    labels = {"team": "ai", "istio.io/dataplane-mode": "ambient"}
    (namespace,) = record(stack(namespaceLabels=labels)).of("kubernetes:core/v1:Namespace")
    assert labels.items() <= namespace.inputs["metadata"]["labels"].items()


def test_a_cpu_limit_is_for_every_container_that_has_none():
    given = {"resources": {"cpu": "1", "memory": "4Gi", "cpuLimit": "3"}, "extraContainers": [SIDECAR]}
    found = pods(record(stack(pods={"cpuLimit": "2"}, gateway=given)))
    assert {
        (name, container["name"], container["resources"]["limits"]["cpu"])
        for name, pod in found.items()
        for container in containers(pod)
        if container["resources"]["limits"]["cpu"] != "2"
    } == {("litellm-deployment", "litellm", "3")}


def test_extra_containers_are_restricted_like_litellms_and_keep_to_the_rules():
    volume = {"name": "data", "emptyDir": {}}
    gateway = {
        "extraVolumes": [volume],
        "extraVolumeMounts": [{"name": "data", "mountPath": "/data"}],
        "extraContainers": [SIDECAR],
        "extraInitContainers": [{**SIDECAR, "name": "before"}],
    }
    recording = record(stack(gateway=gateway))
    pod = pods(recording)["litellm-deployment"]
    assert [each["name"] for each in containers(pod)] == ["database-relay", "before", "litellm", "proxy"]
    assert volume in pod["volumes"]
    assert {"name": "data", "mountPath": "/data"} in pod["containers"][0]["volumeMounts"]
    for container in containers(pod):
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["resources"]["limits"]["ephemeral-storage"]
    assert not [each for each in violations("dev", document("dev", recording)["resources"]) if each.mandatory]


def test_a_text_of_an_extra_container_that_is_no_secret_can_be_said_to_be_none():
    env = [{"name": "API_KEY", "value": "a-test-key"}]
    reason = {"gateway.extraContainers[0].env[0].value": "a test key of the mock behind it"}
    allowed = stack(gateway={"extraContainers": [{**SIDECAR, "env": env}]}, allowPlaintext=reason)
    assert not [each for each in violations("dev", document("dev", record(allowed))["resources"]) if each.mandatory]
