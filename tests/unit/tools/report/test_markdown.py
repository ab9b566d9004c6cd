"""The comment of a pull request."""

import re

from tests.unit.tools.report.planned import planned, report, urn, violation
from tools.report.markdown import LONGEST, markdown
from tools.report.model import Change, Difference, Report, StackReport


def update(name: str, *differences: Difference) -> Change:
    return Change("update", urn(name), "kubernetes:apps/v1:Deployment", name, differences)


def test_a_comment_is_found_again_by_its_first_line():
    assert markdown(report()).splitlines()[0] == "<!-- litellm-plan:try -->"


def test_a_comment_on_several_stacks_is_one():
    both = Report("plan", [StackReport("dev", changes=[]), StackReport("prod", changes=[])], against="main")
    text = markdown(both)
    assert text.splitlines()[0] == "<!-- litellm-plan -->"
    assert "### Plan of `dev` against `main`" in text
    assert "### Plan of `prod` against `main`" in text


def test_the_counts_are_not_folded():
    text = markdown(report([update("a"), Change("create", urn("b"), "x:y:Z", "b")], unchanged=3))
    assert "**1 to create, 1 to change, 3 unchanged; policy: every rule is kept**" in text


def test_the_differences_are_folded():
    text = markdown(report([update("gateway", Difference("spec.replicas", 1, 2))]))
    assert "<details><summary>~ gateway (Deployment)</summary>" in text
    assert "```diff\n- spec.replicas: 1\n+ spec.replicas: 2\n```" in text


def test_a_text_of_many_lines_shows_the_lines_that_differ():
    before = "\n".join("abcdefghij")
    text = markdown(report([update("a", Difference("data", before, before.replace("f", "F")))]))
    assert "-   f\n+   F\n" in text
    assert "\n    a\n" not in text


def test_policy_is_a_table_that_its_content_cannot_break():
    text = markdown(report([], violations=[violation(), violation("advisory")]))
    assert "policy: 1 mandatory, 1 advisory**" in text
    assert "| mandatory | `tls` | `ingress` | host a\\|b has no TLS &lt;b&gt; |" in text


def test_no_content_closes_its_own_fence():
    text = markdown(report([update("a", Difference("data", "a\n", "```\n<script>\n"))]))
    assert "````diff\n" in text


def test_a_comment_is_never_too_long_and_says_what_is_missing():
    many = [update(f"r{index}", Difference("x", "a" * 150, "b" * 150)) for index in range(2000)]
    text = markdown(report(many))
    assert len(text) < LONGEST
    assert re.search(r"\d+ more did not fit", text)


def test_a_wrong_configuration_is_said_without_its_secrets():
    text = markdown(Report("plan", [StackReport("try", problems=["litellm:x is wrong (got sk-abcdefghijkl)"])]))
    assert "**failed**" in text
    assert "litellm:x is wrong (got [secret]" in text


def test_an_offline_plan_is_labelled_for_what_it_is():
    assert "It knows nothing of what exists already." in markdown(report())
    preview = Report("preview", [StackReport("try", [planned("a")], [])])
    assert "knows nothing" not in markdown(preview)


def test_a_notice_is_at_the_top():
    lines = markdown(Report("plan", [StackReport("try")], notices=["no preview:\nno cluster"])).splitlines()
    assert lines[1] == "> no preview: no cluster"
