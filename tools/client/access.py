"""`make access`: who may do what with a gateway, what is spent and left, and what differs from the stack file."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.access.objects import BUDGET, CREDENTIAL, KINDS, MCP_SERVER, Fields, Kind, mark_of
from components.access.plan import Planner
from components.access.reconcile import look
from components.gateway.api import Api, RefusedError, UnreachableError
from infra.config.access_wishes import wishes
from tools.client.gateway import reachable
from tools.client.key import master_key
from tools.engine import operations
from tools.engine.operations import Workplace
from tools.offline.plan import checked
from tools.problem import Problem

HEAD = ("", "name", "models", "budget", "spent", "left", "limits", "made by")
NAMES = {"team": "team_alias", "user": "user_email", "key": "key_alias", "organization": "organization_alias"}
"""Names for people, where an object has one."""


WITHOUT_LIMITS = (CREDENTIAL, MCP_SERVER)


@dataclass(frozen=True)
class Access:
    """What LiteLLM has, and what the stack file says of it."""

    rows: Sequence[Sequence[str]]
    differences: Sequence[str]
    notes: Sequence[str]


def show(place: Workplace, name: str, overlays: Sequence[Path], url: str | None) -> Iterator[str]:
    """The lines of the report.

    Raises:
        Unavailable: when nobody can say where the gateway is.
        Problem: when there is none, it cannot be reached, or it refuses.
    """
    from infra.stack import NamedStack  # noqa: PLC0415 - a wrong stack file need not wait for the store

    deployment = operations.prepare(place, name, overlays, create_cluster=False)
    address = url or (deployment.outputs() or {}).get("url")
    if not address:
        raise Problem(f"stack {name} has no gateway that Pulumi knows of: `make up STACK={name}` makes one")
    config = checked(deployment.stack)
    owner = NamedStack(name, config, "").owner
    host, headers = reachable(address.rstrip("/"))
    api = Api(host, master_key(deployment.stack, deployment.cli.environment), headers=headers)
    try:
        found = access(api, wishes(config.access, owner))
    except (RefusedError, UnreachableError) as error:
        raise Problem(f"the gateway at {address}: {error}") from None
    yield from table([HEAD, *found.rows])
    yield ""
    if not found.differences:
        yield "nothing differs from the stack file"
    else:
        yield "differs from the stack file; `make up` with another litellm:access.revision makes it what the file says:"
        yield from (f"  - {line}" for line in found.differences)
    yield from found.notes


def access(api: Api, wanted: Mapping[str, Any]) -> Access:
    found = look(api, wanted)
    plan = Planner(wanted, found, None).plan()
    rows = [row(kind, each, wanted["owner"]) for kind in KINDS if kind is not BUDGET for each in found[kind.section]]
    lines = [call.says for call in plan.calls]
    return Access(rows, [*plan.problems, *lines], plan.notes)


def row(kind: Kind, found: Fields, owner: str) -> list[str]:
    mark = mark_of(found, owner) if kind.marked else {} if owned_customer(found, owner) else None
    name = str(found.get(NAMES.get(kind.word, "")) or found[kind.id])[:40]
    made_by = "others" if mark is None else "this stack"
    if kind in WITHOUT_LIMITS:
        return [kind.word, name, *[""] * (len(HEAD) - 3), made_by]
    budget, spent = found.get("max_budget"), found.get("spend") or 0
    rates = (("rpm_limit", "rpm"), ("tpm_limit", "tpm"), ("max_parallel_requests", "at once"))
    limits = [f"{found[field]} {word}" for field, word in rates if found.get(field) is not None]
    states = {"blocked": bool(found.get("blocked")), "old value": bool((mark or {}).get("retired"))}
    if expires := found.get("expires"):
        limits.append(f"until {str(expires)[:16]}")
    return [
        kind.word,
        name,
        ", ".join(map(str, found.get("models") or ())) or "all",
        "none"
        if budget is None
        else f"{budget:.2f}" + (f" in {period}" if (period := found.get("budget_duration")) else ""),
        f"{spent:.2f}",
        "" if budget is None else f"{max(0.0, budget - spent):.2f}",
        ", ".join([*limits, *(word for word, is_so in states.items() if is_so)]),
        made_by,
    ]


def owned_customer(found: Fields, owner: str) -> bool:
    return str(found.get("budget_id") or "").startswith(f"{owner}:customer:")


def table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for cells in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
