"""The real engine, a real cluster and a real Vault.

Needed: `pulumi`, `kubectl` and `make` on PATH, KUBECONFIG, VAULT_ADDR and VAULT_TOKEN, and a cluster without External Secrets
Operator. What the cluster asks of a stack (addresses, chart, ingress class) comes from OVERLAY, or from the variables LAB_*.
"""

import os
import secrets
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.schedule import SECONDS, Schedule
from tests.e2e.support import Project, Vault, kubectl, remove_operator

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ("pulumi", "kubectl", "make")
VARIABLES = ("KUBECONFIG", "VAULT_ADDR", "VAULT_TOKEN")
COPIED = (
    "components",
    "infra",
    "tools",
    "policy",
    "Makefile",
    "Pulumi.yaml",
    "Pulumi.dev.yaml",
    "Pulumi.ephemeral.yaml",
    "Pulumi.prod.yaml",
    "__main__.py",
    "docs/rights",
    "versions.yaml",
)
LOCKS = ("pyproject.toml", "requirements.txt", "requirements-dev.txt")


SCHEDULE = Schedule(float(os.environ.get("E2E_SECONDS", "inf")))


def copy_project(folder: Path) -> None:
    """What a checkout has, with the packages of this one."""
    for name in (*COPIED, *LOCKS):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    (folder / ".venv").symlink_to(ROOT / ".venv")


def missing() -> list[str]:
    programs = [f"{program} on PATH" for program in PROGRAMS if not shutil.which(program)]
    return programs + [variable for variable in VARIABLES if not os.environ.get(variable)]


def pytest_configure() -> None:
    """What `make e2e ARGS=…` was given is for the tests, and not for the commands that they run."""
    for name in ("ARGS", "MAKEFLAGS", "MAKEOVERRIDES", "MFLAGS"):
        os.environ.pop(name, None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    order = [*SECONDS]
    items.sort(key=lambda item: order.index(item.path.stem) if item.path.stem in order else -1)
    lacks = missing()
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.e2e)
            item.add_marker(
                pytest.mark.timeout(0)
            )  # commands have limits of their own; a test that is cut off cannot clean up
            if lacks:
                item.add_marker(pytest.mark.skip(reason=f"needs {', '.join(lacks)}"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line on how many tests ran and why others did not, also into the file E2E_SUMMARY."""
    line = summary(terminalreporter.stats)
    terminalreporter.write_line(f"end-to-end tests: {line}")
    if file := os.environ.get("E2E_SUMMARY"):
        Path(file).write_text(f"{line}\n")


def summary(stats: Mapping[str, Sequence[Any]]) -> str:
    """What became of the tests: `12 passed, 1 failed; 2 skipped: needs kubeseal on PATH (2)`."""
    ran = [f"{len(stats[what])} {what}" for what in ("passed", "failed", "error") if stats.get(what)]
    reasons = Counter(str(report.longrepr[2]).removeprefix("Skipped: ") for report in stats.get("skipped", ()))
    skipped = "; ".join(f"{reason} ({count})" for reason, count in sorted(reasons.items()))
    parts = [", ".join(ran) or "none ran", *([f"{reasons.total()} skipped: {skipped}"] if reasons else [])]
    return "; ".join(parts)


def cluster_overlay(folder: Path) -> str:
    """What this cluster asks of every stack."""
    if given := os.environ.get("OVERLAY"):
        return ",".join(str(Path(part).resolve()) for part in given.split(","))
    if "LAB_VAULT_ADDR_IN_CLUSTER" not in os.environ:
        return ""
    lab = {name.removeprefix("LAB_"): value for name, value in os.environ.items() if name.startswith("LAB_")}
    config = {
        "litellm:secrets": {
            "vault": {
                "clusterAddress": lab["VAULT_ADDR_IN_CLUSTER"],
                "kubernetesAuth": {"host": lab["KUBERNETES_ADDR"], "caCertFile": lab["KUBERNETES_CA"]},
            }
        },
        "litellm:externalSecrets": {"chart": {"source": lab["ESO_CHART"]}, "imageTag": lab["ESO_IMAGE_TAG"]},
        "litellm:ingress": {
            "className": lab["INGRESS_CLASS"],
            "publicPort": int(lab["INGRESS_URL"].rpartition(":")[2]),
        },
    }
    path = folder / "cluster.yaml"
    path.write_text(yaml.safe_dump({"config": config}))
    return str(path)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """E2E_SECONDS, if given, is how long all tests may take: what would not end by then does not begin."""
    if not SCHEDULE.has_time_for(item.path.stem):
        pytest.skip("the time for all tests is over")


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the project with a backend of its own, so that nothing of the checkout changes."""
    folder = tmp_path_factory.mktemp("project")
    copy_project(folder)
    state = folder / "backend"
    state.mkdir()
    environment = {
        **os.environ,
        "PULUMI_BACKEND_URL": f"file://{state}",
        "PULUMI_CONFIG_PASSPHRASE": secrets.token_hex(16),
        "OVERLAY": cluster_overlay(folder),
        "CI": "true",
        # Each `up` would wait for a spend row; tests/e2e/keyed/test_smoke.py asks.
        "SMOKE": "false",
    }
    return Project(folder, environment)


@pytest.fixture(scope="session")
def vault() -> Vault:
    return Vault(os.environ["VAULT_ADDR"], os.environ["VAULT_TOKEN"])


@pytest.fixture(scope="session", autouse=True)
def cluster_is_as_before(project: Project, vault: Vault) -> Iterator[None]:
    """Whatever the tests did: every stack is destroyed, and what they put into Vault is gone."""
    if kubectl("get", "crd", "externalsecrets.external-secrets.io", check=False).returncode == 0:
        pytest.exit("the end-to-end tests need a cluster without External Secrets Operator", returncode=1)
    before = vault.everything()
    yield
    for stack in project.stacks():
        project.make("destroy", stack, check=False)
    remove_operator()
    vault.clean(before)


@pytest.fixture(scope="module", autouse=True)
def operator_of_nobody_goes(cluster_is_as_before: None) -> Iterator[None]:
    """Each module finds a cluster without operator, or one in which a stack of the module before still uses it."""
    yield
    remove_operator()
