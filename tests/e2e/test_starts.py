"""A gateway that cannot start: `up` says why, soon, and what ran runs on."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.support import Project, Vault, completion, kubectl, objects, tail

NAMESPACE = "litellm-dev"
SOON_SECONDS = 240
"""Long before the ten minutes that a gateway has for starting, on a machine where each start takes half a minute."""

BROKEN = """
import os
print("started with", os.environ["LITELLM_MASTER_KEY"], flush=True)
raise RuntimeError("this callback cannot be loaded")
"""


@pytest.fixture(scope="module")
def good(project: Project) -> Iterator[dict[str, Any]]:
    """The stack file of a gateway that runs."""
    config = project.config("dev")
    project.make("up")
    yield config
    project.write_stack("dev", config)
    project.make("destroy")


def gateway(config: dict[str, Any], **more: Any) -> dict[str, Any]:
    return config | {"gateway": config["gateway"] | more}


def fails_soon(project: Project, config: dict[str, Any]) -> str:
    project.write_stack("dev", config)
    began = time.monotonic()
    done = project.make("up", check=False)
    assert done.returncode != 0
    assert time.monotonic() - began < SOON_SECONDS, tail(done)
    return done.stdout + done.stderr


def serves(project: Project, vault: Vault) -> bool:
    key = vault.read("litellm", "dev/api-keys")["master-key"]
    return completion(project.outputs("dev")["url"], key).status_code == 200


def pending(project: Project) -> Any:
    return project.pulumi("stack", "export", "--stack", "dev").count('"pending_operations"')


def test_an_image_that_cannot_be_pulled_is_named_soon(project: Project, vault: Vault, good: dict[str, Any]):
    """By the migration Job, which is the first that wants it."""
    said = fails_soon(project, gateway(good, image="no-such-registry.invalid/litellm:v9"))
    assert "no-such-registry.invalid/litellm:v9" in said
    assert "ImagePull" in said
    assert "litellm:gateway.image" in said
    assert serves(project, vault)
    assert not pending(project)


def test_a_gateway_that_crashes_is_said_to_with_its_last_words(project: Project, vault: Vault, good: dict[str, Any]):
    (project.folder / "broken.py").write_text(BROKEN)
    broken = gateway(good, files={"broken.py": "broken.py"}, litellmSettings={"callbacks": ["broken.handler"]})
    said = fails_soon(project, broken)
    assert "RuntimeError: this callback cannot be loaded" in said
    assert "CrashLoopBackOff" in said
    assert "started with [secret]" in said
    assert vault.read("litellm", "dev/api-keys")["master-key"] not in said
    assert serves(project, vault)
    assert not pending(project)


def test_the_next_up_begins_with_a_pod_of_its_own(project: Project, good: dict[str, Any]):
    """One that waits in a back-off would be tried again after minutes."""
    before = {pod["metadata"]["uid"] for pod in objects("pods", "-n", NAMESPACE) if in_back_off(pod)}
    assert before
    done = project.make("up", check=False)
    assert done.returncode != 0
    assert not before & {pod["metadata"]["uid"] for pod in objects("pods", "-n", NAMESPACE)}


def test_a_stack_file_that_is_mended_goes_through(project: Project, vault: Vault, good: dict[str, Any]):
    project.write_stack("dev", good)
    project.make("up")
    assert serves(project, vault)
    assert not [pod for pod in objects("pods", "-n", NAMESPACE) if in_back_off(pod)]
    assert kubectl("rollout", "status", "-n", NAMESPACE, "deployment", "--timeout=5s").returncode == 0


def in_back_off(pod: dict[str, Any]) -> bool:
    waiting = [each["state"].get("waiting", {}) for each in pod["status"].get("containerStatuses", [])]
    return any(each.get("reason") == "CrashLoopBackOff" for each in waiting)
