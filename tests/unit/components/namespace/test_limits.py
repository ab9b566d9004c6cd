from typing import Any

from components.namespace.limits import NamespaceLimits, NamespaceLimitsArgs
from tests.recording import Recording, run

QUOTA = "kubernetes:core/v1:ResourceQuota"
RANGE = "kubernetes:core/v1:LimitRange"


def recorded(**others: Any) -> Recording:
    args: Any = {"namespace": "litellm-env-pr-1", "quota": {"pods": "10", "limits.memory": "4Gi"}, **others}

    def program() -> dict[str, object]:
        made: NamespaceLimitsArgs = args
        return {"name": NamespaceLimits("limits", made).quota_name}

    return run(program)


def test_the_quota_holds_in_the_namespace():
    quota = recorded().inputs(QUOTA)
    assert quota["metadata"]["namespace"] == "litellm-env-pr-1"
    assert quota["spec"]["hard"] == {"pods": "10", "limits.memory": "4Gi"}


def test_a_container_that_asks_for_nothing_gets_the_defaults():
    """A quota on memory refuses every pod that names none."""
    limits = recorded(default_requests={"cpu": "50m"}, default_limits={"memory": "256Mi"}).inputs(RANGE)["spec"][
        "limits"
    ]
    assert limits[0]["type"] == "Container"
    assert limits[0]["defaultRequest"] == {"cpu": "50m"}
    assert limits[0]["default"] == {"memory": "256Mi"}


def test_the_name_of_the_quota_is_an_output():
    assert recorded().outputs["name"] == "limits"
