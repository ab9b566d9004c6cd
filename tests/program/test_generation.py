"""With `secrets.generation: store` nothing that is generated passes through Pulumi: all that whole stacks register."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from infra.secrets.documents import Generated, documents
from tests.program.conftest import recording_of, with_objects
from tests.program.stacks import FILES, name_of, stack_of
from tools.engine.stack_file import Stack, merge
from tools.offline.mock_engine import Recording
from tools.offline.plan import configuration, record

GENERATED = ("VaultGenerated", "AwsGenerated")
WRITTEN = ("vault:kv/secretV2:SecretV2", "aws:secretsmanager/secretVersion:SecretVersion")


def may(path: Path) -> bool:
    """Whether a stack file may say so: not for a store that is only read, nor with a server of ElastiCache."""
    stack = stack_of(path)
    return stack.setting("secrets").get("kind") != "existing" and stack.setting("redis").get("kind") != "elasticache"


FITTING = [path for path in FILES if may(path)]


def generating(path: Path, where: str) -> Stack:
    """A stack whose values are made in the `store`, or in its `state`."""
    stack = stack_of(path)
    overlay = {"config": {"litellm:secrets": {**stack.setting("secrets"), "generation": where}}}
    return Stack(stack.name, merge(stack.document, overlay))


def in_store(path: Path) -> Stack:
    return generating(path, "store")


@cache
def recorded(path: Path) -> Recording:
    return record(with_objects(in_store(path)), preview=False)


@pytest.fixture(params=FITTING, ids=name_of)
def path(request: pytest.FixtureRequest) -> Path:
    return request.param


def generated(path: Path) -> dict[str, set[str]]:
    """The properties that a stack generates, by their document."""
    return {
        document: names
        for document, properties in documents(configuration(in_store(path))).items()
        if (names := {name for name, each in properties.items() if isinstance(each, Generated)})
    }


def values(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, below in value.items():
            yield from values(below, f"{place}.{key}")
    elif isinstance(value, list):
        for number, below in enumerate(value):
            yield from values(below, f"{place}[{number}]")
    else:
        yield place, str(value)


def test_no_generator_of_pulumis_is_left(path: Path):
    assert not recorded(path).of("random:index/randomPassword:RandomPassword")
    assert not recorded(path).of("litellm:index:GeneratedSecret")


def test_nothing_that_a_stack_registers_or_returns_is_a_generated_value(path: Path):
    """The mock engine generates `xxx…`, and whoever takes a value from the state has it in a document's inputs."""
    recording = recorded(path)
    found = [
        f"{resource.type}::{resource.name}{place}"
        for resource in recording.resources
        for place, value in values(resource.inputs)
        if "x" * 20 in value
    ]
    assert not found
    assert "x" * 20 not in json.dumps(recording.outputs, default=str)


def test_the_same_search_finds_the_values_of_a_stack_that_keeps_them_in_its_state(path: Path):
    """Or the test above would prove nothing."""
    if not generated(path):
        pytest.skip("this stack generates nothing")
    recording = record(generating(path, "state"), preview=False)
    assert any("x" * 20 in value for each in recording.resources for _, value in values(each.inputs))


def test_every_generated_value_is_made_in_the_store(path: Path):
    wanted = {name for names in generated(path).values() for name in names}
    made = {
        name.lower().replace("_", "-")
        for resource in recorded(path).resources
        if resource.type.endswith(GENERATED)
        for name in resource.inputs["generated"]
    }
    assert all(any(each.endswith(name) for each in made) for name in wanted)
    assert len(made) >= bool(wanted)


def test_a_value_of_the_configuration_stays_a_secret_input(path: Path):
    """In a bundle the keys of providers stand beside what is generated."""
    for resource in recorded(path).resources:
        if resource.type.endswith("AwsGenerated"):
            secret = {each.removeprefix("given.") for each in resource.secret_paths}
            assert {name for name in resource.inputs["given"] if name.endswith("API_KEY")} <= secret


def test_what_runs_in_the_cluster_is_the_same(path: Path):
    """Where values are made is nothing that a pod could tell: only the versions of documents are others here."""
    in_state, in_vault = (
        {f"{each.type}::{each.name}" for each in recording.resources if "kubernetes:" in each.type}
        for recording in (recording_of(path, preview=False), recorded(path))
    )
    assert in_state == in_vault
