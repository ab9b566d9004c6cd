"""Every version of an image, a chart or a command line stands in `versions.yaml`, and nowhere else."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.config.database.common import DatabaseSection
from infra.config.gateway.settings import GatewayConfig
from infra.config.redis import InClusterRedis
from infra.config.secrets import BROKEN_CHARTS, ChartConfig
from infra.config.versions import FILE, PINS, Pin, parse
from tests.litellm_env import REQUIREMENTS
from tests.program.stacks import ROOT

WRITTEN_BY_US = (
    "docs/configuration.md",
    "docs/stack.schema.json",
    "infra/config/gateway/litellm_names.py",
    "tests/program/golden/",
    "tests/program/digests/",
)
"""Made from the defaults, by a command."""

LOCKS = ("requirements.txt", "requirements-dev.txt", "tests/litellm-requirements.txt", "tests/litellm-overrides.txt")
"""Python packages, which are not meant here."""

OBSERVED = ("docs/limits.md", "docs/performance.md", "bench/README.md")
"""What was tested or measured on some day, not what is used."""

COPIES = (
    "examples/Pulumi.private-registry.yaml",
    "examples/yaml-program/Pulumi.yaml",
    "docs/ci.md",
    "docs/runbooks/copy-database.yaml",
)
"""Files of a reader's own: they name what versions.yaml names, and Renovate raises both."""

IMAGES = {pin.source.rpartition("/")[2] for pin in PINS.values() if pin.datasource == "docker"} - {"node"}
IMAGES |= {
    "litellm",
    "kindest/node",
    "external-secrets",
    "valkey",
    "busybox",
    "curl",
    "alpine",
    "debian",
    "ubuntu",
    "kubectl",
}
IMAGE = re.compile(rf"\b(?:{'|'.join(sorted(IMAGES))})(?:-[a-z_]+)?:(?!\d{{4,5}}\b)(?:[a-z]+-)?v?\d[\w.-]*")
"""An image with a tag, and no host with a port."""

COMMAND = re.compile(
    r"\b(?:pulumi|kind|kubeseal|actionlint|helm|kubectl)(?:[-_]version)?[^\w<>~]{1,5}v?\d+\.\d+(?:\.\d+)?\b",
    re.IGNORECASE,
)
THREE_PARTS = {pin.version.removeprefix("v") for pin in PINS.values() if pin.version.count(".") == 2}
EXACT = re.compile(rf"(?<![\w.])v?(?:{'|'.join(map(re.escape, sorted(THREE_PARTS)))})(?![\w.])")


