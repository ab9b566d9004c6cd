import pytest

from tools.report.redact import hidden, redacted

KEY = "sk-" + "a1B2" * 5


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        f"api_key: {KEY}\nmodel: a",
        f'{{"key":"{KEY}"}}',
        "postgresql://litellm:hunter22@db/litellm",
        "hvs.CAESIabcdefghijkl",
        "AKIAABCDEFGHIJKLMNOP123456",
    ],
)
def test_what_looks_like_a_secret_is_hidden_wherever_it_stands(text: str):
    shown = hidden({"a": [text]})["a"][0]
    assert "[secret]" in shown
    assert KEY not in shown
    assert "hunter22" not in shown


@pytest.mark.parametrize(
    "text",
    [
        "os.environ/OPENAI_API_KEY",
        "postgresql://{{ .USERNAME | urlquery }}:{{ .PASSWORD | urlquery }}@postgres:5432/litellm",
        "https://vault.example.com:8200",
        "task-runner",
        "sk-",
    ],
)
def test_what_is_none_stays_readable(text: str):
    assert hidden(text) == text


def test_properties_of_pulumi_itself_are_left_out():
    assert redacted("a:b:C", {"__provider": "pickled", "data": {"__defaults": [], "x": 1}}) == {"data": {"x": 1}}


def test_the_data_of_a_secret_is_hidden_whatever_it_looks_like():
    shown = redacted("kubernetes:core/v1:Secret", {"stringData": {"a": "b"}, "metadata": {"name": "c"}})
    assert shown == {"stringData": "[secret]", "metadata": {"name": "c"}}
