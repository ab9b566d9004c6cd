"""Teams, users, keys and budgets in LiteLLM: brought to what a stack wants by one Job, after the gateway answers."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as k8s

from components.gateway.pod import container, pod, seconds, variables
from components.labels import labels
from components.objects import REPLACED_AS_A_WHOLE, given_name, short_hash
from components.pods import PodSettings, template

RESOURCES = {
    "requests": {"cpu": "50m", "memory": "64Mi", "ephemeral-storage": "16Mi"},
    "limits": {"memory": "256Mi", "ephemeral-storage": "64Mi"},
}

FOLDER = "/etc/litellm-access"
SECRETS = "/etc/litellm-access-keys"
WISHES = "access.json"

MODULES = ("api", "objects", "plan", "reconcile")
"""What the Job runs: files of this folder, with Python's standard library alone."""

ATTEMPTS = 3

REPORT_SECONDS = 30
"""How much longer Pulumi waits than the Job may run, so that the Job's own reason is what it reports."""


class AccessArgs(TypedDict):
    """Arguments of `Access`."""

    namespace: pulumi.Input[str]
    """Required: namespace of the Job."""

    image: pulumi.Input[str]
    """Required: an image with Python 3.11 or newer: LiteLLM's own."""

    url: pulumi.Input[str]
    """Required: where LiteLLM answers inside the cluster."""

    wishes: Mapping[str, Any]
    """Required: what LiteLLM shall have, by section: `owner`, `purge`, `adopt`, and for `budgets`, `organizations`, `users`,
    `teams`, `customers` and `key-list` their `fields`, `settings` and `metadata` in LiteLLM's words. No secrets."""

    secret: pulumi.Input[str]
    """Required: name of the Secret with `master-key`, and `key-<name>` for each of the keys."""

    revision: NotRequired[pulumi.Input[str]]
    """Optional: any text; when it changes, the Job runs again. Defaults to nothing."""

    pod: NotRequired[PodSettings]
    """Optional: where the pods run, and what else all pods of a stack have. Defaults to nothing."""

    timeout: NotRequired[str]
    """Optional: how long all attempts together may take, a Go duration. Defaults to `15m`."""


class Access(pulumi.ComponentResource):
    """A Job that tells LiteLLM what a stack wants of teams, users, keys and budgets, awaited until it succeeded.

    **Type:** `litellm:index:Access`. **Produces:** `batch/v1 Job`, `v1 ConfigMap`.

    Other wishes, or other values of keys (a new Secret), are a new Job. It changes what it made itself, and nothing else. What
    its pods say is what they did, or why LiteLLM refuses.
    """

    job_name: pulumi.Output[str]
    """Name of the Job."""

    def __init__(self, name: str, args: AccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm:index:Access", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        metadata: Any = {"namespace": args["namespace"], "labels": labels(name)}
        content = files(args["wishes"])
        map_name = f"{name}-{short_hash(json.dumps(content, sort_keys=True))}"
        config = k8s.core.v1.ConfigMap(
            map_name, metadata=metadata | {"name": map_name}, data=content, immutable=True, opts=child
        )
        timeout = seconds(args.get("timeout", "15m"))
        job = k8s.batch.v1.Job(
            f"{name}-job",
            metadata=metadata | {"annotations": {"pulumi.com/replaceUnready": "true"}},
            spec=job_spec(name, args, config.metadata.name, timeout),
            opts=pulumi.ResourceOptions(
                parent=self,
                replace_on_changes=REPLACED_AS_A_WHOLE,
                custom_timeouts=pulumi.CustomTimeouts(create=f"{timeout + REPORT_SECONDS}s"),
            ),
        )
        self.job_name = given_name(job)
        self.register_outputs({"job_name": self.job_name})


def files(wishes: Mapping[str, Any]) -> dict[str, str]:
    """The ConfigMap: the wishes, and the program that brings them about."""
    own = {f"{module}.py": Path(__file__).with_name(f"{module}.py").read_text(encoding="utf-8") for module in MODULES}
    return {WISHES: json.dumps(wishes, sort_keys=True, indent=1), **own}


def mounted() -> Sequence[dict[str, str]]:
    """The program as the package that it is here, so that its modules import each other by the same names."""
    own = [{"key": f"{module}.py", "path": f"components/access/{module}.py"} for module in MODULES]
    return [{"key": WISHES, "path": WISHES}, *own]


def job_spec(name: str, args: AccessArgs, config: pulumi.Input[str], timeout: int) -> Any:
    """The Job: a few attempts with growing pauses. Failed pods stay, for their logs."""
    main = container(
        "access",
        args["image"],
        {
            "command": ["python3", "-m", "components.access.reconcile", args["url"], f"{FOLDER}/{WISHES}", SECRETS],
            # Where `python3 -m` looks first.
            "workingDir": FOLDER,
            "env": variables({"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}),
            # What it says last becomes the reason that Pulumi shows.
            "terminationMessagePolicy": "FallbackToLogsOnError",
            "resources": RESOURCES,
            "volumeMounts": [
                {"name": "access", "mountPath": FOLDER, "readOnly": True},
                {"name": "keys", "mountPath": SECRETS, "readOnly": True},
            ],
        },
    )
    return {
        # Few, as one that needs a person fails each time. No rule of podFailurePolicy ends it earlier: see Migration.
        "backoffLimit": ATTEMPTS - 1,
        "activeDeadlineSeconds": timeout,
        "podFailurePolicy": {
            "rules": [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}]
        },
        "template": template(
            name,
            pod(
                main,
                volumes=[
                    {"name": "access", "configMap": {"name": config, "items": mounted()}},
                    {"name": "keys", "secret": {"secretName": args["secret"], "defaultMode": 0o440}},
                ],
                tmp_size="16Mi",
                rest={"restartPolicy": "Never"},
            ),
            args.get("pod"),
            {"litellm/revision": args.get("revision", "")},
        ),
    }
