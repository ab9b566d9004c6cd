"""Which key is handed to whoever uses an environment."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from infra.target import resolve_offline
from tests.unit.tools.ephemeral.test_template import MARK, NAME, ROOT, overlay
from tools.ephemeral.running import key_of
from tools.ephemeral.template import read_template


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the machine says of cluster and store is another test's."""
    monkeypatch.setattr("tools.ephemeral.running.target_of", resolve_offline)


def place_of(files: list[Path]) -> Any:
    keeper = SimpleNamespace(read=lambda reference: f"{reference['key']}#{reference['property']}")
    return SimpleNamespace(template=read_template(ROOT, None, files), keeper=keeper)


def handed_over(files: list[Path]) -> str:
    record = SimpleNamespace(name=NAME, mark=MARK)
    return key_of(place_of(files), cast("Any", record))


def test_an_environment_without_a_key_of_its_own_has_the_master_key():
    assert handed_over([]).endswith("/api-keys#master-key")


def test_an_environment_with_a_key_of_its_own_hands_that_over(tmp_path: Path):
    assert handed_over(overlay(tmp_path, access={"keys": {"environment": {}}})).endswith("/keys/environment#key")
