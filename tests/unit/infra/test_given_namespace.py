"""A namespace that somebody else made: used as it is, and what it lacks is said."""

from collections.abc import Mapping
from typing import Any

import pytest

from infra import given_namespace
from infra.config.load import ConfigError
from infra.kubernetes_api import KubernetesApi, RefusedError
from infra.target import Target
from tests.unit.infra.stacks import target

EVERYTHING = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}


class Cluster(KubernetesApi):
    """Answers of an API server, by path: an object, or a status."""

    def __init__(self, **answers: Any) -> None:
        self.rules: list[dict[str, Any]] = [EVERYTHING]
        self.incomplete = False
        self.allowed: set[str] = set()
        self.asked: list[str] = []
        self.answers = {"": {"metadata": {"labels": {}}}, "resourcequotas": [], "limitranges": [], **answers}

    def get(self, path: str, accept: str = "application/json") -> dict[str, Any]:
        answer = self.answers[path.removeprefix("/api/v1/namespaces/litellm-dev").strip("/")]
        if isinstance(answer, int):
            raise RefusedError(answer, "")
        return {"items": answer} if isinstance(answer, list) else answer

    def create(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(path)
        if path == given_namespace.RULES:
            return {"status": {"resourceRules": self.rules, "incomplete": self.incomplete}}
        return {"status": {"allowed": body["spec"]["resourceAttributes"]["resource"] in self.allowed}}


def quota(**hard: str) -> list[Any]:
    return [
        {"metadata": {"name": "team"}, "spec": {"hard": {name.replace("_", "."): most for name, most in hard.items()}}}
    ]


def stack(**sections: Any) -> Target:
    return target(createNamespace=False, **sections)


def said(cluster: Cluster, **sections: Any) -> list[str]:
    return list(given_namespace.check(cluster, stack(**sections)))


@pytest.fixture(autouse=True)
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr("pulumi.log.warn", found.append)
    return found


def test_one_that_lacks_nothing_is_used():
    assert said(Cluster()) == []


def test_one_that_is_missing_is_asked_for():
    (message,) = said(Cluster(**{"": 404}))
    assert "there is no namespace litellm-dev" in message


def test_one_that_this_stack_made_is_not_given_up():
    """Without the resource, the engine would delete it with everything in it."""
    own = {"metadata": {"labels": {"app.kubernetes.io/instance": stack().instance}}}
    (message,) = said(Cluster(**{"": own}))
    assert "was made by this stack" in message


def test_one_that_may_not_be_read_is_used():
    assert said(Cluster(**{"": 403, "resourcequotas": 403})) == []


def test_a_missing_level_is_a_warning(warnings: list[str]):
    assert said(Cluster()) == []
    assert "enforces no Pod Security level" in warnings[0]


def test_a_level_needs_no_word(warnings: list[str]):
    said(Cluster(**{"": {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "baseline"}}}}))
    assert warnings == []


def test_rights_that_are_missing_are_named():
    cluster = Cluster()
    cluster.rules = [
        {"verbs": ["*"], "apiGroups": ["", "apps", "batch", "external-secrets.io"], "resources": ["*"]},
        {"verbs": ["create", "patch"], "apiGroups": ["networking.k8s.io"], "resources": ["*"]},
    ]
    (message,) = said(cluster)
    assert "delete networkpolicies.networking.k8s.io, delete ingresses.networking.k8s.io" in message
    assert "create ingresses" not in message


def test_a_right_to_one_object_is_not_a_right_to_the_kind():
    cluster = Cluster()
    cluster.rules = [{**EVERYTHING, "resourceNames": ["mine"]}]
    (message,) = said(cluster)
    assert "create deployments.apps" in message


def test_an_authorizer_that_lists_nothing_is_asked_for_each_kind():
    cluster = Cluster()
    cluster.rules, cluster.incomplete = [], True
    cluster.allowed = {"configmaps"}
    (message,) = said(cluster)
    assert "create services" in message
    assert "configmaps" not in message


def test_what_the_stack_does_not_make_needs_no_right():
    cluster = Cluster()
    cluster.rules = [{"verbs": ["*"], "apiGroups": ["", "apps", "batch", "external-secrets.io"], "resources": ["*"]}]
    assert said(cluster, ingress={"enabled": False}, networkPolicy={"enabled": False}) == []


