from datetime import UTC, datetime, timedelta, timezone

import pytest

from tools.ephemeral.ttl import in_words, parse_timestamp, parse_ttl, timestamp
from tools.problem import Problem


@pytest.mark.parametrize(
    ("text", "hours"), [("90m", 1.5), ("4h", 4), ("2d", 48), ("1d12h", 36), ("1h30m", 1.5), ("3600s", 1)]
)
def test_durations_are_read(text: str, hours: float):
    assert parse_ttl(text) == timedelta(hours=hours)


@pytest.mark.parametrize("text", ["", "4", "h", "4 h", "-4h", "4w", "4h!", "1.5h", "4H"])
def test_anything_else_is_refused(text: str):
    with pytest.raises(Problem, match="is no duration: write 90m"):
        parse_ttl(text)


def test_a_moment_is_too_short_and_a_year_too_long():
    with pytest.raises(Problem, match="too short"):
        parse_ttl("59s")
    with pytest.raises(Problem, match=r"the template allows 7d .*maximumTtl"):
        parse_ttl("8d", timedelta(days=7))


def test_a_timestamp_is_rfc_3339_in_utc_and_comes_back():
    moment = datetime(2026, 11, 21, 14, 30, tzinfo=timezone(timedelta(hours=2)))
    assert timestamp(moment) == "2026-11-21T12:30:00Z"
    assert parse_timestamp("2026-11-21T12:30:00Z") == datetime(2026, 11, 21, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize("text", [None, "", "soon", "2026-11-21T12:30:00", "2026-13-01T00:00:00Z"])
def test_what_is_no_moment_is_none(text: str | None):
    """Somebody may have edited the annotation; without a time zone it could be hours off."""
    assert parse_timestamp(text) is None


def test_spans_are_short_to_read():
    assert in_words(timedelta(days=1, hours=12, minutes=5)) == "1d12h"
    assert in_words(timedelta(seconds=-5)) == "0s"
