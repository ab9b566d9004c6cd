from typing import Any

from pulumi.runtime.mocks import MockResourceArgs
from pulumi_kubernetes.core.v1 import Namespace

from components.secrets.vault_auth import VaultKubernetesAuth, VaultKubernetesAuthArgs
from components.secrets.vault_token import VaultTokenAuth
from tests.recording import run
from tools.offline.mock_engine import RecordingMocks

SECRET = "kubernetes:core/v1:Secret"
ROLE = "vault:kubernetes/authBackendRole:AuthBackendRole"
CONFIG = "vault:kubernetes/authBackendConfig:AuthBackendConfig"
BACKEND = "vault:index/authBackend:AuthBackend"


class Tokens(RecordingMocks):
    """A Vault that answers with a token."""

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        known, outputs = super().new_resource(args)
        return known, outputs | ({"clientToken": "token-of-vault"} if "token:Token" in args.typ else {})


def args(**overrides: object) -> VaultKubernetesAuthArgs:
    defaults = {
        "path": "kubernetes-dev",
        "create": True,
        "role": "litellm-dev",
        "service_account": "secret-reader",
        "namespace": "litellm-dev",
        "audience": "vault",
        "policies": ["litellm-dev"],
        "kubernetes_host": "https://10.0.0.1:6443",
        "kubernetes_ca_cert": "PEM",
        "use_client_token": True,
    }
    return defaults | overrides  # type: ignore[return-value]


def test_the_role_is_bound_to_one_service_account_one_namespace_and_an_audience():
    role = run(lambda: VaultKubernetesAuth("auth", args())).inputs(ROLE)
    assert role["boundServiceAccountNames"] == ["secret-reader"]
    assert role["boundServiceAccountNamespaces"] == ["litellm-dev"]
    assert role["audience"] == "vault"


def test_a_login_is_short_lived():
    role = run(lambda: VaultKubernetesAuth("auth", args())).inputs(ROLE)
    assert (role["tokenTtl"], role["tokenMaxTtl"]) == (600, 600)


def test_a_login_lives_as_long_as_was_said():
    role = run(lambda: VaultKubernetesAuth("auth", args(token_ttl_seconds=60))).inputs(ROLE)
    assert (role["tokenTtl"], role["tokenMaxTtl"]) == (60, 60)


def test_the_role_gives_the_policies_that_were_given_and_no_others():
    role = run(lambda: VaultKubernetesAuth("auth", args())).inputs(ROLE)
    assert role["roleName"] == "litellm-dev"
    assert role["backend"] == "kubernetes-dev"
    assert role["tokenPolicies"] == ["litellm-dev"]


def test_a_role_that_is_there_is_used_as_it_is():
    recorded = run(lambda: {"auth": VaultKubernetesAuth("auth", args(create=False, create_role=False)).eso_auth})
    assert not recorded.of(ROLE)
    assert recorded.outputs["auth"]["kubernetes"]["role"] == "litellm-dev"
    assert recorded.outputs["auth"]["kubernetes"]["mountPath"] == "kubernetes-dev"


def test_a_role_waits_for_the_auth_method_to_be_configured():
    recorded = run(lambda: VaultKubernetesAuth("auth", args()))
    assert recorded.one(CONFIG).urn in recorded.one(ROLE).dependencies


def test_an_existing_auth_method_is_not_touched():
    recorded = run(lambda: VaultKubernetesAuth("auth", args(create=False, path="kubernetes")))
    assert not recorded.of(BACKEND) + recorded.of(CONFIG)
    assert recorded.inputs(ROLE)["backend"] == "kubernetes"


def test_a_created_auth_method_knows_the_cluster():
    recorded = run(lambda: VaultKubernetesAuth("auth", args()))
    assert recorded.inputs(BACKEND)["path"] == "kubernetes-dev"
    assert recorded.inputs(CONFIG)["kubernetesHost"] == "https://10.0.0.1:6443"
    assert recorded.inputs(BACKEND)["type"] == "kubernetes"
    assert recorded.inputs(CONFIG)["backend"] == "kubernetes-dev"
    assert recorded.inputs(CONFIG)["kubernetesCaCert"] == "PEM"
    assert recorded.inputs(CONFIG)["disableLocalCaJwt"] is True


def test_a_vault_in_the_cluster_needs_to_be_told_nothing_of_it():
    """It reviews tokens with its own, at the address that every pod has, and with the CA of its pod."""
    given = {"path", "create", "role", "service_account", "namespace", "audience", "policies"}
    least: VaultKubernetesAuthArgs = {key: value for key, value in args().items() if key in given}  # type: ignore[assignment]
    config = run(lambda: VaultKubernetesAuth("auth", least)).inputs(CONFIG)
    assert config["kubernetesHost"] == "https://kubernetes.default.svc"
    assert config["disableLocalCaJwt"] is False
    assert "kubernetesCaCert" not in config


def test_the_operator_logs_in_with_the_role_and_the_audience():
    recorded = run(lambda: {"auth": VaultKubernetesAuth("auth", args(extra_audiences=["api"])).eso_auth})
    assert recorded.outputs["auth"] == {
        "kubernetes": {
            "mountPath": "kubernetes-dev",
            "role": "litellm-dev",
            "serviceAccountRef": {"name": "secret-reader", "audiences": ["vault", "api"]},
        }
    }


def test_a_token_is_periodic_and_renewable_and_in_a_secret():
    def program() -> dict[str, object]:
        token = VaultTokenAuth("vault-token", {"namespace": "litellm-dev", "policies": ["p"], "period": "768h"})
        return {"auth": token.eso_auth}

    recorded = run(program)
    token = recorded.inputs("vault:index/token:Token")
    assert (token["period"], token["renewable"], token["noParent"]) == ("768h", True, True)
    assert recorded.outputs["auth"] == {"tokenSecretRef": {"name": "vault-token", "key": "token"}}
    assert token["policies"] == ["p"]
    assert token["displayName"] == "vault-token"
    assert recorded.inputs(SECRET)["metadata"] == {"name": "vault-token", "namespace": "litellm-dev"}


def test_the_operator_may_look_up_its_own_token():
    """Vault's default policy lets it; without, the operator's validation of the store is denied."""
    token = run(lambda: VaultTokenAuth("t", {"namespace": "n", "policies": ["p"], "period": "768h"}))
    assert token.inputs("vault:index/token:Token")["noDefaultPolicy"] is False


def test_the_secret_has_the_token_and_the_store_waits_for_it():
    def program() -> dict[str, object]:
        token = VaultTokenAuth("vault-token", {"namespace": "litellm-dev", "policies": ["p"], "period": "768h"})
        Namespace("after", metadata={"name": token.eso_auth.apply(lambda auth: auth["tokenSecretRef"]["name"])})
        return {}

    recorded = run(program, answers=Tokens({}, preview=False))
    assert recorded.inputs(SECRET)["stringData"] == {"token": "token-of-vault"}
    assert recorded.one(SECRET).urn in recorded.one("kubernetes:core/v1:Namespace").dependencies
