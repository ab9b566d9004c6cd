"""What a check before a write may compare: only what is known, and no secret."""

from typing import Any

import pulumi
import pytest

from infra.secrets.claims import known
from tests.recording import run


@pytest.mark.parametrize("value", ["litellm/dev", ["a"], {"a": "b"}, None])
def test_a_plain_value_is_known(value: Any):
    assert known(value) == value


def test_what_a_preview_does_not_know_yet_is_not_known():
    assert known(pulumi.output.Unknown()) is None


def test_a_secret_is_not_known():
    seen: list[Any] = []
    run(lambda: seen.append(known(pulumi.Output.secret("sk-1"))))
    assert seen == [None]
