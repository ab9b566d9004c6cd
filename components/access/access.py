"""Teams, users, keys and budgets in LiteLLM: brought to what a stack wants by one Job, after the gateway answers."""

import json
from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as k8s

from components.access.objects import text_of
from components.gateway.inside import RESOURCES, files, mounted
from components.gateway.pod import container, pod, seconds, variables
from components.jobs import REPORT_SECONDS, awaited_job, in_attempts
from components.labels import labels
from components.objects import given_name, short_hash
from components.pods import PodSettings, template

FOLDER = "/etc/litellm-access"
SECRETS = "/etc/litellm-access-keys"
WISHES = "access.json"

MODULES = ("components.gateway.api", *(f"components.access.{name}" for name in ("objects", "plan", "reconcile")))
"""What the Job runs, the last one as its program."""


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
        content = {WISHES: text_of(args["wishes"]), **files(*MODULES)}
        map_name = f"{name}-{short_hash(json.dumps(content, sort_keys=True))}"
        config = k8s.core.v1.ConfigMap(
            map_name, metadata=metadata | {"name": map_name}, data=content, immutable=True, opts=child
        )
        timeout = seconds(args.get("timeout", "15m"))
        spec = job_spec(name, args, config.metadata.name, timeout)
        awaited = pulumi.CustomTimeouts(create=f"{timeout + REPORT_SECONDS}s")
        job = awaited_job(name, args["namespace"], spec, awaited, self)
        self.job_name = given_name(job)
        self.register_outputs({"job_name": self.job_name})


def job_spec(name: str, args: AccessArgs, config: pulumi.Input[str], timeout: int) -> Any:
    main = container(
        "access",
        args["image"],
        {
            "command": ["python3", "-m", MODULES[-1], args["url"], f"{FOLDER}/{WISHES}", SECRETS],
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
    items = [{"key": WISHES, "path": WISHES}, *mounted(*MODULES)]
    return in_attempts(
        timeout,
        template(
            name,
            pod(
                main,
                volumes=[
                    {"name": "access", "configMap": {"name": config, "items": items}},
                    {"name": "keys", "secret": {"secretName": args["secret"], "defaultMode": 0o440}},
                ],
                tmp_size="16Mi",
                rest={"restartPolicy": "Never"},
            ),
            args.get("pod"),
            {"litellm/revision": args.get("revision", "")},
        ),
    )
