from typing import Any

from tests.unit.tools.report.planned import planned
from tools.report.compare import changes
from tools.report.model import ABSENT, Change


def update(before: Any, after: Any) -> dict[str, tuple[Any, Any]]:
    """What differs, by path."""
    (change,) = changes([planned("a", inputs=before)], [planned("a", inputs=after)])
    assert change.operation == "update"
    return {difference.path: (difference.before, difference.after) for difference in change.differences}


def operations(found: list[Change]) -> list[tuple[str, str]]:
    return [(change.operation, change.name) for change in found]


def test_nothing_changed_is_no_change():
    assert changes([planned("a", inputs={"x": [1, {"y": 2}]})], [planned("a", inputs={"x": [1, {"y": 2}]})]) == []


def test_resources_come_and_go():
    found = changes([planned("a"), planned("b")], [planned("b"), planned("c")])
    assert operations(found) == [("delete", "a"), ("create", "c")]


def test_a_property_is_named_by_its_path():
    assert update({"spec": {"replicas": 1}}, {"spec": {"replicas": 2}}) == {"spec.replicas": (1, 2)}


def test_properties_come_and_go():
    assert update({"a": 1}, {"b": 2}) == {"a": (1, ABSENT), "b": (ABSENT, 2)}


def test_entries_with_a_name_are_compared_by_it():
    """Otherwise a variable at the front would change all others."""
    before = {"env": [{"name": "B", "value": "1"}]}
    after = {"env": [{"name": "A", "value": "0"}, {"name": "B", "value": "2"}]}
    found = update(before, after)
    assert found == {"env[B].value": ("1", "2"), "env[A]": (ABSENT, {"name": "A", "value": "0"})}


def test_other_entries_are_compared_by_their_place():
    assert update({"args": ["a", "b"]}, {"args": ["a", "c", "d"]}) == {"args[1]": ("b", "c"), "args[2]": (ABSENT, "d")}


def test_protection_is_a_property():
    (change,) = changes([planned("a", protect=True)], [planned("a")])
    assert [(each.path, each.before, each.after) for each in change.differences] == [("protect", True, False)]


def test_a_resource_with_a_hash_in_its_name_is_replaced_by_its_successor():
    before = planned("config-0123456789", inputs={"data": {"a": "1"}})
    after = planned("config-abcdef0123", inputs={"data": {"a": "2"}})
    (change,) = changes([before], [after])
    assert (change.operation, change.name) == ("replace", "config-abcdef0123")
    assert [each.path for each in change.differences] == ["data.a"]


def test_no_hash_makes_two_things_one():
    found = changes([planned("one-0123456789")], [planned("two-abcdef0123")])
    assert operations(found) == [("delete", "one-0123456789"), ("create", "two-abcdef0123")]


def test_a_secret_that_differs_is_not_shown():
    type_ = "kubernetes:core/v1:Secret"
    before, after = ({"stringData": {"token": text}, "immutable": flag} for text, flag in (("a", True), ("b", False)))
    (change,) = changes([planned("a", type_, inputs=before)], [planned("a", type_, inputs=after)])
    assert [each.path for each in change.differences] == ["immutable"]
