import string
from types import ModuleType

import pulumi
import pytest

from components.secrets import aws_once, vault_once
from components.secrets.generated import GeneratedSecret
from tests.recording import run

PASSWORD = "random:index/randomPassword:RandomPassword"


def test_a_key_starts_with_its_prefix_and_is_a_secret():
    recorded = run(lambda: {"value": GeneratedSecret("key", {"length": 48, "prefix": "sk-"}).value})
    assert recorded.outputs["value"] == "sk-" + "x" * 48
    assert recorded.secret_outputs == {"value"}


def test_only_letters_and_digits_are_generated():
    """The value must fit into a URL, a header and a shell line without quoting."""
    recorded = run(lambda: GeneratedSecret("key", {"length": 40}))
    assert recorded.inputs(PASSWORD)["special"] is False


def test_it_is_as_long_as_was_said_and_starts_with_nothing_unless_said():
    recorded = run(lambda: {"value": GeneratedSecret("key", {"length": 40}).value})
    assert recorded.inputs(PASSWORD)["length"] == 40
    assert recorded.outputs["value"] == "x" * 40


def test_a_counter_that_is_left_out_is_zero():
    """Stacks of earlier releases have it so in their state: another word for it would be a rotation."""
    assert run(lambda: GeneratedSecret("key", {"length": 40})).inputs(PASSWORD)["keepers"] == {"rotation": "0"}


def test_the_rotation_counter_is_what_makes_a_new_value():
    recorded = run(lambda: GeneratedSecret("key", {"length": 40, "rotation": 3}))
    assert recorded.inputs(PASSWORD)["keepers"] == {"rotation": "3"}


def test_settings_of_the_generator_do_not_replace_a_value_in_use():
    """A provider upgrade or another length once regenerated passwords of running systems (pulumi-random#258)."""
    ignored = set(run(lambda: GeneratedSecret("key", {"length": 40})).one(PASSWORD).ignore_changes)
    settings = {f"min{of}" for of in ("Lower", "Numeric", "Special", "Upper")} | {"lower", "number", "numeric", "upper"}
    assert ignored == settings | {"length", "special", "overrideSpecial"}


def test_protection_given_to_the_component_reaches_the_generator():
    opts = pulumi.ResourceOptions(protect=True)
    assert run(lambda: GeneratedSecret("key", {"length": 40}, opts)).named("key").protect


@pytest.mark.parametrize("module", [aws_once, vault_once], ids=lambda module: module.__name__)
def test_a_salt_key_is_made_of_all_letters_and_digits(module: ModuleType):
    """As every other generated value: fewer would make it easier to guess, others would need quoting."""
    assert sorted(module.ALPHABET) == sorted(string.ascii_letters + string.digits)


def test_of_two_users_that_take_turns_it_is_known_whose_it_is():
    keepers = run(lambda: GeneratedSecret("key", {"length": 40, "rotation": 3, "turn": 2})).inputs(PASSWORD)["keepers"]
    assert keepers == {"rotation": "3", "turn": "2"}
