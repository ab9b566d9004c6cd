"""What Vault Agent can bring into the pods, and what it cannot."""

from typing import Any

import pytest

from infra.config.load import ConfigError
from tests.unit.infra.stacks import config

VAULT = {"address": "https://vault.example.com"}
AWS = {"region": "us-east-1", "identity": {"kind": "irsa", "clusterName": "production"}}
BEDROCK = {"name": "claude", "provider": "bedrock", "region": "us-east-1", "model": "us.anthropic.claude-x-v1:0"}
LOGIN = {"document": "database", "usernameProperty": "u"}
CERTIFICATE = {"document": "tls", "property": "x"}


def refused(agent: dict[str, Any] | None = None, **sections: Any) -> str:
    with pytest.raises(ConfigError) as error:
        config(**{"secrets": {"delivery": "vault-agent", "vault": VAULT, **(agent or {})}, **sections})
    return str(error.value)


@pytest.mark.parametrize("auth", ["kubernetes", "jwt"])
def test_agents_log_in_with_the_token_of_their_pod(auth: str):
    assert config(secrets={"delivery": "vault-agent", "vault": {**VAULT, "auth": auth}}).secrets.by_pods


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
        ({"initContainer": {"image": "registry.example.com/vault:7.0.0"}}, "secrets.initContainer"),
        ({"kind": "aws", "aws": AWS, "vault": {}}, "secrets.delivery"),
        ({"delivery": "init-container", "kind": "existing", "existing": {"name": "x"}}, "secrets.delivery"),
        (
            {
                "delivery": "init-container",
                "kind": "aws",
                "aws": {**AWS, "identity": {"kind": "pod-identity", "clusterName": "c"}},
            },
            "secrets.aws.identity",
        ),
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


@pytest.mark.parametrize("kind", ["vault", "aws"])
def test_init_containers_read_vault_and_aws(kind: str):
    store = {"vault": {"vault": VAULT}, "aws": {"kind": "aws", "aws": AWS}}[kind]
    assert config(secrets={"delivery": "init-container", **store}).secrets.by_pods


def test_pods_that_fetch_have_no_second_role():
    secrets = {"delivery": "init-container", "kind": "aws", "aws": AWS}
    with pytest.raises(ConfigError, match="Bedrock"):
        config(secrets=secrets, gateway={"models": [BEDROCK]})
