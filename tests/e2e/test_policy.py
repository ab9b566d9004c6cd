"""The rules as a policy pack of the real engine. Nothing is deployed: previews are enough."""

import json

import pytest

from tests.e2e.support import Project

STRICT = "strict"
"""A stack that policy/levels.yaml does not name, so that every rule is mandatory."""

PACK = "--policy-pack policy"


@pytest.fixture
def strict(project: Project) -> str:
    """Development under a name for which nothing is relaxed."""
    project.write_stack(STRICT, project.config("dev"))
    return STRICT


def test_the_engine_stops_at_a_mandatory_violation(project: Project, strict: str):
    done = project.make("preview", strict, arguments=PACK, check=False)
    assert done.returncode != 0
    assert "[mandatory]  tls" in done.stdout
    assert "host litellm.localhost has no TLS" in done.stdout
    assert "[mandatory]  protected-state" in done.stdout


def test_the_engine_stops_at_a_violation_between_resources(project: Project):
    config = project.config("dev")
    try:
        project.write_stack("dev", config | {"networkPolicy": {"enabled": False}})
        done = project.make("preview", arguments=PACK, check=False)
    finally:
        project.write_stack("dev", config)
    assert done.returncode != 0
    assert "[mandatory]  network-policy" in done.stdout


def test_the_engine_knows_the_levels_of_the_stack(project: Project):
    done = project.make("preview", arguments=PACK)
    assert "[advisory]  tls" in done.stdout
    assert "[mandatory]" not in done.stdout
    assert "protected-state" not in done.stdout


def test_the_engine_and_the_preview_find_the_same(project: Project, strict: str):
    """One looks at what a provider is given, the other at the digest afterwards."""
    engine = project.make("preview", strict, arguments=PACK, check=False).stdout
    report = project.folder / "report.json"
    done = project.make("preview", strict, arguments=f"--json --output {report}", check=False)
    assert done.returncode != 0
    (stack,) = json.loads(report.read_text())["stacks"]
    found = {violation["rule"] for violation in stack["policy"] if violation["level"] == "mandatory"}
    assert found == {"tls", "protected-state", "memory-floor"}
    assert all(f"[mandatory]  {rule}" in engine for rule in found)


def test_the_offline_plan_stops_at_the_same(project: Project, strict: str):
    done = project.make("plan", strict, check=False)
    assert done.returncode != 0
    assert "policy, mandatory: tls" in done.stdout
