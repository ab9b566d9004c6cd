"""The Job that asks from inside the cluster, and what is made of its last word."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from infra.kubernetes_api import RefusedError
from tests.unit.infra.stacks import config
from tools.problem import Problem
from tools.smoke import inside
from tools.smoke.checks import Gateway
from tools.smoke.job import job

WORD = [{"check": "readiness", "state": "ok", "seconds": 0.1, "said": "ready"}]
FAILED = [{"check": "spend", "state": "failed", "seconds": 120, "said": "no row"}]
POD_SPEC: dict[str, Any] = {
    "serviceAccountName": "litellm",
    "imagePullSecrets": [{"name": "registry"}],
    "nodeSelector": {"pool": "ai"},
    "tolerations": [{"key": "ai", "operator": "Exists"}],
    "affinity": {"nodeAffinity": {"required": 1}, "podAntiAffinity": {"required": 2}},
    "securityContext": {"runAsNonRoot": True, "runAsUser": 65534},
    "volumes": [{"name": "config", "configMap": {"name": "litellm-config-1"}}],
    "initContainers": [{"name": "authorities"}],
    "containers": [
        {"name": "helper", "image": "helper:1"},
        {"name": "litellm", "image": "litellm:1", "envFrom": [{"secretRef": {"name": "litellm-env-abc"}}]},
    ],
}
DEPLOYMENT = {"metadata": {"name": "litellm", "uid": "u-1"}, "spec": {"template": {"spec": POD_SPEC}}}


@dataclass
class Cluster:
    """One that runs the Job in `steps`: what its pod and its Job say, one read after the other, the last for good."""

    steps: list[tuple[dict[str, Any] | None, list[dict[str, Any]]]]
    made: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    deleted: list[str] = field(default_factory=list[str])
    refuses: int = 0

    def get(self, path: str, accept: str = "") -> dict[str, Any]:
        if path.endswith("/deployments/litellm"):
            return DEPLOYMENT
        if "/jobs/" in path:
            return {"status": {"conditions": self.steps[0][1]}}
        terminated = (self.steps.pop(0) if len(self.steps) > 1 else self.steps[0])[0]
        state = {"terminated": terminated} if terminated else {"running": {}}
        return {"items": [{"status": {"containerStatuses": [{"name": "smoke", "state": state}]}}]}

    def text(self, path: str) -> str:
        raise NotImplementedError

    def create(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        if self.refuses:
            raise RefusedError(self.refuses, "Forbidden")
        self.made.append(body)
        return body

    def patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        raise AssertionError(path)

    def patch_json(self, path: str, operations: list[dict[str, Any]]) -> dict[str, Any]:
        raise AssertionError(path)

    def delete(self, path: str) -> None:
        self.deleted.append(path)


class Clock:
    """Time that passes only while somebody waits."""

    time = 0.0

    def now(self) -> float:
        return self.time

    def pause(self, seconds: float) -> None:
        self.time += seconds


def ask(cluster: Cluster) -> list[Any]:
    clock = Clock()
    return inside.ask(cluster, config(), "litellm-dev", now=clock.now, pause=clock.pause)


def said(word: Any) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    return {"exitCode": 0, "message": json.dumps(word)}, []


RUNS: tuple[None, list[dict[str, Any]]] = (None, [])
DEADLINE = {"type": "Failed", "status": "True", "message": "Job was active longer than specified deadline"}


def test_the_last_word_of_its_pod_is_what_became_of_the_checks():
    (result,) = ask(Cluster([RUNS, RUNS, said(WORD)]))
    assert (result.check, result.state, result.said) == ("readiness", "ok", "ready")


def test_a_job_that_passed_is_taken_away_with_its_pod():
    cluster = Cluster([said(WORD)])
    ask(cluster)
    name = cluster.made[0]["metadata"]["name"]
    assert cluster.deleted == [f"/apis/batch/v1/namespaces/litellm-dev/jobs/{name}?propagationPolicy=Background"]


def test_a_job_that_failed_stays_for_its_log():
    cluster = Cluster([said(FAILED)])
    assert [result.state for result in ask(cluster)] == ["failed"]
    assert cluster.deleted == []


def test_a_last_word_counts_though_the_job_has_failed():
    (result,) = ask(Cluster([({"exitCode": 1, "message": json.dumps(FAILED)}, [DEADLINE])]))
    assert result.said == "no row"


def test_a_job_without_a_last_word_is_a_problem_with_its_reason():
    with pytest.raises(Problem, match="longer than specified deadline"):
        ask(Cluster([(None, [DEADLINE])]))


def test_a_pod_that_never_starts_is_a_problem():
    with pytest.raises(Problem, match="kubectl describe job litellm-smoke-"):
        ask(Cluster([RUNS]))


def test_a_user_without_the_right_is_told_so():
    with pytest.raises(Problem, match=r"403 Forbidden.*docs/rights.md"):
        ask(Cluster([RUNS], refuses=403))


def made(**sections: Any) -> dict[str, Any]:
    return job(config(**sections), "litellm-dev", DEPLOYMENT)


def pod(**sections: Any) -> dict[str, Any]:
    return made(**sections)["spec"]["template"]["spec"]


def test_it_runs_where_the_gateway_runs():
    found = pod()
    for field_ in ("imagePullSecrets", "nodeSelector", "tolerations", "securityContext"):
        assert found[field_] == POD_SPEC[field_]
    assert found["affinity"] == {"nodeAffinity": {"required": 1}}
    assert found["containers"][0]["image"] == "litellm:1"


def test_it_has_no_identity_and_none_of_the_gateways_volumes():
    found = pod()
    assert found["automountServiceAccountToken"] is False
    assert "serviceAccountName" not in found
    assert "volumes" not in found


def test_the_master_key_stays_in_its_secret():
    variables = {each["name"]: each for each in pod()["containers"][0]["env"]}
    assert variables["LITELLM_MASTER_KEY"]["valueFrom"]["secretKeyRef"] == {
        "name": "litellm-env-abc",
        "key": "LITELLM_MASTER_KEY",
    }


def told(**sections: Any) -> dict[str, Any]:
    (text,) = (each["value"] for each in pod(**sections)["containers"][0]["env"] if each["name"] == "SMOKE")
    return json.loads(text)


def test_what_it_is_told_is_what_the_checks_take():
    assert Gateway(master_key="", **told()).url == "http://litellm.litellm-dev.svc:4000"


def test_a_gateway_below_a_path_is_asked_there():
    ingress = {"host": "llm.example.com", "path": "/llm"}
    assert told(ingress=ingress)["url"] == "http://litellm.litellm-dev.svc:4000/llm"


def test_a_mock_model_is_asked_for_a_completion():
    models = [{"name": "paid", "provider": "openai", "model": "gpt-4o"}, {"name": "free", "provider": "mock"}]
    keys = {"OPENAI_API_KEY": {"document": "keys", "property": "openai"}}
    assert told(gateway={"models": models}, secretEnvironment=keys)["model"] == "free"


def test_a_model_that_costs_something_is_asked_by_name_only():
    gateway = {"models": [{"name": "paid", "provider": "openai", "model": "gpt-4o"}]}
    keys = {"OPENAI_API_KEY": {"document": "keys", "property": "openai"}}
    assert told(gateway=gateway, secretEnvironment=keys)["model"] is None
    named = told(gateway=gateway, secretEnvironment=keys, smoke={"model": "paid", "maxTokens": 40})
    assert (named["model"], named["max_tokens"]) == ("paid", 40)


def test_the_job_ends_and_goes_by_itself():
    spec = made()["spec"]
    assert spec["backoffLimit"] == 0
    assert spec["activeDeadlineSeconds"] == inside.patience(config())
    assert spec["ttlSecondsAfterFinished"] > 0


def test_the_job_goes_with_the_gateway():
    assert made()["metadata"]["ownerReferences"][0]["uid"] == "u-1"


def test_the_pods_of_jobs_have_the_stacks_labels_and_annotations():
    pods = {"labels": {"team": "ai"}, "jobAnnotations": {"sidecar.istio.io/inject": "false"}}
    metadata = made(pods=pods)["spec"]["template"]["metadata"]
    assert metadata["labels"]["team"] == "ai"
    assert metadata["labels"]["app.kubernetes.io/name"] == "litellm-smoke"
    assert metadata["annotations"] == {"sidecar.istio.io/inject": "false"}


def test_the_pod_is_none_of_the_gateways():
    """The Service would send it requests."""
    assert made()["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/name"] != "litellm"


def test_its_container_is_restricted_and_bounded():
    container = pod(pods={"cpuLimit": "1"})["containers"][0]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["resources"]["limits"] == {"cpu": "1", "memory": "256Mi", "ephemeral-storage": "64Mi"}


def test_the_script_fits_on_a_command_line():
    """Linux takes 128 KiB for one argument."""
    assert len(pod()["containers"][0]["command"][2].encode()) < 100_000


AGENT = {
    "metadata": {
        "annotations": {
            "vault.hashicorp.com/agent-inject": "true",
            "vault.hashicorp.com/agent-configmap": "litellm-agent-config-1",
            "vault.hashicorp.com/agent-image": "agent:1.2.3",
        }
    },
    "spec": POD_SPEC
    | {
        "serviceAccountName": "vault-agent",
        "volumes": [
            {"name": "vault-token", "projected": {"sources": [{"serviceAccountToken": {"audience": "vault"}}]}},
        ],
        "containers": [{"name": "litellm", "image": "litellm:1", "command": ["/bin/sh", "/vault/secrets/start.sh"]}],
    },
}


def test_beside_a_gateway_with_vault_agent_it_gets_the_master_key_by_one():
    made = job(config(), "litellm", {"metadata": DEPLOYMENT["metadata"], "spec": {"template": AGENT}})["spec"][
        "template"
    ]
    notes = made["metadata"]["annotations"]
    assert notes["vault.hashicorp.com/agent-configmap"] == "litellm-agent-config-1"
    assert notes["vault.hashicorp.com/agent-pre-populate-only"] == "true"
    words = made["spec"]["containers"][0]["command"]
    assert "LITELLM_MASTER_KEY=/vault/secrets/litellm-env/LITELLM_MASTER_KEY" in words
    assert "secretKeyRef" not in str(made)
