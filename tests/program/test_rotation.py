"""What a rotation makes of a stack: from the state that the last `up` left, to the next one."""

import json
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import yaml

from infra import workloads
from infra.environment import deploy
from infra.servers import Servers
from infra.target import resolve_offline
from infra.turns import Turn, Turns
from tests.program.stacks import ROOT, stack_of
from tools.engine.stack_file import Stack
from tools.offline.mock_engine import Recording, Registered, run
from tools.offline.plan import configuration, document
from tools.report.policies import violations

JOB, SECRET = "kubernetes:batch/v1:Job", "kubernetes:external-secrets.io/v1:ExternalSecret"
BOOTSTRAP, LOCK = "database-bootstrap-job", "database-lock-job"


@cache
def dev(turn: int, rotation: int = 0) -> Recording:
    """Everything known, as after an `up`, of the project's stack `dev` at a turn of its users."""
    document = stack_of(ROOT / "Pulumi.dev.yaml").document
    counted = {
        "litellm:database": {"rotation": rotation},
        "litellm:redis": {"rotation": rotation, "coordination": True},
    }
    stack = Stack("dev", {**document, "config": document["config"] | counted})
    users = Turn(turn, before=max(rotation - 1, 0))
    target = replace(resolve_offline(configuration(stack), "dev"), turns=Turns(users, users))
    return run(lambda: deploy(target), preview=False, stack="dev")


def written(recording: Recording, name: str) -> dict[str, Any]:
    """What is in one of the documents."""
    return json.loads(recording.inputs("vault:kv/secretV2:SecretV2", f"documents-{name}")["dataJson"])


def environment(recording: Recording, job: str) -> dict[str, Any]:
    (container,) = recording.inputs(JOB, job)["spec"]["template"]["spec"]["containers"]
    return {each["name"]: each.get("value") for each in container["env"]}


def by_name(recording: Recording) -> dict[tuple[str, str], Registered]:
    return {(each.type, each.name): each for each in recording.resources}


def test_a_rotation_takes_the_second_user_and_the_next_one_the_first() -> None:
    users = [written(dev(turn, turn), "database")["username"] for turn in (0, 1, 2, 3)]
    assert users == ["litellm", "litellm_clone", "litellm", "litellm_clone"]


def test_the_password_remembers_the_turn() -> None:
    generator = "random:index/randomPassword:RandomPassword"
    kept = [dev(turn, turn).inputs(generator, "database-password-generator")["keepers"] for turn in (0, 1)]
    assert kept == [{"rotation": "0"}, {"rotation": "1", "turn": "1"}]


@pytest.mark.parametrize("turn", [1, 2])
def test_the_jobs_know_both_users_and_not_whose_turn_it_is(turn: int) -> None:
    """They read that from the Secret, as the pods do."""
    for job in (BOOTSTRAP, LOCK):
        given = environment(dev(turn, turn), job)
        assert (given["OWNER"], given["ALTERNATE"]) == ("litellm", "litellm_clone")
        assert given["ROLE_USERNAME"] is given["ROLE_PASSWORD"] is None


