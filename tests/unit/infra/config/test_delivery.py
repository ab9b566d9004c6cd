"""What Vault Agent can bring into the pods, and what it cannot."""

from typing import Any

import pytest

from infra.config.load import ConfigError
from tests.unit.infra.stacks import config

VAULT = {"address": "https://vault.example.com"}
LOGIN = {"document": "database", "usernameProperty": "u"}
CERTIFICATE = {"document": "tls", "property": "x"}


def refused(agent: dict[str, Any] | None = None, **sections: Any) -> str:
    with pytest.raises(ConfigError) as error:
        config(**{"secrets": {"delivery": "vault-agent", "vault": VAULT, **(agent or {})}, **sections})
    return str(error.value)


@pytest.mark.parametrize("auth", ["kubernetes", "jwt"])
def test_agents_log_in_with_the_token_of_their_pod(auth: str):
    assert config(secrets={"delivery": "vault-agent", "vault": {**VAULT, "auth": auth}}).secrets.by_agent


@pytest.mark.parametrize(
    ("agent", "where"),
    [
        ({"kind": "existing", "existing": {"name": "x"}, "vault": {}}, "secrets.delivery"),
        ({"vault": {**VAULT, "auth": "token"}}, "secrets.vault.auth"),
        (
            {"vault": {**VAULT, "auth": "approle", "appRole": {"kubernetesSecret": "approle"}}},
            "secrets.vault.auth",
        ),
        (
            {"vault": {**VAULT, "kubernetesAuth": {"extraAudiences": ["x"]}}},
            "secrets.vault.kubernetesAuth.extraAudiences",
        ),
        ({"delivery": "external-secrets", "vaultAgent": {"refreshInterval": "1m"}}, "secrets.vaultAgent"),
        ({"vault": VAULT, "reload": "restarter"}, "secrets.reload"),
    ],
)
def test_what_agents_cannot_read_vault_with_is_refused(agent: dict[str, Any], where: str):
    assert f"litellm:{where}:" in refused(agent)


@pytest.mark.parametrize(
    ("sections", "where"),
    [
        ({"database": {"kind": "cloudnative-pg"}}, "database.kind"),
        (
            {"database": {"kind": "existing", "host": "h", "credentials": {"kubernetesSecret": "x"}}},
            "database.credentials",
        ),
        (
            {
                "ingress": {
                    "host": "a.example.com",
                    "tls": {"certificate": CERTIFICATE, "privateKey": {**CERTIFICATE, "property": "y"}},
                }
            },
            "ingress.tls.certificate",
        ),
        ({"monitoring": {"scrape": "pod-monitor", "key": {"document": "viewer", "property": "key"}}}, "monitoring.key"),
        ({"pods": {"imagePullDocument": {"document": "pull", "property": "config"}}}, "pods.imagePullDocument"),
        ({"externalSecrets": {"install": True}}, "externalSecrets.install"),
    ],
)
def test_what_others_than_our_pods_read_is_refused(sections: dict[str, Any], where: str):
    assert f"litellm:{where}:" in refused(**sections)
