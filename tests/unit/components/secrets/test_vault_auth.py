from components.secrets.vault_auth import VaultKubernetesAuth, VaultKubernetesAuthArgs
from components.secrets.vault_token import VaultTokenAuth
from tests.recording import run

ROLE = "vault:kubernetes/authBackendRole:AuthBackendRole"
CONFIG = "vault:kubernetes/authBackendConfig:AuthBackendConfig"
BACKEND = "vault:index/authBackend:AuthBackend"


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


def test_an_existing_auth_method_is_not_touched():
    recorded = run(lambda: VaultKubernetesAuth("auth", args(create=False, path="kubernetes")))
    assert not recorded.of(BACKEND) + recorded.of(CONFIG)
    assert recorded.inputs(ROLE)["backend"] == "kubernetes"


def test_a_created_auth_method_knows_the_cluster():
    recorded = run(lambda: VaultKubernetesAuth("auth", args()))
    assert recorded.inputs(BACKEND)["path"] == "kubernetes-dev"
    assert recorded.inputs(CONFIG)["kubernetesHost"] == "https://10.0.0.1:6443"
    assert recorded.inputs(CONFIG)["disableLocalCaJwt"] is True


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
    assert recorded.inputs("kubernetes:core/v1:Secret")["metadata"]["namespace"] == "litellm-dev"
