"""When the copies of a credential agree, and how it is said when they do not."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from tools.credentials.copies import Copy, Pod, Source
from tools.credentials.credential import Credential, InStore, fingerprints, in_secret
from tools.credentials.report import age, agreement, as_json, exit_code, lines

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
BEFORE, AFTER = NOON - timedelta(minutes=5), NOON + timedelta(minutes=5)
VALUE = "sk-" + "v" * 16
mark = fingerprints(b"of this test")


def copy(value: str | None = VALUE, *pods: Pod, name: str = "env-1", current: bool = True) -> Copy:
    return Copy(Source("dev/api-keys", "master-key"), name, "KEY", value, current, NOON, pods)


def credential(*copies: Copy, store: str | None = VALUE, unknown: str = "") -> Credential:
    stored = InStore(mark(store) if store else None, "3", BEFORE, unknown)
    return Credential("litellm/dev/api-keys#master-key", stored, tuple(in_secret(each, mark) for each in copies))


NEW, OLD = Pod("new", "litellm", AFTER), Pod("old", "litellm", BEFORE)

CASES = {
    "all have it": (credential(copy(VALUE, NEW)), True, ""),
    "nobody reads it": (credential(), True, ""),
    "the store has none": (credential(copy(), store=None), False, "the store has no such value"),
    "another in the Secret": (credential(copy("x")), False, "Secret env-1, key KEY: another value than the store"),
    "none in the Secret": (credential(copy(None)), False, "Secret env-1, key KEY: there is none"),
    "an older pod": (
        credential(copy(VALUE, OLD, NEW)),
        False,
        "pods old started before Secret env-1, key KEY got this value",
    ),
    "a pod that reads the Secret of before": (
        credential(copy(VALUE, NEW), copy("x", OLD, name="env-0", current=False)),
        False,
        "pods old read another value, in Secret env-0 of before",
    ),
    "the Secret of before has the same value": (
        credential(copy(VALUE, NEW), copy(VALUE, NEW, name="env-0", current=False)),
        True,
        "",
    ),
    "the store cannot be read": (credential(copy(), store=None, unknown="sealed"), None, ""),
    "the store cannot be read and Secrets differ": (
        credential(copy(), copy("x", name="role"), store=None, unknown="sealed"),
        False,
        "Secret role, key KEY: another value",
    ),
}


@pytest.mark.parametrize(("found", "agrees", "says"), CASES.values(), ids=list(CASES))
def test_whether_it_agrees_and_why_not(found: Credential, agrees: bool | None, says: str):
    assert found.agrees is agrees
    assert says in "; ".join(found.differences)
    assert bool(says) is bool(found.differences)


def test_the_exit_code_tells_difference_from_ignorance():
    fine, differs, unknown = credential(copy()), credential(copy("x")), credential(store=None, unknown="sealed")
    assert [exit_code(each) for each in ([fine], [fine, differs], [fine, unknown], [differs, unknown])] == [0, 3, 4, 3]
    assert agreement([]) is True


def test_a_fingerprint_is_worth_nothing_without_its_key():
    other = fingerprints(b"of another run")
    assert mark(VALUE) == mark(VALUE) != other(VALUE)
    assert mark(VALUE) != hashlib.sha256(VALUE.encode()).hexdigest()[:12]


def test_the_report_says_place_version_age_and_readers_and_no_value():
    said = "\n".join(lines("dev", [credential(copy(VALUE, NEW, OLD))], AFTER))
    assert "litellm/dev/api-keys#master-key: version 3, 10 minutes old" in said
    assert f"  store   {mark(VALUE)}" in said
    assert f"  Secret  {mark(VALUE)}  env-1, key KEY" in said
    assert f"  pods    {mark(VALUE)}  litellm: 1" in said
    assert "  pods    older         litellm: 1" in said
    assert said.endswith("stack dev: 1 credentials, some DIFFER")
    assert VALUE not in said


def test_json_has_the_same_and_no_value():
    said = as_json("dev", [credential(copy(VALUE, OLD))], AFTER)
    assert VALUE not in said
    import json

    report = json.loads(said)
    (entry,) = report["credentials"]
    assert (report["agree"], entry["ageSeconds"], entry["store"]) == (False, 600, mark(VALUE))
    assert entry["secrets"][0]["pods"] == [{"name": "old", "workload": "litellm", "fingerprint": None}]


@pytest.mark.parametrize(
    ("seconds", "says"),
    [(5, "5 seconds"), (150, "2 minutes"), (7200, "2 hours"), (90000, "25 hours"), (200000, "2 days")],
)
def test_ages_are_in_the_largest_unit_of_which_there_are_two(seconds: int, says: str):
    assert age(NOON, NOON - timedelta(seconds=seconds)) == says
