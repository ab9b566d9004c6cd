"""The resources of stacks at another revision: its own program, run offline in a process of its own."""

import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from tools.problem import Problem
from tools.process import child_environment
from tools.report.model import Planned

LOCK = "requirements.txt"
GIT_SECONDS, PLAN_SECONDS = 60, 300

# It runs inside of the other revision, so it uses only what every revision with a plan has.
SCRIPT = """
import json, sys
from pathlib import Path
try:
    try:
        from tools.offline import plan
        from tools.problem import Problem
        from tools.engine.stack_file import Stack
    except ImportError:
        # Where they stood before the program had a room of its own.
        from infra import plan
        from infra.commands.problem import Problem
        from infra.commands.stack_file import Stack
    from infra.config.load import ConfigError
    record, document = plan.record, plan.document
except (ImportError, AttributeError) as error:
    print(json.dumps({"unsupported": str(error)}))
    sys.exit()
answers = {}
for name in json.loads(sys.argv[1]):
    if not Path(f"Pulumi.{name}.yaml").is_file():
        continue
    try:
        stack = Stack.read(Path.cwd(), name, [Path(path) for path in json.loads(sys.argv[2])])
        answers[name] = {"resources": document(name, record(stack))["resources"]}
    except (ConfigError, Problem) as error:
        answers[name] = {"problem": str(error)}
print(json.dumps({"stacks": answers}))
"""


@dataclass(frozen=True)
class Revision:
    """What another revision consists of."""

    name: str
    resources: Mapping[str, Sequence[Planned]]
    """By stack; stacks that do not exist there are absent."""
    problems: Mapping[str, str] = field(default_factory=dict[str, str])
    """By stack: why its plan cannot be made there."""
    notices: Sequence[str] = ()


def stacks_at(project: Path, revision: str) -> list[str]:
    """Stacks that have a file at a revision.

    Raises:
        Problem: when there is no such revision.
    """
    listed = git(project, "ls-tree", "--name-only", commit_of(project, revision), "--", ".").decode().splitlines()
    files = [name for name in listed if name.startswith("Pulumi.") and name.endswith(".yaml") and name.count(".") > 1]
    return sorted(name.removeprefix("Pulumi.").removesuffix(".yaml") for name in files)


def read_revision(
    project: Path, revision: str, stacks: Sequence[str], overlays: Sequence[Path], environment: Mapping[str, str]
) -> Revision:
    """Run the program of a revision for these stacks.

    Raises:
        Problem: when there is no such revision, or it has no plan.
    """
    commit = commit_of(project, revision)
    with tempfile.TemporaryDirectory(prefix="plan-") as name:
        folder = Path(name)
        with tarfile.open(fileobj=BytesIO(git(project, "archive", "--format=tar", commit))) as archive:
            archive.extractall(folder, filter="data")
        notices = lock_notice(project, folder, revision)
        answer = run(folder, revision, stacks, overlays, environment)
    found: dict[str, dict[str, Any]] = answer["stacks"]
    return Revision(
        name=revision,
        resources={stack: entry["resources"] for stack, entry in found.items() if "resources" in entry},
        problems={stack: entry["problem"] for stack, entry in found.items() if "problem" in entry},
        notices=notices,
    )


def commit_of(project: Path, revision: str) -> str:
    try:
        return (
            git(project, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
            .decode()
            .strip()
        )
    except subprocess.CalledProcessError:
        raise Problem(
            f"there is no revision {revision!r} here. In a shallow clone, fetch it first: `git fetch origin {revision}`, then "
            "compare with FETCH_HEAD"
        ) from None


def git(project: Path, *arguments: str) -> bytes:
    command = ["git", "-C", str(project), *arguments]
    try:
        done = subprocess.run(command, check=True, capture_output=True, timeout=GIT_SECONDS)  # noqa: S603
    except FileNotFoundError:
        raise Problem("comparing with another revision needs git on PATH") from None
    except subprocess.CalledProcessError as error:
        if b"not a git repository" in error.stderr:
            raise Problem(f"{project} is no git repository, so there is no revision to compare with") from None
        raise
    return done.stdout


def lock_notice(project: Path, folder: Path, revision: str) -> list[str]:
    theirs = folder / LOCK
    if theirs.is_file() and theirs.read_bytes() == (project / LOCK).read_bytes():
        return []
    return [f"{revision} locks other dependencies: both sides of the comparison ran with those of the work tree"]


def run(
    folder: Path, revision: str, stacks: Sequence[str], overlays: Sequence[Path], environment: Mapping[str, str]
) -> dict[str, Any]:
    files = [str(path.absolute()) for path in overlays]
    command = [sys.executable, "-W", "ignore", "-c", SCRIPT, json.dumps(list(stacks)), json.dumps(files)]
    variables = {key: value for key, value in child_environment(environment).items() if key != "PYTHONPATH"}
    try:
        done = subprocess.run(  # noqa: S603 - a command of this project
            command, check=False, cwd=folder, env=variables, capture_output=True, text=True, timeout=PLAN_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise Problem(f"the plan of {revision} was stopped after {PLAN_SECONDS} seconds") from None
    lines = done.stdout.strip().splitlines()
    answer: dict[str, Any] = json.loads(lines[-1]) if done.returncode == 0 and lines else {}
    if "stacks" in answer:
        return answer
    reason = answer.get("unsupported") or (done.stderr.strip().splitlines() or ["it printed nothing"])[-1]
    raise Problem(f"{revision} cannot be planned, so there is nothing to compare with: {reason}")
