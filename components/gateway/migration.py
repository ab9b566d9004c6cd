"""LiteLLM's database schema: brought up to date by one Job, before any pod of the new version starts."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import pulumi

from components.certificates import CertificateFile, with_certificates
from components.gateway.pod import COMMAND, SURROUNDINGS, container, pod, seconds, variables
from components.jobs import REPORT_SECONDS, awaited_job, in_attempts
from components.objects import given_name
from components.pods import PodSettings, secret_variable, template

DEFAULT_RESOURCES = {
    "requests": {"cpu": "100m", "memory": "512Mi", "ephemeral-storage": "512Mi"},
    "limits": {"memory": "2Gi", "ephemeral-storage": "2Gi"},
}

PATIENCE = "LITELLM_PRISMA_MIGRATE_DEPLOY_TIMEOUT"

OWN = {
    "DISABLE_SCHEMA_UPDATE": "false",
    "LITELLM_LOG": "INFO",
    # The default of the pinned release, and not of every one that a stack may name.
    "USE_V2_MIGRATION_RESOLVER": "true",
}

SCRIPT = Path(__file__).with_name("migrate.py").read_text()

GRACE_SECONDS = 120
"""How long a migration that runs may still take when its pod has to go."""


class MigrationArgs(TypedDict):
    """Arguments of `Migration`."""

    namespace: pulumi.Input[str]
    """Required: namespace of the Job."""

    image: pulumi.Input[str]
    """Required: LiteLLM's image, the same as the gateway's."""

    environment_secret: NotRequired[pulumi.Input[str]]
    """Optional: name of the Secret with the key DATABASE_URL. Defaults to none: `environment` says how to log in."""

    url_key: NotRequired[str]
    """Optional: key of the URL in `environment_secret`, where that is another one: that past a pooler. Defaults to
    `DATABASE_URL`."""

    environment: NotRequired[Mapping[str, pulumi.Input[str]]]
    """Optional: more plain environment variables. Defaults to none."""

    service_account: NotRequired[pulumi.Input[str]]
    """Optional: name of the ServiceAccount, for a login with its IAM role. Defaults to the namespace's default."""

    revision: NotRequired[pulumi.Input[str]]
    """Optional: any text; when it changes, the Job runs again. Defaults to nothing."""

    resources: NotRequired[pulumi.Input[Mapping[str, Any]]]
    """Optional: requests and limits. Defaults to 100m CPU and 512Mi, at most 2Gi."""

    node_selector: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """Optional: labels of the nodes that the Job may run on. Defaults to any node."""

    tolerations: NotRequired[pulumi.Input[Sequence[pulumi.Input[Mapping[str, Any]]]]]
    """Optional: taints of nodes that the Job tolerates. Defaults to none."""

    pod: NotRequired[PodSettings]
    """Optional: where the pods run, and what else all pods of a stack have. Defaults to nothing."""

    certificates: NotRequired[Sequence[CertificateFile]]
    """Optional: files in `/etc/litellm-certificates`, with the authorities of servers. Defaults to none."""

    timeout: NotRequired[str]
    """Optional: how long all attempts together may take, a Go duration. Defaults to `30m`. A pod that is stopped has two
    minutes more for the migration that runs."""


class Migration(pulumi.ComponentResource):
    """A Job that applies LiteLLM's migrations, awaited until it succeeded.

    **Type:** `litellm:index:Migration`. **Produces:** `batch/v1 Job`.

    A new image, or another Secret, is a new Job; everything else leaves the finished one alone. So the Secret should have
    another name when the database is another one, and only then. A Job that failed is replaced by the next `up`.
    """

    job_name: pulumi.Output[str]
    """Name of the Job."""

    def __init__(self, name: str, args: MigrationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm:index:Migration", name, None, opts)
        timeout = seconds(args.get("timeout", "30m"))
        awaited = pulumi.CustomTimeouts(create=f"{timeout + GRACE_SECONDS + REPORT_SECONDS}s")
        job = awaited_job(name, args["namespace"], job_spec(name, args, timeout), awaited, self)
        self.job_name = given_name(job)
        self.register_outputs({"job_name": self.job_name})


def job_spec(name: str, args: MigrationArgs, timeout: int) -> Any:
    login = (
        [secret_variable("DATABASE_URL", args["environment_secret"], args.get("url_key", "DATABASE_URL"))]
        if "environment_secret" in args
        else []
    )
    account = {"serviceAccountName": args["service_account"]} if "service_account" in args else {}
    main = container(
        "migrate",
        args["image"],
        {
            # What LiteLLM's own prisma_migration.py runs, without `prisma generate` after it, which cannot write to the image.
            "command": ["python3", "-c", SCRIPT, *COMMAND, "--skip_server_startup"],
            # LiteLLM would end Prisma after ten minutes, in the middle of a migration: the Job has a limit of its own.
            "env": [*login, *variables({**SURROUNDINGS, **OWN, PATIENCE: str(timeout), **args.get("environment", {})})],
            # What the script says last becomes the reason that Pulumi shows.
            "terminationMessagePolicy": "FallbackToLogsOnError",
            "resources": args.get("resources", DEFAULT_RESOURCES),
        },
    )
    return in_attempts(
        timeout,
        template(
            name,
            with_certificates(
                pod(
                    main,
                    node_selector=args.get("node_selector"),
                    tolerations=args.get("tolerations"),
                    rest={"restartPolicy": "Never", "terminationGracePeriodSeconds": GRACE_SECONDS, **account},
                ),
                args.get("certificates"),
            ),
            args.get("pod"),
            {"litellm/revision": args.get("revision", "")},
        ),
    )
