"""What replaces the pods of a Deployment when the values in its Secrets change outside the stack."""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as k8s

from components.gateway.inside import files, mounted
from components.gateway.pod import container, pod, variables
from components.labels import labels, selector
from components.objects import name_after, short_hash
from components.pods import PodSettings, template
from components.sync.namespace_store import CLUSTER_CA
from components.sync.shared import FINGERPRINT

FOLDER = "/etc/litellm-restarter"
"""Where the program is."""

SEEN = "/var/run/litellm-restarter"
"""Where the token is, the authority of the API server, and the hash of each Secret."""

MODULE = "components.sync.restart"

TOKEN_SECONDS = 3600

RESOURCES: dict[str, dict[str, str]] = {
    "requests": {"cpu": "10m", "memory": "32Mi", "ephemeral-storage": "16Mi"},
    "limits": {"memory": "64Mi", "ephemeral-storage": "64Mi"},
}


ROTATIONS = "rotations"
"""Key of the ConfigMap of `Announced`."""


class Announced(TypedDict):
    """What each `up` announces before it writes any value."""

    config_map: pulumi.Input[str]
    """Required: name of a ConfigMap with the key `rotations`."""

    rotations: str
    """Required: what is in it from this `up` on, until one begins to rotate."""


class RestarterArgs(TypedDict):
    """Arguments of `Restarter`."""

    namespace: pulumi.Input[str]
    """Required: namespace of everything."""

    deployment: str
    """Required: name of the Deployment; it need not be there yet."""

    secrets: Mapping[str, pulumi.Input[str]]
    """Required: names of its Secrets, by a word for each. They are `SyncedSecret`s with `fingerprint`."""

    image: pulumi.Input[str]
    """Required: an image with Python 3.11 or newer: LiteLLM's own."""

    announced: NotRequired[Announced]
    """Optional: how values that an `up` changes are told from those that others change: it makes other pods itself. Defaults
    to none: pods may then be replaced twice."""

    pod: NotRequired[PodSettings]
    """Optional: where the pod runs, and what else all pods of a stack have. Defaults to nothing."""


class Restarter(pulumi.ComponentResource):
    """A small pod that lets a Deployment roll over when a value in its Secrets changes under the same name.

    **Type:** `litellm:index:Restarter`. **Produces:** `ServiceAccount`, `Role`, `RoleBinding`, `v1 ConfigMap`, `apps/v1
    Deployment`.

    It reads no Secret: of each it has one key as a file, a hash. It may read and change one Deployment, and read what an `up`
    has announced, and nothing else; what it changes are two annotations, under a field manager of its own, so that no preview
    shows them. A Secret with another name makes other pods without it.
    """

    def __init__(self, name: str, args: RestarterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm:index:Restarter", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        metadata: Any = {"name": name, "namespace": args["namespace"], "labels": labels(name)}
        account = k8s.core.v1.ServiceAccount(
            f"{name}-service-account", metadata=metadata, automount_service_account_token=False, opts=child
        )
        role = k8s.rbac.v1.Role(
            f"{name}-role",
            metadata=metadata,
            rules=[
                {
                    "api_groups": ["apps"],
                    "resources": ["deployments"],
                    "resource_names": [args["deployment"]],
                    "verbs": ["get", "patch"],
                },
                *(
                    {
                        "api_groups": [""],
                        "resources": ["configmaps"],
                        "resource_names": [announced["config_map"]],
                        "verbs": ["get"],
                    }
                    for announced in announcements(args)
                ),
            ],
            opts=child,
        )
        binding = k8s.rbac.v1.RoleBinding(
            f"{name}-role-binding",
            metadata=metadata,
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "Role", "name": name_after(name, role)},
            subjects=[{"kind": "ServiceAccount", "name": name_after(name, account), "namespace": args["namespace"]}],
            opts=child,
        )
        program = files(MODULE)
        map_name = f"{name}-{short_hash(program[f'{MODULE}.py'])}"
        config = k8s.core.v1.ConfigMap(
            map_name, metadata=metadata | {"name": map_name}, data=program, immutable=True, opts=child
        )
        k8s.apps.v1.Deployment(
            f"{name}-deployment",
            metadata=metadata,
            spec=deployment_spec(name, args, config.metadata.name),
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=binding, custom_timeouts=pulumi.CustomTimeouts(create="5m", update="5m")
            ),
        )
        self.register_outputs({})


def announcements(args: RestarterArgs) -> list[Announced]:
    return [args["announced"]] if "announced" in args else []


def deployment_spec(name: str, args: RestarterArgs, config: pulumi.Input[str]) -> Any:
    secrets = args["secrets"]
    names = pulumi.Output.all(*(secrets[word] for word in sorted(secrets))).apply(",".join)
    announced = [text for each in announcements(args) for text in (each["config_map"], each["rotations"])]
    main = container(
        "restarter",
        args["image"],
        {
            "command": ["python3", "-m", MODULE],
            "args": [args["namespace"], args["deployment"], names, SEEN, *announced],
            # Where `python3 -m` looks first.
            "workingDir": FOLDER,
            "env": variables({"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}),
            "terminationMessagePolicy": "FallbackToLogsOnError",
            "resources": RESOURCES,
            # It has the rights that it needs, and has reached the API server.
            "startupProbe": {"exec": {"command": ["cat", "/tmp/ready"]}, "periodSeconds": 1, "failureThreshold": 240},  # noqa: S108
            "volumeMounts": [
                {"name": "program", "mountPath": FOLDER, "readOnly": True},
                {"name": "seen", "mountPath": SEEN, "readOnly": True},
            ],
        },
    )
    volumes = [
        {"name": "program", "configMap": {"name": config, "items": list(mounted(MODULE))}},
        {"name": "seen", "projected": {"defaultMode": 0o440, "sources": sources(secrets)}},
    ]
    rest = {
        "serviceAccountName": name,
        # It has nothing to finish, and as the first process of its container takes no notice of a SIGTERM.
        "terminationGracePeriodSeconds": 1,
    }
    return {
        "replicas": 1,
        "revisionHistoryLimit": 3,
        "strategy": {"type": "Recreate"},
        "selector": {"matchLabels": selector(name)},
        "template": template(name, pod(main, volumes=volumes, tmp_size="16Mi", rest=rest), args.get("pod")),
    }


def sources(secrets: Mapping[str, pulumi.Input[str]]) -> list[dict[str, Any]]:
    """Of each Secret one key, of which nobody learns a value."""
    return [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": TOKEN_SECONDS}},
        {"configMap": {"name": CLUSTER_CA["name"], "items": [{"key": CLUSTER_CA["key"], "path": "ca.crt"}]}},
        *(
            {"secret": {"name": secrets[word], "items": [{"key": FINGERPRINT, "path": f"values/{word}"}]}}
            for word in sorted(secrets)
        ),
    ]
