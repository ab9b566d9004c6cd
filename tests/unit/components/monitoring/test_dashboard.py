"""The dashboard: every panel asks for what LiteLLM exports, and Grafana finds and draws it."""

import json
from typing import Any

import pytest

from components.monitoring.dashboard import PANELS, Panel, dashboard

QUERIES = [
    pytest.param(expr, id=f"{panel.title}-{number}")
    for panel in PANELS
    for number, (expr, _) in enumerate(panel.queries)
]


def drawn() -> dict[str, Any]:
    return json.loads(dashboard("litellm-prod", "LiteLLM prod"))


@pytest.mark.parametrize("expr", QUERIES)
def test_a_panel_asks_for_what_litellm_exports(expr: str) -> None:
    pytest.importorskip("promql_parser", reason="the parser of PromQL is in the lock file of development")
    from tests.promql import problems

    assert problems(expr.replace("$__rate_interval", "5m")) == []


@pytest.mark.parametrize("expr", QUERIES)
def test_a_panel_shows_the_chosen_namespace(expr: str) -> None:
    assert expr.count("{") == expr.count('namespace="$namespace"')


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.title)
def test_a_legend_names_labels_by_which_there_are_series(panel: Panel) -> None:
    for expr, legend in panel.queries:
        for part in legend.split("{{")[1:]:
            assert f"{part.partition('}}')[0]}" in expr


def test_panels_lie_side_by_side() -> None:
    places = [tuple(panel["gridPos"].values()) for panel in drawn()["panels"]]
    assert len(set(places)) == len(places) == len(PANELS)
    assert all(x + width <= 24 for x, _, width, _ in places)


def test_the_namespace_of_the_stack_is_chosen_first() -> None:
    _, namespace = drawn()["templating"]["list"]
    assert namespace["current"]["value"] == "litellm-prod"


def test_two_stacks_in_one_grafana_have_two_dashboards() -> None:
    assert drawn()["uid"] != json.loads(dashboard("litellm-dev", "LiteLLM dev"))["uid"]
    assert len(json.loads(dashboard("n" * 63, ""))["uid"]) <= 40
