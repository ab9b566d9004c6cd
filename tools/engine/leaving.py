"""Before a stack goes: what of it do others use? That stays, and is said by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from infra.kubernetes_api import UNREACHABLE, RefusedError
from infra.reason import reason
from tools.engine import sharing, state, vault_roles
from tools.engine.cluster import Cluster
from tools.problem import Problem

KEEP = "run the command without --with-operator, and it stays"


@dataclass(frozen=True)
class Staying:
    """What stays when the stack goes."""

    operator: bool
    auth_method: bool
    lines: tuple[str, ...]
    """What is to be said about it."""


def look(
    exported: Mapping[str, Any], namespace: str | None, connect: Callable[[], Cluster], *, with_operator: bool
) -> Staying:
    """Look who else uses what the stack has.

    Args:
        exported: the state of the stack.
        namespace: the one of the stack.
        connect: opens the cluster of the stack; it is not asked for when the stack has nothing in it that others use.
        with_operator: whether somebody wants the operator to go as well.

    Raises:
        Problem: when the operator is wanted to go and others use it, or nobody can tell.
    """
    operator, lines = look_at_operator(exported, namespace, connect, with_operator=with_operator)
    auth_method, more = look_at_auth_method(exported)
    return Staying(operator, auth_method, (*lines, *more))


def look_at_operator(
    exported: Mapping[str, Any], namespace: str | None, connect: Callable[[], Cluster], *, with_operator: bool
) -> tuple[bool, list[str]]:
    release = state.operator(exported)
    if release is None:
        return True, []
    where = f"External Secrets Operator in namespace {release['inputs']['namespace']}"
    try:
        users = sharing.users(connect(), namespace)
    except (RefusedError, *UNREACHABLE) as error:
        unknown = f"who else uses {where} is not known: {reason(error)}"
        if with_operator:
            raise Problem(f"{unknown}; nothing was changed: {KEEP}") from None
        return True, [f"kept: {where}. {unknown}"]
    listed = "".join(f"\n  - {user}" for user in users)
    if with_operator and users:
        raise Problem(f"{where} is used by others; nothing was changed: {KEEP}{listed}")
    if with_operator:
        return False, [f"{where} goes as well, as nobody else uses it; its CRDs stay"]
    by = f"It is used by{listed}" if users else "Nobody else uses it now: ARGS=--with-operator takes it along"
    return True, [f"kept, with its CRDs: {where}, which now belongs to no stack, and is used by all. {by}"]


def look_at_auth_method(exported: Mapping[str, Any]) -> tuple[bool, list[str]]:
    found = state.auth_method(exported)
    if found is None:
        return False, []
    others = vault_roles.of_others(found.provider, found.path, found.role)
    if others is None and not found.own:
        others = ["roles that this token may not list"]
    if not others:
        return False, []
    return True, [
        f"kept: the auth method {found.path}/ in Vault, by which others log in: {sharing.shown(others)}. From now on say "
        "litellm:secrets.vault.kubernetesAuth.create: false"
    ]
