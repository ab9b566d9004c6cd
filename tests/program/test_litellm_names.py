"""The names of LiteLLM that the configuration is checked with are those of the pinned LiteLLM."""

from tests import litellm_names


def test_the_names_are_those_of_the_pinned_litellm():
    assert litellm_names.MODULE.read_text(encoding="utf-8") == litellm_names.text(), (
        "run `python -m tests.litellm_names`"
    )
