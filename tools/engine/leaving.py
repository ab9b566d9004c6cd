"""Before a stack goes: what of it do others use? That stays, and is said by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

from infra.kubernetes_api import UNREACHABLE, RefusedError
from infra.reason import reason
from tools.engine import sharing, state, vault_roles
from tools.engine.cluster import Cluster
from tools.problem import Problem

KEEP = "run the command without --with-operator, and it stays"


@dataclass(frozen=True)
class Leaving:
    """How a stack goes."""

    retained: Mapping[str, bool]
    """By URN: whether it stays where it is. What is not in here goes as the state has it."""

    lines: tuple[str, ...]
    """What is to be said about it."""


def look(
    exported: Mapping[str, Any], namespace: str | None, connect: Callable[[], Cluster], *, with_operator: bool
) -> Leaving:
    """Look who else uses what the stack has.

    Args:
        exported: the state of the stack.
        namespace: the one of the stack.
        connect: opens the cluster of the stack; it is not asked for when the stack has nothing in it that others use.
        with_operator: whether somebody wants the operator to go as well.

    Raises:
        Problem: when the operator is wanted to go and others use it, or nobody can tell.
    """
    parts = (
        operator(exported, namespace, connect, with_operator=with_operator),
        auth_method(exported),
        *(subnet_group(group) for group in state.subnet_groups(exported)),
    )
    retained = {urn: stays for part in parts for urn, stays in part.retained.items()}
    return Leaving(retained, tuple(line for part in parts for line in part.lines))


NOTHING = Leaving({}, ())


def operator(
    exported: Mapping[str, Any], namespace: str | None, connect: Callable[[], Cluster], *, with_operator: bool
) -> Leaving:
    release = state.operator(exported)
    if release is None:
        return NOTHING
    # Its namespace may have been there before, and have others in it.
    homes = {str(each["urn"]): True for each in state.operator_parts(exported, state.NAMESPACE)}
    stays = Leaving(homes | {release["urn"]: True}, ())
    where = f"External Secrets Operator in namespace {release['inputs']['namespace']}"
    try:
        users = sharing.users(connect(), namespace)
    except (RefusedError, *UNREACHABLE) as error:
        unknown = f"who else uses {where} is not known: {reason(error)}"
        if with_operator:
            raise Problem(f"{unknown}; nothing was changed: {KEEP}") from None
        return replace(stays, lines=(f"kept: {where}. {unknown}",))
    listed = "".join(f"\n  - {user}" for user in users)
    if with_operator and users:
        raise Problem(f"{where} is used by others; nothing was changed: {KEEP}{listed}")
    if with_operator:
        line = f"{where} goes as well, as nobody else uses it; its CRDs stay"
        return Leaving(homes | {release["urn"]: False}, (line,))
    by = f"It is used by{listed}" if users else "Nobody else uses it now: ARGS=--with-operator takes it along"
    line = f"kept, with its CRDs: {where}, which now belongs to no stack, and is there for all. {by}"
    return replace(stays, lines=(line,))


def auth_method(exported: Mapping[str, Any]) -> Leaving:
    found = state.auth_method(exported)
    if found is None:
        return NOTHING
    others = vault_roles.of_others(found.vault, found.path, found.role)
    if others is None and not found.own:
        others = ["roles that this token may not list"]
    others = [role for role in others or () if role not in state.roles(exported)]
    if not others:
        return Leaving(dict.fromkeys(found.urns, False), ())
    line = (
        f"kept: the auth method {found.path}/ in Vault, by which others log in: {sharing.shown(others)}. From now on say "
        "litellm:secrets.vault.kubernetesAuth.create: false"
    )
    return Leaving(dict.fromkeys(found.urns, True), (line,))


def subnet_group(group: state.SubnetGroup) -> Leaving:
    # The SDK of AWS takes long to import, and most stacks have no such group.
    users = import_module("tools.engine.aws_users").of_others(group.connection, group.service, group.name, group.own)
    if not users:
        return NOTHING
    line = f"kept: the subnet group {group.name} in AWS ({group.service}), in which others have {sharing.shown(users)}"
    return Leaving({group.urn: True}, (line,))
