"""Resources of a plan, and reports of them."""

from collections.abc import Sequence
from typing import Any

from policy.check import Violation
from policy.levels import Level
from policy.rules.network import tls
from tools.report.model import Change, Planned, Report, StackReport

ROOT = "urn:pulumi:try::litellm::pulumi:pulumi:Stack::litellm-try"


def planned(name: str, type_: str = "kubernetes:apps/v1:Deployment", *, parent: str = ROOT, **others: Any) -> Planned:
    """Others: `inputs`, `protect`, `retainOnDelete`."""
    base = {"urn": urn(name, type_), "type": type_, "name": name, "parent": parent}
    return base | {"protect": False, "retainOnDelete": False, "inputs": {}} | others


def urn(name: str, type_: str = "kubernetes:apps/v1:Deployment") -> str:
    return f"urn:pulumi:try::litellm::{type_}::{name}"


def violation(level: Level = "mandatory") -> Violation:
    return Violation(tls, level, urn("ingress"), "ingress", "host a|b has no TLS <b>")


def report(changes: Sequence[Change] | None = None, **stack: Any) -> Report:
    return Report("plan", [StackReport("try", [planned("gateway")], changes, **stack)])
