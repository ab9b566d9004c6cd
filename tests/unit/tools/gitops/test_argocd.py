import subprocess
from pathlib import Path

import pytest

from tools.gitops import argocd
from tools.problem import Problem


def repository(folder: Path, origin: str) -> Path:
    for command in (["init", "-q"], ["remote", "add", "origin", origin]):
        subprocess.run(["git", "-C", str(folder), *command], check=True, timeout=20)
    return folder


def test_the_source_is_the_repository_of_the_folder(tmp_path: Path):
    top = repository(tmp_path, "git@git.example.com:team/gateway.git")
    found = argocd.source_of(top / "deploy" / "dev", None, "HEAD")
    assert found == argocd.Source("git@git.example.com:team/gateway.git", "deploy/dev", "HEAD")


@pytest.mark.parametrize("credentials", ["token@", "user:token@"])
def test_credentials_in_the_address_of_the_repository_stay_out(tmp_path: Path, credentials: str):
    top = repository(tmp_path, f"https://{credentials}git.example.com/team/gateway.git")
    assert argocd.source_of(top, None, "HEAD").repository == "https://git.example.com/team/gateway.git"


def test_a_given_repository_counts(tmp_path: Path):
    top = repository(tmp_path, "https://git.example.com/other.git")
    assert argocd.source_of(top / "out", "https://git.example.com/this.git", "v1") == argocd.Source(
        "https://git.example.com/this.git", "out", "v1"
    )


def test_outside_of_a_repository_there_is_a_placeholder(tmp_path: Path):
    assert argocd.source_of(tmp_path / "out", None, "HEAD") == argocd.Source(argocd.PLACEHOLDER, "out", "HEAD")


@pytest.mark.parametrize(
    "repository",
    [
        "https://me:hunter2@git.example.com/x.git",
        "https://hunter2@git.example.com/x.git",
        "ssh://git:hunter2@git.example.com/x",
    ],
)
def test_credentials_in_a_given_address_are_refused_and_not_repeated(tmp_path: Path, repository: str):
    with pytest.raises(Problem, match="argocd repo add") as caught:
        argocd.source_of(tmp_path / "out", repository, "HEAD")
    assert "hunter2" not in str(caught.value)
