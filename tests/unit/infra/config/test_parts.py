"""What is closed from outside, against what LiteLLM has."""

import pytest

from infra.config.ingress.parts import PATHS, overlap, paths_of


def test_parts_are_lists_of_paths() -> None:
    assert paths_of(["metrics"]) == ("/metrics",)
    assert paths_of(["admin", "metrics"]) == (*PATHS["metrics"], *PATHS["admin"])


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("/v2", "/v2/login", True),
        ("/v2/login/a", "/v2/login", True),
        ("/v2/login", "/v2/login", True),
        ("/v1", "/v2/login", False),
        ("/uix", "/ui", False),
    ],
)
def test_two_prefixes_overlap_at_whole_segments(one: str, other: str, both: bool) -> None:
    assert overlap(one, other) is both
