"""A store over Secrets of the namespace itself."""

from typing import Any

import pulumi
import pytest

from components.sync.namespace_store import NamespaceStore
from tests.recording import Recording, run

STORE = "kubernetes:external-secrets.io/v1:SecretStore"
ROLE = "kubernetes:rbac.authorization.k8s.io/v1:Role"
ROLE_BINDING = "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding"
SERVICE_ACCOUNT = "kubernetes:core/v1:ServiceAccount"
READER = "kubernetes-secret-reader"


@pytest.fixture(scope="module")
def recorded() -> Recording:
    def program() -> dict[str, Any]:
        store = NamespaceStore(
            "namespace-store",
            {
                "namespace": "gw",
                "secrets": ["app", "team-ca"],
                "operator_namespace": "eso",
                "operator_service_account": "eso-controller",
            },
        )
        return {"store": pulumi.Output.from_input(store.store)}

    return run(program)


def test_the_reader_may_read_the_named_secrets_and_no_others(recorded: Recording):
    """A `list` would give away the values of all."""
    assert recorded.inputs(ROLE, "namespace-store-read")["rules"] == [
        {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["app", "team-ca"], "verbs": ["get"]}
    ]


def test_the_right_is_the_readers_of_that_namespace(recorded: Recording):
    binding = recorded.one(ROLE_BINDING, "namespace-store-read-binding")
    assert binding.inputs["subjects"] == [{"kind": "ServiceAccount", "name": READER, "namespace": "gw"}]
    assert binding.inputs["roleRef"] == {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": "Role",
        "name": "namespace-store-read",
    }
    assert recorded.one(ROLE, "namespace-store-read").urn in binding.dependencies


@pytest.mark.parametrize("name", ["namespace-store-read", "namespace-store-read-binding"])
def test_role_and_binding_are_in_the_namespace_with_the_stores_labels(recorded: Recording, name: str):
    metadata = recorded.named(name).inputs["metadata"]
    assert metadata["name"] == "namespace-store-read"
    assert metadata["namespace"] == "gw"
    assert metadata["labels"]["app.kubernetes.io/name"] == "namespace-store"


def test_the_store_reads_its_own_namespace_as_the_reader_and_trusts_this_cluster_only(recorded: Recording):
    store = recorded.inputs(STORE)
    assert store["metadata"]["namespace"] == "gw"
    assert store["spec"]["provider"] == {
        "kubernetes": {
            "remoteNamespace": "gw",
            "server": {"caProvider": {"type": "ConfigMap", "name": "kube-root-ca.crt", "key": "ca.crt"}},
            "auth": {"serviceAccount": {"name": READER}},
        }
    }
    assert recorded.inputs(SERVICE_ACCOUNT)["metadata"]["name"] == READER


def test_the_operator_may_ask_for_tokens_of_the_reader(recorded: Recording):
    (subject,) = recorded.inputs(ROLE_BINDING, "namespace-store-token-requests-binding")["subjects"]
    assert (subject["name"], subject["namespace"]) == ("eso-controller", "eso")


def test_the_store_waits_for_the_right_to_read(recorded: Recording):
    """The operator validates it at once, with that right. What a component waits for, all of its children do."""
    binding = recorded.named("namespace-store-read-binding")
    assert binding.urn in recorded.one("litellm:index:SecretStore").dependencies


def test_its_resources_are_called_as_they_were(recorded: Recording):
    """By type, name and parent the engine knows what stands: another one is deleted, and made again."""
    whole = recorded.one("litellm:index:NamespaceStore", "namespace-store")
    children = {(each.type, each.name) for each in recorded.resources if each.parent == whole.urn}
    assert children == {
        (ROLE, "namespace-store-read"),
        (ROLE_BINDING, "namespace-store-read-binding"),
        ("litellm:index:SecretStore", "namespace-store"),
    }
