"""Stack files are read as Pulumi reads them, or refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.config.stack_yaml import STACK_FILE, StackFileError, of_stack, parse, read, settings
from tests.unit.infra.config.yaml_values import READ, REFUSED_BY_PULUMI, REFUSED_HERE


def value_of(text: str) -> Any:
    return parse(f"config:\n  litellm:value: {text}\n")["config"]["litellm:value"]


def as_pulumi_has_it(value: Any) -> str:
    """JSON in which 1 and 1.0, and 1 and true, are not the same."""
    return json.dumps("" if value is None else value, sort_keys=True)


@pytest.mark.parametrize(("text", "expected"), READ, ids=repr)
def test_a_value_means_what_it_means_to_pulumi(text: str, expected: str):
    value = value_of(text)
    wanted: Any = expected
    if not isinstance(value, str) and value is not None:
        wanted = json.loads(expected)
    assert as_pulumi_has_it(value) == as_pulumi_has_it(wanted)


@pytest.mark.parametrize("text", [*REFUSED_BY_PULUMI, *REFUSED_HERE], ids=repr)
def test_what_is_none_or_would_be_changed_is_refused_with_its_line(text: str):
    with pytest.raises(StackFileError, match=r"\(line \d+, column \d+\): |a character that no text has"):
        value_of(text)


def test_a_date_is_refused_with_the_way_out():
    with pytest.raises(StackFileError, match=r"date without quotes.*put it in quotes"):
        value_of("{apiVersion: 2024-10-21}")


@pytest.mark.parametrize(
    "text",
    [
        "a: {b: 'hunter2",
        "a: hunter2: b",
        "a: *hunter2",
        "a: !hunter2 b",
        "a: !hunter2!x b",
        'a: "hunter2\\q"',
        "hunter2: 1\nhunter2: 2",
        "a: {<<: hunter2}",
        "? [hunter2]\n: b",
        "a: hunter2\n\tb: c",
        "a: &hunter2 [*hunter2]",
        "- hunter2",
        "hunter2",
        "a: @hunter2",
        "a: |\n  hunter2\n b: c",
        "a: 'x' hunter2",
        "{a: b} hunter2",
        "a: \x07hunter2",
        "config: {hunter2:b:c: 1}",
        "config: [hunter2]",
    ],
)
def test_no_message_repeats_a_line_of_the_file(tmp_path: Path, text: str):
    path = tmp_path / "Pulumi.dev.yaml"
    path.write_text(text)
    with pytest.raises(StackFileError) as caught:
        settings(read(path))
    assert "hunter" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: " + "[" * 5000, "nested too deeply"),
        (
            "a: &a [x]\n" + "".join(f"b{n}: &b{n} [{','.join([f'*b{n - 1}' if n else '*a'] * 9)}]\n" for n in range(9)),
            "many",
        ),
        ("a: &x {<<: *x}", "contains itself"),
        ("a: \udcff", "a character that no text has"),
        ("---\na: 1\n---\nb: 1", "more than one document"),
    ],
    ids=["deep", "aliases", "itself", "surrogate", "documents"],
)
def test_files_that_would_bring_a_parser_down_are_refused(text: str, says: str):
    with pytest.raises(StackFileError, match=says):
        parse(text)


def test_numbers_of_any_length_are_read():
    assert value_of("9" * 5000) == "9" * 5000
    assert value_of("9" * 300) == pytest.approx(1e300)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path):
    (tmp_path / "x.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(StackFileError, match="UTF-8"):
        read(tmp_path / "x.yaml")


def test_keys_have_their_project_in_front_as_with_pulumi():
    given = {"gateway": 1, "litellm:config:redis": 2, "litellm:keys": 3, "pulumi:tags": 4}
    named = {"litellm:gateway": 1, "litellm:redis": 2, "litellm:keys": 3, "pulumi:tags": 4}
    assert settings({"config": given}) == named


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"gateway": 1, "litellm:gateway": 2}, "twice"),
        ({"litellm:x:gateway": 1}, "a key below `config` that is none"),
        ({"5": 1}, "a key below `config` that is none"),
        ({":gateway": 1}, "a key below `config` that is none"),
        ([1], "must have a map of settings"),
    ],
)
def test_keys_that_are_none_to_pulumi_are_refused(config: Any, says: str):
    with pytest.raises(StackFileError, match=says):
        settings({"config": config})


def test_the_file_of_a_stack_is_the_one_in_the_folder_or_the_one_that_make_gave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Pulumi.dev.yaml").write_text("config: {gateway: 1}")
    (tmp_path / "merged.yaml").write_text("config: {gateway: 2}")
    assert of_stack("dev", {}) == {"litellm:gateway": 1}
    assert of_stack("dev", {STACK_FILE: "merged.yaml"}) == {"litellm:gateway": 2}
    assert of_stack("prod", {}) is None


def test_a_stack_file_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Pulumi.dev.yaml").write_text("config: {gateway: 2024-01-01}")
    with pytest.raises(StackFileError, match=r"^Pulumi\.dev\.yaml cannot be read \(line 1, column 19\): a date"):
        of_stack("dev", {})
