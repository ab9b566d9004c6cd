from pathlib import Path

import pytest
import yaml

from infra.cluster import Cluster
from infra.config.load import ConfigError, load
from infra.secrets import vault as vault_store
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


def test_names_of_the_configuration_go_before_those_of_the_stack():
    own = {"prefix": "apps/one", "policy": "one-reads", "kubernetesAuth": {"role": "one", "path": "clusters/here"}}
    vault = vault_of(target(secrets={"vault": own}))
    assert (vault.prefix, vault.policy) == ("apps/one", "one-reads")
    assert (vault.role, vault.auth_path) == ("one", "clusters/here")


def test_of_jwt_the_role_and_the_path_are_its_own():
    auth = {"auth": "jwt", "jwtAuth": {"role": "of-jwt", "path": "jwt-one"}, "kubernetesAuth": {"role": "other"}}
    vault = vault_of(target(secrets={"vault": auth}))
    assert (vault.role, vault.auth_path) == ("of-jwt", "jwt-one")


def test_without_jwt_its_role_is_nobodys():
    vault = vault_of(target(secrets={"vault": {"jwtAuth": {"role": "of-jwt"}}}))
    assert (vault.role, vault.auth_path) == ("litellm-dev", "kubernetes-dev")


def test_an_app_role_is_at_the_path_that_was_given():
    role = {"auth": "approle", "appRole": {"kubernetesSecret": "vault-approle", "path": "approle-one"}}
    assert vault_of(target(secrets={"vault": role})).auth_path == "approle-one"


def test_the_stack_of_a_cluster_has_an_auth_method_that_is_called_after_no_stack():
    """Other stacks log in with it."""
    given = load({"litellm:shared": '{"stacks": []}', "litellm:protect": "false"}, "dev", [])
    assert vault_of(resolve_offline(given, "dev")).auth_path == "kubernetes"


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


def test_host_and_ca_of_the_configuration_go_before_those_of_the_kubeconfig(tmp_path: Path):
    (tmp_path / "cluster.pem").write_text("PEM of the configuration")
    given = {"host": "https://10.0.0.9:6443", "caCertFile": str(tmp_path / "cluster.pem")}
    vault = vault_of(resolve(config(secrets={"vault": {"kubernetesAuth": given}}), "dev"))
    assert (vault.kubernetes_host, vault.kubernetes_ca_cert) == (given["host"], "PEM of the configuration")


def test_a_cluster_without_a_ca_of_its_own_has_none_for_vault(tmp_path: Path):
    """Vault takes an empty one for a certificate that is broken."""
    plain = {"name": "here", "cluster": {"server": "https://10.0.0.1:6443"}}
    (tmp_path / "config").write_text(yaml.safe_dump(KUBECONFIG | {"clusters": [plain]}))
    assert vault_of(resolve(config(), "dev")).kubernetes_ca_cert is None


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
    assert "litellm:secrets.vault.address: not set, and VAULT_ADDR is not set either" in str(caught.value)


def test_a_vault_on_loopback_needs_an_address_for_pods(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("VAULT_ADDR", "http://127.0.0.1:8200")
    with pytest.raises(ConfigError, match=r"litellm:secrets\.vault\.clusterAddress: VAULT_ADDR.* pods cannot reach"):
        resolve(config(), "dev")
    named = {"vault": {"clusterAddress": "http://vault.vault.svc:8200"}}
    assert vault_of(resolve(config(secrets=named), "dev")).cluster_address == "http://vault.vault.svc:8200"


def test_a_vault_addr_that_is_no_address_is_an_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("VAULT_ADDR", "vault.example.com")
    with pytest.raises(ConfigError, match=r"secrets\.vault\.address: not set, so VAULT_ADDR is taken, and that \w"):
        resolve(config(), "dev")


def test_a_ca_file_of_the_cluster_that_is_not_there_is_an_error():
    given = {"vault": {"kubernetesAuth": {"caCertFile": "nowhere.pem"}}}
    with pytest.raises(ConfigError, match=r"litellm:secrets\.vault\.kubernetesAuth\.caCertFile: is no file"):
        resolve(config(secrets=given), "dev")


def test_a_ca_file_that_is_no_text_is_an_error(tmp_path: Path):
    (tmp_path / "vault.der").write_bytes(b"\x30\x82\xff\xfe")
    with pytest.raises(ConfigError, match=r"litellm:secrets\.vault\.caCertFile: is no file"):
        resolve(config(secrets={"vault": {"caCertFile": str(tmp_path / "vault.der")}}), "dev")


def test_a_ca_file_that_is_not_there_is_an_error():
    with pytest.raises(ConfigError, match=r"litellm:secrets\.vault\.caCertFile: is no file"):
        resolve(config(secrets={"vault": {"caCertFile": "nowhere.pem"}}), "dev")


def test_a_ca_reaches_the_operator_in_base64(tmp_path: Path):
    (tmp_path / "vault.pem").write_text("PEM")
    vault = vault_of(resolve(config(secrets={"vault": {"caCertFile": str(tmp_path / "vault.pem")}}), "dev"))
    assert vault.ca_bundle == "UEVN"


def test_the_offline_plan_is_the_same_on_every_machine():
    offline = resolve_offline(config(), "dev")
    assert "10.0.0.1" not in str(offline)
    assert "vault.example.com" not in str(offline)
    assert vault_of(offline).address == vault_of(offline).cluster_address == "https://vault.invalid:8200"


def test_the_offline_plan_needs_no_vault_and_no_file(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("VAULT_ADDR")
    given = config(secrets={"vault": {"caCertFile": "nowhere.pem"}})
    here = Cluster("here", "https://10.0.0.1:6443", "")
    assert vault_store.resolve(given, "dev", here, offline=True)[1] == []


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
