"""Jobs that a stack waits for: what one runs makes it another, and one that is done is left alone."""

from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from components.labels import labels
from components.objects import REPLACED_AS_A_WHOLE

ATTEMPTS = 3

REPORT_SECONDS = 30
"""How much longer Pulumi waits than a Job may run, so that the Job's own reason is what it reports."""


def awaited_job(
    name: str, namespace: pulumi.Input[str], spec: Any, timeouts: pulumi.CustomTimeouts, parent: pulumi.Resource
) -> k8s.batch.v1.Job:
    """A Job of workload `name` that is there once it succeeded. One that failed is made anew by the next `up`."""
    return k8s.batch.v1.Job(
        f"{name}-job",
        metadata={
            "namespace": namespace,
            "labels": labels(name),
            "annotations": {"pulumi.com/replaceUnready": "true"},
        },
        spec=spec,
        opts=pulumi.ResourceOptions(parent=parent, replace_on_changes=REPLACED_AS_A_WHOLE, custom_timeouts=timeouts),
    )


def in_attempts(seconds: int, template: Any) -> dict[str, Any]:
    """Spec of a Job with a few attempts and growing pauses, all within `seconds`. Failed pods stay, for their logs."""
    return {
        # Few: what needs a person fails each time, and Pulumi waits for the last one. No podFailurePolicy ends it earlier: of
        # a Job that failed by a rule, Pulumi takes no notice until its own time is over.
        "backoffLimit": ATTEMPTS - 1,
        "activeDeadlineSeconds": seconds,
        # A drained node is nobody's failure.
        "podFailurePolicy": {
            "rules": [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}]
        },
        "template": template,
    }
