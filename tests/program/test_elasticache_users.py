"""A whole stack with ElastiCache whose users take turns: who may log in, and when that ends."""

import json
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from infra.environment import deploy
from infra.target import resolve_offline
from infra.turns import Turn, Turns
from tests.program.stacks import ROOT, stack_of
from tools.engine.stack_file import Stack
from tools.offline.mock_engine import Recording, Registered, run
from tools.offline.plan import configuration, document
from tools.report.policies import violations

USER, SERVER = "aws:elasticache/user:User", "aws:elasticache/replicationGroup:ReplicationGroup"
GATEWAY = "kubernetes:apps/v1:Deployment"
NAMES = ("litellm_clone", "litellm")


@cache
def managed(turn: int | None = None, strategy: str = "alternating-users") -> Recording:
    """Everything known, as after an `up`, of the example with servers of AWS; at a turn of its users, or as a new stack."""
    whole = stack_of(ROOT / "examples/Pulumi.aws-managed.yaml").document
    redis = whole["config"]["litellm:redis"] | {"rotationStrategy": strategy}
    stack = Stack("aws-managed", {**whole, "config": whole["config"] | {"litellm:redis": redis}})
    target = resolve_offline(configuration(stack), "aws-managed")
    if turn is not None:
        target = replace(target, turns=Turns(redis=Turn(turn)))
    return run(lambda: deploy(target), preview=False, stack="aws-managed")


def users(turn: int) -> dict[str, Registered]:
    return {each.inputs["userName"]: each for each in managed(turn).of(USER)}


def may_log_in(turn: int) -> set[str]:
    return {name for name, each in users(turn).items() if each.inputs["accessString"].startswith("on ")}


def variables(recording: Recording) -> dict[str, Any]:
    (container,) = recording.inputs(GATEWAY)["spec"]["template"]["spec"]["containers"]
    return {each["name"]: each.get("value") for each in container["env"]}


def waits_for(recording: Recording, waiting: Registered) -> set[str]:
    """URNs of everything that is there first."""
    by_urn, found, next_ones = {each.urn: each for each in recording.resources}, set[str](), [waiting]
    while next_ones:
        each = next_ones.pop()
        needed = {*each.dependencies, each.parent} & by_urn.keys() - found
        found |= needed
        next_ones += [by_urn[urn] for urn in needed]
    return found


def test_a_new_stack_has_users_and_no_token() -> None:
    assert variables(managed())["REDIS_USERNAME"] == "litellm"
    assert "authToken" not in managed().inputs(SERVER)


def test_with_a_token_nobody_needs_a_name() -> None:
    recording = managed(strategy="auth-token")
    assert "REDIS_USERNAME" not in variables(recording)
    assert not recording.of(USER)


def test_pods_of_before_have_the_token_until_the_first_rotation() -> None:
    assert may_log_in(1) == {"default", "litellm"}


@pytest.mark.parametrize("turn", [2, 3])
def test_from_then_on_one_user_may_log_in(turn: int) -> None:
    assert may_log_in(turn) == {NAMES[turn % 2]} == {variables(managed(turn))["REDIS_USERNAME"]}


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_the_user_is_there_before_the_pods_and_the_other_one_is_locked_after_them(turn: int) -> None:
    recording, found = managed(turn), users(turn)
    gateway = recording.one(GATEWAY)
    assert found[NAMES[turn % 2]].urn in waits_for(recording, gateway)
    assert gateway.urn in waits_for(recording, found[NAMES[(turn + 1) % 2]])


@pytest.mark.parametrize("turn", [1, 2])
def test_the_document_has_the_user_with_its_password(turn: int) -> None:
    written = json.loads(managed(turn).inputs(VERSION, "documents-redis-version")["secretString"])
    assert written["username"] == NAMES[turn % 2]
    assert users(turn)[NAMES[turn % 2]].inputs["passwords"] == [written["password"]]


def members(turn: int) -> list[str]:
    group = managed(turn).inputs("aws:elasticache/userGroup:UserGroup")
    return [each.removeprefix(group["userGroupId"]) for each in group["userIds"]]


def test_the_group_has_who_is_there_before_the_pods() -> None:
    assert members(1) == ["-default", "-litellm"]


def test_and_from_the_first_rotation_on_always_the_same() -> None:
    assert members(2) == members(3) == ["-default", "-litellm", "-litellm-clone"]


def test_users_of_one_group_have_ids_of_their_own() -> None:
    ids = [each.inputs["userId"] for each in users(2).values()]
    assert sorted(ids) == [f"redis-00000000-{name}" for name in ("default", "litellm", "litellm-clone")]


def test_the_server_stays_as_it_is_when_the_turn_changes() -> None:
    assert managed(2).inputs(SERVER) == managed(1).inputs(SERVER)


VERSION = "aws:secretsmanager/secretVersion:SecretVersion"


def test_no_pod_runs_for_users_that_aws_keeps() -> None:
    assert not [each.name for each in managed(2).resources if each.name in ("redis-user-job", "redis-lock-job")]


def test_the_policy_has_nothing_against_them() -> None:
    resources = document("aws-managed", managed(2))["resources"]
    assert not [f"{each.rule.id}: {each.name}" for each in violations("aws-managed", resources)]
