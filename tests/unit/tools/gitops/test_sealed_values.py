from pathlib import Path

import pytest

from tools.gitops.sealed import parse_values, read_values
from tools.problem import Problem


def test_values_are_documents_of_properties():
    assert parse_values("dev/api-keys: {master-key: sk-1, other: '2'}\n", "here") == {
        ("dev/api-keys", "master-key"): "sk-1",
        ("dev/api-keys", "other"): "2",
    }


def test_json_is_taken_as_well():
    assert parse_values('{"a": {"b": "c"}}', "here") == {("a", "b"): "c"}


def test_nothing_is_no_values():
    assert parse_values("", "here") == {}


WRONG = {
    "no map": ("- hidden", "must be a map of documents"),
    "no document": ("a: hidden", "a must be a map of properties"),
    "a number": ("a: {b: 123456789}", "a#b must be a text that is not empty; write it in quotes"),
    "nothing": ("a: {b: }", "a#b must be a text"),
    "empty": ("a: {b: ''}", "a#b must be a text"),
    "a list": ("a: {b: [hidden]}", "a#b must be a text"),
    "no YAML": ("ok: {a: b}\na: {b: 'hidden}\n", "(line "),
    "twice": ("a: {b: hidden1}\na: {b: hidden2}\n", "(line "),
    "control characters": ("a: hidden\x07", "is not valid YAML"),
}


@pytest.mark.parametrize(("text", "said"), WRONG.values(), ids=WRONG)
def test_a_wrong_form_is_named_and_no_value_repeated(text: str, said: str):
    with pytest.raises(Problem) as problem:
        parse_values(text, "standard input")
    assert said in str(problem.value)
    assert "hidden" not in str(problem.value)
    assert "123456789" not in str(problem.value)


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(Problem, match=r"cannot read the values .*values\.yaml: No such file"):
        read_values(tmp_path / "values.yaml")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path):
    (tmp_path / "values.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(Problem, match="is not text in UTF-8"):
        read_values(tmp_path / "values.yaml")
