"""Pulumi's command line: the one on PATH, or one of this project's own."""

import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from semver import Version

from infra.config.versions import PINS
from tools.engine.stack_file import project_file
from tools.problem import Problem, Unavailable
from tools.process import Beside, Finished, Runner, child_environment, nothing, search_path

INSTALL_URL = "https://www.pulumi.com/docs/install/"
INSTALL_SECONDS = 300
OPERATION_SECONDS = 3600
"""Resources have time limits of their own; this one only keeps a job from hanging for ever."""


@dataclass(frozen=True)
class PulumiCli:
    """A Pulumi command that is new enough, and the environment it runs in."""

    executable: str
    version: Version
    runner: Runner
    environment: Mapping[str, str]

    def with_variables(self, *more: Mapping[str, str]) -> "PulumiCli":
        return PulumiCli(self.executable, self.version, self.runner, child_environment(self.environment, *more))

    def ask(self, *arguments: str, stdin: str = "", limit: float = 120) -> Finished:
        command = [self.executable, *arguments, "--non-interactive"]
        return self.runner.capture(command, environment=self.environment, stdin=stdin, limit=limit)

    def operate(self, *arguments: str, interactive: bool, beside: Beside = nothing) -> int:
        mode = () if interactive else ("--non-interactive",)
        return self.runner.follow(
            [self.executable, *arguments, *mode],
            environment=self.environment,
            interactive=interactive,
            limit=OPERATION_SECONDS,
            beside=beside,
        )


def find(project: Path, runner: Runner, environment: Mapping[str, str]) -> PulumiCli:
    """Find a Pulumi CLI that the project accepts, or install one below `.cache/pulumi`.

    The installed one has the version of `versions.yaml`, and its checksum.

    Raises:
        Unavailable: when there is none and none can be had.
    """
    required = required_version(project)
    environment = child_environment(environment)
    on_path = shutil.which("pulumi", path=search_path(environment))
    found = on_path and cli_version(on_path, runner, environment)
    if on_path and found and satisfies(found, required):
        return PulumiCli(on_path, found, runner, environment)

    root = project / ".cache" / "pulumi"
    executable = root / "bin" / "pulumi"
    environment["PATH"] = f"{executable.parent}:{search_path(environment)}"
    pinned = PINS["pulumi"].version
    failure = ""
    if cli_version(str(executable), runner, environment) != Version.parse(pinned):
        failure = install(executable.parent, runner, environment)
    installed = cli_version(str(executable), runner, environment)
    if installed and satisfies(installed, required):
        return PulumiCli(str(executable), installed, runner, environment)
    there = f"the one on PATH is {found}" if found else "there is none on PATH"
    raise Unavailable(
        f"the Pulumi CLI {required} is needed: {there}, and {pinned} could not be downloaded ({failure or 'it does not run'}). "
        f"Install it: {INSTALL_URL}"
    )


def required_version(project: Path) -> str:
    return str(project_file(project).get("requiredPulumiVersion", ">=3.0.0"))


def satisfies(found: Version, required: str) -> bool:
    try:
        return all(found.match(term) for term in required.split())
    except ValueError:
        raise Problem(f"requiredPulumiVersion {required!r} in Pulumi.yaml is not a range such as '>=3.220.0'") from None


def cli_version(executable: str, runner: Runner, environment: Mapping[str, str]) -> Version | None:
    answer = runner.capture([executable, "version"], environment=environment, limit=30)
    match = re.match(r"v?(\d+\.\d+\.\d+\S*)", answer.output.strip())
    return Version.parse(match[1]) if answer.ok and match and Version.is_valid(match[1]) else None


def install(folder: Path, runner: Runner, environment: Mapping[str, str]) -> str:
    """Download the CLI in a process of its own, which can be given up; return why that failed, or nothing."""
    command = [sys.executable, "-m", "tools.download", "pulumi", str(folder)]
    done = runner.capture(command, environment=environment, limit=INSTALL_SECONDS)
    return "" if done.ok else done.reason
