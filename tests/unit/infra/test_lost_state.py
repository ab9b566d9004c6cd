"""A stack whose state was lost: the cluster shows that it runs, and which salt key it has."""

from dataclasses import replace
from typing import Any

import pytest

from infra import lost_state
from infra.kubernetes_api import KubernetesApi, RefusedError
from tests.unit.infra.stacks import target

PLACE = "/apis/external-secrets.io/v1/namespaces/litellm-dev"
AWS: dict[str, Any] = {
    "kind": "aws",
    "aws": {"region": "eu-west-1", "identity": {"kind": "irsa", "clusterName": "prod"}},
}
EXISTING = {"kind": "existing", "existing": {"name": "company"}}
ADOPTED = {"vault": {"adopt": True}}


class Cluster(KubernetesApi):
    """Answers by path, without the query; 404 otherwise."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def get(self, path: str, accept: str = "application/json") -> dict[str, Any]:
        self.asked.append(path)
        found = self.answers.get(path.partition("?")[0], 404)
        if isinstance(found, int):
            raise RefusedError(found, "")
        return found


def external(key: str = "dev/salt", store: str = "secret-store-1", kind: str = "SecretStore") -> dict[str, Any]:
    data = [{"secretKey": "LITELLM_SALT_KEY", "remoteRef": {"key": key, "property": "salt-key"}}]
    return {"spec": {"secretStoreRef": {"name": store, "kind": kind}, "data": data}}


def cluster(*externals: dict[str, Any], provider: Any = None) -> Cluster:
    store = {"spec": {"provider": provider or {"vault": {"path": "litellm"}}}}
    return Cluster(
        **{f"{PLACE}/externalsecrets": {"items": [*externals]}, f"{PLACE}/secretstores/secret-store-1": store}
    )


def problems(client: Cluster, *, has_state: bool = False, **sections: Any) -> list[str]:
    return [*lost_state.check(client, replace(target(**sections), has_state=has_state))]


def test_a_stack_that_runs_and_that_the_state_does_not_know_is_recognised():
    (said,) = problems(cluster(external()))
    assert "stack dev is in namespace litellm-dev already, and its state knows nothing of it" in said
    assert "set litellm:secrets.vault.adopt to true" in said
    assert "kubectl delete namespace litellm-dev" in said


def test_a_new_stack_is_new():
    assert problems(cluster()) == []


def test_a_cluster_without_operator_has_none():
    assert problems(Cluster()) == []


def test_what_may_not_be_listed_is_left_to_the_engine():
    assert problems(Cluster(**{f"{PLACE}/externalsecrets": 403})) == []


def test_a_state_that_knows_of_anything_is_not_lost():
    found = cluster(external())
    assert problems(found, has_state=True) == []
    assert found.asked == []


def test_who_takes_over_is_let_through():
    assert problems(cluster(external()), secrets=ADOPTED) == []


def test_a_store_that_is_there_already_has_every_value():
    salt = {"document": "dev/salt", "property": "salt-key"}
    found = cluster(external(store="company", kind="ClusterSecretStore"))
    keys = {"salt": {"existing": salt}, "master": {"existing": salt}}
    database = {"kind": "existing", "host": "db", "credentials": {"document": "dev/database"}}
    more: Any = {"keys": keys, "database": database, "redis": {"kind": "none"}, "providerKeys": "{}"}
    assert problems(found, secrets=EXISTING, **more) == []


@pytest.mark.parametrize(
    ("provider", "sections", "has"),
    [
        (
            {"vault": {"path": "litellm"}},
            {"secrets": {"vault": {"adopt": True, "prefix": "other"}}},
            "litellm/dev/salt",
        ),
        ({"vault": {"path": "kv"}}, {"secrets": ADOPTED}, "kv/dev/salt"),
        ({"aws": {"service": "SecretsManager"}}, {"secrets": ADOPTED}, "dev/salt"),
    ],
    ids=["prefix", "engine", "kind"],
)
def test_another_salt_key_than_that_of_the_running_pods_is_refused(provider: Any, sections: Any, has: str):
    said = problems(cluster(external(), provider=provider), **sections)[0]
    assert f"asks for another salt key than this stack has, which is {has}#salt-key" in said


def test_of_two_gateways_one_may_be_of_before():
    assert problems(cluster(external("old/salt"), external()), secrets=ADOPTED) == []


def test_aws_says_what_to_do():
    found = cluster(external("litellm/dev/salt"), provider={"aws": {}})
    (said,) = problems(found, secrets=AWS)
    assert "stack dev is in namespace litellm-dev already" in said
    assert "set litellm:secrets.aws.adopt to true" in said


def test_who_takes_over_from_aws_is_let_through():
    adopting = {**AWS, "aws": {**AWS["aws"], "adopt": True}}
    found = cluster(external("litellm/dev/salt"), provider={"aws": {}})
    assert problems(found, secrets=adopting) == []


def test_who_refers_to_what_is_in_aws_is_let_through():
    found = cluster(external("litellm/dev/salt"), provider={"aws": {}})
    named = {"salt": {"existing": {"document": "litellm/dev/salt", "property": "salt-key"}}}
    assert problems(found, secrets=AWS, keys=named) == []


def test_pods_that_read_the_store_themselves_are_recognised_by_their_gateway():
    found = Cluster(
        **{"/apis/apps/v1/namespaces/litellm-dev/deployments": {"items": [{"metadata": {"name": "litellm"}}]}}
    )
    (said,) = problems(found, secrets={"delivery": "vault-agent", "vault": {"address": "https://vault.example.com"}})
    assert "stack dev is in namespace litellm-dev already, and its state knows nothing of it" in said
