"""What the settings of Vault become: the provider of the program, and the store of External Secrets Operator."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pulumi_vault
import pytest
from pulumi.runtime.mocks import MockCallArgs

from infra.config.load import ConfigError
from infra.environment import deploy
from infra.secrets.vault import in_namespace
from infra.target import resolve_offline
from tests.recording import run
from tests.unit.infra.stacks import config
from tools.offline.mock_engine import Recording, RecordingMocks

STORE = "kubernetes:external-secrets.io/v1:SecretStore"
PROVIDER = "pulumi:providers:vault"
DOCUMENT = "vault:kv/secretV2:SecretV2"
GENERATOR = "random:index/randomPassword:RandomPassword"


def deployed(**vault: Any) -> Recording:
    given = config(secrets={"vault": vault})
    return run(lambda: deploy(resolve_offline(given, "dev")), stack="dev")


def block(recorded: Recording) -> dict[str, Any]:
    return recorded.inputs(STORE)["spec"]["provider"]["vault"]


def test_the_operator_logs_in_with_a_role_and_an_audience():
    auth = block(deployed())["auth"]["kubernetes"]
    assert (auth["mountPath"], auth["role"]) == ("kubernetes-dev", "litellm-dev")
    assert auth["serviceAccountRef"] == {"name": "secret-reader", "audiences": ["vault"]}


def test_a_vault_namespace_counts_for_the_program_and_for_the_operator():
    recorded = deployed(namespace="platform/ai")
    assert recorded.inputs(PROVIDER)["namespace"] == "platform/ai"
    assert block(recorded)["namespace"] == "platform/ai"
    assert recorded.named("salt-key").inputs["connection"]["namespace"] == "platform/ai"
    assert recorded.named("vault-mount").inputs["connection"]["namespace"] == "platform/ai"


def test_a_ca_counts_for_the_program_and_for_the_operator(tmp_path: Path):
    ca = tmp_path / "vault.pem"
    ca.write_text("PEM")
    recorded = deployed(caCertFile=str(ca))
    assert recorded.inputs(PROVIDER)["caCertFile"] == str(ca)
    assert block(recorded)["caBundle"] == "UEVN"
    assert recorded.named("salt-key").inputs["connection"]["ca_cert_file"] == str(ca)


def test_pods_may_have_another_address_than_the_program():
    recorded = deployed(address="https://vault.example.com:8200", clusterAddress="http://vault.vault.svc:8200")
    assert recorded.inputs(PROVIDER)["address"] == "https://vault.example.com:8200"
    assert block(recorded)["server"] == "http://vault.vault.svc:8200"


def test_the_token_of_the_environment_is_used_as_it_is():
    """It may lack the right to make another one, and is short-lived already."""
    assert deployed().inputs(PROVIDER)["skipChildToken"] == "true"


def test_the_token_of_the_operator_lives_as_long_as_the_configuration_says():
    role = deployed(kubernetesAuth={"tokenTtlSeconds": 60}).inputs("vault:kubernetes/authBackendRole:AuthBackendRole")
    assert role["tokenTtl"] == 60
    assert deployed(auth="jwt", jwtAuth={"tokenTtlSeconds": 60}).inputs(JWT_ROLE)["tokenTtl"] == 60
    assert deployed(auth="token", tokenAuth={"period": "24h"}).inputs("vault:index/token:Token")["period"] == "24h"


def test_an_audience_counts_for_the_role_and_for_the_operator():
    recorded = deployed(kubernetesAuth={"audience": "vault-one", "extraAudiences": ["api"]})
    assert recorded.inputs("vault:kubernetes/authBackendRole:AuthBackendRole")["audience"] == "vault-one"
    assert block(recorded)["auth"]["kubernetes"]["serviceAccountRef"]["audiences"] == ["vault-one", "api"]


@pytest.mark.parametrize(
    ("auth", "reviews"),
    [({}, 1), ({"reviewer": "vault"}, 0), ({"create": False}, 0)],
    ids=["reader", "Vault", "a method that is there"],
)
def test_the_reader_may_review_tokens_only_where_vault_does_so_with_its_token(auth: dict[str, Any], reviews: int):
    recorded = deployed(kubernetesAuth=auth)
    assert len(recorded.of("kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding")) == reviews


def test_the_store_waits_for_documents_login_and_salt_key():
    """It must not become Ready, and pods must not be made, before there is something to read."""
    recorded = deployed()
    needed = {urn.rpartition("::")[2] for urn in recorded.one("litellm:index:SecretStore").dependencies}
    assert {"documents-policy", "vault-auth-role", "salt-key"} <= needed


def test_the_salt_key_is_as_long_as_the_configuration_says_and_below_the_prefix():
    given = config(keys={"salt": {"length": 64}}, secrets={"vault": {"prefix": "apps/one"}})
    salt = run(lambda: deploy(resolve_offline(given, "dev")), stack="dev").named("salt-key")
    assert (salt.inputs["length"], salt.inputs["path"]) == (64, "apps/one/salt")


def test_the_operator_is_told_no_more_than_there_is_to_say():
    found = block(deployed())
    assert set(found) == {"server", "path", "version", "auth"}
    assert found["version"] == "v2"


def test_a_salt_key_outlives_its_stack():
    salt = deployed().named("salt-key")
    assert (salt.protect, salt.retain_on_delete) == (True, True)


def test_a_salt_key_stays_where_a_state_has_it():
    """It is read there as well, whatever the prefix is called by now."""
    moved = resolve_offline(config(secrets={"vault": {"prefix": "moved"}}), "dev")
    recorded = run(lambda: deploy(replace(moved, own_salt="dev/salt")), stack="dev")
    assert recorded.named("salt-key").inputs["path"] == "dev/salt"
    assert 'path "litellm/data/dev/salt" {' in recorded.inputs("vault:index/policy:Policy")["policy"]
    assert "moved/salt" not in recorded.inputs("vault:index/policy:Policy")["policy"]


def test_an_engine_that_must_exist_is_not_mounted():
    recorded = deployed(mount={"path": "kv", "create": False})
    assert not [resource for resource in recorded.resources if resource.name == "vault-mount"]
    assert block(recorded)["path"] == "kv"


def test_a_long_lived_token_is_used_only_when_asked_for():
    assert not deployed().of("vault:index/token:Token")
    recorded = deployed(auth="token")
    assert block(recorded)["auth"] == {"tokenSecretRef": {"name": "vault-token", "key": "token"}}
    assert "secret-store-reader" not in {account.name for account in recorded.of("kubernetes:core/v1:ServiceAccount")}


def test_a_salt_key_that_is_there_already_is_only_read():
    given = config(keys={"salt": {"existing": {"document": "shared/keys", "property": "salt"}}})
    recorded = run(lambda: deploy(resolve_offline(given, "dev")), stack="dev")
    assert not [resource for resource in recorded.resources if resource.name == "salt-key"]
    assert '"litellm/data/shared/keys"' in recorded.inputs("vault:index/policy:Policy")["policy"]


def test_the_salt_key_of_a_short_lived_environment_is_not_kept():
    given = config(keys={"salt": {"retain": False}}, protect="false")
    recorded = run(lambda: deploy(resolve_offline(given, "dev")), stack="dev")
    assert not recorded.named("salt-key").protect
    assert not recorded.named("salt-key").retain_on_delete


def documents_of(recorded: Recording) -> dict[str, str]:
    return {document.inputs["name"]: document.inputs["dataJson"] for document in recorded.of(DOCUMENT)}


def test_the_mark_of_a_document_names_the_stack_the_cluster_and_a_random_identity():
    (mark,) = {document.inputs["customMetadata"]["data"]["managed-by"] for document in deployed().of(DOCUMENT)}
    assert re.fullmatch(r"litellm/dev/[0-9a-f]{8}/0{8}", mark)


def test_the_random_identity_of_a_stack_that_stands_has_four_bytes():
    """Another length would make another one, and every document would be somebody else's."""
    assert deployed().named("identity").inputs["byteLength"] == 4


