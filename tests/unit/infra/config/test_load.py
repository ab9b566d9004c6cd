"""What a user reads when a stack file is wrong."""

import json
from typing import Any

import pytest

from infra.config.load import ConfigError, load
from infra.config.stack import StackConfig

MOCK = {"name": "mock", "provider": "mock", "model": "mock", "response": "hi"}
OPENAI = {"name": "gpt", "provider": "openai", "model": "gpt-4o"}
RIGHT: dict[str, Any] = {"ingress": {"host": "litellm.example.com"}, "gateway": {"models": [MOCK]}}


def config(**sections: Any) -> StackConfig:
    merged = RIGHT | sections
    texts = {f"litellm:{key}": value if isinstance(value, str) else json.dumps(value) for key, value in merged.items()}
    return load(texts, "dev", ["litellm:providerKeys"])


def message(**sections: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        config(**sections)
    return str(caught.value)


def test_a_host_is_all_that_must_be_said():
    assert load({"litellm:ingress": '{"host": "litellm.example.com"}'}, "dev").redis.kind == "in-cluster"


def test_settings_of_pulumi_itself_are_not_ours():
    texts = {
        "litellm:ingress": '{"host": "a.example.com"}',
        "pulumi:tags": "{}",
        "pulumi:disable-default-providers": "[]",
    }
    assert load(texts, "dev").ingress.host == "a.example.com"


@pytest.mark.parametrize(
    ("key", "says"),
    [
        (
            "litelm:database",
            "litelm:database: has no effect",
        ),
        ("litelm:database", "; use litellm:database"),
        ("LiteLLM:database", "has no effect"),
        ("kubernetes:context", "; use litellm:context"),
        ("aws:region", "; use litellm:secrets.aws.region"),
        ("vault:address", "; use litellm:secrets.vault.address"),
        ("random:anything", "random:anything: has no effect"),
        ("vault:hunter-2", "\n  - …: has no effect"),
    ],
)
def test_a_misspelt_or_foreign_key_at_the_top_is_refused(key: str, says: str):
    """Its value would be ignored: providers are made by this program, with what its own keys say."""
    with pytest.raises(ConfigError) as caught:
        load({"litellm:ingress": '{"host": "a.example.com"}', key: "x"}, "dev")
    assert says in str(caught.value)


def test_a_configuration_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        config().protect = False  # pyright: ignore[reportAttributeAccessIssue]


def test_all_problems_are_reported_at_once():
    text = message(gateway={"replicas": 0, "models": [MOCK | {"provider": "opnai"}]}, redis={"kind": "valkey"}, foo="1")
    assert text.startswith("4 problems in Pulumi.dev.yaml; nothing was changed:")
    assert all(where in text for where in ("gateway.replicas", "gateway.models[0]", "litellm:redis", "litellm:foo"))


def test_a_problem_is_reported_once():
    """A login gives a user and a password: two references to one document."""
    database = {"kind": "existing", "host": "db.example.com", "credentials": {"document": "data/shared/database"}}
    text = message(gateway={"models": [MOCK]}, database=database)
    assert text.startswith("one problem in Pulumi.dev.yaml")
    assert text.count("litellm:database.credentials.document") == 1


@pytest.mark.parametrize(
    ("section", "key"),
    [({"kind": "none"}, "coordination"), ({}, "usernameProperty"), ({"kind": "existing", "host": "h"}, "resources")],
)
def test_a_key_of_another_kind_is_not_said_to_be_meant_elsewhere(section: dict[str, Any], key: str) -> None:
    said = message(gateway={"models": [MOCK]}, redis={**section, key: "x"})
    assert f"litellm:redis.{key}: unknown key here: it has " in said


def test_problems_between_sections_are_reported_together_with_those_within():
    text = message(gateway={"replicas": 3, "models": [MOCK]}, redis={"kind": "none"}, keys={"master": {"length": 8}})
    assert "litellm:redis.kind" in text
    assert "litellm:keys.master.length" in text


@pytest.mark.parametrize(
    ("sections", "where", "says"),
    [
        ({"gatway": {}}, "litellm:gatway", "unknown key; did you mean 'gateway'?"),
        ({"gateway": {"modles": []}}, "litellm:gateway.modles", "unknown key; did you mean 'models'?"),
        ({"gateway": {"models": [MOCK | {"modle": "x"}]}}, "litellm:gateway.models[0].modle", "unknown key"),
        ({"gateway": {"models": [MOCK], "replicas": 0}}, "litellm:gateway.replicas", "greater than or equal to 1 (got 0)"),
        ({"gateway": {"models": [MOCK], "replicas": "two"}}, "litellm:gateway.replicas", "whole number"),
        ({"gateway": "litellm"}, "litellm:gateway", "must be an object"),
        ({"gateway": {"models": MOCK}}, "litellm:gateway.models", "must be a list"),
        ({"gateway": {"models": [MOCK], "image": "litellm:latest"}}, "litellm:gateway.image", "name a version"),
        ({"gateway": {"models": [MOCK], "image": "ghcr.io/x/litellm"}}, "litellm:gateway.image", "there is no tag"),
        ({"gateway": {"models": [MOCK], "resources": {"memory": "1Gi"}}}, "litellm:gateway", "allowMemoryBelowFloor"),
        ({"gateway": {"models": [MOCK], "resources": {"memory": "4 GB"}}}, "memory", "a size such as"),
        ({"gateway": {"models": [MOCK], "terminationGracePeriodSeconds": 30}}, "litellm:gateway", "cuts off requests"),
        ({"gateway": {"models": [MOCK], "startupTimeout": "10 min"}}, "startupTimeout", "a duration such as"),
        ({"gateway": {"models": [], "storeModelInDb": False}}, "litellm:gateway", "never be a model"),
        ({"gateway": {"models": [MOCK, MOCK]}}, "litellm:gateway", "repeats models[0] exactly"),
        ({"gateway": {"models": [OPENAI]}}, "litellm:gateway.models[0]", "needs OPENAI_API_KEY, which nothing supplies"),
        ({"gateway": {"models": [MOCK | {"provider": "gpt"}]}}, "litellm:gateway.models[0]", "'openai', 'anthropic'"),
        ({"gateway": {"models": [{"name": "x"}]}}, "litellm:gateway.models[0]", "needs provider"),
        ({"gateway": {"models": [{"provider": "openai", "model": "x"}]}}, "models[0].name", "is required"),
        ({"gateway": {"models": [MOCK], "environment": {"A_TOKEN": "x"}}}, "litellm:gateway.environment", "providerKeys"),
        ({"redis": {"kind": "none"}, "gateway": {"models": [MOCK], "replicas": 2}}, "litellm:redis.kind", "in-cluster"),
        (
            {"redis": {"coordination": False}, "gateway": {"models": [MOCK], "replicas": 2}},
            "litellm:redis.coordination",
            "one replica with one worker",
        ),
        ({"redis": {"maxMemory": "10Gi"}}, "litellm:redis", "raise resources.memory or lower maxMemory"),
        ({"redis": {"kind": "cluster"}}, "litellm:redis", "existing or elasticache"),
        ({"redis": {"kind": "existing"}}, "litellm:redis", "host is required"),
        ({"database": {"kind": "mysql"}}, "litellm:database", "in-cluster (the default), existing, rds or cloudnative-pg"),
        ({"database": {"kind": "existing"}}, "litellm:database", "host is required"),
        ({"database": {"kind": "existing", "host": "db"}}, "litellm:database", "set admin to a document"),
        ({"database": {"username": "postgres"}}, "litellm:database.username", "superuser"),
        ({"database": {"sslmode": "never"}}, "litellm:database.sslmode", "'disable', 'prefer', 'require'"),
        ({"database": {"maxConnections": 10}}, "databaseConnectionPoolLimit", "raise database.maxConnections"),
        ({"keys": {"master": {"length": 16}}}, "litellm:keys.master.length", "32 (got 16)"),
        ({"keys": {"salt": {"retain": False}}}, "litellm:keys.salt.retain", "unreadable"),
        ({"keys": {"master": {"existing": {"document": "/x"}}}}, "keys.master.existing.property", "is required"),
        ({"namespace": "LiteLLM"}, "litellm:namespace", 'a Kubernetes name: lower-case letters, digits and -'),
        ({"protect": "yes"}, "litellm:protect", "must be true or false"),
        ({"secrets": {"kind": "gcp"}}, "litellm:secrets.kind", "must be 'vault', 'aws' or 'existing'"),
        ({"secrets": {"kind": "aws"}}, "litellm:secrets", "give its region and identity"),
        ({"providerDocuments": {"A_KEY": {"document": "/a", "property": "b"}}}, "providerDocuments.A_KEY", "no path below"),
        ({"database": {"kind": "rds"}}, "litellm:database.vpcId", "is required"),
        ({"redis": {"kind": "elasticache"}}, "litellm:redis.subnetIds", "is required"),
        ({"secrets": {"vault": {"address": "vault:8200"}}}, "litellm:secrets.vault.address", "must be a URL such as"),
        ({"secrets": {"vault": {"address": "http://127.0.0.1:8200"}}}, "litellm:secrets.vault", "set clusterAddress too"),
        ({"secrets": {"vault": {"auth": "ldap"}}}, "litellm:secrets.vault.auth", "'kubernetes', 'jwt', 'approle' or 'token'"),
        ({"secrets": {"vault": {"mount": "litellm"}}}, "litellm:secrets.vault.mount", "must be an object"),
        ({"externalSecrets": {"refreshInterval": "hourly"}}, "litellm:externalSecrets.refreshInterval", "a duration"),
        ({"ingress": {}}, "litellm:ingress", "host is missing"),
        ({"ingress": {"host": "https://a.example.com"}}, "litellm:ingress.host", "a host name"),
        ({"ingress": {"host": "a.example.com", "className": "haproxy"}}, "litellm:ingress", "say in controller whose class"),
        ({"ingress": {"host": "a.example.com", "tls": {}}}, "litellm:ingress.tls", "needs issuer"),
        ({"providerKeys": {"openai-key": "x"}}, "providerKeys", "environment variable such as OPENAI_API_KEY"),
        ({"providerKeys": {"OPENAI_API_KEY": " "}}, "litellm:providerKeys.OPENAI_API_KEY", "is empty"),
        ({"providerKeys": {"DATABASE_URL": "x"}}, "litellm:providerKeys.DATABASE_URL", "see litellm:database"),
        ({"providerDocuments": {"A_KEY": {"document": "a"}}}, "providerDocuments.A_KEY.property", "is required"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place_and_what_is_allowed(sections: dict[str, Any], where: str, says: str):
    text = message(**sections)
    assert where in text
    assert says in text


@pytest.mark.parametrize(
    "sections",
    [
        {"providerKeys": {"bad name": "sk-verysecretvalue"}},
        {"gateway": {"models": [OPENAI | {"apiKey": "sk-verysecretvalue"}]}},
        {"gateway": {"models": [OPENAI | {"params": {"api_key": "sk-verysecretvalue"}}]}},
        {"gateway": {"models": [MOCK], "environment": {"OPENAI_API_KEY": "sk-verysecretvalue"}}},
        {"gateway": {"models": [MOCK], "generalSettings": {"master_key": "sk-verysecretvalue"}}},
        {"masterKey": "sk-verysecretvalue"},
        {"secrets": {"vault": {"address": "https://root:sk-verysecretvalue@vault"}}},
        {"namespace": "sk-verysecretvalue_"},
    ],
)
def test_a_secret_in_the_wrong_place_is_not_repeated(sections: dict[str, Any]):
    assert "verysecret" not in message(**sections)


def test_a_provider_key_is_hidden_when_the_configuration_is_printed():
    loaded = config(providerKeys={"OPENAI_API_KEY": "sk-verysecretvalue"})
    assert "verysecret" not in f"{loaded!r} {loaded}"


def test_a_provider_key_of_the_stack_supplies_a_model():
    models = {"models": [OPENAI]}
    assert config(gateway=models, providerKeys={"OPENAI_API_KEY": "sk-1"}).gateway.models[0].name == "gpt"


def test_a_document_of_the_store_supplies_a_model():
    document = {"OPENAI_API_KEY": {"document": "shared/providers", "property": "openai-key"}}
    assert [where for where, _ in config(gateway={"models": [OPENAI]}, providerDocuments=document).references()] == [
        "providerDocuments.OPENAI_API_KEY"
    ]


def test_provider_keys_in_plain_text_are_refused():
    """Pulumi's own check (`secret: true` in Pulumi.yaml) would refuse a stack that has none, too."""
    texts = {f"litellm:{key}": json.dumps(value) for key, value in RIGHT.items()}
    with pytest.raises(ConfigError, match="must count as leaked") as caught:
        load(texts | {"litellm:providerKeys": '{"OPENAI_API_KEY": "sk-verysecretvalue"}'}, "dev", [])
    assert "verysecret" not in str(caught.value)


def loaded_from_file(**written: Any) -> str:
    """What is said of a file, offline."""
    file = {f"litellm:{key}": value for key, value in (RIGHT | written).items()}
    texts = {
        key: value if isinstance(value, str) else "" if value is None else json.dumps(value)
        for key, value in file.items()
    }
    try:
        load(texts, "dev", [], file)
    except ConfigError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("key", ["namespace", "context"])
def test_a_text_left_empty_is_not_set(key: str):
    assert not loaded_from_file(**{key: None})
    assert not loaded_from_file(**{key: ""})


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("namespace", {"a": 1}, "litellm:namespace: must be text"),
        ("context", ["a"], "litellm:context: must be text"),
        ("protect", 1, "litellm:protect: must be true or false"),
        ("protect", None, "litellm:protect: must be true or false"),
        ("gitops", "yes", "litellm:gitops: must be true or false"),
        ("redis", None, "litellm:redis: must be an object"),
        ("redis", '{"kind": "none"}', "litellm:redis: must be an object"),
        ("redis", [], "litellm:redis: must be an object"),
    ],
)
def test_what_pulumi_refuses_is_refused_offline_too(key: str, value: object, says: str):
    """It checks the types that Pulumi.yaml declares, before it starts the program."""
    assert says in loaded_from_file(**{key: value})


def test_a_number_is_shown_where_a_number_belongs_only():
    text = loaded_from_file(gateway={"models": [MOCK], "replicas": -12345}, redis={"password": 45678}, context=5)
    assert "(got -12345)" in text
    assert "45678" not in text


def test_a_number_without_end_is_a_number():
    assert "(got a number)" in loaded_from_file(gateway={"models": [MOCK], "replicas": 10**400})


@pytest.mark.parametrize("text", ["[" * 100_000, "1" * 5000, '"\\ud800"', "NaN", "{", '{"replicas": Infinity}'])
def test_no_text_that_pulumi_could_give_ends_in_a_traceback(text: str):
    with pytest.raises(ConfigError):
        load({"litellm:ingress": '{"host": "a.example.com"}', "litellm:gateway": text}, "dev")
