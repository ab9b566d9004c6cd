"""The Job of docs/runbooks/changes.md that copies the database: what can be known of it without a cluster."""

from typing import Any

import yaml

from components.labels import NAME
from infra.config.versions import PINS
from infra.workloads import BOOTSTRAP
from tests.program.stacks import ROOT

POLICY, JOB = [
    dict[str, Any](each) for each in yaml.safe_load_all((ROOT / "docs/runbooks/copy-database.yaml").read_text())
]
POD: dict[str, Any] = JOB["spec"]["template"]
(CONTAINER,) = POD["spec"]["containers"]


def test_credentials_come_from_secrets() -> None:
    given = {each["name"]: each for each in CONTAINER["env"]}
    secret = [name for name in given if name.endswith(("_USER", "_PASSWORD"))]
    assert len(secret) == 4
    assert all("secretKeyRef" in given[name]["valueFrom"] for name in secret)


def test_it_runs_in_a_namespace_that_is_restricted() -> None:
    assert POD["spec"]["securityContext"]["runAsNonRoot"] is True
    assert POD["spec"]["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert CONTAINER["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def test_the_network_policies_of_a_stack_know_its_pods() -> None:
    assert POD["metadata"]["labels"][NAME] == BOOTSTRAP


def test_it_may_reach_a_server_that_those_do_not_know() -> None:
    selected: dict[str, str] = POLICY["spec"]["podSelector"]["matchLabels"]
    assert selected.items() <= POD["metadata"]["labels"].items()
    assert NAME not in selected, "Jobs of the stack reach no more than before"
    assert (POLICY["spec"]["policyTypes"], POLICY["spec"]["egress"]) == (["Egress"], [{}])


def test_its_programs_are_those_that_the_stack_runs() -> None:
    assert CONTAINER["image"] == PINS["postgres"].image


def test_what_failed_once_is_not_tried_again_by_itself() -> None:
    assert (JOB["spec"]["backoffLimit"], POD["spec"]["restartPolicy"]) == (0, "Never")


def test_it_waits_until_both_servers_let_it_in() -> None:
    """A pod that has just started is unknown to the network policies of the old one."""
    (script,) = CONTAINER["args"]
    assert script.index("for server in from to") < script.index("pg_isready") < script.index("pg_stat_activity")
