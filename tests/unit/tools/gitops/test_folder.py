from pathlib import Path

import pytest

from tools.gitops import folder
from tools.problem import Problem


def test_a_new_folder_is_made(tmp_path: Path):
    out = tmp_path / "deploy" / "dev"
    folder.write(out, "dev", {"a.yaml": "a: 1\n"})
    assert folder.read(out, "dev").keys() == {"a.yaml"}
    assert (out / "a.yaml").read_text().endswith("\na: 1\n")


def test_what_was_written_before_goes_and_nothing_else_does(tmp_path: Path):
    folder.write(tmp_path, "dev", {"a.yaml": "a: 1\n", "b.yaml": "b: 1\n"})
    (tmp_path / "mine.yaml").write_text("mine: 1\n")
    (tmp_path / "notes").mkdir()
    folder.write(tmp_path, "dev", {"b.yaml": "b: 2\n"})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.yaml", "mine.yaml", "notes"]
    assert (tmp_path / "b.yaml").read_text().endswith("b: 2\n")


def test_a_file_that_is_as_it_should_be_is_not_written_again(tmp_path: Path):
    folder.write(tmp_path, "dev", {"a.yaml": "a: 1\n"})
    before = (tmp_path / "a.yaml").stat()
    folder.write(tmp_path, "dev", {"a.yaml": "a: 1\n"})
    assert (tmp_path / "a.yaml").stat().st_ino == before.st_ino


def test_a_folder_with_other_things_is_refused(tmp_path: Path):
    (tmp_path / "mine.yaml").write_text("mine: 1\n")
    with pytest.raises(Problem, match="is not empty"):
        folder.check(tmp_path, "dev")
    with pytest.raises(Problem, match="is not empty"):
        folder.write(tmp_path, "dev", {"a.yaml": "a: 1\n"})
    assert [path.name for path in tmp_path.iterdir()] == ["mine.yaml"]


def test_a_file_is_refused(tmp_path: Path):
    (tmp_path / "out").write_text("")
    with pytest.raises(Problem, match="is not a folder"):
        folder.check(tmp_path / "out", "dev")


def test_a_link_that_leads_nowhere_is_refused(tmp_path: Path):
    (tmp_path / "out").symlink_to(tmp_path / "gone")
    with pytest.raises(Problem, match="leads nowhere"):
        folder.check(tmp_path / "out", "dev")


def test_the_folder_of_another_stack_is_refused(tmp_path: Path):
    folder.write(tmp_path, "dev", {"a.yaml": "a: 1\n"})
    with pytest.raises(Problem, match="was written for stack dev"):
        folder.write(tmp_path, "prod", {"a.yaml": "a: 1\n"})


def test_a_file_of_somebody_else_is_not_overwritten(tmp_path: Path):
    folder.write(tmp_path, "dev", {"a.yaml": "a: 1\n"})
    (tmp_path / "b.yaml").write_text("mine: 1\n")
    with pytest.raises(Problem, match=r"b\.yaml is in the way"):
        folder.write(tmp_path, "dev", {"a.yaml": "a: 2\n", "b.yaml": "b: 1\n"})
    assert (tmp_path / "b.yaml").read_text() == "mine: 1\n"
    assert "a: 1" in (tmp_path / "a.yaml").read_text()


def test_nothing_is_written_or_removed_through_a_link(tmp_path: Path):
    out, outside = tmp_path / "out", tmp_path / "outside.yaml"
    folder.write(out, "dev", {"a.yaml": "a: 1\n"})
    outside.write_text((out / "a.yaml").read_text())
    (out / "b.yaml").symlink_to(outside)
    folder.write(out, "dev", {"a.yaml": "a: 2\n"})
    assert outside.exists()
    assert (out / "b.yaml").is_symlink()
    with pytest.raises(Problem, match="is in the way"):
        folder.write(out, "dev", {"b.yaml": "b: 1\n"})


def test_what_is_no_text_counts_as_somebody_elses(tmp_path: Path):
    (tmp_path / "a.yaml").write_bytes(b"\xff\xfe\x00")
    assert folder.written_for(tmp_path / "a.yaml") is None