ENVIRONMENT = {
    "ephemeral": {"domain": "preview.example.com", "name": "pr-1", "mark": "litellm/pr-1/mark"},
    "protect": "false",
    "keys": {"salt": {"retain": False}},
    "database": {"storage": None},
}


def test_documents_and_policy_of_an_environment_have_its_mark():
    """By it, whoever removes the environment knows what is its own."""
    vault = {"mount": {"create": False}, "kubernetesAuth": {"create": False}}
    given = config(**ENVIRONMENT, secrets={"vault": vault})
    recorded = run(lambda: deploy(resolve_offline(given, "dev")), stack="dev")
    assert {each.inputs["customMetadata"]["data"]["managed-by"] for each in recorded.of(DOCUMENT)} == {
        "litellm/pr-1/mark"
    }
    assert recorded.inputs("vault:index/policy:Policy")["policy"].startswith("# managed-by: litellm/pr-1/mark\n")
    assert not recorded.of("random:index/randomId:RandomId")


def test_the_policy_of_a_stack_has_no_mark():
    """It is the text that stands in Vault: with another one, every stack would have something to update."""
    assert deployed().inputs("vault:index/policy:Policy")["policy"].startswith('path "')


def test_the_mark_of_a_document_that_stands_is_left_as_it_is():
    """The provider writes the values again with it, as a new version, and every pod would roll."""
    assert {document.ignore_changes for document in deployed().of(DOCUMENT)} == {("customMetadata",)}


