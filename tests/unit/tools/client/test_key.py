"""The master key of a stack, from something that answers like its store."""

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import hvac.exceptions
import pytest
from moto import mock_aws

from tests.unit.tools.engine.fakes import Machine
from tools.cli import PROJECT
from tools.client import vault
from tools.client.aws import value
from tools.client.key import master_key
from tools.engine.stack_file import Stack
from tools.problem import Problem

KEY = "sk-" + "k" * 32
VAULT = {"VAULT_ADDR": "https://vault.example.com", "VAULT_TOKEN": "of-nobody"}


class FakeVault:
    """Enough of hvac's client to read."""

    def __init__(self, error: Exception | None = None) -> None:
        self.url = VAULT["VAULT_ADDR"]
        self.secrets = SimpleNamespace(kv=SimpleNamespace(v2=self))
        self.error = error

    def read_secret_version(self, path: str, mount_point: str, raise_on_deleted_version: bool) -> Any:
        if self.error:
            raise self.error
        return {"data": {"data": {"master-key": KEY if (mount_point, path) == ("litellm", "dev/api-keys") else ""}}}


def answer_with(monkeypatch: pytest.MonkeyPatch, client: FakeVault) -> None:
    def connect(*_: object) -> FakeVault:
        return client

    monkeypatch.setattr(vault, "connect", connect)


def test_the_key_is_read_from_vault(monkeypatch: pytest.MonkeyPatch):
    answer_with(monkeypatch, FakeVault())
    assert master_key(Stack.read(PROJECT, "dev"), VAULT) == KEY


def test_the_environment_is_as_before(monkeypatch: pytest.MonkeyPatch):
    answer_with(monkeypatch, FakeVault())
    before = dict(os.environ)
    master_key(Stack.read(PROJECT, "dev"), VAULT)
    assert dict(os.environ) == before


@pytest.mark.parametrize("error", [hvac.exceptions.InvalidPath(), KeyError("master-key")])
def test_a_vault_without_the_key_says_what_writes_it(monkeypatch: pytest.MonkeyPatch, error: Exception):
    answer_with(monkeypatch, FakeVault(error))
    with pytest.raises(Problem, match=r"no litellm/dev/api-keys#master-key in Vault .*`make up` writes it"):
        master_key(Stack.read(PROJECT, "dev"), VAULT)


def test_a_token_without_the_right_is_named(monkeypatch: pytest.MonkeyPatch):
    answer_with(monkeypatch, FakeVault(hvac.exceptions.Forbidden("permission denied")))
    with pytest.raises(Problem, match=r"refuses: .*VAULT_TOKEN .*to read this document"):
        master_key(Stack.read(PROJECT, "dev"), VAULT)


def test_without_vault_or_token_nothing_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    for name in VAULT:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(Problem, match="VAULT_ADDR is not set either"):
        master_key(Stack.read(PROJECT, "dev"), {})
    with pytest.raises(Problem, match="no Vault token"):
        master_key(Stack.read(PROJECT, "dev"), {"VAULT_ADDR": VAULT["VAULT_ADDR"]})


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, machine: Machine) -> Any:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    machine.write(
        "Pulumi.cloud.yaml",
        json.dumps(
            {
                "config": {
                    "litellm:secrets": {
                        "kind": "aws",
                        "aws": {"region": "eu-west-1", "identity": {"kind": "static-keys", "kubernetesSecret": "aws"}},
                    },
                    "litellm:ingress": {"enabled": False},
                }
            }
        ),
    )
    with mock_aws():
        client: Any = boto3.client("secretsmanager", region_name="eu-west-1")
        yield client


def test_the_key_is_read_from_aws(aws: Any, machine: Machine):
    aws.create_secret(Name="litellm/cloud/api-keys", SecretString=json.dumps({"master-key": KEY}))
    assert master_key(Stack.read(machine.project, "cloud"), {}) == KEY


@pytest.mark.parametrize("content", [None, "no JSON", "[]", '{"other": "x"}'])
def test_an_aws_without_the_key_says_what_writes_it(aws: Any, machine: Machine, content: str | None):
    if content is not None:
        aws.create_secret(Name="litellm/cloud/api-keys", SecretString=content)
    with pytest.raises(Problem, match="no litellm/cloud/api-keys#master-key in AWS Secrets Manager"):
        master_key(Stack.read(machine.project, "cloud"), {})


def test_a_value_is_read_wherever_it_is_in_aws(aws: Any):
    aws.create_secret(Name="plain", SecretString=KEY)
    aws.create_secret(Name="nested", SecretString=json.dumps({"keys": {"master": KEY}}))
    assert value(aws, {"key": "plain"}) == KEY
    assert value(aws, {"key": "nested", "property": "keys.master"}) == KEY
    with pytest.raises(Problem, match=r"no nested#keys\.other in AWS"):
        value(aws, {"key": "nested", "property": "keys.other"})


def test_a_value_of_another_mount_is_read_there():
    client = FakeVault()
    assert vault.value(client, "kv", {"key": "dev/api-keys", "property": "master-key", "mount": "litellm"}) == KEY
