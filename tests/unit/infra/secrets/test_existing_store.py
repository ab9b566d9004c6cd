"""A store of the operator that is there already: everything is referred to, and nothing is written."""

import base64
import json
from pathlib import Path
from typing import Any

import pulumi
import pytest

from infra.cluster import Cluster
from infra.config.load import ConfigError
from infra.environment import deploy
from infra.kubernetes_api import KubernetesApi, RefusedError
from infra.secrets import existing_check, existing_claims
from infra.secrets.existing import ExistingStore, resolve
from infra.servers import Servers
from infra.target import resolve_offline
from tests.recording import run
from tests.unit.infra.stacks import config, target
from tools.client import existing as client
from tools.offline.mock_engine import Recording
from tools.problem import Problem

EXTERNAL = "kubernetes:external-secrets.io/v1:ExternalSecret"
STORE = {"kind": "existing", "existing": {"name": "onepassword"}}
KEYS = {
    "master": {"existing": {"document": "LiteLLM keys", "property": "master"}},
    "salt": {"existing": {"document": "salt"}},
}
DATABASE = {"kind": "existing", "host": "db.example.com", "credentials": {"document": "LiteLLM database"}}
REDIS = {"kind": "existing", "host": "redis.example.com", "password": {"document": "redis"}}
SECTIONS: dict[str, Any] = {"secrets": STORE, "keys": KEYS, "database": DATABASE, "redis": REDIS}


@pytest.fixture(scope="module")
def recorded() -> Recording:
    return run(lambda: deploy(resolve_offline(config(**SECTIONS), "dev")), stack="dev")


