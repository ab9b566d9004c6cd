"""What the numbers are made of."""

from bench import report


def test_the_ratio_is_of_the_medians_so_that_one_bad_round_does_not_count():
    assert report.ratio([3.0, 2.0, 90.0], [2.0, 2.0, 1.0]) == 1.5


def test_a_single_round_has_no_spread():
    assert report.spread([1.26]) == "1.3"
    assert report.spread([3.0, 1.0, 2.0]) == "2.0 (1.0-3.0)"


def test_exactly_the_target_is_met():
    assert "green" in report.verdict(1.2, 1.2)
    assert "red" in report.verdict(1.21, 1.2)
