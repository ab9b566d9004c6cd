"""Config keys `pods`, `namespaceLabels` and the gateway's extras: what is accepted, and what is refused."""

import json
from typing import Any

import pytest

from infra.config.load import ConfigError, load
from infra.config.plaintext import literal_secrets
from infra.config.stack import StackConfig

SIDECAR: dict[str, Any] = {
    "name": "proxy",
    "image": "registry.example.com/proxy:1.2.3",
    "resources": {"requests": {"cpu": "10m"}, "limits": {"memory": "64Mi"}},
}
VOLUME = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}


def stack(**sections: Any) -> StackConfig:
    given = {"ingress": {"host": "a.example.com"}, **sections}
    return load({f"litellm:{key}": json.dumps(value) for key, value in given.items()}, "dev")


def refusal(**sections: Any) -> str:
    with pytest.raises(ConfigError) as refused:
        stack(**sections)
    return str(refused.value)


def test_yaml_writes_true_without_quotes() -> None:
    assert stack(gateway={"podLabels": {"azure.workload.identity/use": True}}).gateway.pod_labels == {
        "azure.workload.identity/use": "true"
    }


@pytest.mark.parametrize("key", ["app.kubernetes.io/name", "litellm/revision", "pod-security.kubernetes.io/enforce"])
@pytest.mark.parametrize("section", ["labels", "annotations", "jobLabels", "jobAnnotations"])
def test_what_the_program_selects_by_is_its_own(key: str, section: str) -> None:
    assert "set by this program" in refusal(pods={section: {key: "a"}})


def test_a_namespace_may_pin_the_version_of_its_level() -> None:
    assert stack(namespaceLabels={"pod-security.kubernetes.io/enforce-version": "v1.34"}).namespace_labels
    assert "set by this program" in refusal(namespaceLabels={"pod-security.kubernetes.io/enforce": "privileged"})


def test_labels_of_a_namespace_that_is_not_the_stacks_are_refused() -> None:
    assert "createNamespace is false" in refusal(namespaceLabels={"team": "ai"}, createNamespace=False)


@pytest.mark.parametrize("labels", [{"team": "a team"}, {"team": "-a"}, {"a/b/c": "d"}, {"team": "a" * 64}])
def test_what_kubernetes_takes_for_no_label_is_refused(labels: dict[str, str]) -> None:
    assert "litellm:pods.labels" in refusal(pods={"labels": labels})


ASKING: list[dict[str, Any]] = [
    {"namespaceLabels": {"istio-injection": "enabled"}},
    {"namespaceLabels": {"istio.io/rev": "canary"}},
    {"pods": {"labels": {"sidecar.istio.io/inject": True}}},
    {"pods": {"annotations": {"linkerd.io/inject": "enabled"}}},
]


@pytest.mark.parametrize("asking", ASKING, ids=json.dumps)
def test_jobs_beside_which_a_sidecar_runs_on_are_refused(asking: dict[str, Any]) -> None:
    assert "litellm:pods.jobAnnotations: say nothing of sidecars" in refusal(**asking)


@pytest.mark.parametrize(
    "settled",
    [
        {"jobLabels": {"sidecar.istio.io/inject": False}},
        {"jobAnnotations": {"sidecar.istio.io/nativeSidecar": True}},
        {"annotations": {"sidecar.istio.io/nativeSidecar": True}},
    ],
    ids=json.dumps,
)
def test_jobs_without_a_sidecar_or_with_a_native_one_end(settled: dict[str, Any]) -> None:
    stack(namespaceLabels={"istio-injection": "enabled"}, pods=settled)


def test_a_mesh_that_is_told_to_stay_away_asks_for_nothing() -> None:
    stack(pods={"labels": {"sidecar.istio.io/inject": False}, "annotations": {"linkerd.io/inject": "disabled"}})


def test_a_mesh_without_sidecars_asks_for_nothing() -> None:
    stack(namespaceLabels={"istio.io/dataplane-mode": "ambient"})


def test_secrets_that_are_given_are_looked_for_and_the_document_is_referenced() -> None:
    document = {"document": "shared/registry", "property": "config"}
    config = stack(pods={"imagePullSecrets": ["registry"], "imagePullDocument": document})
    assert ("pods.imagePullSecrets", "registry", (".dockerconfigjson",)) in list(config.kubernetes_secrets())
    assert "pods.imagePullDocument" in [where for where, _ in config.references()]


