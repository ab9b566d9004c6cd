"""What the pinned LiteLLM does when its database is away, and how it brings that up to date: its own code is asked."""

import json
from typing import Any

import pytest

from tests.litellm_env import TESTS, environment, interpreter, once, run
from tests.program.conftest import recording_of
from tests.program.stacks import ROOT


def asked() -> dict[str, Any]:
    done = run([str(interpreter()), str(TESTS / "litellm_readiness.py")], environment([]))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return once(tmp_path_factory.getbasetemp().parent, asked)


def probe() -> str:
    (container,) = (
        recording_of(ROOT / "Pulumi.dev.yaml")
        .named("litellm-deployment")
        .inputs["spec"]["template"]["spec"]["containers"]
    )
    return container["readinessProbe"]["httpGet"]["path"]


def test_a_pod_whose_database_is_away_gets_no_requests(answers: dict[str, Any]) -> None:
    assert probe() == "/health/readiness"
    assert (answers["there"], answers["away"]) == (200, 503)


def test_a_pod_that_may_answer_without_its_database_stays_ready(answers: dict[str, Any]) -> None:
    """It did not once, so that an outage of the database was one of the gateway all the same (BerriAI/litellm#34934)."""
    assert answers["away, and may answer"] == 200


def test_litellm_reads_which_resolver_the_migration_asks_for(answers: dict[str, Any]) -> None:
    (container,) = (
        recording_of(ROOT / "Pulumi.dev.yaml")
        .named("litellm-migration-job")
        .inputs["spec"]["template"]["spec"]["containers"]
    )
    assert {"name": "USE_V2_MIGRATION_RESOLVER", "value": "true"} in container["env"]
    assert answers["v2"] is True
