"""A role and a database for the gateway, in any Postgres."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pulumi

from components.certificate_files import DATABASE, path_of
from components.certificates import CertificateFile, with_certificates
from components.database.scripts import ALTERNATING, BOOTSTRAP
from components.jobs import awaited_job
from components.objects import given_name
from components.pods import PodSettings, restricted_pod, secret_variable, template
from components.restricted import RESTRICTED_CONTAINER

USER = 999
"""`postgres` in the Debian-based official image."""

DEFAULT_RESOURCES = {
    "requests": {"cpu": "50m", "memory": "64Mi", "ephemeral-storage": "16Mi"},
    "limits": {"memory": "128Mi", "ephemeral-storage": "256Mi"},
}


class DatabaseBootstrapArgs(TypedDict):
    """Arguments of `DatabaseBootstrap`, and of `DatabaseLock`."""

    namespace: pulumi.Input[str]
    """Required: namespace of the Job."""

    image: pulumi.Input[str]
    """Required: official Postgres image, 15 or later; only its `psql` is used."""

    host: pulumi.Input[str]
    """Required: host name of the server."""

    database: pulumi.Input[str]
    """Required: name of the database; it is created unless it exists."""

    admin_secret: pulumi.Input[str]
    """Required: name of the Secret with the user name and password of a role that may create roles and databases."""

    role_secret: NotRequired[pulumi.Input[str]]
    """Optional: name of the Secret with `username` and `password` of the gateway's role; it is created unless it exists, and
    its password is set. Either this or `iam_username`."""

    iam_username: NotRequired[pulumi.Input[str]]
    """Optional: name of the gateway's role, which logs in to Amazon RDS with IAM tokens, and has no password that anybody
    knows. Either this or `role_secret`."""

    owner: NotRequired[str]
    """Optional: name of the role that owns everything, where two users take turns: it is the first of them, and `role_secret`
    has the one whose turn it is. Defaults to the only user."""

    alternate: NotRequired[str]
    """Optional: name of the second user, a member of `owner`. Goes with it."""

    drain_seconds: NotRequired[int]
    """Optional: for `DatabaseLock`: seconds for which a pod of before may still need its login once the rollout is done.
    Defaults to 620: LiteLLM's longest request and a margin."""

    port: NotRequired[pulumi.Input[int]]
    """Optional: port of the server. Defaults to 5432."""

    sslmode: NotRequired[pulumi.Input[str]]
    """Optional: `disable`, `prefer`, `require` or `verify-full`. Defaults to `require`."""

    certificates: NotRequired[Sequence[CertificateFile]]
    """Optional: files in `/etc/litellm-certificates`; `database.crt` has the authorities that the server's certificate is
    checked with. Defaults to none."""

    admin_username_key: NotRequired[str]
    """Optional: key of the user name in `admin_secret`. Defaults to `username`."""

    admin_password_key: NotRequired[str]
    """Optional: key of the password in `admin_secret`. Defaults to `password`."""

    admin_database: NotRequired[pulumi.Input[str]]
    """Optional: database that the admin logs in to. Defaults to `postgres`."""

    mark: NotRequired[str]
    """Optional: comment on the role, which says to whom role and database belong: a role with another comment is refused.
    Defaults to none."""

    resources: NotRequired[pulumi.Input[Mapping[str, Any]]]
    """Optional: requests and limits. Defaults to 50m CPU and 64Mi, at most 128Mi."""

    revision: NotRequired[pulumi.Input[str]]
    """Optional: any text; a new one runs the Job again. Defaults to nothing."""

    pod: NotRequired[PodSettings]
    """Optional: where the pods run, and what else all pods of a stack have. Defaults to nothing."""

    timeout: NotRequired[str]
    """Optional: how long to wait for the Job, as a Go duration. The Job gives up after 5 minutes. Defaults to `6m`."""


