"""Config key `access`: what is refused, and what it becomes in LiteLLM's words."""

import json
from typing import Any

import pytest

from components.access.objects import KEYS
from infra.config.access import AccessConfig
from infra.config.access_wishes import wishes
from infra.config.load import ConfigError, load
from infra.config.stack import StackConfig
from infra.secrets.documents import Contents, documents
from infra.servers import Servers

MODELS = [{"name": "gpt", "provider": "mock"}, {"name": "openai/*", "provider": "openai", "model": "*"}]


def config(access: dict[str, Any], **sections: Any) -> StackConfig:
    given = {
        "ingress": {"host": "llm.example.com"},
        "gateway": {"models": MODELS[:1]},
        "access": access,
        **sections,
    }
    return load({f"litellm:{key}": json.dumps(value) for key, value in given.items()}, "dev")


def refusal(access: dict[str, Any], **sections: Any) -> str:
    with pytest.raises(ConfigError) as raised:
        config(access, **sections)
    return str(raised.value)


def wish(section: str, name: str, given: dict[str, Any], **others: Any) -> dict[str, Any]:
    access = AccessConfig.model_validate({section: {name: given}, **others})
    return wishes(access, "litellm/dev")[{"keys": KEYS}.get(section, section)][name]


def test_a_stack_without_the_section_has_nothing_of_it() -> None:
    without = load({"litellm:ingress": json.dumps({"host": "llm.example.com"})}, "dev")
    assert not without.access.wanted
    assert not [name for name in documents(without) if name.startswith("keys/")]


def test_an_empty_section_still_removes_what_it_had() -> None:
    assert config({"teams": {}}).access.wanted


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"keys": {"ci": {"team": "none"}}}, "access.keys[0].team: names no entry of access.teams"),
        ({"keys": {"ci": {"user": "none"}}}, "access.keys[0].user: names no entry of access.users"),
        ({"keys": {"ci": {"sharedBudget": "none"}}}, "access.keys[0].sharedBudget: names no entry of access.budgets"),
        ({"customers": {"a": {"sharedBudget": "none"}}}, "access.customers[0].sharedBudget: names no entry"),
        ({"teams": {"a": {"organization": "none"}}}, "access.teams[0].organization: names no entry"),
        ({"teams": {"a": {"models": ["gtp"]}}}, "access.teams[0].models: names a model that no entry serves"),
        ({"keys": {"ci": {"models": ["gtp"]}}}, "access.keys[0].models: names a model that no entry serves"),
        ({"teams": {"a": {"members": ["b"], "admins": ["b"]}}}, "members and admins must not name the same user"),
        ({"keys": {"ci": {"settings": {"max_budget": 1}}}}, "settings must not repeat what has a key of its own"),
        ({"keys": {"Not A Name": {}}}, "must be a name of lower-case letters, digits and -"),
        ({"keys": {"ci": {"duration": "soon"}}}, "must be a period as LiteLLM writes it"),
        ({"keys": {"ci": {"budget": -1}}}, "greater than or equal to 0"),
        ({"keys": {"ci": {"readers": {"roles": ["a"]}}}}, "access.keys[0].readers.roles: are roles of IAM"),
        ({"customers": {"a": {"budget": 1, "sharedBudget": "b"}}, "budgets": {"b": {}}}, "sharedBudget must be alone"),
        ({"users": {"a": {"role": "king"}}}, "must be 'proxy_admin'"),
        (
            {"keys": {"ci": {"metadata": {"password": "hunter2"}}}},
            "access.keys.ci.metadata.password: looks like a secret",
        ),
    ],
)
def test_what_cannot_work_is_refused(given: dict[str, Any], where: str) -> None:
    assert where in refusal(given)


def test_everything_is_said_at_once() -> None:
    said = refusal({"keys": {"ci": {"team": "a", "user": "b", "models": ["c"]}}})
    assert said.startswith("3 problems")


def test_no_message_has_a_name_that_somebody_gave() -> None:
    said = refusal({"keys": {"secretname": {"team": "otherName"}}})
    assert "secretname" not in said
    assert "otherName" not in said


@pytest.mark.parametrize("model", ["gpt", "all-team-models", "no-default-models"])
def test_models_that_litellm_knows_may_be_named(model: str) -> None:
    assert config({"keys": {"ci": {"models": [model]}}}).access.keys["ci"].models == (model,)


def test_models_added_at_run_time_and_access_groups_may_be_named() -> None:
    models = [{"name": "gpt", "provider": "mock", "info": {"access_groups": ["cheap"]}}]
    gateway = {"models": models, "modelsInDatabase": ["later"]}
    assert config({"keys": {"ci": {"models": ["later", "cheap"]}}}, gateway=gateway)


def test_values_of_keys_must_be_allowed() -> None:
    gateway = {"models": MODELS[:1], "generalSettings": {"disable_custom_api_keys": True}}
    said = refusal({"keys": {"ci": {}}}, gateway=gateway)
    assert "gateway.generalSettings.disable_custom_api_keys: is set" in said


def test_what_does_not_fit_into_a_config_map_is_refused() -> None:
    many = {f"key-{number}": {"metadata": {"note": "word " * 400}} for number in range(500)}
    assert "a ConfigMap takes" in refusal({"keys": many})


def test_limits_are_wishes_also_where_there_is_none() -> None:
    assert wish("teams", "a", {"budget": 1})["fields"] == {
        "team_id": "a",
        "team_alias": "a",
        "organization_id": None,
        "max_budget": 1,
        "budget_duration": None,
        "rpm_limit": None,
        "tpm_limit": None,
        "models": [],
        "blocked": False,
    }


def test_the_address_of_a_user_is_its_id_where_that_is_one() -> None:
    assert wish("users", "a@example.com", {})["fields"]["user_email"] == "a@example.com"
    assert "user_email" not in wish("users", "a", {})["fields"]


def test_a_key_names_the_budget_of_its_stack() -> None:
    given = wish("keys", "ci", {"sharedBudget": "small"}, budgets={"small": {"budget": 1}})
    assert given["fields"]["budget_id"] == "litellm/dev:small"


def test_wishes_have_no_secret() -> None:
    assert "sk-" not in json.dumps(wishes(AccessConfig.model_validate({"keys": {"ci": {}}}), "litellm/dev"))


def test_each_key_has_a_document_of_its_own() -> None:
    given = config({"keys": {"ci": {}, "web": {"rotation": 2}}})
    assert {name for name in documents(given) if name.startswith("keys/")} == {"keys/ci", "keys/web"}


def test_a_key_that_is_there_is_referred_to() -> None:
    given = config({"keys": {"ci": {"existing": {"document": "shared/ci", "property": "value"}}}})
    assert not [name for name in documents(given) if name.startswith("keys/")]
    assert ("access.keys.ci.existing", given.access.keys["ci"].existing) in [*given.references()]


def test_the_jobs_secret_has_the_master_key_and_the_keys() -> None:
    from infra.access import secret

    given = config({"keys": {"ci": {}, "web": {"existing": {"document": "shared/web", "property": "value"}}}})
    content = secret(
        Contents(given, Servers(("", 0), None), lambda document, name: {"key": document, "property": name})
    )
    assert {*content.template} == {"master-key", "key-ci", "key-web"}
    assert content.values["KEY_0"] == {"key": "keys/ci", "property": "key"}
    assert content.values["KEY_1"] == {"key": "shared/web", "property": "value"}
    assert content.documents == ("api-keys", "keys/ci")
