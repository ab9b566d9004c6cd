"""The lock files: what is installed is what was reviewed."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

PROJECT = Path(__file__).parents[4]
LOCKS = ("requirements.txt", "requirements-dev.txt")


def pinned(lock: str) -> dict[str, str]:
    return dict(re.findall(r"(?m)^([a-z0-9][a-z0-9._-]*)==(\S+)", (PROJECT / lock).read_text()))


def declared() -> dict[str, list[Requirement]]:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    program = project["project"]["dependencies"]
    return {
        "requirements.txt": [Requirement(text) for text in program],
        "requirements-dev.txt": [Requirement(text) for text in [*program, *project["dependency-groups"]["dev"]]],
    }


@pytest.mark.parametrize("lock", LOCKS)
def test_every_dependency_of_the_project_is_locked_at_a_version_it_allows(lock: str) -> None:
    versions = pinned(lock)
    stale = [str(need) for need in declared()[lock] if versions.get(need.name, "") not in need.specifier]
    assert stale == []


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_is_locked_by_hash(lock: str) -> None:
    blocks = re.split(r"(?m)^(?=[a-z0-9])", (PROJECT / lock).read_text())
    packages = [block for block in blocks if "==" in block]
    assert len(packages) == len(pinned(lock))
    assert [block.splitlines()[0] for block in packages if "--hash=sha256:" not in block] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_place_to_download_from(lock: str) -> None:
    assert re.findall(r"(?m)https?://.*|^\s*--(?:index|extra|find|trusted).*", (PROJECT / lock).read_text()) == []


def test_both_locks_agree() -> None:
    development = pinned("requirements-dev.txt")
    assert {name: found for name, found in pinned("requirements.txt").items() if development.get(name) != found} == {}
