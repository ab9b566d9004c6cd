"""The names of LiteLLM that the configuration is checked with are those of the pinned LiteLLM."""

import re

from components.gateway.deployment import environment
from tests import litellm_env, litellm_names


def test_the_names_are_those_of_the_pinned_litellm():
    assert litellm_names.MODULE.read_text(encoding="utf-8") == litellm_names.text(), (
        "run `python -m tests.litellm_names`"
    )


def test_litellm_fetches_nothing_that_its_image_has():
    """Each of these makes it take a list out of the image; in a closed network it would wait for the one of the internet."""
    sources = next(litellm_env.interpreter().parents[1].glob("lib/*/site-packages/litellm"))
    switches = {
        name for file in sources.rglob("*.py") for name in re.findall(r"\"(LITELLM_LOCAL_[A-Z_]+)\"", file.read_text())
    }
    assert len(switches) == 5
    assert dict.fromkeys(switches, "True").items() <= environment({}).items()
