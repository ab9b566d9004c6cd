"""A login in a secret that a rotation function of AWS changes, user and password at once: both come together everywhere."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest

from infra.environment import deploy
from tests.recording import Recording, run
from tests.unit.infra.stacks import target

SECRET = "kubernetes:external-secrets.io/v1:ExternalSecret"
IDENTITY = {"kind": "static-keys", "kubernetesSecret": "aws-keys"}
OF_RDS = {"hostProperty": "host", "portProperty": "port", "databaseProperty": "dbname"}
"""The words of AWS for a secret of RDS, beside `username` and `password`."""

BEFORE = {"username": "litellm", "password": "a/b", "host": "db.example.com", "port": "5432", "dbname": "litellm"}
AFTER = BEFORE | {"username": "litellm_clone", "password": "c d"}


@cache
def stack() -> Recording:
    """Everything known, as after an `up`."""
    database = {"kind": "existing", "credentials": {"document": "rds/litellm", **OF_RDS}, "maxConnections": 200}
    secrets = {"kind": "aws", "reload": "restarter", "aws": {"region": "eu-west-1", "identity": IDENTITY}}
    found = target(secrets=secrets, database=database)
    return run(lambda: deploy(found), preview=False, stack="dev")


def synced(name: str, document: Mapping[str, str]) -> dict[str, str]:
    """The Secret that the operator makes of the document, but for values of others."""
    spec: dict[str, Any] = stack().inputs(SECRET, f"{name}-secret")["spec"]
    values = {
        each["secretKey"]: document[each["remoteRef"]["property"]]
        for each in spec["data"]
        if each["remoteRef"]["key"] == "rds/litellm"
    }
    template: dict[str, str] = spec["target"]["template"]["data"]
    return {key: filled(text, values) for key, text in template.items()}


def filled(text: str, values: Mapping[str, str]) -> str:
    """A template with its values; the encoding of a URL is left out."""
    for name, value in values.items():
        text = re.sub(rf"{{{{ \.{name}\b[^}}]*}}}}", value, text)
    return text


def test_every_part_of_the_login_is_read_from_one_secret_in_one_sync() -> None:
    spec = stack().inputs(SECRET, "litellm-env-secret")["spec"]
    places = {each["secretKey"]: each["remoteRef"] for each in spec["data"]}
    parts = {"DATABASE_USERNAME", "DATABASE_PASSWORD", "DATABASE_HOST", "DATABASE_PORT", "DATABASE_NAME"}
    assert {places[part]["key"] for part in parts} == {"rds/litellm"}


@pytest.mark.parametrize("name", ["litellm-env", "litellm-migration"])
@pytest.mark.parametrize("document", [BEFORE, AFTER], ids=["before", "after"])
def test_the_url_has_the_user_with_its_password(name: str, document: dict[str, str]) -> None:
    url = synced(name, document)["DATABASE_URL"]
    assert f"//{document['username']}:{document['password']}@" in url


def test_pods_are_replaced_when_it_changes() -> None:
    (restarter,) = stack().of("litellm:index:Restarter")
    assert restarter.name == "litellm-restarter"
    assert synced("litellm-env", AFTER)["SECRETS_FINGERPRINT"]
