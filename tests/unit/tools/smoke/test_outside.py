"""The gate through the way in, against a gateway on loopback."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.tools.smoke.fake_gateway import MASTER, FakeGateway, listening
from tools.problem import Problem
from tools.smoke.outside import ask
from tools.smoke.results import Result


@pytest.fixture
def fake() -> Iterator[FakeGateway]:
    with listening(FakeGateway()) as gateway:
        yield gateway


class Clock:
    """Time that passes only while somebody waits."""

    time = 0.0

    def now(self) -> float:
        return self.time

    def pause(self, seconds: float) -> None:
        self.time += seconds


def asked(url: str, **others: Any) -> Result:
    clock = Clock()
    given: dict[str, Any] = {"key": lambda: MASTER, "models": ["mock"], **others}
    return ask(url, given.pop("key"), given.pop("models"), now=clock.now, pause=clock.pause, **given)


def no_key() -> str:
    raise Problem("no Vault token")


def test_a_gateway_that_refuses_others_and_has_its_models_passes(fake: FakeGateway):
    assert asked(fake.url).state == "ok"


def test_names_below_localhost_are_this_machine(fake: FakeGateway):
    assert asked(fake.url.replace("127.0.0.1", "litellm.localhost")).state == "ok"


def test_without_a_right_to_the_key_a_wrong_one_is_refused_still(fake: FakeGateway):
    result = asked(fake.url, key=no_key)
    assert result.state == "ok"
    assert "not readable from here" in result.said


def test_a_gateway_that_answers_everybody_fails(fake: FakeGateway):
    fake.accepts_everybody = True
    assert asked(fake.url).said.endswith("answers 200 to a wrong key, and not 401")


def test_another_gateway_at_that_name_fails(fake: FakeGateway):
    fake.keys = set()
    assert asked(fake.url).state == "failed"


def test_a_model_that_is_not_there_is_named_by_its_place(fake: FakeGateway):
    assert asked(fake.url, models=["mock", "lost"]).said.endswith("has not gateway.models[1]")


def test_a_controller_may_take_a_while(fake: FakeGateway):
    fake.first = [("/v1/models", 404), ("/v1/models", 404)]
    assert asked(fake.url).state == "ok"


def test_nobody_there_is_no_failure():
    assert asked("http://127.0.0.1:9").state == "skipped"


def test_inside_its_cluster_only_is_no_failure():
    assert asked("http://litellm.litellm-dev.svc:4000").state == "skipped"


@pytest.mark.parametrize("status", [302, 403])
def test_a_login_page_in_front_is_no_failure(fake: FakeGateway, status: int):
    fake.answers["/v1/models"] = status, {}
    # A redirect is one with a place to go to.
    fake.headers = {"Location": "https://login.example.com"}
    assert asked(fake.url).state == "skipped"


@pytest.mark.parametrize(("paths", "state"), [(["/v1"], "ok"), (["/v1/models"], "ok"), (["/v1/chat"], "skipped")])
def test_only_paths_that_are_open_are_asked(fake: FakeGateway, paths: list[str], state: str):
    assert asked(fake.url, open_paths=paths).state == state


def test_no_key_is_in_what_is_said(fake: FakeGateway):
    fake.keys = set()
    assert MASTER not in asked(fake.url).said
