"""What is fetched from AWS Secrets Manager, and the plan of what is written of it."""

import json
from typing import Any

import pulumi
import pytest

from components.secrets.references import RemoteReference
from components.sync.agent import DeliveredSecret
from components.sync.aws_fetch import AwsFetch, fetchers, parts
from tests.recording import run

OPENAI: RemoteReference = {"key": "prod/keys", "property": "openai"}
URL = 'postgresql://litellm:{{ .PASSWORD | urlquery | replace "+" "%20" }}@db/litellm'


def configured(**secrets: DeliveredSecret) -> dict[str, str]:
    recorded = run(lambda: AwsFetch("x", {"namespace": "n", "secrets": secrets}))
    return recorded.inputs("kubernetes:core/v1:ConfigMap")["data"]


def secret(template: dict[str, pulumi.Input[str]], **values: RemoteReference) -> DeliveredSecret:
    return {"values": values, "template": template, "files": {}}


def test_each_secret_is_fetched_once():
    data = configured(
        env=secret({"A": "{{ .A }}", "B": "{{ .B }}"}, A=OPENAI, B={**OPENAI, "property": "other"}),
        file=secret({"C": "{{ .C }}"}, C={"key": "prod/anthropic"}),
    )
    assert data["secrets"] == "prod/anthropic\nprod/keys\n"


def test_a_file_says_where_its_value_is():
    plan = json.loads(configured(env=secret({"A": "{{ .A }}"}, A=OPENAI))["plan.json"])
    (found,) = [each["parts"] for each in plan["files"] if each["path"] == "/vault/secrets/env/A"]
    assert found == [{"document": 0, "property": "openai", "function": ""}]


def test_a_whole_secret_has_no_property():
    assert list(parts("{{ .A }}", {"A": {"key": "a"}}, {"A": 0})) == [{"document": 0, "property": "", "function": ""}]


def test_a_url_is_of_texts_and_an_encoded_value():
    values: dict[str, RemoteReference] = {"PASSWORD": {"key": "db", "property": "password"}}
    encoded = {"document": 0, "property": "password", "function": "url"}
    assert list(parts(URL, values, {"PASSWORD": 0})) == ["postgresql://litellm:", encoded, "@db/litellm"]


def test_a_template_that_python_cannot_follow_is_refused():
    with pytest.raises(ValueError, match=r"render\.py cannot do"):
        list(parts("{{ if .A }}x{{ end }}", {"A": OPENAI}, {"A": 0}))


def variables(login: Any) -> dict[str, Any]:
    first, _ = fetchers(login, "aws", "python", {"HTTPS_PROXY": "http://proxy"})
    return {each["name"]: each.get("value", each.get("valueFrom")) for each in first["env"]}


def test_only_the_container_that_fetches_has_the_role():
    found = variables({"region": "eu-west-1", "role_arn": "arn:aws:iam::1:role/x"})
    assert (found["AWS_ROLE_ARN"], found["AWS_REGION"]) == ("arn:aws:iam::1:role/x", "eu-west-1")
    assert found["AWS_DEFAULT_REGION"] == "eu-west-1"
    assert found["AWS_WEB_IDENTITY_TOKEN_FILE"].endswith("/token")
    assert "env" not in fetchers({"region": "eu-west-1"}, "aws", "python", {})[1]


def test_a_key_comes_out_of_its_secret():
    found = variables({"region": "eu-west-1", "static_keys": ("keys", "id", "secret")})
    assert found["AWS_SECRET_ACCESS_KEY"] == {"secretKeyRef": {"name": "keys", "key": "secret"}}
    assert "AWS_ROLE_ARN" not in found
