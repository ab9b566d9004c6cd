"""The state in a folder is readable again after it was cut off while it was written."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests import programs
from tools.engine.state_folder import mend

STATE, BEFORE, ATTRIBUTES = {"version": 3}, {"version": 3, "before": True}, {"user.content_type": "text/plain"}


@pytest.fixture
def stacks(tmp_path: Path) -> Path:
    """A backend with stacks `dev` and `dev-two`, each with the state before."""
    folder = tmp_path / ".pulumi" / "stacks" / "litellm"
    folder.mkdir(parents=True)
    for stack in ("dev", "dev-two"):
        for suffix, content in {"json": STATE, "json.bak": BEFORE}.items():
            (folder / f"{stack}.{suffix}").write_text(json.dumps(content))
            (folder / f"{stack}.{suffix}.attrs").write_text(json.dumps(ATTRIBUTES))
    return folder


def tree(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_what_is_whole_stays(tmp_path: Path, stacks: Path):
    before = tree(tmp_path)
    assert mend(tmp_path, "litellm", "dev") == []
    assert tree(tmp_path) == before


def test_what_was_cut_off_beside_the_state_is_taken_away(tmp_path: Path, stacks: Path):
    (stacks / "dev.json.attrs").write_text("")
    before = tree(tmp_path)
    assert mend(tmp_path, "litellm", "dev") == [".pulumi/stacks/litellm/dev.json.attrs"]
    assert tree(tmp_path) == {name: text for name, text in before.items() if not name.endswith("/dev.json.attrs")}


@pytest.mark.parametrize(
    "beside",
    [
        ".pulumi/meta.yaml.attrs",
        ".pulumi/locks/organization/litellm/dev/1.json.attrs",
        ".pulumi/history/litellm/dev/dev-1.history.json.attrs",
        ".pulumi/backups/litellm/dev/dev.1.json.attrs",
        ".pulumi/stacks/litellm/dev.json.bak.attrs",
    ],
)
def test_so_is_what_was_cut_off_beside_its_lock_its_history_and_what_all_stacks_have(
    tmp_path: Path, stacks: Path, beside: str
):
    path = tmp_path / beside
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('{"user.cache')
    assert mend(tmp_path, "litellm", "dev") == [beside]
    assert not path.exists()


@pytest.mark.parametrize("content", ["", json.dumps(STATE)[:-2]], ids=["empty", "half"])
def test_the_state_before_takes_the_place_of_one_that_was_cut_off(tmp_path: Path, stacks: Path, content: str):
    (stacks / "dev.json").write_text(content)
    assert mend(tmp_path, "litellm", "dev") == [".pulumi/stacks/litellm/dev.json"]
    assert json.loads((stacks / "dev.json").read_text()) == BEFORE
    assert json.loads((stacks / "dev.json.bak").read_text()) == BEFORE


def test_a_state_with_nothing_before_stays_for_whoever_can_read_it(tmp_path: Path, stacks: Path):
    (stacks / "dev.json").write_text("")
    (stacks / "dev.json.bak").write_text("")
    assert mend(tmp_path, "litellm", "dev") == []
    assert (stacks / "dev.json").exists()


def test_other_stacks_stay_as_they_are(tmp_path: Path, stacks: Path):
    (stacks / "dev-two.json.attrs").write_text("")
    assert mend(tmp_path, "litellm", "dev") == []
    assert (stacks / "dev-two.json.attrs").exists()


def test_a_stack_of_this_name_of_another_project_stays_as_it_is(tmp_path: Path, stacks: Path):
    theirs = stacks.parent / "another" / "dev.json"
    theirs.parent.mkdir()
    for name in (theirs, theirs.with_name("dev.json.attrs")):
        name.write_text("")
    theirs.with_name("dev.json.bak").write_text(json.dumps(BEFORE))
    before = tree(tmp_path)
    assert mend(tmp_path, "litellm", "dev") == []
    assert tree(tmp_path) == before


def test_all_stacks_are_mended_where_the_engine_reads_all_of_them(tmp_path: Path, stacks: Path):
    (stacks / "dev-two.json.attrs").write_text("")
    assert mend(tmp_path, "litellm", "*") == [".pulumi/stacks/litellm/dev-two.json.attrs"]


def test_a_backend_that_is_not_there_yet_has_nothing_to_mend(tmp_path: Path):
    assert mend(tmp_path / "none", "litellm", "dev") == []


@pytest.mark.e2e
@pytest.mark.parametrize("cut_off", ["json", "json.attrs"])
def test_the_engine_reads_again_what_it_could_not_read(tmp_path: Path, cut_off: str):
    command = [programs.needed("pulumi"), "stack"]
    (tmp_path / "Pulumi.yaml").write_text("name: litellm\nruntime: yaml\n")
    backend = tmp_path / "backend"
    backend.mkdir()
    variables = {"PULUMI_BACKEND_URL": backend.as_uri(), "PULUMI_CONFIG_PASSPHRASE": "", "HOME": str(tmp_path)}

    def ask(*arguments: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [*command, *arguments, "--stack", "dev"],
            cwd=tmp_path,
            env=os.environ | variables,
            capture_output=True,
            check=False,
        )

    assert ask("init").returncode == 0
    state = tmp_path / "state.json"
    state.write_bytes(ask("export").stdout)
    # The second state has one before it.
    assert ask("import", "--file", str(state)).returncode == 0
    (backend / f".pulumi/stacks/litellm/dev.{cut_off}").write_text("")
    assert ask("export").returncode != 0
    assert mend(backend, "litellm", "dev") == [f".pulumi/stacks/litellm/dev.{cut_off}"]
    assert ask("export").returncode == 0
