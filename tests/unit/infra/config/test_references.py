"""References to documents of the store: how they are written, and what each store takes."""

from typing import Any

import pytest

from infra.config.load import ConfigError
from infra.config.references import steps, within
from infra.config.stack import StackConfig
from tests.unit.infra.stacks import config

AWS = {"kind": "aws", "aws": {"region": "eu-west-1", "identity": {"kind": "irsa", "clusterName": "one"}}}


def with_key(store: dict[str, Any] | None = None, **reference: Any) -> StackConfig:
    return config(secrets=store or {}, secretEnvironment={"OPENAI_API_KEY": {"document": "shared/keys"} | reference})


def refusal(store: dict[str, Any] | None = None, **reference: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        with_key(store, **reference)
    return str(caught.value)


@pytest.mark.parametrize(
    ("document", "meant"),
    [
        ("data/shared/providers", "write shared/providers"),
        ("metadata/shared/providers", "write shared/providers"),
        ("data/metadata/team-a/keys", "write team-a/keys"),
        ("data/abc9z/K3", "leave that out"),
    ],
)
def test_a_path_of_vaults_api_is_refused_with_the_right_spelling(document: str, meant: str):
    said = refusal(document=document, property="a")
    assert "litellm:secretEnvironment.OPENAI_API_KEY.document: begins with" in said
    assert meant in said


@pytest.mark.parametrize("mount", ["kv/data", "team/kv/metadata"])
def test_a_mount_is_the_path_of_the_engine_alone(mount: str):
    assert "OPENAI_API_KEY.mount: ends like a path of Vault's API" in refusal(mount=mount, property="a")


def test_a_document_called_data_is_one():
    assert with_key(document="data", property="a")


def test_a_property_is_required_in_vault():
    assert "OPENAI_API_KEY.property: is required" in refusal()


def test_a_secret_of_aws_that_is_plain_text_has_no_property():
    (reference,) = [given for _, given in with_key(AWS).references()]
    assert reference.property is None


def test_mounts_are_vaults():
    assert "OPENAI_API_KEY.mount: is a path in Vault, and secrets.kind is aws" in refusal(AWS, mount="kv")


def test_the_credentials_of_a_database_may_be_in_another_mount():
    database = {"kind": "existing", "host": "db", "credentials": {"document": "db/litellm", "mount": "kv"}}
    references = [given for _, given in config(database=database).references()]
    assert {(given.mount, given.document, given.property) for given in references} == {
        ("kv", "db/litellm", "username"),
        ("kv", "db/litellm", "password"),
    }


@pytest.mark.parametrize(
    ("name", "found"),
    [("plain", 1), ("openai.keys.prod", 2), ("dotted.name", 3), ("list.1", 5), ("with\\.dot.below", 6)],
)
def test_a_property_may_be_below_others(name: str, found: int):
    document = {
        "plain": 1,
        "openai": {"keys": {"prod": 2}},
        "dotted.name": 3,
        "dotted": {"name": 0},
        "list": [4, 5],
        "with.dot": {"below": 6},
    }
    assert within(document, name) == found


@pytest.mark.parametrize(("name", "error"), [("none", KeyError), ("text.below", TypeError), ("a.none", KeyError)])
def test_a_property_that_is_not_there_is_an_error(name: str, error: type[Exception]):
    with pytest.raises(error):
        within({"text": "x", "a": {}}, name)


def test_a_dot_in_a_name_is_escaped():
    assert steps("a\\.b.c") == ["a.b", "c"]


def test_a_key_that_litellm_would_not_migrate_is_refused_with_the_way_out():
    """Where there is a salt key LiteLLM does nothing with it, and says so in its log only."""
    with pytest.raises(ConfigError) as caught:
        config(secretEnvironment={"LITELLM_MIGRATE_FROM_MASTER_KEY": {"document": "shared/keys", "property": "old"}})
    assert "litellm:secretEnvironment.LITELLM_MIGRATE_FROM_MASTER_KEY: has no effect" in str(caught.value)
    assert "keys.salt.existing" in str(caught.value)