def refusal(**sections: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        config(**(SECTIONS | sections))
    return str(caught.value)


def test_everything_is_synced_from_that_store(recorded: Recording):
    stores = {json.dumps(each.inputs["spec"]["secretStoreRef"], sort_keys=True) for each in recorded.of(EXTERNAL)}
    assert stores == {'{"kind": "ClusterSecretStore", "name": "onepassword"}'}


def test_values_are_addressed_as_the_backend_takes_them(recorded: Recording):
    data = recorded.inputs(EXTERNAL, "litellm-env-secret")["spec"]["data"]
    values = {each["secretKey"]: each["remoteRef"] for each in data}
    assert values["LITELLM_MASTER_KEY"] == {"key": "LiteLLM keys", "property": "master"}
    assert values["LITELLM_SALT_KEY"] == {"key": "salt"}


def test_nothing_is_written_to_any_store(recorded: Recording):
    """No generated value either, no store of the stack's own, and no identity."""
    kinds = ("vault:", "aws:", "random:", "kubernetes:external-secrets.io/v1:SecretStore", "pulumi-python:dynamic")
    assert not [each.type for each in recorded.resources if each.type.startswith(kinds)]
    assert not [each for each in recorded.resources if "reader" in each.name]


def test_the_places_of_the_keys_name_the_store(recorded: Recording):
    assert recorded.outputs["secretPlaces"] == {
        "masterKey": "onepassword/LiteLLM keys#master",
        "saltKey": "onepassword/salt",
    }


def test_a_store_of_the_namespace_is_taken_as_well():
    store = {"kind": "existing", "existing": {"kind": "SecretStore", "name": "own"}}
    recorded = run(lambda: deploy(resolve_offline(config(**SECTIONS | {"secrets": store}), "dev")), stack="dev")
    spec = recorded.inputs(EXTERNAL, "litellm-env-secret")["spec"]
    assert spec["secretStoreRef"] == {"kind": "SecretStore", "name": "own"}


def test_a_login_from_a_kubernetes_secret_needs_no_store():
    login = {"kind": "existing", "host": "db.example.com", "credentials": {"kubernetesSecret": "app"}}
    assert config(**SECTIONS | {"database": login})


@pytest.mark.parametrize(
    ("sections", "where"),
    [
        ({"keys": {"salt": KEYS["salt"]}}, "keys.master.existing: is required"),
        ({"keys": {"master": KEYS["master"]}}, "keys.salt.existing: is required"),
        ({"database": {}}, "database.kind: is in-cluster"),
        (
            {"database": {"kind": "existing", "host": "db", "admin": {"kubernetesSecret": "admin"}}},
            "database.credentials: are generated",
        ),
        ({"redis": {}}, "redis.kind: is in-cluster"),
        ({"providerKeys": {"OPENAI_API_KEY": "sk-" + "1" * 20}}, "providerKeys: cannot be kept"),
    ],
)
def test_what_would_be_written_is_refused_with_what_to_do(sections: dict[str, Any], where: str):
    assert f"litellm:{where}" in refusal(**sections)


def test_every_value_that_is_missing_is_said_at_once():
    said = refusal(keys={}, database={}, redis={})
    assert said.count("nothing is written to a store that is there") == 4


@pytest.mark.parametrize(
    ("store", "said"),
    [
        ({"kind": "existing"}, "existing is required"),
        ({"kind": "vault", "existing": {"name": "one"}}, "existing is given, but kind is vault"),
    ],
)
def test_kind_and_section_go_together(store: dict[str, Any], said: str):
    assert said in refusal(secrets=store)


def test_a_mount_is_no_part_of_another_store():
    keys = KEYS | {"salt": {"existing": {"document": "salt", "mount": "kv"}}}
    assert "mount: is a path in Vault, and secrets.kind is existing" in refusal(keys=keys)


def test_environments_have_a_store_of_their_own():
    assert "secrets.kind: must be vault or aws in an ephemeral environment" in refusal(
        ephemeral={"domain": "example.com"}
    )


def test_there_is_nothing_to_claim():
    stack = target(**SECTIONS)
    assert isinstance(stack.store, ExistingStore)
    assert existing_claims.claims(stack.store, stack).before_create == {}


def open_with(values: dict[str, dict[str, str]]) -> Any:
    stack = target(**SECTIONS)
    assert isinstance(stack.store, ExistingStore)
    return stack.store.open(stack, "gw", values, Servers(("db", 5432), None), None, pulumi.ResourceOptions())


def test_values_that_came_that_far_are_refused_and_not_lost():
    with pytest.raises(ValueError, match="this stack has redis, providers to write"):
        open_with({"redis": {"password": "x"}, "providers": {}})


def test_what_changes_in_that_store_rolls_no_pod():
    assert run(lambda: {"revision": open_with({}).documents.revision_of("redis")}).outputs == {"revision": ""}


def test_a_document_would_be_called_what_it_is_called():
    stack = target(**SECTIONS)
    assert stack.store.locate("redis", "password") == {"key": "redis", "property": "password"}


def test_a_store_that_is_not_described_cannot_be_resolved():
    with pytest.raises(ValueError, match=r"without secrets\.existing"):
        resolve(config(), "dev", Cluster("here", "https://10.0.0.1:6443", ""), offline=True)


class Api:
    """A cluster with these answers by path: objects, or an error's status."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, answers: dict[str, Any]) -> None:
        def get(_: KubernetesApi, path: str, accept: str = "") -> Any:
            found = answers.get(path.partition("?")[0], 404)
            if isinstance(found, int):
                raise RefusedError(found, "")
            return found

        def connect(_: KubernetesApi, kubeconfig: Path, context: str | None) -> None:
            self.contexts.append(context)

        self.contexts: list[str | None] = []
        monkeypatch.setattr(KubernetesApi, "__init__", connect)
        monkeypatch.setattr(KubernetesApi, "get", get)


CLUSTER_STORE = "/apis/external-secrets.io/v1/clustersecretstores/onepassword"


def look(monkeypatch: pytest.MonkeyPatch, answers: dict[str, Any], **sections: Any) -> list[str]:
    Api(monkeypatch, answers)
    stack = target(**(SECTIONS | sections))
    assert isinstance(stack.store, ExistingStore)
    return [*existing_check.check(stack.store, stack, {})]


def condition(status: str) -> dict[str, Any]:
    return {"conditions": [{"type": "Ready", "status": status, "reason": "InvalidProviderConfig"}]}


@pytest.mark.parametrize(
    "found",
    [
        {"spec": {}, "status": condition("True")},
        {"spec": {}},
        {"spec": {"conditions": [{"namespaces": ["litellm-dev"]}]}},
        {"spec": {"conditions": [{"namespaces": ["other"]}, {"namespaceRegexes": ["other", "litellm-.*"]}]}},
        {"spec": {"conditions": [{"namespaceRegexes": ["-dev$"]}]}},
        {"spec": {"conditions": [{"namespaceRegexes": [r"^litellm-\pL+$"]}]}},
        {"spec": {}, "status": {"conditions": [{"type": "Synced", "status": "False"}]}},
        {"spec": {"conditions": None}, "status": {"conditions": None}},
        500,
        {"spec": {"conditions": [{"namespaceSelector": {"matchLabels": {"a": "b"}}}]}},
        403,
    ],
)
def test_a_store_that_can_be_used_is_not_spoken_of(monkeypatch: pytest.MonkeyPatch, found: Any):
    assert look(monkeypatch, {CLUSTER_STORE: found}) == []


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (404, "there is no ClusterSecretStore onepassword"),
        ({"spec": {}, "status": condition("False")}, "is not ready (InvalidProviderConfig)"),
        ({"spec": {}, "status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}}, "(of unknown reason)"),
        ({"spec": {"conditions": [{"namespaces": ["other"]}]}}, "is not for namespace litellm-dev"),
        ({"spec": {"conditions": [{"namespaceRegexes": ["^dev"]}]}}, "is not for namespace litellm-dev"),
    ],
)
def test_a_store_that_cannot_be_used_is_said_before_anything_is_made(
    monkeypatch: pytest.MonkeyPatch, found: Any, said: str
):
    (problem,) = look(monkeypatch, {CLUSTER_STORE: found})
    assert said in problem


def test_a_store_of_the_namespace_is_looked_for_there(monkeypatch: pytest.MonkeyPatch):
    store = {"kind": "existing", "existing": {"kind": "SecretStore", "name": "own"}}
    path = "/apis/external-secrets.io/v1/namespaces/litellm-dev/secretstores/own"
    assert look(monkeypatch, {path: {"spec": {}}}, secrets=store) == []
    (problem,) = look(monkeypatch, {}, secrets=store)
    assert "no SecretStore own in namespace litellm-dev" in problem


def test_a_store_is_looked_for_in_the_namespace_that_the_gateway_was_given(monkeypatch: pytest.MonkeyPatch):
    store = {"kind": "existing", "existing": {"kind": "SecretStore", "name": "own"}}
    path = "/apis/external-secrets.io/v1/namespaces/gateways/secretstores/own"
    assert look(monkeypatch, {path: {"spec": {}}}, secrets=store, namespace="gateways") == []


def test_a_store_of_the_namespace_has_no_conditions_of_its_own(monkeypatch: pytest.MonkeyPatch):
    store = {"kind": "existing", "existing": {"kind": "SecretStore", "name": "own"}}
    path = "/apis/external-secrets.io/v1/namespaces/litellm-dev/secretstores/own"
    elsewhere = {"spec": {"conditions": [{"namespaces": ["other"]}]}, "status": condition("False")}
    (problem,) = look(monkeypatch, {path: elsewhere}, secrets=store)
    assert "SecretStore own in namespace litellm-dev is not ready" in problem


def test_the_store_is_looked_for_in_the_cluster_of_the_configuration(monkeypatch: pytest.MonkeyPatch):
    api = Api(monkeypatch, {CLUSTER_STORE: {"spec": {}}})
    stack = target(**SECTIONS, context="there")
    assert isinstance(stack.store, ExistingStore)
    assert [*existing_check.check(stack.store, stack, {})] == []
    assert api.contexts == ["there"]


def test_a_cluster_that_does_not_answer_is_said_once(monkeypatch: pytest.MonkeyPatch):
    """The look at the cluster does."""

    def unreachable(*_: Any) -> Any:
        raise OSError("no route")

    monkeypatch.setattr(existing_check, "KubernetesApi", unreachable)
    stack = target(**SECTIONS)
    assert isinstance(stack.store, ExistingStore)
    assert [*existing_check.check(stack.store, stack, {})] == []


SECRETS = "/api/v1/namespaces/litellm-dev/secrets"


def synced(value: str, made: str) -> dict[str, Any]:
    data = {"LITELLM_MASTER_KEY": base64.b64encode(value.encode()).decode()}
    return {"metadata": {"creationTimestamp": made}, "data": data}


def test_the_master_key_is_read_where_the_operator_has_synced_it(monkeypatch: pytest.MonkeyPatch):
    Api(monkeypatch, {SECRETS: {"items": [synced("new", "2030-01-02"), synced("old", "2030-01-01")]}})
    store = target(**SECTIONS).store
    assert isinstance(store, ExistingStore)
    assert client.read(store, [], {"key": "keys"}) == "new"


def test_the_master_key_is_read_in_the_namespace_that_the_gateway_was_given(monkeypatch: pytest.MonkeyPatch):
    Api(monkeypatch, {SECRETS.replace("litellm-dev", "gateways"): {"items": [synced("new", "2030-01-02")]}})
    store = target(**SECTIONS, namespace="gateways").store
    assert isinstance(store, ExistingStore)
    assert client.read(store, [], {"key": "keys"}) == "new"


@pytest.mark.parametrize(
    ("answers", "said"), [({SECRETS: {"items": []}}, "`make up` has it made"), ({}, "cannot be read")]
)
def test_without_that_secret_the_master_key_is_not_known(
    monkeypatch: pytest.MonkeyPatch, answers: dict[str, Any], said: str
):
    Api(monkeypatch, answers)
    store = target(**SECTIONS).store
    assert isinstance(store, ExistingStore)
    with pytest.raises(Problem, match=said):
        client.read(store, [], {"key": "keys"})
