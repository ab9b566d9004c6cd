"""A stack with 500 virtual keys: each of its objects is one that Kubernetes, its operator and the store take."""

import json
from typing import Any

import pytest

from components.access.objects import text_of
from infra.config.access import AccessConfig
from infra.config.access_wishes import access_fits_into_a_config_map, wishes
from tests.program.stacks import ROOT
from tools.engine.stack_file import Stack
from tools.offline.mock_engine import Recording
from tools.offline.plan import record

MEBIBYTE = 2**20
"""What Kubernetes takes as the data of a ConfigMap or a Secret. Its database takes half as much again for a whole object."""

ANNOTATIONS = 256 * 2**10
"""What all annotations of an object may be."""

KEYS = 500
VALUE = len("sk-") + 48
FULL: dict[str, Any] = {
    "budget": 100,
    "budgetDuration": "30d",
    "rpm": 600,
    "tpm": 100000,
    "models": ["mock"],
    "metadata": {"application": "an-application-with-a-name", "costCentre": "4711"},
}


def name_of_key(number: int) -> str:
    return f"an-application-of-some-team-{number:04}"


@pytest.fixture(scope="module")
def many() -> Recording:
    document = Stack.read(ROOT, "dev").document
    access = {"keys": {name_of_key(number): FULL for number in range(KEYS)}}
    return record(Stack("dev", {**document, "config": {**document["config"], "litellm:access": access}}), preview=False)


def size(value: Any) -> int:
    return len(json.dumps(value).encode())


def objects(many: Recording) -> list[Any]:
    return [each for each in many.resources if each.type.startswith("kubernetes:")]


def test_each_key_has_its_document(many: Recording):
    documents = [each for each in many.resources if each.name.startswith("documents-keys-")]
    assert len(documents) == KEYS


def test_every_object_fits_into_the_api_server(many: Recording):
    assert {each.name: size(each.inputs) for each in objects(many) if size(each.inputs) > MEBIBYTE} == {}


def test_annotations_fit(many: Recording):
    """Also those of what a template makes: the versions of all documents."""
    found = {
        each.name: max(
            size((each.inputs.get("metadata") or {}).get("annotations")),
            size(each.inputs.get("spec", {}).get("target", {}).get("template", {}).get("metadata")),
        )
        for each in objects(many)
    }
    assert {name: bytes_ for name, bytes_ in found.items() if bytes_ > ANNOTATIONS} == {}


def test_the_secret_of_the_job_fits(many: Recording):
    """It is the operator that makes it: each key of its template, with a value."""
    (template,) = [
        each.inputs["spec"]["target"]["template"]["data"]
        for each in objects(many)
        if each.name == "litellm-access-keys-secret"
    ]
    assert len(template) == KEYS + 1
    assert sum(len(name) + VALUE for name in template) < MEBIBYTE


def test_the_policy_in_vault_fits(many: Recording):
    """Vault's own store takes as much for one entry."""
    (policy,) = many.of("vault:index/policy:Policy")
    assert policy.inputs["policy"].count("an-application-of-some-team-") == KEYS
    assert size(policy.inputs["policy"]) < MEBIBYTE


def test_whatever_is_not_refused_fits():
    """What the configuration lets through is what the ConfigMap of the Job takes, with the Job's program."""
    few, most = KEYS, KEYS * 8
    while most - few > 1:
        middle = (few + most) // 2
        few, most = (few, middle) if refused(keys(middle)) else (middle, most)
    text = text_of(wishes(keys(few), "litellm/a-stack"))
    assert len(text.encode()) + 40_000 <= MEBIBYTE


def keys(count: int) -> AccessConfig:
    one = AccessConfig.model_validate({"keys": {"ab": FULL}}).keys["ab"]
    return AccessConfig.model_construct(keys={name_of_key(number): one for number in range(count)})


def refused(access: AccessConfig) -> bool:
    return bool([*access_fits_into_a_config_map(access)])
