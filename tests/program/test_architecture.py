"""docs/architecture.md leads through files that are there."""

import re

import pytest

from tests.program.stacks import ROOT

TEXT = (ROOT / "docs" / "architecture.md").read_text()
PATHS = sorted(set(re.findall(r"`((?:[a-z_]+/)+[\w.*/-]*|[\w-]+\.(?:py|yaml|toml))`", TEXT)))
ROOMS = ("infra/", "infra/config/", "infra/secrets/", "tools/", "components/", "policy/rules/", "docs/", "tests/")
LIKE = re.compile(r"NAME|<|^litellm/")


@pytest.mark.parametrize("path", [path for path in PATHS if not LIKE.search(path)])
def test_what_the_walk_names_is_there(path: str):
    """A bare file name belongs to one of the rooms that its sentence names."""
    assert any((ROOT / room / path).exists() for room in ("", *ROOMS))


@pytest.mark.parametrize("folder", ["infra", "tools"])
def test_every_room_has_its_sentence(folder: str):
    rooms = {path.name for path in (ROOT / folder).iterdir() if (path / "__init__.py").is_file()}
    assert {room for room in rooms if f"`{folder}/{room}/`" not in TEXT} == set()


def test_the_layout_of_the_readme_is_short():
    layout = (ROOT / "README.md").read_text().partition("## Layout\n")[2].partition("\n## ")[0]
    assert len(layout.strip().splitlines()) <= 20
