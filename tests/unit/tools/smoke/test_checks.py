"""What the gate finds out, against a gateway on loopback that is as it should be, or not."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.gateway.inside import command
from tests.unit.tools.smoke.fake_gateway import MASTER, FakeGateway, listening
from tools.smoke import checks
from tools.smoke.checks import CANARY, CANARY_VALUE, Gateway
from tools.smoke.job import MODULES


@pytest.fixture
def fake() -> Iterator[FakeGateway]:
    with listening(FakeGateway()) as gateway:
        yield gateway


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "PAUSE_SECONDS", 0)


def found(fake: FakeGateway, **wanted: Any) -> dict[str, dict[str, Any]]:
    told: dict[str, Any] = {"models": ["mock", "openai/*"], "model": "mock", "seconds": 0, **wanted}
    return {each["check"]: each for each in checks.run(Gateway(fake.url, MASTER, **told))}


def states(fake: FakeGateway, **wanted: Any) -> dict[str, str]:
    return {name: each["state"] for name, each in found(fake, **wanted).items()}


def test_a_gateway_as_it_should_be_passes_every_check(fake: FakeGateway):
    assert set(states(fake).values()) == {"ok"}


def test_each_check_says_how_long_it_took(fake: FakeGateway):
    assert all(each["seconds"] >= 0 for each in found(fake).values())


def test_a_database_that_is_away_is_no_readiness(fake: FakeGateway):
    fake.database = "Not connected"
    result = found(fake)["readiness"]
    assert (result["state"], result["said"]) == (
        "failed",
        "/health/readiness answers 503, and of its database Not connected",
    )


def test_a_gateway_that_does_not_answer_is_not_ready():
    result = checks.run(Gateway("http://127.0.0.1:9", MASTER, [], seconds=0))[0]
    assert (result["state"], result["said"]) == ("failed", "GET /health/readiness: no answer (ConnectionRefusedError)")


def test_a_model_of_the_file_that_is_not_served_is_named_by_its_place(fake: FakeGateway):
    result = found(fake, models=["mock", "lost", "openai/*"])["models"]
    assert result["state"] == "failed"
    assert "gateway.models[1] of the stack file" in result["said"]
    assert "lost" not in result["said"]


def test_a_model_that_nobody_named_is_one_too_many(fake: FakeGateway):
    fake.models.append("secret-of-somebody")
    result = found(fake)["models"]
    assert result["state"] == "failed"
    assert "secret-of-somebody" not in result["said"]


def test_models_of_the_database_are_counted_apart(fake: FakeGateway):
    fake.added.append("added")
    assert found(fake)["models"]["said"] == "/v1/models has the 2 of the stack file, and 1 of the database"


def test_other_names_of_models_are_the_stack_files_too(fake: FakeGateway):
    fake.models.append("friendly")
    assert states(fake, aliases=["friendly"])["models"] == "ok"


def test_what_fits_a_pattern_of_the_file_is_the_stack_files_too(fake: FakeGateway):
    fake.models.append("openai/gpt-4o")
    assert states(fake)["models"] == "ok"


def test_without_models_in_the_database_the_file_is_all(fake: FakeGateway):
    fake.added.append("added")
    assert states(fake, adds_models=False)["models"] == "failed"


def test_a_gateway_that_answers_everybody_fails(fake: FakeGateway):
    fake.accepts_everybody = True
    assert found(fake)["refusal"]["said"] == "a wrong key gets 200, and not 401"


def test_a_gateway_that_is_told_to_answer_everybody_is_not_asked(fake: FakeGateway):
    fake.accepts_everybody = True
    assert states(fake, keyless=True)["refusal"] == "skipped"


def test_a_server_error_is_no_refusal(fake: FakeGateway):
    """What LiteLLM without its database answers a key that it cannot look up."""
    fake.answers["/v1/models"] = 500, {}
    assert states(fake)["refusal"] == "failed"


def test_the_reason_of_litellm_is_shown_without_the_key(fake: FakeGateway):
    fake.answers["/key/generate"] = 400, {"error": {"message": f"no database for {MASTER}"}}
    result = found(fake)["key"]
    assert (result["state"], result["said"]) == ("failed", "/key/generate answers 400: no database for ***")


def test_what_depends_on_a_check_that_failed_is_not_asked(fake: FakeGateway):
    fake.answers["/key/generate"] = 400, {}
    after = states(fake)
    assert (after["completion"], after["spend"]) == ("skipped", "skipped")


def test_the_virtual_key_is_gone_afterwards(fake: FakeGateway):
    states(fake)
    assert len(fake.made) == 1
    assert fake.keys == {MASTER}


def test_the_virtual_key_is_gone_after_a_failure_too(fake: FakeGateway):
    fake.answers["/v1/chat/completions"] = 500, {"error": {"message": "no provider"}}
    states(fake)
    assert fake.keys == {MASTER}


def test_the_completion_is_asked_for_with_the_virtual_key(fake: FakeGateway):
    states(fake)
    assert [key for path, key in fake.asked if path == "/v1/chat/completions"] == fake.made


def test_without_a_model_nobody_is_asked_for_a_completion(fake: FakeGateway):
    after = states(fake, model=None)
    assert (after["completion"], after["spend"]) == ("skipped", "skipped")
    assert "/v1/chat/completions" not in {path for path, _ in fake.asked}


def test_a_completion_that_nobody_counts_fails(fake: FakeGateway):
    fake.loses_spend = True
    assert states(fake)["spend"] == "failed"


def test_a_gateway_that_keeps_no_spend_logs_is_not_asked_for_them(fake: FakeGateway):
    fake.loses_spend = True
    assert states(fake, logs_spend=False)["spend"] == "skipped"


def test_the_first_gate_leaves_a_credential(fake: FakeGateway):
    assert found(fake)["salt"]["said"] == "wrote a credential, for the next time"
    assert fake.credentials == {CANARY: CANARY_VALUE}


def test_the_next_gate_reads_it(fake: FakeGateway):
    states(fake)
    assert found(fake)["salt"]["said"] == "the credential of an earlier gate can be decrypted"


def test_another_salt_key_fails(fake: FakeGateway):
    states(fake)
    fake.salt_is_another = True
    result = found(fake)["salt"]
    assert (result["state"], result["said"]) == ("failed", "the credential of an earlier gate cannot be decrypted")


def test_a_credential_that_another_pod_has_is_awaited(fake: FakeGateway):
    fake.credentials[CANARY] = CANARY_VALUE
    fake.first = [("/credentials/by_name/", 404)]
    assert states(fake)["salt"] == "ok"


def test_without_anything_in_the_database_there_is_no_salt_to_check(fake: FakeGateway):
    assert states(fake, adds_models=False)["salt"] == "skipped"


def test_an_answer_of_another_form_is_a_failure_and_no_crash(fake: FakeGateway):
    fake.answers["/v1/models"] = 200, []
    assert states(fake)["models"] == "failed"


def run(fake: FakeGateway, folder: Path) -> tuple[int, Any, str]:
    word = folder / "word"
    program, *given = [each.replace(checks.LAST_WORD, str(word)) for each in command(*MODULES)[2:]]
    told = {"url": fake.url, "models": ["mock", "openai/*"], "model": "mock", "seconds": 0}
    variables = {"PATH": os.environ["PATH"], "SMOKE": json.dumps(told), "LITELLM_MASTER_KEY": MASTER}
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program, *given],
        env=variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, json.loads(word.read_text()), done.stdout + done.stderr


def test_as_text_for_python_it_leaves_its_last_word(fake: FakeGateway, tmp_path: Path):
    code, said, _ = run(fake, tmp_path)
    assert code == 0
    assert {each["state"] for each in said} == {"ok"}


def test_the_last_word_fits_into_what_kubernetes_keeps(fake: FakeGateway, tmp_path: Path):
    everything = ("/health/readiness", "/v1/models", "/key/generate", "/credentials")
    fake.answers.update({path: (500, {"error": {"message": "long " * 200}}) for path in everything})
    code, said, _ = run(fake, tmp_path)
    assert code == 1
    assert len(json.dumps(said).encode()) < 4096


def test_no_key_is_in_its_log(fake: FakeGateway, tmp_path: Path):
    fake.answers["/v1/chat/completions"] = 500, {"error": {"message": f"{MASTER} and sk-{'v' * 20}0"}}
    _, said, log = run(fake, tmp_path)
    assert "*** and ***" in log
    assert MASTER not in log + json.dumps(said)
    assert fake.made[0] not in log + json.dumps(said)
