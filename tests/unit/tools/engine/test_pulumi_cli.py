"""Finding a Pulumi CLI."""

from pathlib import Path

import pytest

from infra.config.versions import PINS
from tests.unit.tools.engine.fakes import Call, Machine
from tools.engine import pulumi_cli
from tools.engine.pulumi_cli import PulumiCli
from tools.problem import Problem, Unavailable
from tools.process import Finished


def find(machine: Machine) -> PulumiCli:
    return pulumi_cli.find(machine.project, machine.runner, machine.environment)


def own(machine: Machine) -> str:
    return str(machine.project / ".cache" / "pulumi" / "bin" / "pulumi")


def answer_by_path(machine: Machine, on_path: Finished, installed: Finished, install: Finished) -> None:
    """The two CLIs have one name, so what they answer depends on where they are."""
    plain = machine.runner.record
    downloads: list[str] = []

    def record(call: Call) -> Finished:
        answer = plain(call)
        if "tools.download" in call.command:
            downloads.append("done")
            return install
        if call.command == (own(machine), "version"):
            return installed if downloads else Finished(127)
        return on_path if call.command[-1] == "version" else answer

    machine.runner.record = record


def test_the_one_on_path_is_used_when_it_is_new_enough(machine: Machine) -> None:
    assert find(machine).executable == str(machine.project / "bin" / "pulumi")


@pytest.mark.parametrize(
    "answer", [Finished(0, "v3.219.9"), Finished(0, "v3.220.0-alpha.1"), Finished(1), Finished(0, "?")]
)
def test_one_that_is_too_old_or_broken_is_passed_over_for_the_pinned_one(machine: Machine, answer: Finished) -> None:
    answer_by_path(machine, answer, Finished(0, f"v{PINS['pulumi'].version}"), Finished(0))
    found = find(machine)
    assert found.executable == own(machine)
    assert found.environment["PATH"].startswith(f"{Path(own(machine)).parent}:")


def test_one_of_the_required_version_is_new_enough(machine: Machine) -> None:
    machine.runner.answers["pulumi version"] = Finished(0, "v3.220.0")
    assert str(find(machine).version) == "3.220.0"


def test_an_upper_bound_counts_too(machine: Machine) -> None:
    machine.write("Pulumi.yaml", 'name: litellm\nrequiredPulumiVersion: ">=3.220.0 <3.250.0"\n')
    with pytest.raises(Unavailable, match=r">=3\.220\.0 <3\.250\.0"):
        find(machine)


def test_the_pinned_one_satisfies_the_project() -> None:
    project = Path(__file__).parents[4]
    required = pulumi_cli.required_version(project)
    assert pulumi_cli.satisfies(pulumi_cli.Version.parse(PINS["pulumi"].version), required)


def test_a_download_that_fails_says_why_and_what_to_install(machine: Machine) -> None:
    refused = Finished(1, errors="Traceback\nurllib.error.URLError: <urlopen error no route to host>")
    answer_by_path(machine, Finished(0, "v3.100.0"), Finished(127), refused)
    with pytest.raises(Unavailable, match=r"the one on PATH is 3\.100\.0") as caught:
        find(machine)
    assert "no route to host" in str(caught.value)
    assert pulumi_cli.INSTALL_URL in str(caught.value)


def test_without_any_cli_the_message_says_so(machine: Machine) -> None:
    (machine.project / "bin" / "pulumi").unlink()
    answer_by_path(machine, Finished(127), Finished(127), Finished(1, errors="offline"))
    with pytest.raises(Unavailable, match="there is none on PATH"):
        find(machine)


def test_a_range_that_cannot_be_read_is_an_error(machine: Machine) -> None:
    machine.write("Pulumi.yaml", "name: litellm\nrequiredPulumiVersion: newest\n")
    with pytest.raises(Problem, match="requiredPulumiVersion 'newest'"):
        find(machine)


def test_pulumi_runs_with_bytecode_and_without_update_checks(machine: Machine) -> None:
    machine.environment["PYTHONDONTWRITEBYTECODE"] = "1"
    environment = find(machine).environment
    assert "PYTHONDONTWRITEBYTECODE" not in environment
    assert environment["PULUMI_SKIP_UPDATE_CHECK"] == "true"
