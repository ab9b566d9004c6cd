"""Templates of External Secrets Operator as those of Vault Agent."""

import json
from typing import Any

import pytest

from components.secrets.references import RemoteReference
from components.sync.agent import DeliveredSecret, VaultAgent, agent_template
from tests.recording import run

LOGIN: Any = {
    "address": "https://vault.example.com",
    "namespace": None,
    "auth_namespace": None,
    "ca": None,
    "method": "kubernetes",
    "path": "auth/kubernetes",
    "role": "litellm-dev",
}
PASSWORD: dict[str, RemoteReference] = {"password": {"key": "dev/redis", "property": "password"}}


def configured(secrets: dict[str, DeliveredSecret], **login: Any) -> tuple[dict[str, Any], dict[str, str]]:
    args: Any = {"namespace": "n", "login": {**LOGIN, **login}, "mount": "litellm", "secrets": secrets}
    recorded = run(lambda: VaultAgent("x", args))
    data = recorded.inputs("kubernetes:core/v1:ConfigMap")["data"]
    return json.loads(data["config.hcl"]), data


def secret(**more: Any) -> dict[str, DeliveredSecret]:
    given: Any = {"values": PASSWORD, "template": {"password": "{{ .password }}"}, "files": {}, **more}
    return {"redis-config": given}


def test_a_value_is_read_from_its_document_and_property():
    text = agent_template("{{ .password }}", PASSWORD, "litellm")
    assert '{{ with $document0 := secret "litellm/data/dev/redis" }}' in text
    assert '(index $document0.Data.data "password")' in text
    assert "{{ $value_password }}{{ end }}" in text


def test_a_value_of_another_engine_is_read_there():
    values: dict[str, RemoteReference] = {"a": {"key": "x", "property": "y", "mount": "team/kv"}}
    assert 'secret "team/kv/data/x"' in agent_template("{{ .a }}", values, "litellm")


def test_functions_are_those_of_the_agent():
    text = agent_template('{{ .password | urlquery | replace "+" "%20" }}', PASSWORD, "litellm")
    assert '{{ $value_password | urlquery | sprig_replace "+" "%20" }}' in text


def test_a_property_below_others_is_found_by_its_path_or_its_very_name():
    values: dict[str, RemoteReference] = {"a": {"key": "x", "property": "openai.key"}}
    text = agent_template("{{ .a }}", values, "m")
    assert 'or (index $document0.Data.data "openai.key") (index $document0.Data.data "openai" "key")' in text


def test_a_missing_property_fails_with_its_place():
    text = agent_template("{{ .password }}", PASSWORD, "litellm")
    assert '{{ sprig_fail "document litellm/dev/redis has no property password" }}' in text


def test_a_text_without_values_reads_nothing():
    assert agent_template("litellm", {}, "m") == "litellm"


def test_each_key_is_a_file_and_once_more_where_pods_have_a_volume():
    content, _ = configured(secret(files={"password": "a/password"}))
    _, *files = [each["destination"] for each in content["template"]]
    assert files == ["/vault/secrets/redis-config/password", "/vault/files/redis-config/a/password"]


def test_before_the_program_the_agent_ends_and_beside_it_it_stays():
    content, data = configured(secret())
    assert (content["exit_after_auth"], json.loads(data["config-init.hcl"])["exit_after_auth"]) == (False, True)


@pytest.mark.parametrize(("method", "key"), [("kubernetes", "token_path"), ("jwt", "path")])
def test_the_agent_logs_in_with_the_token_of_the_pod(method: str, key: str):
    content, _ = configured(secret(), method=method)
    ((found,),) = [each["method"] for each in content["auto_auth"]]
    assert found["config"][key] == "/var/run/secrets/vault.hashicorp.com/serviceaccount/token"


def test_vaults_authority_goes_with_the_configuration():
    content, data = configured(secret(), ca="PEM")
    assert (content["vault"]["ca_cert"], data["ca.crt"]) == ("/vault/configs/ca.crt", "PEM")


def test_the_namespace_of_the_login_may_be_above_that_of_the_documents():
    content, _ = configured(secret(), namespace="admin/team", auth_namespace="admin")
    ((found,),) = [each["method"] for each in content["auto_auth"]]
    assert (content["vault"]["namespace"], found["namespace"]) == ("admin/team", "admin")
