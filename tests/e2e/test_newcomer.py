"""The newcomer's whole path, with nothing set: a cluster of one's own, a gateway, what is printed, an environment beside it.

kind and Docker may be stand-ins for them: then the cluster behind is that of the other tests, which this one leaves as it was.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import programs
from tests.e2e.conftest import copy_project
from tests.e2e.support import Project, kubectl, objects, tail

LACKS = [name for name in ("kind", "docker", "pulumi") if not shutil.which(name)]
pytestmark = pytest.mark.skipif(bool(LACKS), reason=f"needs {', '.join(LACKS)} on PATH")

ANSWER = "Hello from LiteLLM."


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A checkout on a machine with what README asks for, kind, Docker, the Pulumi CLI, curl, and no variable set."""
    folder = tmp_path_factory.mktemp("newcomer")
    copy_project(folder)
    path = programs.fill(tmp_path_factory.mktemp("path"))
    for directory in os.get_exec_path():
        for program in [
            *Path(directory).glob("pulumi*"),
            *(Path(directory) / name for name in ("kind", "docker", "curl")),
        ]:
            if program.exists() and not (path / program.name).exists():
                (path / program.name).symlink_to(program)
    home = tmp_path_factory.mktemp("home")
    made = Project(folder, {"PATH": str(path), "HOME": str(home), "CI": "true", "OVERLAY": overlay(folder)})
    with classes_of_others():
        yield made
        made.make("local-down", check=False)


@contextmanager
def classes_of_others() -> Iterator[None]:
    """Where kind stands for the cluster that is there, a class of the same name as ours comes back when ours has gone."""
    before = objects("ingressclasses")
    yield
    there = {each["metadata"]["name"] for each in objects("ingressclasses")}
    for gone in (each for each in before if each["metadata"]["name"] not in there):
        name, annotations = gone["metadata"]["name"], gone["metadata"].get("annotations", {})
        kept = {"apiVersion": gone["apiVersion"], "kind": gone["kind"], "spec": gone["spec"]}
        kubectl("create", "-f", "-", stdin=json.dumps({**kept, "metadata": {"name": name, "annotations": annotations}}))


def overlay(folder: Path) -> str:
    """The operator's chart, where its repository cannot be reached."""
    if "LAB_ESO_CHART" not in os.environ:
        return ""
    chart, tag = os.environ["LAB_ESO_CHART"], os.environ["LAB_ESO_IMAGE_TAG"]
    path = folder / "chart.yaml"
    operator = {"chart": {"source": chart}, "imageTag": tag}
    path.write_text(json.dumps({"config": {"litellm:externalSecrets": operator}}))
    return str(path)


def printed(newcomer: Project, text: str, beginning: str) -> "subprocess.CompletedProcess[str]":
    """Run the line that was printed, in a shell that knows nothing but the machine."""
    line = next(line for line in text.splitlines() if line.startswith(beginning))
    bare = {name: newcomer.environment[name] for name in ("PATH", "HOME")}
    return newcomer.run(["sh", "-c", line], bare, check=True)


def test_the_whole_path(newcomer: Project):
    up = newcomer.make("up")
    assert ANSWER in printed(newcomer, up.stdout, "curl ").stdout
    tried = printed(newcomer, up.stdout, "make try")
    assert tried.stdout.strip().endswith(ANSWER)
    key = newcomer.make("key", check=True).stdout.split()[-1]
    assert key.startswith("sk-")
    assert key not in "".join([up.stdout, up.stderr, tried.stdout, tried.stderr])

    local = re.sub(r"litellm\.localhost", "localhost", next(x for x in up.stdout.splitlines() if x.startswith("curl ")))
    assert ANSWER in newcomer.run(["sh", "-c", local], newcomer.environment, check=True).stdout

    assert newcomer.make("preview", arguments="--expect-no-changes", check=False).returncode == 0

    environment = newcomer.run(["make", "env-up", "NAME=try"], newcomer.environment, check=True)
    assert ANSWER in printed(newcomer, environment.stdout, "curl ").stdout
    newcomer.run(["make", "env-down", "NAME=try"], newcomer.environment, check=True)

    assert "kept: the salt key" in newcomer.make("destroy").stdout
    down = newcomer.make("local-down")
    assert "the local cluster is gone" in down.stdout
    assert not (newcomer.folder / ".state" / "local").exists(), tail(down)
