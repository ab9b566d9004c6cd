"""Config key `smoke`."""

import pytest

from infra.config.load import ConfigError
from tests.unit.infra.stacks import config

MOCK = {"models": [{"name": "mock", "provider": "mock"}], "routerSettings": {"model_group_alias": {"friendly": "mock"}}}


def test_an_older_file_has_the_gate():
    found = config().smoke
    assert (found.enabled, found.model, found.max_tokens, found.timeout) == (True, None, 5, "2m")


@pytest.mark.parametrize("name", ["mock", "friendly", "of-the-database", "openai/gpt-4o"])
def test_a_model_that_is_served_may_be_asked(name: str):
    gateway = {**MOCK, "modelsInDatabase": ["of-the-database", "openai/*"]}
    assert config(gateway=gateway, smoke={"model": name}).smoke.model == name


def test_a_model_that_nobody_serves_is_refused_without_its_name():
    with pytest.raises(ConfigError, match=r"smoke\.model: names a model that no entry serves") as refused:
        config(gateway=MOCK, smoke={"model": "misspelt"})
    assert "misspelt" not in str(refused.value)


@pytest.mark.parametrize(
    ("smoke", "message"),
    [
        ({"maxTokens": 0}, r"smoke\.maxTokens: must be greater than or equal to 1"),
        ({"timeout": "soon"}, r"smoke\.timeout: must be a duration"),
        ({"modle": "mock"}, r"smoke\.modle: unknown key; did you mean 'model'"),
    ],
)
def test_a_mistake_is_named(smoke: dict[str, object], message: str):
    with pytest.raises(ConfigError, match=message):
        config(smoke=smoke)