def test_a_stack_that_adopts_generates_nothing_and_writes_what_is_there():
    recorded = deployed(adopt=True)
    assert not recorded.of(GENERATOR)
    assert json.loads(documents_of(recorded)["dev/api-keys"]) == {"master-key": "x" * 32}
    assert json.loads(documents_of(recorded)["dev/database"]) == {"username": "litellm", "password": "x" * 40}


def test_what_is_adopted_is_read_where_it_would_be_written(monkeypatch: pytest.MonkeyPatch):
    asked: list[tuple[str, str, str]] = []
    original = RecordingMocks.call

    def call(self: RecordingMocks, args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        if args.token == "vault:kv/getSecretV2:getSecretV2":
            asked.append((args.args["mount"], args.args["name"], args.provider.split("::")[-2]))
        return original(self, args)

    monkeypatch.setattr(RecordingMocks, "call", call)
    deployed(adopt=True, prefix="apps/one", mount={"path": "kv", "create": False})
    assert ("kv", "apps/one/api-keys", "vault") in asked
    assert {(mount, name.rpartition("/")[0], provider) for mount, name, provider in asked} == {
        ("kv", "apps/one", "vault")
    }


def test_values_that_are_adopted_are_secrets():
    assert all("dataJson" in document.secret_paths for document in deployed(adopt=True).of(DOCUMENT))


def test_values_that_are_adopted_do_not_rotate_here():
    given = {"secrets": {"vault": {"adopt": True}}, "keys": {"master": {"rotation": 1}}}
    with pytest.raises(ConfigError, match=r"keys\.master\.rotation.*no effect with secrets\.vault\.adopt"):
        config(**given)


ONE_ROLE = {"kubernetesAuth": {"create": False, "createRole": False, "role": "litellm"}}


def test_a_role_of_an_administrator_is_used_and_neither_role_nor_policy_written():
    recorded = deployed(**ONE_ROLE)
    assert not recorded.of("vault:index/policy:Policy")
    assert not recorded.of("vault:kubernetes/authBackendRole:AuthBackendRole")
    assert block(recorded)["auth"]["kubernetes"]["role"] == "litellm"


@pytest.mark.parametrize(
    "settings",
    [
        {"kubernetesAuth": {"createRole": False, "role": "litellm"}},
        {"kubernetesAuth": {"create": False, "createRole": False}},
        {**ONE_ROLE, "auth": "token"},
    ],
)
def test_a_role_of_an_administrator_must_be_named_and_be_of_a_method_that_is_there(settings: dict[str, Any]):
    with pytest.raises(ConfigError, match="createRole is false"):
        config(secrets={"vault": settings})


ELSEWHERE = {
    "OPENAI_API_KEY": {"document": "team/openai", "property": "key", "mount": "kv"},
    "ANTHROPIC_API_KEY": {"document": "team/anthropic", "property": "keys.prod", "mount": "Teams/kv"},
    "MISTRAL_API_KEY": {"document": "shared/keys", "property": "mistral", "mount": "litellm"},
}
EXTERNAL = "kubernetes:external-secrets.io/v1:ExternalSecret"


@pytest.fixture(scope="module")
def elsewhere() -> Recording:
    """A stack that refers to documents of other engines."""
    given = config(secretEnvironment=ELSEWHERE)
    return run(lambda: deploy(resolve_offline(given, "dev")), stack="dev")


def test_documents_of_other_mounts_have_a_store_with_the_same_identity(elsewhere: Recording):
    stores = {store.name: store.inputs["spec"]["provider"]["vault"] for store in elsewhere.of(STORE)}
    assert {name: store["path"] for name, store in stores.items()} == {
        "secret-store-store": "litellm",
        "secret-store-kv-store": "kv",
        "secret-store-teams-kv-store": "Teams/kv",
    }
    assert len({json.dumps(store["auth"], sort_keys=True) for store in stores.values()}) == 1


def test_the_policy_of_a_stack_covers_documents_of_other_mounts(elsewhere: Recording):
    text = elsewhere.inputs("vault:index/policy:Policy")["policy"]
    assert 'path "kv/data/team/openai" {' in text
    assert 'path "Teams/kv/data/team/anthropic" {' in text
    assert 'path "litellm/data/shared/keys" {' in text
    assert '"litellm/data/team' not in text


def test_a_secret_takes_values_from_several_mounts(elsewhere: Recording):
    entries = {each["secretKey"]: each for each in elsewhere.inputs(EXTERNAL, "litellm-env-secret")["spec"]["data"]}
    assert entries["OPENAI_API_KEY"]["remoteRef"] == {"key": "team/openai", "property": "key"}
    assert entries["OPENAI_API_KEY"]["sourceRef"]["storeRef"]["kind"] == "SecretStore"
    assert "sourceRef" not in entries["LITELLM_MASTER_KEY"]
    assert "sourceRef" not in entries["MISTRAL_API_KEY"], "its own mount is no other one"


def test_the_same_names_in_another_mount_are_not_taken_as_a_whole_from_the_own_one():
    keys = {name: {"document": "a", "property": name, "mount": "kv"} for name in ("OPENAI_API_KEY", "GROQ_API_KEY")}
    recorded = run(lambda: deploy(resolve_offline(config(secretEnvironment=keys), "dev")), stack="dev")
    spec = recorded.inputs(EXTERNAL, "litellm-env-secret")["spec"]
    assert "dataFrom" not in spec
    assert {"OPENAI_API_KEY", "GROQ_API_KEY"} <= {each["secretKey"] for each in spec["data"]}


def test_a_salt_key_of_another_mount_is_shown_with_it():
    given = config(keys={"salt": {"existing": {"document": "keys", "property": "salt", "mount": "kv"}}})
    recorded = run(lambda: deploy(resolve_offline(given, "dev")), stack="dev")
    assert recorded.outputs["secretPlaces"] == {
        "saltKey": "kv/keys#salt",
        "masterKey": "litellm/dev/api-keys#master-key",
    }


JWT_ROLE = "vault:jwt/authBackendRole:AuthBackendRole"
POLICY = "vault:index/policy:Policy"
APP_ROLE = {"auth": "approle", "appRole": {"kubernetesSecret": "vault-approle"}}


def test_with_jwt_the_stack_writes_a_role_and_the_operator_asks_for_tokens_of_the_reader():
    recorded = deployed(auth="jwt", jwtAuth={"path": "jwt-one"})
    assert recorded.inputs(JWT_ROLE)["backend"] == "jwt-one"
    assert recorded.inputs(JWT_ROLE)["tokenPolicies"] == ["litellm-dev"]
    assert block(recorded)["auth"]["jwt"]["path"] == "jwt-one"
    assert recorded.named("secret-store-reader")
    assert not recorded.of("kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding"), "no token is reviewed"


def test_with_a_jwt_role_of_an_administrator_no_policy_is_written():
    recorded = deployed(auth="jwt", jwtAuth={"createRole": False, "role": "litellm"})
    assert not recorded.of(JWT_ROLE) + recorded.of(POLICY)
    assert block(recorded)["auth"]["jwt"]["role"] == "litellm"


def test_with_an_app_role_the_operator_reads_both_ids_from_a_secret_and_no_policy_is_written():
    recorded = deployed(**APP_ROLE)
    assert block(recorded)["auth"]["appRole"] == {
        "path": "approle",
        "roleRef": {"name": "vault-approle", "key": "role-id"},
        "secretRef": {"name": "vault-approle", "key": "secret-id"},
    }
    assert not recorded.of(POLICY)
    assert "secret-store-reader" not in {each.name for each in recorded.resources}


def test_the_secret_of_an_app_role_is_one_that_must_be_there():
    given = config(secrets={"vault": APP_ROLE})
    assert ("secrets.vault.appRole.kubernetesSecret", "vault-approle", ("role-id", "secret-id")) in [
        *given.kubernetes_secrets()
    ]


ABOVE = {"namespace": "admin/team/ai", "authNamespace": "admin"}


def test_logins_in_a_namespace_above_have_policy_and_role_there():
    recorded = deployed(**ABOVE)
    providers = {each.name: each.inputs.get("namespace") for each in recorded.of(PROVIDER)}
    assert providers == {"vault": "admin/team/ai", "vault-auth-namespace": "admin"}
    made = {each.type: each.provider.split("::")[-2] for each in recorded.resources if each.type.startswith("vault:")}
    above = {kind for kind, provider in made.items() if provider == "vault-auth-namespace"}
    assert above == {
        POLICY,
        "vault:index/authBackend:AuthBackend",
        "vault:kubernetes/authBackendConfig:AuthBackendConfig",
        "vault:kubernetes/authBackendRole:AuthBackendRole",
    }


def test_a_policy_in_a_namespace_above_has_the_way_down_in_its_paths():
    keys = {"OPENAI_API_KEY": {"document": "openai", "property": "key", "mount": "kv"}}
    given = config(secrets={"vault": ABOVE}, secretEnvironment=keys)
    recorded = run(lambda: deploy(resolve_offline(given, "dev")), stack="dev")
    paths = re.findall(r'path "([^"]+)"', recorded.inputs(POLICY)["policy"])
    assert paths == [
        *(f"team/ai/litellm/data/dev/{name}" for name in ("api-keys", "database", "database-admin", "redis", "salt")),
        "team/ai/kv/data/openai",
    ]


def test_a_policy_in_a_namespace_above_comes_after_the_documents():
    policy = deployed(**ABOVE).one(POLICY)
    assert policy.inputs["name"] == "litellm-dev"
    assert {"documents-api-keys", "documents-database"} <= {urn.rpartition("::")[2] for urn in policy.dependencies}


def test_the_way_down_is_as_it_is_written():
    paths = re.findall(r'path "([^"]+)"', deployed(namespace="admin/X", authNamespace="admin").inputs(POLICY)["policy"])
    assert {path.partition("/litellm/")[0] for path in paths} == {"X"}


def test_with_a_role_of_an_administrator_in_a_namespace_above_no_policy_is_written():
    assert not deployed(**ABOVE, **ONE_ROLE).of(POLICY)


def test_another_provider_of_vault_takes_the_place_of_the_first_alone():
    def program() -> dict[str, object]:
        vaults = [pulumi_vault.Provider(name) for name in ("first", "second")]
        other, waited = kubernetes.Provider("cluster"), kubernetes.core.v1.ConfigMap("waited")
        given = pulumi.ResourceOptions(providers=[vaults[0], other], depends_on=[waited])
        found = in_namespace(given, vaults[1])
        return {"same": (found.providers, found.depends_on) == ([other, vaults[1]], [waited])}

    assert run(program).outputs == {"same": True}


def test_the_operator_logs_in_above_and_reads_below():
    found = block(deployed(**ABOVE))
    assert (found["namespace"], found["auth"]["namespace"]) == ("admin/team/ai", "admin")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"authNamespace": "admin"}, "authNamespace is none above namespace"),
        ({"authNamespace": "adm", "namespace": "admin/team"}, "authNamespace is none above namespace"),
        ({"auth": "approle"}, "appRole and auth approle go together"),
        ({"appRole": APP_ROLE["appRole"]}, "appRole and auth approle go together"),
        ({"auth": "jwt", "jwtAuth": {"createRole": False}}, "set role to the one that is there"),
    ],
)
def test_a_login_that_is_half_described_is_refused(settings: dict[str, Any], said: str):
    with pytest.raises(ConfigError, match=said):
        config(secrets={"vault": settings})
