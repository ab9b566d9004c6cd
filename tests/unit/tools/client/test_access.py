"""What `make access` shows of a gateway."""

from collections.abc import Iterator
from typing import Any

import pytest

from components.access.plan import Planner
from components.access.reconcile import apply, look
from components.gateway.api import Api
from infra.config.access import AccessConfig
from infra.config.access_wishes import wishes
from tests.litellm_api import MASTER, LiteLLM, serving
from tools.client.access import HEAD, Access, access, table

OWNER = "litellm/dev"
FILE: dict[str, Any] = {
    "teams": {"research": {"models": ["gpt"], "budget": 10, "budgetDuration": "30d", "rpm": 5}},
    "keys": {"ci": {"team": "research"}},
}


@pytest.fixture
def litellm() -> LiteLLM:
    return LiteLLM()


@pytest.fixture
def api(litellm: LiteLLM) -> Iterator[Api]:
    wanted, values = (
        wishes(AccessConfig.model_validate(FILE), OWNER),
        {"master-key": MASTER, "key-ci": "-".join(("sk", "ci"))},
    )
    with serving(litellm) as url:
        api = Api(url, MASTER)
        apply(api, Planner(wanted, look(api, wanted), values).plan(), values)
        yield api


def of(api: Api, given: dict[str, Any] = FILE) -> Access:
    return access(api, wishes(AccessConfig.model_validate(given), OWNER))


def test_what_is_spent_and_left(api: Api, litellm: LiteLLM):
    litellm.kept["team"]["research"]["spend"] = 2.5
    team = dict(zip(HEAD, of(api).rows[0], strict=True))
    assert team == {
        "": "team",
        "name": "research",
        "models": "gpt",
        "budget": "10.00 in 30d",
        "spent": "2.50",
        "left": "7.50",
        "limits": "5 rpm",
        "made by": "this stack",
    }


def test_nothing_differs_after_the_job(api: Api):
    assert of(api).differences == []


def test_what_was_changed_by_hand_differs(api: Api, litellm: LiteLLM):
    litellm.kept["team"]["research"]["max_budget"] = 1000
    assert of(api).differences == ["team research: changed (max_budget)"]


def test_what_was_deleted_by_hand_differs(api: Api, litellm: LiteLLM):
    litellm.kept["key"].clear()
    assert of(api).differences == ["key ci: made"]


def test_a_rotation_that_no_job_has_done_yet_differs(api: Api):
    rotated = {**FILE, "keys": {"ci": {"team": "research", "rotation": 1}}}
    assert of(api, rotated).differences == ["key ci: changed (metadata)"]


def test_what_others_made_is_shown_and_no_difference(api: Api, litellm: LiteLLM):
    by_hand = {"token": "1" * 64, "key_alias": "mine", "metadata": {}, "team_id": None, "spend": 0.0, "models": []}
    litellm.kept["key"]["1" * 64] = by_hand
    found = of(api)
    assert [row[-1] for row in found.rows if row[1] == "mine"] == ["others"]
    assert found.differences == []


def test_nothing_is_changed(api: Api, litellm: LiteLLM):
    litellm.asked.clear()
    of(api, {"keys": {}})
    assert litellm.asked == []


def test_columns_are_as_wide_as_their_widest_cell():
    assert [*table([("a", "bb"), ("ccc", "d")])] == ["a    bb", "ccc  d"]