class DatabaseBootstrap(pulumi.ComponentResource):
    """An awaited Job that creates the gateway's role and database and proves that the role can log in.

    **Type:** `litellm:index:DatabaseBootstrap`. **Produces:** `Job`.

    Nothing changed, nothing runs; whatever changes, such as a new password (a new Secret), makes a new Job.
    It waits up to two minutes for the server, and is safe to repeat.

    With `owner` and `alternate` the password of one user is set, while pods go on with the other one. Everything belongs to the
    owner, whoever makes it. `DatabaseLock` ends the login of the user before.

    Raises:
        ValueError: unless exactly one of `role_secret` and `iam_username` is given, and `owner` and `alternate` with a
            `role_secret` only, and both.
    """

    completed: pulumi.Output[str]
    """Name of the Job. Known once the role and the database can be used."""

    def __init__(self, name: str, args: DatabaseBootstrapArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm:index:DatabaseBootstrap", name, None, opts)
        if ("role_secret" in args) == ("iam_username" in args):
            raise ValueError("exactly one of role_secret and iam_username is needed")
        if ("owner" in args) != ("alternate" in args) or ("owner" in args and "iam_username" in args):
            raise ValueError("owner and alternate are two users with passwords: give both of them, or none")
        timeout = args.get("timeout", "6m")
        one_user = ["bash", "-c", BOOTSTRAP]
        command = ["bash", "-c", ALTERNATING, "bootstrap", BOOTSTRAP] if "owner" in args else one_user
        spec: Any = {
            "backoffLimit": 1,
            "activeDeadlineSeconds": 300,
            "template": job_template(name, args, command, variables(args)),
        }
        awaited = pulumi.CustomTimeouts(create=timeout, update=timeout, delete="2m")
        job = awaited_job(name, args["namespace"], spec, awaited, self)
        self.completed = given_name(job)
        self.register_outputs({"completed": self.completed})


def job_template(
    name: str, args: DatabaseBootstrapArgs, command: Sequence[str], environment: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Pods that run a script with the admin's login and that of the gateway."""
    return template(
        name,
        with_certificates(pod(args, command, environment), args.get("certificates")),
        args.get("pod"),
        {"litellm/revision": args.get("revision", "")},
    )


def pod(
    args: DatabaseBootstrapArgs, command: Sequence[str], environment: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    return {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": restricted_pod(USER),
        "containers": [
            {
                "name": "bootstrap",
                "image": args["image"],
                "command": list(command),
                "env": list(environment),
                "resources": args.get("resources", DEFAULT_RESOURCES),
                "securityContext": RESTRICTED_CONTAINER,
                # The last lines of the script's output become the reason that Pulumi shows.
                "terminationMessagePolicy": "FallbackToLogsOnError",
                "volumeMounts": [{"name": "temporary", "mountPath": "/tmp"}],  # noqa: S108 - the container's own
            }
        ],
        "volumes": [{"name": "temporary", "emptyDir": {}}],
    }


def variables(args: DatabaseBootstrapArgs) -> list[dict[str, Any]]:
    admin, mark = args["admin_secret"], args.get("mark")
    return [
        {"name": "PGHOST", "value": args["host"]},
        {"name": "PGPORT", "value": pulumi.Output.from_input(args.get("port", 5432)).apply(str)},
        {"name": "PGSSLMODE", "value": args.get("sslmode", "require")},
        *([{"name": "PGSSLROOTCERT", "value": path_of(DATABASE)}] if args.get("certificates") else []),
        {"name": "ADMIN_DATABASE", "value": args.get("admin_database", "postgres")},
        {"name": "DATABASE", "value": args["database"]},
        {"name": "WAIT_SECONDS", "value": "120"},
        {"name": "IAM_AUTHENTICATION", "value": str("iam_username" in args).lower()},
        secret_variable("ADMIN_USERNAME", admin, args.get("admin_username_key", "username")),
        secret_variable("ADMIN_PASSWORD", admin, args.get("admin_password_key", "password")),
        *role_variables(args),
        *([{"name": "MARK", "value": mark}] if mark else []),
        *([{"name": "OWNER", "value": args["owner"]}] if "owner" in args else []),
        *([{"name": "ALTERNATE", "value": args["alternate"]}] if "alternate" in args else []),
    ]


def role_variables(args: DatabaseBootstrapArgs) -> list[dict[str, Any]]:
    if "role_secret" not in args:
        return [{"name": "ROLE_USERNAME", "value": args.get("iam_username", "")}]
    return [secret_variable(f"ROLE_{key.upper()}", args["role_secret"], key) for key in ("username", "password")]
