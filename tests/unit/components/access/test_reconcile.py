"""What the Job does to LiteLLM: an API on the loopback with LiteLLM's habits, and the Job's own program against it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.access.reconcile import AGAIN, NEEDS_A_PERSON, main
from components.gateway import api as client
from infra.config.access import AccessConfig
from infra.config.access_wishes import wishes
from tests.litellm_api import MASTER, LiteLLM, serving

OWNER = "litellm/test"


def value_of(key: str, rotation: int = 0) -> str:
    return "-".join(("sk", key, str(rotation) * 8))


class Place:
    """A gateway, and the files that the Job gets."""

    def __init__(self, url: str, litellm: LiteLLM, folder: Path) -> None:
        self.url, self.litellm, self.folder = url, litellm, folder

    def run(self, access: dict[str, Any], owner: str = OWNER, **values: str) -> int:
        """Run the Job for what the section `access` of a stack file says; `values` are those of keys, where they differ."""
        config = AccessConfig.model_validate(access)
        (self.folder / "access.json").write_text(json.dumps(wishes(config, owner)))
        (self.folder / "master-key").write_text(MASTER)
        for name, key in config.keys.items():
            value = values.get(name.replace("-", "_"), value_of(name, key.rotation))
            (self.folder / f"key-{name}").write_text(value)
        for _, file, reference in config.secrets():
            (self.folder / file).write_text(
                values.get(file.replace("-", "_"), f"{reference.document}-{reference.property}")
            )
        self.litellm.asked.clear()
        return main(self.url, str(self.folder / "access.json"), str(self.folder))

    @property
    def keys(self) -> dict[str, dict[str, Any]]:
        return {each["key_alias"]: each for each in self.litellm.kept["key"].values()}

    @property
    def teams(self) -> dict[str, dict[str, Any]]:
        return self.litellm.kept["team"]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setattr(client, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(client, "READY_SECONDS", 1)
    litellm = LiteLLM()
    with serving(litellm) as url:
        yield Place(url, litellm, tmp_path)


FILE: dict[str, Any] = {
    "teams": {"research": {"models": ["gpt"], "budget": 10, "budgetDuration": "30d", "rpm": 5, "members": ["alice"]}},
    "users": {"alice": {"role": "internal_user", "email": "alice@example.com"}},
    "keys": {"ci": {"team": "research", "models": ["gpt"], "budget": 2, "duration": "90d", "metadata": {"for": "ci"}}},
    "budgets": {"small": {"budget": 1}},
    "customers": {"acme": {"sharedBudget": "small"}},
    "organizations": {"lab": {"budget": 100}},
}


def test_what_the_file_says_is_there(place: Place) -> None:
    assert place.run(FILE) == 0
    team, key = place.teams["research"], place.keys["ci"]
    assert (team["models"], team["max_budget"], team["budget_duration"], team["rpm_limit"]) == (["gpt"], 10, "30d", 5)
    assert team["members_with_roles"] == [{"role": "user", "user_id": "alice"}]
    assert (key["team_id"], key["models"], key["max_budget"], key["metadata"]["for"]) == ("research", ["gpt"], 2, "ci")
    assert place.litellm.kept["user"]["alice"]["user_role"] == "internal_user"
    assert place.litellm.kept["organization"]["lab"]["litellm_budget_table"]["max_budget"] == 100


def test_a_key_has_the_value_that_the_store_has(place: Place) -> None:
    place.run(FILE)
    assert [*place.litellm.kept["key"]] == [client_hash(value_of("ci"))]


def client_hash(value: str) -> str:
    from components.access.plan import hashed

    return hashed(value)


def test_a_second_run_changes_nothing(place: Place) -> None:
    place.run(FILE)
    assert place.run(FILE) == 0
    assert place.litellm.asked == []


def test_a_customer_has_the_limits_of_the_budget_that_it_names(place: Place) -> None:
    place.run(FILE)
    budget = place.litellm.kept["customer"]["acme"]["budget_id"]
    assert place.litellm.kept["budget"][budget]["max_budget"] == 1


@pytest.mark.parametrize(
    ("change", "field", "expected"),
    [
        ({"budget": 20}, "max_budget", 20),
        ({"budget": None}, "max_budget", None),
        ({"models": []}, "models", []),
        ({"blocked": True}, "blocked", True),
    ],
)
def test_what_is_changed_in_the_file_is_changed(place: Place, change: Any, field: str, expected: Any) -> None:
    place.run(FILE)
    changed = {**FILE, "teams": {"research": {**FILE["teams"]["research"], **change}}}
    assert place.run(changed) == 0
    assert place.teams["research"][field] == expected
    assert [path for path, _ in place.litellm.asked] == ["/team/update"]


def test_what_was_changed_by_hand_becomes_what_the_file_says(place: Place) -> None:
    place.run(FILE)
    place.teams["research"]["max_budget"] = 1000
    place.keys["ci"]["tpm_limit"] = 7
    place.run(FILE)
    assert place.teams["research"]["max_budget"] == 10
    assert place.keys["ci"]["tpm_limit"] is None


def test_metadata_that_others_wrote_stays(place: Place) -> None:
    place.run(FILE)
    place.keys["ci"]["metadata"]["note"] = "by hand"
    changed = {**FILE, "keys": {"ci": {**FILE["keys"]["ci"], "metadata": {"owner": "qa"}}}}
    place.run(changed)
    there = place.keys["ci"]["metadata"]
    assert (there["note"], there["owner"]) == ("by hand", "qa")
    assert "for" not in there


def test_a_duration_that_did_not_change_is_not_begun_again(place: Place) -> None:
    place.run(FILE)
    before = place.keys["ci"]["expires"]
    place.run({**FILE, "keys": {"ci": {**FILE["keys"]["ci"], "budget": 3}}})
    assert place.keys["ci"]["expires"] == before


def test_a_duration_that_is_taken_away_ends_never(place: Place) -> None:
    place.run(FILE)
    place.run({**FILE, "keys": {"ci": {"team": "research"}}})
    assert place.keys["ci"]["expires"] is None


def test_further_settings_are_sent_once(place: Place) -> None:
    given = {"keys": {"ci": {"settings": {"guardrails": ["pii"]}}}}
    place.run(given)
    assert place.litellm.asked[0][1]["guardrails"] == ["pii"]
    place.run(given)
    assert place.litellm.asked == []
    place.run({"keys": {"ci": {}}})
    assert place.litellm.asked[0][1]["guardrails"] is None


def test_a_removed_key_is_deleted(place: Place) -> None:
    place.run(FILE)
    place.run({**FILE, "keys": {}})
    assert place.keys == {}


def test_a_key_made_by_hand_survives(place: Place) -> None:
    by_hand = {"token": "1" * 64, "key_alias": "mine", "metadata": {}, "team_id": None, "user_id": None}
    place.litellm.kept["key"]["1" * 64] = by_hand
    place.run(FILE)
    place.run({"teams": {}})
    assert [*place.keys] == ["mine"]


def test_what_another_stack_made_survives(place: Place) -> None:
    place.run({"keys": {"other": {}}}, owner="litellm/other")
    place.run({"keys": {"ci": {}}})
    place.run({"keys": {}})
    assert [*place.keys] == ["other"]


@pytest.mark.parametrize("section", ["teams", "users", "customers", "organizations"])
def test_removed_means_removed(place: Place, section: str) -> None:
    place.run({**FILE, "keys": {}})
    place.run({name: entries for name, entries in FILE.items() if name not in (section, "keys")})
    assert place.litellm.kept[section.removesuffix("s")] == {}


def test_a_removed_customer_takes_its_own_budget_along(place: Place) -> None:
    place.run({"customers": {"acme": {"budget": 1}}})
    place.run({"customers": {}})
    assert place.litellm.kept["budget"] == {}


def test_a_customer_that_others_gave_a_budget_of_ours_survives(place: Place) -> None:
    place.run(FILE)
    by_hand = {"user_id": "by-hand", "budget_id": f"{OWNER}:small", "blocked": False}
    place.litellm.kept["customer"]["by-hand"] = by_hand
    place.run({"budgets": FILE["budgets"]})
    assert [*place.litellm.kept["customer"]] == ["by-hand"]


def test_a_team_that_has_spent_something_is_blocked(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.run(FILE)
    place.teams["research"]["spend"] = 0.5
    place.run({"teams": {}})
    assert place.teams["research"]["blocked"] is True
    assert "team research: blocked, not deleted, as it has spent something" in capsys.readouterr().out
    place.run({"teams": {}})
    assert place.litellm.asked == []


def test_a_blocked_team_that_comes_back_works_again(place: Place) -> None:
    place.run(FILE)
    place.teams["research"]["spend"] = 0.5
    place.run({"teams": {}})
    place.run(FILE)
    assert place.teams["research"]["blocked"] is False


def test_purge_deletes_a_team_that_has_spent_something(place: Place) -> None:
    place.run(FILE)
    place.teams["research"]["spend"] = 0.5
    place.run({"teams": {}, "purge": True})
    assert place.teams == {}


def test_a_team_with_a_key_made_by_hand_is_blocked(place: Place) -> None:
    """LiteLLM deletes the keys of a team with it."""
    place.run(FILE)
    by_hand = {"token": "1" * 64, "key_alias": "mine", "metadata": {}, "team_id": "research", "user_id": None}
    place.litellm.kept["key"]["1" * 64] = by_hand
    place.run({"teams": {}})
    assert [*place.keys] == ["mine"]


def test_a_user_with_a_key_made_by_hand_stays(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.run(FILE)
    by_hand = {"token": "1" * 64, "key_alias": "mine", "metadata": {}, "team_id": None, "user_id": "alice"}
    place.litellm.kept["key"]["1" * 64] = by_hand
    place.run({"users": {}})
    assert [*place.keys] == ["mine"]
    assert "user alice: stays, as it has keys that others made" in capsys.readouterr().out


def test_a_team_that_others_made_is_left_alone(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.teams["research"] = {"team_id": "research", "models": [], "max_budget": 7, "metadata": {}}
    assert place.run(FILE) == NEEDS_A_PERSON
    assert place.litellm.asked == []
    assert "team research is there already, and not this stack's" in capsys.readouterr().out


def test_a_team_that_others_made_is_taken_over_when_the_file_says_so(place: Place) -> None:
    place.teams["research"] = {
        "team_id": "research",
        "models": [],
        "max_budget": 7,
        "metadata": {"cost": "42"},
        "members_with_roles": [{"user_id": "bob", "role": "user"}],
    }
    assert place.run({**FILE, "adopt": True}) == 0
    team = place.teams["research"]
    assert (team["max_budget"], team["metadata"]["cost"]) == (10, "42")
    assert [each["user_id"] for each in team["members_with_roles"]] == ["bob", "alice"]


def test_an_alias_that_others_have_is_said_before_anything_is_done(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    by_hand = {"token": "1" * 64, "key_alias": "ci", "metadata": {}, "team_id": None, "user_id": None}
    place.litellm.kept["key"]["1" * 64] = by_hand
    assert place.run(FILE) == NEEDS_A_PERSON
    assert place.litellm.asked == []
    assert "key ci: LiteLLM has a key with this alias" in capsys.readouterr().out


def test_all_that_is_in_the_way_is_said_at_once(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.teams["research"] = {"team_id": "research", "metadata": {}}
    place.litellm.kept["user"]["alice"] = {"user_id": "alice", "metadata": {}}
    place.run(FILE, ci="none-of-litellm")
    said = capsys.readouterr().out
    assert "team research" in said
    assert "user alice" in said
    assert "does not begin with sk-" in said
    assert "none-of-litellm" not in said


def test_both_values_work_for_the_time_of_the_overlap(place: Place) -> None:
    place.run({"keys": {"ci": {"overlap": "2h"}}})
    place.run({"keys": {"ci": {"overlap": "2h", "rotation": 1}}})
    old, new = client_hash(value_of("ci")), client_hash(value_of("ci", 1))
    kept = place.litellm.kept["key"]
    assert kept.keys() == {old, new}
    assert kept[old]["expires"] is not None
    assert kept[new]["expires"] is None
    assert kept[new]["key_alias"] == "ci"


def test_an_old_value_goes_when_its_time_is_over(place: Place) -> None:
    place.run({"keys": {"ci": {}}})
    place.run({"keys": {"ci": {"rotation": 1}}})
    place.run({"keys": {"ci": {"rotation": 1}}})
    assert len(place.keys) == 2
    place.litellm.kept["key"][client_hash(value_of("ci"))]["expires"] = "2020-01-01T00:00:00Z"
    place.run({"keys": {"ci": {"rotation": 1}}})
    assert [*place.keys] == ["ci"]


def test_without_an_overlap_the_old_value_stops_at_once(place: Place) -> None:
    place.run({"keys": {"ci": {}}})
    place.run({"keys": {"ci": {"rotation": 1, "overlap": "0s"}}})
    assert [*place.litellm.kept["key"]] == [client_hash(value_of("ci", 1))]


def test_a_rotation_gives_nobody_a_new_budget(place: Place) -> None:
    place.run({"keys": {"ci": {"budget": 2}}})
    place.keys["ci"]["spend"] = 1.5
    place.run({"keys": {"ci": {"budget": 2, "rotation": 1}}})
    assert place.keys["ci"]["spend"] == 1.5


def test_a_rotation_brings_no_ended_key_back(place: Place) -> None:
    place.run({"keys": {"ci": {"duration": "1d"}}})
    place.keys["ci"]["expires"] = "2020-01-01T00:00:00Z"
    place.run({"keys": {"ci": {"duration": "1d", "rotation": 1}}})
    assert [*place.litellm.kept["key"]] == [client_hash(value_of("ci", 1))]


def test_a_rotation_makes_no_key_last_longer(place: Place) -> None:
    place.run({"keys": {"ci": {"duration": "1d"}}})
    before = place.keys["ci"]["expires"]
    place.run({"keys": {"ci": {"duration": "1d", "rotation": 1, "overlap": "30d"}}})
    assert place.litellm.kept["key"][client_hash(value_of("ci"))]["expires"] == before


def test_a_removed_key_takes_its_old_value_along(place: Place) -> None:
    place.run({"keys": {"ci": {}}})
    place.run({"keys": {"ci": {"rotation": 1}}})
    place.run({"keys": {}})
    assert place.litellm.kept["key"] == {}


def test_a_job_that_was_killed_goes_on_where_it_was(place: Place) -> None:
    """Whatever request was the last one."""
    whole = LiteLLM()
    rotated = {**FILE, "keys": {"ci": {**FILE["keys"]["ci"], "rotation": 1}}, "users": {}, "customers": {}}
    for killed in range(12):
        place.litellm.__init__()
        place.litellm.dies_after = killed
        place.run(FILE)
        place.litellm.dies_after = None
        assert place.run(FILE) == 0
        place.litellm.dies_after = killed
        place.run(rotated)
        place.litellm.dies_after = None
        assert place.run(rotated) == 0
        assert place.run(rotated) == 0
        assert place.litellm.asked == []
        names = {
            kind: sorted(each.get("key_alias", name) for name, each in kept.items())
            for kind, kept in place.litellm.kept.items()
        }
        whole_names = {
            "budget": [f"{OWNER}:small"],
            "organization": ["lab"],
            "user": [],
            "team": ["research"],
            "customer": [],
        }
        assert {kind: names[kind] for kind in whole_names} == whole_names
        assert "ci" in names["key"]
        assert len(names["key"]) == 2
    assert whole.asked == []


def test_members_that_others_added_stay(place: Place) -> None:
    place.run(FILE)
    place.teams["research"]["members_with_roles"].append({"user_id": "bob", "role": "user"})
    place.run({**FILE, "teams": {"research": {"members": []}}})
    assert [each["user_id"] for each in place.teams["research"]["members_with_roles"]] == ["bob"]


def test_a_member_becomes_an_admin(place: Place) -> None:
    place.run(FILE)
    place.run({**FILE, "teams": {"research": {"admins": ["alice"]}}})
    assert place.teams["research"]["members_with_roles"] == [{"user_id": "alice", "role": "admin"}]


def test_a_key_has_the_parallel_requests_of_its_team(place: Place) -> None:
    place.run({"teams": {"research": {"maxParallelRequests": 3}}, "keys": {"ci": {"team": "research"}}})
    assert place.keys["ci"]["max_parallel_requests"] == 3


def test_the_log_says_what_was_done(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.run(FILE)
    place.run({**FILE, "teams": {"research": {**FILE["teams"]["research"], "budget": 11}}})
    said = capsys.readouterr().out
    assert "access: key ci: made" in said
    assert "access: team research: changed (max_budget)" in said
    assert "access: done: 1 change\n" in said


def test_a_refusal_shows_the_reason_of_litellm(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.litellm.licensed = False
    assert place.run(FILE) == NEEDS_A_PERSON
    assert "LiteLLM answers 403: Organizations are only available" in capsys.readouterr().out


def test_without_a_license_and_organizations_all_else_works(place: Place) -> None:
    place.litellm.licensed = False
    assert place.run({"keys": {"ci": {}}}) == 0


def test_no_message_has_a_value_in_it(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """What LiteLLM says may repeat what it was given."""

    def refuse(kind: str, body: dict[str, Any]) -> Any:
        from tests.litellm_api import RefusalError

        raise RefusalError(400, f"no such key: {body['key']}")

    place.litellm.generated = refuse
    assert place.run({"keys": {"ci": {}}}) == NEEDS_A_PERSON
    said = capsys.readouterr().out
    assert "no such key: ***" in said
    assert value_of("ci") not in said


def test_a_gateway_that_is_not_ready_yet_is_waited_for(place: Place) -> None:
    place.litellm.unavailable = 3
    assert place.run({"keys": {"ci": {}}}) == 0


def test_a_gateway_that_is_away_is_tried_again(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.litellm.unavailable = 10**6
    assert place.run({"keys": {"ci": {}}}) == AGAIN
    assert "tries again" in capsys.readouterr().out


def test_litellm_without_a_database_is_no_place_for_keys(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.litellm.database = "Not connected"
    assert place.run({"keys": {"ci": {}}}) == NEEDS_A_PERSON
    assert "without its database" in capsys.readouterr().out


def test_lists_of_several_pages_are_read_to_their_end(place: Place) -> None:
    many = {"keys": {f"key-{number}": {} for number in range(12)}}
    place.run(many)
    place.litellm.page = 5
    place.run(many)
    assert place.litellm.asked == []


def test_the_wrong_master_key_is_said(place: Place, monkeypatch: Any, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("tests.unit.components.access.test_reconcile.MASTER", "wrong")
    assert place.run({"keys": {}}) == NEEDS_A_PERSON
    assert "401" in capsys.readouterr().out


GIVEN: dict[str, Any] = {
    "credentials": {
        "openai": {
            "provider": "openai",
            "values": {"api_key": {"document": "shared/openai", "property": "key"}},
            "settings": {"api_base": "https://openai.example.com"},
        }
    },
    "mcpServers": {
        "tickets": {
            "url": "https://tickets.example.com/mcp",
            "auth": "bearer_token",
            "values": {"auth_value": {"document": "shared/tickets", "property": "token"}},
            "groups": ["support"],
        }
    },
}


def test_credentials_and_mcp_servers_get_their_values_out_of_the_store(place: Place) -> None:
    assert place.run(GIVEN) == 0
    assert place.litellm.values == {
        ("credential", "openai"): {"api_key": "shared/openai-key", "api_base": "https://openai.example.com"},
        ("server", "tickets"): {"auth_value": "shared/tickets-token"},
    }
    server = place.litellm.kept["server"]["tickets"]
    assert (server["url"], server["auth_type"]) == ("https://tickets.example.com/mcp", "bearer_token")
    assert place.litellm.kept["credential"]["openai"]["credential_info"]["custom_llm_provider"] == "openai"


def test_values_that_are_the_same_are_not_sent_again(place: Place) -> None:
    place.run(GIVEN)
    assert place.run(GIVEN) == 0
    assert place.litellm.asked == []


def test_another_value_in_the_store_is_sent(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.run(GIVEN)
    assert place.run(GIVEN, credential_openai_api_key="another", mcp_tickets_auth_value="other") == 0
    assert place.litellm.values["credential", "openai"]["api_key"] == "another"
    assert place.litellm.values["server", "tickets"]["auth_value"] == "other"
    said = capsys.readouterr().out
    assert "credential openai: changed (values)" in said
    assert "another" not in said


def test_no_value_is_in_what_litellm_shows(place: Place) -> None:
    place.run(GIVEN)
    assert "shared/openai-key" not in json.dumps(place.litellm.kept)
    assert "shared/tickets-token" not in json.dumps(place.litellm.kept)


def test_a_value_that_left_the_file_leaves_the_credential(place: Place) -> None:
    place.run(GIVEN)
    fewer = {**GIVEN, "credentials": {"openai": {"values": GIVEN["credentials"]["openai"]["values"]}}}
    assert place.run(fewer) == 0
    assert place.litellm.values["credential", "openai"] == {"api_key": "shared/openai-key"}
    assert place.run(fewer) == 0
    assert place.litellm.asked == []


def test_credentials_and_mcp_servers_that_left_the_file_are_deleted(place: Place) -> None:
    place.run(GIVEN)
    assert place.run({"keys": {}}) == 0
    assert (place.litellm.kept["credential"], place.litellm.kept["server"]) == ({}, {})


def test_those_of_others_stay(place: Place) -> None:
    theirs = {"credential_name": "theirs", "credential_info": {}, "credential_values": {}}
    place.litellm.kept["credential"]["theirs"] = theirs
    assert place.run(GIVEN) == 0
    assert place.litellm.kept["credential"]["theirs"] == theirs
    assert place.run({"credentials": {"theirs": GIVEN["credentials"]["openai"]}}) == NEEDS_A_PERSON
