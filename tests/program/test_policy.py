"""The rules of `policy/`, on every stack file."""

from pathlib import Path

import pytest

from policy.rules import RULES
from tests.program.conftest import recording_of
from tests.program.stacks import FILES, ROOT, name_of
from tools.offline.plan import document
from tools.report.policies import violations


@pytest.mark.parametrize("known", [False, True], ids=["preview", "known"])
@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_no_stack_violates_a_mandatory_rule(path: Path, known: bool):
    """Also with every value known, as after an `up`: only then is there a key to find in a pod."""
    name = name_of(path)
    resources = document(name, recording_of(path, preview=not known))["resources"]
    assert [
        f"{each.rule.id}: {each.name}: {each.message}" for each in violations(name, resources) if each.mandatory
    ] == []


def test_production_violates_no_rule_at_all():
    path = ROOT / "Pulumi.prod.yaml"
    assert violations("prod", document("prod", recording_of(path))["resources"]) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_the_documentation_has_every_rule(rule: object):
    assert f"`{getattr(rule, 'id', '')}`" in (ROOT / "docs" / "policy.md").read_text()