def tracked() -> Iterator[tuple[str, str]]:
    """Every text of the repository that somebody writes, by its path."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in done.stdout.split("\0"):
        known = name in {"", "versions.yaml", "renovate.json", *LOCKS, *OBSERVED} or name.startswith(WRITTEN_BY_US)
        if not known and (ROOT / name).is_file():
            yield name, (ROOT / name).read_text()


def versions_in(name: str, text: str) -> list[str]:
    """Tests make images up; a pinned version would still have to be raised in them."""
    patterns = (EXACT,) if name.startswith("tests/") else (EXACT, IMAGE, COMMAND)
    return [match[0] for pattern in patterns for match in pattern.finditer(text)]


def test_no_version_stands_anywhere_else():
    found = {name: versions for name, text in tracked() if name not in COPIES and (versions := versions_in(name, text))}
    assert found == {}


@pytest.mark.parametrize("name", COPIES)
def test_copies_name_the_same_versions(name: str):
    known = {pin.version.removeprefix("v") for pin in PINS.values()}
    found = versions_in(name, (ROOT / name).read_text())
    assert found
    assert {version.rpartition(":")[2].removeprefix("v") for version in found} <= known


@pytest.mark.parametrize(
    "text",
    [
        "image: docker.io/library/postgres:17",
        'image = "ghcr.io/berriai/litellm-non_root:v9.9.9"',
        "registry.example.com/litellm:main-v9.9.9-stable",
        "image: busybox:1.36",
        "pulumi-version: 9.9.9",
        'PULUMI_VERSION = "9.9"',
        "kind v9.9.9",
        f"--version {PINS['external-secrets'].version}",
    ],
)
def test_the_sweep_finds(text: str):
    assert versions_in("tools/a.py", text)


@pytest.mark.parametrize("text", ["redis:6379", "http://vault:8200", "kind: Cluster", 'pulumi: ">=3"', "127.0.0.1"])
def test_the_sweep_leaves_alone(text: str):
    assert versions_in("tools/a.py", text) == []


def test_the_defaults_of_the_configuration_are_these():
    assert GatewayConfig.model_fields["image"].default == PINS["litellm"].image
    assert DatabaseSection.model_fields["image"].default == PINS["postgres"].image
    assert InClusterRedis.model_fields["image"].default == PINS["redis"].image
    chart, pin = ChartConfig(), PINS["external-secrets"]
    assert (chart.source, chart.repository, chart.version) == (pin.source, pin.registry, pin.version)
    assert pin.version not in BROKEN_CHARTS


def test_a_misspelt_key_is_an_error():
    with pytest.raises(TypeError):
        parse("redis: {datasource: docker, source: redis, verison: '8'}")


def test_the_package_that_loads_configurations_is_the_image():
    [version] = re.findall(r"^litellm==(\S+)", REQUIREMENTS.read_text(), re.MULTILINE)
    assert f"v{version}" == PINS["litellm"].version


def test_no_lock_names_an_index():
    for name in LOCKS:
        assert not re.search(r"https?://|index-url", (ROOT / name).read_text()), name


def test_the_command_line_has_the_version_of_the_sdk():
    """A plan that one version saves is for the same version to apply."""
    assert f"\npulumi=={PINS['pulumi'].version} " in (ROOT / "requirements.txt").read_text()


RENOVATE: dict[str, Any] = json.loads((ROOT / "renovate.json").read_text())


def raised(path: Path) -> list[dict[str, str]]:
    """What Renovate finds in a file."""
    name = path.relative_to(ROOT).as_posix()
    found: list[dict[str, str]] = []
    for manager in RENOVATE["customManagers"]:
        if any(re.search(pattern.strip("/"), name) for pattern in manager["managerFilePatterns"]):
            for pattern in manager["matchStrings"]:
                for match in re.finditer(pattern.replace("(?<", "(?P<"), path.read_text()):
                    groups = {key: value for key, value in match.groupdict().items() if value}
                    template = manager.get("depNameTemplate", "{{{depName}}}")
                    groups["depName"] = template.replace("{{{depName}}}", groups.get("depName", ""))
                    found.append({"datasource": manager.get("datasourceTemplate", ""), **groups})
    return found


def test_renovate_knows_every_pin():
    found = {(one["datasource"], one["depName"], one["currentValue"], one.get("registryUrl")) for one in raised(FILE)}
    assert found == {(pin.datasource, pin.source, pin.version, pin.registry) for pin in PINS.values()}
    digests = {one["currentDigest"] for one in raised(FILE) if "currentDigest" in one}
    assert digests == {pin.digest for pin in PINS.values() if pin.digest}


@pytest.mark.parametrize("name", COPIES)
def test_renovate_knows_every_copy(name: str):
    by_source: dict[str, Pin] = {pin.source: pin for pin in PINS.values()}
    found = raised(ROOT / name)
    assert found
    for one in found:
        pin = by_source[one["depName"]]
        assert (one["datasource"], one["currentValue"].removeprefix("v")) == (
            pin.datasource,
            pin.version.removeprefix("v"),
        )


@pytest.mark.parametrize(
    ("source", "allowed", "refused"),
    [
        ("external-secrets", PINS["external-secrets"].version, "2.11.0"),
        (PINS["litellm"].source, PINS["litellm"].version, "v9.1.0"),
    ],
)
def test_renovate_proposes_no_release_that_is_not_wanted(source: str, allowed: str, refused: str):
    [rule] = [rule for rule in RENOVATE["packageRules"] if source in rule.get("matchDepNames", ())]
    pattern = rule["allowedVersions"]
    expected = pattern.startswith("!")
    matches = [bool(re.search(pattern.strip("!/"), version)) for version in (allowed, refused)]
    assert matches == [not expected, expected]


def test_the_file_is_written_as_it_is_read():
    """One key a line, so that Renovate's pattern and YAML see the same."""
    assert yaml.safe_load(FILE.read_text()).keys() == PINS.keys()
