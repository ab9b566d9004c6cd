"""Teams, users, keys and budgets from the stack file, on a gateway with its database.

The tests build on each other: each says what must be true by then.
"""

import hashlib
import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.keyed.gateway import ADMIN, CONFIG, KEYS, MOUNT, NAMESPACE, STACK, UPSTREAM, Gateway
from tests.e2e.support import eventually, kubectl, objects

pytestmark = pytest.mark.skipif(
    os.environ.get("LAB_LITELLM_DATABASE") == "0", reason="needs LiteLLM with its database client"
)

MANY = 40
OTHERS = {name: each for name, each in KEYS.items() if name != "gone"} | {f"many-{n:02}": {} for n in range(MANY)}
OTHERS["narrow"] = {**KEYS["narrow"], "rotation": 1}
CHANGED: dict[str, Any] = {**CONFIG, "access": {**CONFIG["access"], "keys": OTHERS}}


def asks_for_it(gateway: Gateway, name: str, model: str = "mock") -> int:
    return gateway.complete(gateway.values[name], model).status_code


def aliases(gateway: Gateway) -> list[str]:
    found = gateway.manage("GET", "/key/list?size=100&return_full_object=true")
    assert found["total_pages"] <= 1
    return [each["key_alias"] for each in found["keys"]]


def test_each_key_is_a_document_of_its_own_and_works(keyed: Gateway):
    assert set(keyed.values) == set(KEYS)
    assert asks_for_it(keyed, "ci") == 200


def test_a_wrong_key_and_none_get_401(keyed: Gateway):
    assert [keyed.complete(key).status_code for key in ("sk-no-such-key", None)] == [401, 401]


@pytest.mark.parametrize(("name", "model"), [("narrow", "dear"), ("ci", "claude")])
def test_a_model_outside_of_the_list_of_key_or_team_is_refused(keyed: Gateway, name: str, model: str):
    refused = keyed.complete(keyed.values[name], model)
    assert (refused.status_code, refused.json()["error"]["type"]) in (
        (401, "key_model_access_denied"),
        (403, "key_model_access_denied"),
        (401, "team_model_access_denied"),
        (403, "team_model_access_denied"),
    )


def test_a_key_over_its_budget_is_refused(keyed: Gateway):
    """What a request costs is counted when the next batch is written, which is why more than one gets through."""
    assert asks_for_it(keyed, "poor", "dear") == 200
    answers = list[str]()

    def is_refused() -> bool:
        answer = keyed.complete(keyed.values["poor"], "dear")
        answers.append(f"{answer.status_code} {answer.text[:200]}")
        return answer.status_code in (422, 429) and answer.json()["error"]["type"] == "budget_exceeded"

    try:
        eventually(is_refused, "the key with a budget of 0.1 cents is refused", 60)
    except AssertionError as error:
        spent = keyed.sql('SELECT key_alias, spend, max_budget FROM "LiteLLM_VerificationToken"')
        raise AssertionError(f"{error}; last answer: {answers[-1]}; spent: {spent}") from None


def test_no_value_is_in_state_previews_outputs_and_objects(keyed: Gateway):
    texts = {
        "commands": "".join(keyed.project.log),
        "state": keyed.project.pulumi("stack", "export", "--stack", STACK),
        "preview": json.dumps(keyed.project.changes(STACK)),
        "outputs": json.dumps(keyed.project.outputs(STACK)),
        "objects": json.dumps(objects("configmaps,pods,jobs,deployments,events", "-n", NAMESPACE)),
        "the Job": keyed.log_of_the_job(),
        "the gateway": kubectl("logs", "-n", NAMESPACE, "deployment/litellm", "--all-pods", "--tail=-1").stdout,
    }
    values = {**keyed.values, "the master key": keyed.master_key}
    found = [(where, name) for where, text in texts.items() for name, value in values.items() if value in text]
    assert found == []


def test_the_log_says_what_was_done(keyed: Gateway):
    log = keyed.log_of_the_job()
    assert "access: team research: made" in log
    assert "access: key ci: made" in log


