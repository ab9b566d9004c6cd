"""The versions of `versions.yaml`: what defaults of the configuration name, and what the tools around the program install."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

FILE = Path(__file__).resolve().parents[2] / "versions.yaml"


@dataclass(frozen=True)
class Pin:
    """One image, chart or command line in one version."""

    datasource: Literal["docker", "helm", "github-releases"]
    """Where Renovate finds later ones."""

    source: str
    """An image's repository, a chart's name, or a GitHub repository."""

    version: str
    """An image's tag; otherwise without `v`."""

    registry: str | None = None
    """URL of a chart's Helm repository."""

    digest: str = ""
    """`sha256:…` of an image. Empty: the tag alone."""

    url: str = ""
    """Where a command line is downloaded from, with `{version}` and `{platform}`."""

    sha256: Mapping[str, str] = field(default_factory=dict[str, str])
    """Checksum of what is downloaded, by platform as the URL has it."""

    @property
    def image(self) -> str:
        return f"{self.source}:{self.version}" + (f"@{self.digest}" if self.digest else "")


def parse(text: str) -> dict[str, Pin]:
    """The pins of a file, by name. An unknown or a missing key is a TypeError."""
    found: dict[str, dict[str, Any]] = yaml.safe_load(text)
    return {name: Pin(**keys) for name, keys in found.items()}


PINS = parse(FILE.read_text())
"""What `versions.yaml` says, by name."""