def test_an_address_and_names_make_a_line_of_hosts() -> None:
    stack(pods={"hostAliases": [{"ip": "10.0.0.1", "hostnames": ["llm.corp.example"]}]})
    assert "pods.hostAliases[0].ip" in refusal(pods={"hostAliases": [{"ip": "somewhere", "hostnames": ["a"]}]})


def test_volumes_and_containers_are_passed_through() -> None:
    stack(
        gateway={
            "extraVolumes": [VOLUME],
            "extraVolumeMounts": [{"name": "data", "mountPath": "/data"}],
            "extraContainers": [{**SIDECAR, "volumeMounts": [{"name": "data", "mountPath": "/data"}]}],
            "extraInitContainers": [{**SIDECAR, "name": "before", "restartPolicy": "Always"}],
        }
    )


@pytest.mark.parametrize(
    ("extras", "said"),
    [
        ({"extraVolumes": [{"name": "tmp", "emptyDir": {}}]}, "may not be called tmp"),
        ({"extraVolumes": [VOLUME, VOLUME]}, "has a name twice"),
        ({"extraVolumes": [{"name": "node", "hostPath": {"path": "/"}}]}, "extraVolumes[0] is a hostPath"),
        ({"extraVolumes": [{"emptyDir": {}}]}, "must have a name each"),
        ({"extraVolumeMounts": [{"name": "data", "mountPath": "/data"}]}, "extraVolumeMounts[0].name is no volume"),
        (
            {"extraVolumes": [VOLUME], "extraVolumeMounts": [{"name": "data", "mountPath": "/tmp/"}]},
            "extraVolumeMounts[0].mountPath",
        ),
        ({"extraContainers": [{**SIDECAR, "name": "litellm"}]}, "may not be called litellm"),
        ({"extraContainers": [{**SIDECAR, "image": "proxy:latest"}]}, "extraContainers[0].image: its tag moves"),
        ({"extraContainers": [{**SIDECAR, "resources": {}}]}, "extraContainers[0].resources.limits.memory is required"),
        ({"extraContainers": [{**SIDECAR, "volumeMounts": [{"name": "a"}]}]}, "mounts a volume that there is not"),
        *(
            ({key: [{**SIDECAR, "securityContext": {"privileged": True}}]}, f"{key}[0].securityContext may have")
            for key in ("extraContainers", "extraInitContainers")
        ),
    ],
)
def test_what_would_be_refused_or_take_from_litellm_is_said(extras: dict[str, Any], said: str) -> None:
    assert said in refusal(gateway=extras)


def test_a_secret_in_an_extra_container_is_refused_and_never_shown() -> None:
    env = [{"name": "API_KEY", "value": "hunter2"}]
    message = refusal(gateway={"extraContainers": [{**SIDECAR, "env": env}]})
    assert "gateway.extraContainers[0].env[0].value: looks like a secret" in message
    assert "valueFrom.secretKeyRef" in message
    assert "hunter2" not in message


@pytest.mark.parametrize(
    "reference",
    [
        {"env": [{"name": "API_KEY", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "password"}}}]},
        {"envFrom": [{"secretRef": {"name": "keys"}}]},
        {"volumes": [{"name": "a", "secret": {"secretName": "keys", "items": [{"key": "password", "path": "pw"}]}}]},
        {"volumes": [{"projected": {"sources": [{"serviceAccountToken": {"audience": "vault", "path": "token"}}]}}]},
        {"matchExpressions": [{"key": "kubernetes.io/arch", "operator": "In", "values": ["amd64"]}]},
    ],
    ids=lambda each: next(iter(each)),
)
def test_a_reference_to_a_secret_is_none(reference: dict[str, Any]) -> None:
    assert list(literal_secrets(reference)) == []


def test_a_secret_in_a_reference_is_one_by_its_form() -> None:
    key = "sk-" + "proj-" + "a1" * 12
    assert list(literal_secrets({"env": [{"valueFrom": {"secretKeyRef": {"name": key, "key": "a"}}}]}))