def test_a_claude_client_streams_with_a_virtual_key(keyed: Gateway):
    """ANTHROPIC_BASE_URL is the gateway, ANTHROPIC_API_KEY the virtual key: nothing else is known to the client."""
    body = {
        "model": "claude",
        "max_tokens": 20,
        "stream": True,
        "messages": [{"role": "user", "content": "Hello"}],
    }
    headers = {"x-api-key": keyed.values["claude"], "anthropic-version": "2023-06-01"}
    answer = keyed.ask("POST", "/v1/messages", None, body, headers)
    assert answer.status_code == 200, answer.text
    events = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: {")]
    assert [events[0]["type"], events[-1]["type"]] == ["message_start", "message_stop"]
    said = "".join(each["delta"]["text"] for each in events if each["type"] == "content_block_delta")
    provider_key = keyed.vault.read(MOUNT, ADMIN)["anthropic"]
    assert said.split() == ["claude-sonnet-4-5", "with", hashlib.sha256(provider_key.encode()).hexdigest()]


@pytest.fixture(scope="module")
def by_hand(keyed: Gateway) -> str:
    """A key that somebody made through the API."""
    return keyed.manage("POST", "/key/generate", {"key_alias": "by-hand"})["key"]


@pytest.fixture(scope="module")
def stored(keyed: Gateway) -> str:
    """A model that somebody added through the API, with a credential: what that is."""
    value = f"sk-stored-{hashlib.sha256(os.urandom(8)).hexdigest()[:12]}"
    credential = {"credential_name": "stored", "credential_info": {}, "credential_values": {"api_key": value}}
    keyed.manage("POST", "/credentials", credential)
    params = {"model": "openai/gpt-4o-mini", "api_base": f"{UPSTREAM}/v1", "litellm_credential_name": "stored"}
    keyed.manage("POST", "/model/new", {"model_name": "stored", "litellm_params": params})
    return value


def answers_with(gateway: Gateway, value: str) -> bool:
    answer = gateway.complete(gateway.master_key, "stored")
    return answer.status_code == 200 and hashlib.sha256(value.encode()).hexdigest() in answer.text


def test_a_credential_of_a_model_in_the_database_is_encrypted(keyed: Gateway, stored: str):
    eventually(lambda: answers_with(keyed, stored), "the model that was added answers", 60)
    kept = keyed.sql('SELECT credential_values::text FROM "LiteLLM_CredentialsTable"')
    assert "api_key" in kept
    assert stored not in kept


@contextmanager
def killed_in_the_middle() -> Iterator[list[str]]:
    """The next Job's first pod is killed, with no time to end, when it has made a few keys; what it had said by then."""
    before = {pod["metadata"]["name"] for pod in jobs_pods()}
    said, over = list[str](), threading.Event()

    def kill() -> None:
        while not over.is_set():
            for pod in jobs_pods():
                name, phase = pod["metadata"]["name"], pod["status"].get("phase")
                if name not in before and phase == "Running":
                    follow(name)
                    return
            time.sleep(0.1)

    def follow(name: str) -> None:
        command = ["kubectl", "logs", "-f", "-n", NAMESPACE, name]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as log:
            assert log.stdout
            for line in log.stdout:
                said.append(line.strip())
                if line.count("many-") and len(said) > 3:
                    kubectl("delete", "pod", name, "-n", NAMESPACE, "--grace-period=0", "--force", check=False)
                    log.kill()
                    return

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield said
    finally:
        over.set()
        thread.join()


def jobs_pods() -> list[dict[str, Any]]:
    return objects("pods", "-n", NAMESPACE, "-l", "app.kubernetes.io/name=litellm-access")


@pytest.fixture(scope="module")
def changed(keyed: Gateway, by_hand: str, stored: str) -> list[str]:
    """A key leaves the file, another is rotated, and many are added, by a Job that is killed; what that had said."""
    gone, old = keyed.values["gone"], keyed.values["narrow"]
    with killed_in_the_middle() as said:
        keyed.up(CHANGED)
    keyed.values |= {"gone": gone, "narrow before": old}
    return said


def test_a_job_that_was_killed_is_finished_by_the_next_attempt(keyed: Gateway, changed: list[str]):
    assert "many-" in changed[-1]
    assert not [line for line in changed if "done" in line]
    assert sorted(name for name in aliases(keyed) if name.startswith("many-")) == [f"many-{n:02}" for n in range(MANY)]
    assert asks_for_it(keyed, f"many-{MANY - 1}") == 200


def test_a_key_that_left_the_file_stops_working(keyed: Gateway, changed: list[str]):
    eventually(lambda: asks_for_it(keyed, "gone") == 401, "the key is refused", 90)


def test_both_values_of_a_key_work_after_its_rotation(keyed: Gateway, changed: list[str]):
    assert keyed.values["narrow"] != keyed.values["narrow before"]
    assert [asks_for_it(keyed, name) for name in ("narrow", "narrow before")] == [200, 200]


def test_a_key_made_by_hand_survives(keyed: Gateway, by_hand: str, changed: list[str]):
    assert keyed.complete(by_hand).status_code == 200


def test_a_model_in_the_database_survives_an_up(keyed: Gateway, stored: str, changed: list[str]):
    assert answers_with(keyed, stored)


def test_a_second_run_changes_nothing(keyed: Gateway, changed: list[str]):
    assert keyed.project.changes(STACK) == []
    keyed.up({**CHANGED, "access": {**CHANGED["access"], "revision": 1}})
    assert keyed.log_of_the_job().splitlines() == ["access: done: no changes"]


def test_what_was_changed_by_hand_is_said(keyed: Gateway, changed: list[str]):
    keyed.manage("POST", "/team/update", {"team_id": "research", "max_budget": 1})
    table = keyed.project.make("access", STACK).stdout
    row = next(line for line in table.splitlines() if line.startswith("team") and "research" in line)
    assert "this stack" in row
    assert "team research: changed (max_budget)" in table
    assert next(line for line in table.splitlines() if "by-hand" in line).endswith("others")


@pytest.fixture(scope="module")
def remade(keyed: Gateway, stored: str, changed: list[str]) -> Path:
    """The stack is gone and there again; its salt key and its database stayed."""
    keyed.project.make("destroy", STACK)
    keyed.up(CHANGED, gate=True)
    return keyed.project.folder


def test_a_credential_survives_the_stack_with_its_salt_key_and_database(keyed: Gateway, stored: str, remade: Path):
    eventually(lambda: answers_with(keyed, stored), "the model that was added answers", 60)


def test_keys_of_the_file_have_new_values_then_and_work(keyed: Gateway, remade: Path):
    assert asks_for_it(keyed, "ci") == 200
    assert aliases(keyed).count("ci") == 1
