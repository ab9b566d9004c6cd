"""`render.py`: the files of a pod, out of secrets that were fetched."""

import json
from pathlib import Path
from typing import Any

import pytest

from components.sync.render import MissingError, main, value_of


def rendered(folder: Path, secrets: list[str], *parts: Any) -> Path:
    """The file that a plan of these parts makes."""
    fetched = folder / "fetched"
    fetched.mkdir()
    for number, secret in enumerate(secrets):
        (fetched / str(number)).write_text(f"{secret}\n")
    file = folder / "values" / "ONE"
    files = [{"path": str(file), "mode": "0440", "parts": parts}]
    plan = {"documents": [f"secret-{number}" for number in range(len(secrets))], "files": files}
    (folder / "plan.json").write_text(json.dumps(plan))
    main(folder / "plan.json", fetched)
    return file


def part(name: str, function: str = "", secret: int = 0) -> dict[str, Any]:
    return {"document": secret, "property": name, "function": function}


def test_a_file_has_texts_and_values_in_their_order(tmp_path: Path):
    made = rendered(tmp_path, ['{"a": "1"}', "two"], "x=", part("a"), "&y=", part("", secret=1))
    assert made.read_text() == "x=1&y=two"


@pytest.mark.parametrize(
    ("value", "function", "text"),
    [
        ("a+/@ %b", "url", "a%2B%2F%40%20%25b"),
        ("x", "sha256", "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"),
        ("fd00::1", "host", "[fd00::1]"),
        ("db.example.com", "host", "db.example.com"),
    ],
)
def test_values_become_what_templates_of_secrets_make_of_them(tmp_path: Path, value: str, function: str, text: str):
    assert rendered(tmp_path, [json.dumps({"a": value})], part("a", function)).read_text() == text


def test_nobody_but_the_pods_user_and_group_reads_a_file_and_what_was_fetched_is_gone(tmp_path: Path):
    made = rendered(tmp_path, ["one"], part(""))
    assert made.stat().st_mode & 0o777 == 0o440
    assert list((tmp_path / "fetched").iterdir()) == []


@pytest.mark.parametrize(
    ("content", "name", "value"),
    [
        ('{"openai.key": "by its name"}', "openai.key", "by its name"),
        ('{"openai": {"key": "below"}}', "openai.key", "below"),
        ('{"port": 5432}', "port", "5432"),
    ],
)
def test_a_property_is_found_where_the_operator_would_find_it(content: str, name: str, value: str):
    assert value_of(content, name, "a") == value


@pytest.mark.parametrize("content", ['{"other": "sk-1"}', "sk-no-json", '["sk-1"]', '{"key": ""}', '{"key": null}'])
def test_a_missing_property_is_named_and_no_value_is(content: str):
    with pytest.raises(MissingError) as error:
        value_of(content, "key", "prod/openai")
    assert "secret prod/openai" in str(error.value)
    assert "sk-" not in str(error.value)
