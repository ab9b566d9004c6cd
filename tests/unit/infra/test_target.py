from pathlib import Path

import pytest
import yaml

from infra.config.load import ConfigError
from infra.secrets.vault import VaultStore
from infra.target import Target, resolve, resolve_offline
from tests.unit.infra.stacks import config, target

KUBECONFIG = {
    "current-context": "here",
    "contexts": [{"name": "here", "context": {"cluster": "here"}}, {"name": "there", "context": {"cluster": "there"}}],
    "clusters": [
        {"name": "here", "cluster": {"server": "https://10.0.0.1:6443", "certificate-authority-data": "UEVN"}},
        {"name": "there", "cluster": {"server": "https://10.0.0.2:6443", "certificate-authority": "ca.pem"}},
    ],
}


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config").write_text(yaml.safe_dump(KUBECONFIG))
    (tmp_path / "ca.pem").write_text("PEM of there")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("VAULT_ADDR", "https://vault.example.com:8200/")


def vault_of(where: Target) -> VaultStore:
    assert isinstance(where.store, VaultStore)
    return where.store


def test_names_follow_the_stack():
    vault = vault_of(target())
    assert (target().namespace, vault.prefix, vault.policy) == ("litellm-dev", "dev", "litellm-dev")
    assert (vault.role, vault.auth_path) == ("litellm-dev", "kubernetes-dev")


def test_an_existing_auth_method_is_at_vaults_own_default():
    assert vault_of(target(secrets={"vault": {"kubernetesAuth": {"create": False}}})).auth_path == "kubernetes"


def test_vault_is_the_one_of_the_environment():
    assert vault_of(resolve(config(), "dev")).cluster_address == "https://vault.example.com:8200"


def test_the_configuration_goes_before_the_environment():
    named = {"vault": {"address": "https://other.example.com:8200"}}
    assert vault_of(resolve(config(secrets=named), "dev")).address == "https://other.example.com:8200"


def test_a_vault_outside_of_the_cluster_knows_it_by_the_kubeconfig():
    vault = vault_of(resolve(config(), "dev"))
    assert (vault.kubernetes_host, vault.kubernetes_ca_cert) == ("https://10.0.0.1:6443", "PEM")


def test_the_named_context_is_the_one_that_counts():
    vault = vault_of(resolve(config(context="there"), "dev"))
    assert (vault.kubernetes_host, vault.kubernetes_ca_cert) == ("https://10.0.0.2:6443", "PEM of there")


def test_a_vault_in_the_cluster_needs_no_address_and_no_ca_of_it():
    vault = vault_of(resolve(config(secrets={"vault": {"kubernetesAuth": {"reviewer": "vault"}}}), "dev"))
    assert (vault.kubernetes_host, vault.kubernetes_ca_cert) == ("https://kubernetes.default.svc", None)


def test_an_unknown_context_is_named_with_those_there_are():
    with pytest.raises(ConfigError, match=r"no context of this name.*here, there.*litellm:context"):
        resolve(config(context="nowhere"), "dev")


def test_a_missing_kubeconfig_and_a_missing_vault_are_reported_together(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KUBECONFIG", "/nowhere/config")
    monkeypatch.delenv("VAULT_ADDR")
    with pytest.raises(ConfigError) as caught:
        resolve(config(), "dev")
    assert "2 problems" in str(caught.value)
    assert "set KUBECONFIG" in str(caught.value)
    assert "litellm:secrets.vault.address" in str(caught.value)


def test_a_vault_on_loopback_needs_an_address_for_pods(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("VAULT_ADDR", "http://127.0.0.1:8200")
    with pytest.raises(ConfigError, match="pods cannot reach"):
        resolve(config(), "dev")
    named = {"vault": {"clusterAddress": "http://vault.vault.svc:8200"}}
    assert vault_of(resolve(config(secrets=named), "dev")).cluster_address == "http://vault.vault.svc:8200"


def test_a_ca_file_that_is_not_there_is_an_error():
    with pytest.raises(ConfigError, match=r"secrets.vault.caCertFile: is no file"):
        resolve(config(secrets={"vault": {"caCertFile": "nowhere.pem"}}), "dev")


def test_a_ca_reaches_the_operator_in_base64(tmp_path: Path):
    (tmp_path / "vault.pem").write_text("PEM")
    vault = vault_of(resolve(config(secrets={"vault": {"caCertFile": str(tmp_path / "vault.pem")}}), "dev"))
    assert vault.ca_bundle == "UEVN"


def test_the_offline_plan_is_the_same_on_every_machine():
    offline = resolve_offline(config(), "dev")
    assert "10.0.0.1" not in str(offline)
    assert "vault.example.com" not in str(offline)


TEMPLATE = {
    "ephemeral": {"domain": "preview.example.com"},
    "protect": "false",
    "keys": {"salt": {"retain": False}},
    "secrets": {"vault": {"mount": {"create": False}, "kubernetesAuth": {"create": False}}},
    "database": {"storage": None},
}


def test_a_template_is_no_stack_to_deploy():
    """It would be an environment that nobody owns, and that `env-reap` does not know."""
    with pytest.raises(ConfigError, match="and no stack: run `make env-up NAME="):
        resolve(config(**TEMPLATE), "dev")
    resolve(config(**TEMPLATE | {"ephemeral": TEMPLATE["ephemeral"] | {"name": "pr-1", "mark": "ours"}}), "dev")