def test_the_user_of_before_is_locked_once_the_gateway_is_there() -> None:
    recording = dev(1, 1)
    deployment = recording.one("kubernetes:apps/v1:Deployment", "litellm-deployment")
    assert any("::litellm-deployment" in urn for urn in recording.one("litellm:index:DatabaseLock").dependencies)
    assert environment(recording, LOCK)["DRAIN_SECONDS"] == str(
        deployment.inputs["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    )


def test_each_turn_is_another_lock() -> None:
    assert dev(1, 1).inputs(JOB, LOCK)["spec"] != dev(3, 1).inputs(JOB, LOCK)["spec"]


def test_without_a_rotation_there_is_one_user_and_nobody_to_lock() -> None:
    recording = dev(0)
    assert (JOB, LOCK) not in by_name(recording)
    assert not {"OWNER", "ALTERNATE"} & environment(recording, BOOTSTRAP).keys()


@pytest.mark.parametrize("type_", ["kubernetes:apps/v1:StatefulSet", "kubernetes:core/v1:Service"])
def test_a_rotation_leaves_the_server_alone(type_: str) -> None:
    before, after = by_name(dev(0)), by_name(dev(1, 1))
    kept = [key for key in before if key[0] == type_]
    assert kept
    assert [before[key].inputs for key in kept] == [after[key].inputs for key in kept]


def test_the_lock_reaches_the_server_and_nothing_else() -> None:
    policy = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
    opening = dev(1, 1).inputs(policy, "network-postgres")["spec"]["ingress"]
    assert "database-lock" in json.dumps(opening)
    assert "database-lock" not in json.dumps(dev(0).inputs(policy, "network-postgres"))
    bootstrap, lock = (
        dev(1, 1).inputs(policy, f"network-{job}-egress")["spec"]["egress"]
        for job in ("database-bootstrap", "database-lock")
    )
    assert bootstrap == lock


@pytest.mark.parametrize("turn", [1, 2])
def test_every_rule_is_kept(turn: int) -> None:
    resources = document("dev", dev(turn, turn))["resources"]
    assert [f"{each.rule.id}: {each.name}" for each in violations("dev", resources)] == [
        f"{each.rule.id}: {each.name}" for each in violations("dev", document("dev", dev(0))["resources"])
    ]


def variables_of_redis(recording: Recording) -> dict[str, Any]:
    (gateway,) = recording.inputs("kubernetes:apps/v1:Deployment", "litellm-deployment")["spec"]["template"]["spec"][
        "containers"
    ]
    return {each["name"]: each.get("value") for each in gateway["env"] if each["name"].startswith("REDIS_")}


def test_pods_log_in_to_redis_as_the_user_whose_turn_it_is() -> None:
    users = [variables_of_redis(dev(turn, turn)).get("REDIS_USERNAME") for turn in (0, 1, 2, 3)]
    assert users == [None, "litellm", "litellm_clone", "litellm"]
    config_map = next(each for each in dev(1, 1).resources if "config.yaml" in each.inputs.get("data", {}))
    shared = yaml.safe_load(config_map.inputs["data"]["config.yaml"])["general_settings"]["coordination_redis"]
    assert shared["username"] == "os.environ/REDIS_USERNAME"


def test_the_password_of_the_user_of_before_is_not_generated_again() -> None:
    """It lets the next user in."""
    generator = "random:index/randomPassword:RandomPassword"
    names = ("redis-password-generator", "redis-alternate-password-generator")
    kept = [[dev(turn, turn).inputs(generator, name)["keepers"] for name in names] for turn in (1, 2, 3)]
    assert kept == [
        [{"rotation": "0"}, {"rotation": "1", "turn": "1"}],
        [{"rotation": "2", "turn": "2"}, {"rotation": "1", "turn": "1"}],
        [{"rotation": "2", "turn": "2"}, {"rotation": "3", "turn": "3"}],
    ]


def test_the_document_of_redis_has_both_users() -> None:
    def users(turn: int) -> list[str]:
        found = written(dev(turn, turn), "redis")
        return [found["username"], found["other-username"]]

    assert [users(turn) for turn in (1, 2, 3)] == [
        ["litellm", "default"],
        ["litellm_clone", "litellm"],
        ["litellm", "litellm_clone"],
    ]
    assert written(dev(0), "redis").keys() == {"password"}


def test_redis_does_not_restart() -> None:
    """Its Secret changes under the same name, so that a pod that is made later begins with the user of then."""
    server = ("kubernetes:apps/v1:Deployment", "redis-server")
    before, after = by_name(dev(0))[server], by_name(dev(1, 1))[server]
    assert before.inputs == after.inputs
    assert by_name(dev(0))[SECRET, "redis-config-secret"].replace_on_changes
    assert not by_name(dev(1, 1))[SECRET, "redis-config-secret"].replace_on_changes


def test_a_redis_that_is_made_later_has_the_user_of_now_and_probes_that_may_do_nothing_else() -> None:
    spec = dev(1, 1).inputs(SECRET, "redis-config-secret")["spec"]
    lines = [line for line in spec["target"]["template"]["data"]["redis.conf"].splitlines() if line.startswith("user ")]
    assert lines == [
        "user default reset on +ping #{{ .password | sha256sum }}",
        "user {{ .username }} reset on ~* &* +@all #{{ .password | sha256sum }}",
    ]


def test_the_gateway_waits_for_the_user_and_the_lock_for_the_gateway() -> None:
    recording = dev(1, 1)
    assert any("::redis-user" in urn for urn in recording.one("litellm:index:Gateway").dependencies)
    assert any("::litellm-deployment" in urn for urn in recording.one("litellm:index:RedisLock").dependencies)


@pytest.mark.parametrize("job", ["redis-user-job", "redis-lock-job"])
def test_the_jobs_of_redis_have_their_logins_by_reference_and_reach_it(job: str) -> None:
    given = environment(dev(1, 1), job)
    assert given["ROLE_PASSWORD"] is given["OTHER_PASSWORD"] is None
    policy = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
    assert job.removesuffix("-job") in json.dumps(dev(1, 1).inputs(policy, "network-redis"))
    assert dev(1, 1).inputs(policy, f"network-{job.removesuffix('-job')}-egress")["spec"]["egress"]


def test_without_a_rotation_redis_has_one_user() -> None:
    assert not [each.name for each in dev(0).resources if each.name.startswith(("redis-user", "redis-lock"))]


def test_a_database_that_takes_tokens_from_now_on_has_one_user() -> None:
    """It had two, and the state still says so."""
    database = configuration(stack_of(ROOT / "Pulumi.dev.yaml")).database
    args = workloads.bootstrap(database, Servers(("db", 5432), None), "gateway", "admin", None, {}, turn=Turn(1))
    assert "owner" not in args