SIZES: Mapping[str, Any] = {"cpu": "1", "memory": "4Gi", "cpuLimit": "2"}
SMALL: Mapping[str, Any] = {
    "gateway": {"resources": SIZES},
    "database": {"resources": {"cpu": "500m", "memory": "1Gi", "cpuLimit": "1"}},
    "redis": {"kind": "none"},
}


@pytest.mark.parametrize(
    ("counted", "amount"), [("requests_cpu", "2"), ("limits_memory", "8Gi"), ("pods", "2"), ("memory", "1Gi")]
)
def test_a_quota_that_is_too_small_is_named(counted: str, amount: str):
    (message,) = said(Cluster(resourcequotas=quota(**{counted: amount})), **SMALL)
    assert f"ResourceQuota team of namespace litellm-dev allows {amount} of {counted.replace('_', '.')}" in message


def test_what_a_rollout_needs_is_said():
    (message,) = said(Cluster(resourcequotas=quota(requests_memory="8Gi")), **SMALL)
    assert "need 9Gi" in message


def test_a_quota_with_room_is_fine():
    assert said(Cluster(resourcequotas=quota(requests_cpu="2500m", limits_memory="9Gi", pods="3")), **SMALL) == []


@pytest.mark.parametrize(
    ("counted", "amount"), [("requests_cpu", "2500m"), ("limits_memory", "9Gi"), ("pods", "3"), ("limits_cpu", "5")]
)
def test_a_quota_has_room_for_the_restarter(counted: str, amount: str):
    restarter = {**SMALL, "secrets": {"reload": "restarter"}, "pods": {"cpuLimit": "1"}}
    cluster = Cluster(resourcequotas=quota(**{counted: amount}))
    assert said(cluster, **SMALL) == []
    (message,) = said(cluster, **restarter)
    assert f"allows {amount} of {counted.replace('_', '.')}" in message


def test_the_restarter_has_no_cpu_limit_of_its_own():
    (message,) = said(Cluster(resourcequotas=quota(limits_cpu="100")), **SMALL, secrets={"reload": "restarter"})
    assert "refuses pods without a limit of cpu" in message


def test_a_quota_of_disks_is_one_of_all_pods():
    (message,) = said(Cluster(resourcequotas=quota(**{"requests_ephemeral-storage": "1Mi"})), **SMALL)
    assert "allows 1Mi of requests.ephemeral-storage" in message


def test_the_restarter_needs_a_role():
    cluster = Cluster()
    cluster.rules = [
        {"verbs": ["*"], "apiGroups": ["", "apps", "batch", "external-secrets.io"], "resources": ["*"]},
    ]
    sections: Any = {"ingress": {"enabled": False}, "networkPolicy": {"enabled": False}}
    (message,) = said(cluster, **sections, secrets={"reload": "restarter"})
    assert "create roles.rbac.authorization.k8s.io" in message


def test_a_quota_of_cpu_limits_wants_limits():
    (message,) = said(Cluster(resourcequotas=quota(limits_cpu="100")))
    assert "refuses pods without a limit of cpu" in message


def test_a_default_limit_will_do():
    ranges = [{"spec": {"limits": [{"type": "Container", "default": {"cpu": "1"}}]}}]
    assert said(Cluster(resourcequotas=quota(limits_cpu="100"), limitranges=ranges)) == []


def test_given_limits_will_do():
    assert said(Cluster(resourcequotas=quota(limits_cpu="100")), **SMALL) == []


def test_a_label_that_the_load_balancer_needs_is_named():
    alb = {"className": "alb", "host": "a.example.com", "alb": {"certificateArn": ARN}}
    (message,) = said(Cluster(), ingress=alb)
    assert "elbv2.k8s.aws/pod-readiness-gate-inject=enabled" in message


ARN = "arn:aws:acm:eu-west-1:123456789012:certificate/0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f"


@pytest.mark.parametrize(
    ("sections", "message"),
    [({"quota": {"pods": 3}}, "quota: limits a namespace that this stack does not make")],
)
def test_what_would_change_it_is_refused(sections: dict[str, Any], message: str):
    with pytest.raises(ConfigError, match=message):
        stack(**sections)
