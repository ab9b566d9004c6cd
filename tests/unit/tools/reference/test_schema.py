"""docs/stack.schema.json takes the stack files that the program takes, and refuses what an editor can see is wrong."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from tests.program.stacks import FILES, ROOT
from tools.engine.stack_file import read, read_map
from tools.reference.schema import stack_schema

VALIDATOR = Draft7Validator(stack_schema())


def stack(**changes: Any) -> dict[str, Any]:
    return {"config": {"litellm:ingress": {"host": "litellm.example.com"}, **changes}}


def problems(document: dict[str, Any]) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(document)]


def test_is_a_schema_of_draft_7():
    Draft7Validator.check_schema(stack_schema())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_takes_every_stack_file(file: Path):
    assert problems(read(file)) == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_editors_find_the_schema_of_every_stack_file(file: Path):
    first = file.read_text().splitlines()[0]
    prefix = "# yaml-language-server: $schema="
    assert first.startswith(prefix), f"its first line must be {prefix}…/docs/stack.schema.json"
    assert (file.parent / first.removeprefix(prefix)).resolve() == ROOT / "docs" / "stack.schema.json"


def test_takes_what_pulumi_itself_writes_into_the_file():
    document = stack(
        **{
            "litellm:protect": "false",
            "litellm:providerKeys": {"OPENAI_API_KEY": {"secure": "v1:nonce:cipher"}},
            "aws:region": "eu-west-1",
            "vault:token": {"secure": "v1:nonce:cipher"},
            "pulumi:disable-default-providers": ["kubernetes"],
        }
    )
    written = {"encryptionsalt": "v1:salt", "encryptedkey": "key", "secretsprovider": "awskms://alias/pulumi"}
    assert problems(document | written | {"environment": ["project/prod"]}) == []


def test_takes_nothing_where_nothing_is_the_default_or_allowed():
    assert problems(stack(**{"litellm:database": {"storage": None}, "litellm:gateway": {"resources": {}}})) == []


WRONG: dict[str, dict[str, Any]] = {
    "an unknown section": {"litellm:databse": {}},
    "an unknown key": {"litellm:gateway": {"replica": 2}},
    "an unknown key in a list": {"litellm:gateway": {"models": [{"name": "m", "provider": "mock", "apiKey": "K"}]}},
    "a key without its namespace": {"gateway": {"replicas": 2}},
    "text for a number": {"litellm:gateway": {"replicas": "two"}},
    "JSON in text for an object, which Pulumi refuses too": {"litellm:keys": '{"master": {"length": 40}}'},
    "a list for an object": {"litellm:secrets": []},
    "a number above the limit": {"litellm:gateway": {"workers": 65}},
    "a word that is none of the allowed ones": {"litellm:gateway": {"logLevel": "TRACE"}},
    "an unknown kind": {"litellm:database": {"kind": "sqlite", "host": "db"}},
    "a kind without what it needs": {"litellm:database": {"kind": "rds"}},
    "a key of another kind": {"litellm:redis": {"kind": "none", "host": "redis"}},
    "an unknown provider": {"litellm:gateway": {"models": [{"name": "m", "provider": "openia", "model": "m"}]}},
    "a malformed quantity": {"litellm:gateway": {"resources": {"memory": "4 GB"}}},
    "a provider key in plain text": {"litellm:providerKeys": {"OPENAI_API_KEY": "plain"}},
    "provider keys that are encrypted as a whole, which Pulumi refuses too": {
        "litellm:providerKeys": {"secure": "v1:a:b"}
    },
    "a provider key with a name that is no variable": {"litellm:providerKeys": {"openai-key": {"secure": "v1:a:b"}}},
    "an ARN of something else": {
        "litellm:ingress": {"className": "alb", "host": "a.b", "alb": {"certificateArn": "arn:aws:iam::1:role/x"}}
    },
    "an account that YAML reads as a number": {
        "litellm:secrets": {
            "kind": "aws",
            "aws": {
                "region": "eu-west-1",
                "accountId": 12345678901,
                "identity": {"kind": "irsa", "clusterName": "c"},
            },
        }
    },
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_refuses(wrong: dict[str, Any]):
    assert problems(stack(**wrong))


REFUSED_AT_THE_TOP: dict[str, Callable[[], dict[str, Any]]] = {
    "an unknown key": lambda: stack() | {"configuration": {}},
    "a section outside of config": lambda: stack() | {"litellm:gateway": {}},
    "no config": lambda: {"encryptionsalt": "v1:salt"},
    "no ingress": lambda: {"config": {}},
}


@pytest.mark.parametrize("make", REFUSED_AT_THE_TOP.values(), ids=REFUSED_AT_THE_TOP)
def test_refuses_at_the_top_of_the_file(make: Callable[[], dict[str, Any]]):
    assert problems(make())


def test_says_in_words_what_a_pattern_allows():
    """The YAML language server shows `patternErrorMessage` instead of a regular expression."""
    named: list[dict[str, Any]] = []

    def collect(node: Any) -> None:
        if isinstance(node, dict):
            if isinstance(node.get("pattern"), str) and node.get("type") == "string":
                named.append(node)
            for value in node.values():
                collect(value)
        elif isinstance(node, list):
            for value in node:
                collect(value)

    collect(stack_schema())
    assert len(named) > 30
    wordless = {node["pattern"] for node in named if not node.get("patternErrorMessage")}
    assert wordless == set(), "say in words what it allows: in ALLOWED of infra/config/base.py, or with Checked"


def test_has_no_words_of_the_generator_left():
    text = json.dumps(stack_schema())
    assert "x-allowed" not in text
    assert "$defs" not in text


def test_an_example_of_the_reference_is_a_valid_stack(tmp_path: Path):
    page = (ROOT / "docs" / "configuration.md").read_text()
    block = page.partition("```yaml\n")[2].partition("```")[0]
    file = tmp_path / "Pulumi.example.yaml"
    file.write_text(block)
    assert problems(read_map(file)) == []
