from pathlib import Path

import pytest

from policy.check import check
from policy.levels import FILE, LevelsError, levels_for
from policy.rules import RULES
from tests.unit.policy.resources import gateway, resource

IDS = tuple(rule.id for rule in RULES)
ENTRIES = """
- stacks: [dev, "pr-*"]
  levels: {tls: advisory}
- stacks: ["pr-*"]
  levels: {tls: disabled, pinned-images: disabled}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "levels.yaml"
    path.write_text(ENTRIES)
    return path


def test_what_nobody_relaxes_is_mandatory(file: Path):
    assert {each for each, level in levels_for("prod", IDS, file).items() if level != "mandatory"} == {
        "retired-controller"
    }


def test_what_only_warns_can_be_made_mandatory(file: Path):
    assert levels_for("prod", IDS, file)["retired-controller"] == "advisory"
    file.write_text("- stacks: [prod]\n  levels: {retired-controller: mandatory}\n")
    assert levels_for("prod", IDS, file)["retired-controller"] == "mandatory"


def test_a_pattern_stands_for_many_stacks(file: Path):
    assert levels_for("pr-12", IDS, file)["tls"] == "advisory"


def test_the_first_entry_with_the_rule_has_the_say(file: Path):
    levels = levels_for("pr-12", IDS, file)
    assert (levels["tls"], levels["pinned-images"]) == ("advisory", "disabled")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("stacks: [dev]", "must be a list"),
        ("- stacks: dev\n  levels: {}", "a list of names"),
        ("- stacks: [dev]\n  level: {}", "must have `stacks`"),
        ("- stacks: [dev]\n  levels: {tsl: advisory}", "there is no rule 'tsl'. Rules: exact-arns"),
        ("- stacks: [dev]\n  levels: {tls: warn}", "tls must be mandatory, advisory, disabled (got 'warn')"),
        ("- [", "is not valid YAML (line 1)"),
    ],
)
def test_a_wrong_file_is_refused(file: Path, content: str, message: str):
    file.write_text(content)
    with pytest.raises(LevelsError) as refused:
        levels_for("dev", IDS, file)
    assert message in str(refused.value)


def test_the_file_of_the_project_relaxes_nothing_of_production():
    relaxed = {each for each, level in levels_for("prod", IDS, FILE).items() if level != "mandatory"}
    assert relaxed == {"retired-controller"}


def test_no_stack_may_relax_what_keeps_secrets():
    """The file cannot be wrong about these by accident: whoever wants that has to change this test, too."""
    kept = {"no-plain-secrets", "exact-vault-paths", "exact-arns", "vault-audience", "protected-salt"}
    for stack in ("dev", "pr-1", "openrouter", "aws-managed"):
        levels = levels_for(stack, IDS, FILE)
        assert {levels[rule] for rule in kept} == {"mandatory"}


def test_mandatory_violations_come_first_and_disabled_rules_are_not_looked_at():
    levels = dict.fromkeys(IDS, "disabled") | {"pinned-images": "advisory", "network-policy": "mandatory"}
    found = check([gateway(image="litellm")], levels)  # pyright: ignore[reportArgumentType]
    assert [(each.rule.id, each.level) for each in found] == [
        ("network-policy", "mandatory"),
        ("pinned-images", "advisory"),
    ]


def test_a_violation_names_its_resource():
    levels = dict.fromkeys(IDS, "mandatory")
    (found,) = check([resource("pulumi-python:dynamic/litellm:VaultSaltKey", name="salt-key")], levels)  # pyright: ignore[reportArgumentType]
    assert (found.name, found.rule.id, found.mandatory) == ("salt-key", "protected-salt", True)
