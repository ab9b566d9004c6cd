"""The Deployment of the gateway: pods that are replaced one by one, with probes that call no model."""

import math
from collections.abc import Mapping
from typing import Any

import pulumi

from components.certificate_files import PROVIDERS
from components.certificates import with_certificates
from components.gateway.authorities import VARIABLES, bundler
from components.gateway.collector import collector, consumer, producer
from components.gateway.extras import with_extras
from components.gateway.files import (
    CONFIG_FOLDER,
    METRICS_FOLDER,
    SECRET_FOLDER,
    config_volume,
    metrics_volume,
    secret_volume,
)
from components.gateway.pod import COMMAND, PORT, SURROUNDINGS, TMP_SIZE, container, pod, seconds, variables
from components.gateway.wait import alias, relay
from components.labels import selector
from components.pods import PodSettings, template

KEEP_ALIVE_SECONDS = 95
"""Longer than ingress controllers keep an idle connection to a pod (nginx 60 s, Traefik 90 s): whoever closes first must be
the one that sends requests, or a request is lost now and then."""

FROM_THE_IMAGE = {
    f"LITELLM_LOCAL_{what}": "True"
    for what in ("ANTHROPIC_BETA_HEADERS", "AUTOROUTER_PRESETS", "BLOG_POSTS", "POLICY_TEMPLATES")
}
"""Lists that LiteLLM would fetch from GitHub, like that of prices: in a closed network it would wait for them in vain."""

GARBAGE = {"PYTHON_GC_THRESHOLD": "10000,10,10"}
"""How many new objects the garbage collector waits for (LiteLLM passes it on to Python's `gc.set_threshold`; Python's own are
700, 10, 10). A pod has 1.4 million objects that live as long as it does, and a full collection looks at each of them: 0.75 s
in which no request goes on, every 400 to 800 requests. With this it is every few thousand: docs/performance.md."""

DEFAULT_RESOURCES = {
    "requests": {"cpu": "1", "memory": "4Gi", "ephemeral-storage": "512Mi"},
    "limits": {"memory": "4Gi", "ephemeral-storage": "2Gi"},
}

MAIN = "litellm"
"""The container of LiteLLM, beside which there may be others."""

STARTUP_PERIOD_SECONDS = 2
ROLLOUT_MARGIN_SECONDS = 60
"""For pulling the image, on top of the time that a pod has for starting."""

EVENLY = tuple(
    {"topologyKey": key, "maxSkew": 1, "whenUnsatisfiable": "ScheduleAnyway"}
    for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
)

Args = Mapping[str, Any]
"""Those of the component `Gateway`."""


def most_replicas(args: Args) -> int:
    """The most pods that there are, but for those that a rollout adds."""
    return args["autoscaling"]["max"] if "autoscaling" in args else args.get("replicas", 1)


def grace_seconds(args: Args) -> int:
    """Seconds after which a stopping pod is killed: longer than the longest request."""
    return args.get("grace_period", args.get("request_timeout", 600) + args.get("pre_stop_seconds", 10) + 10)


def rollout_seconds(args: Args) -> int:
    """How long one pod may keep a rollout from making progress."""
    return seconds(args.get("startup_timeout", "10m")) + ROLLOUT_MARGIN_SECONDS


def deployment_spec(
    name: str,
    args: Args,
    config_map: pulumi.Input[str],
    account: pulumi.Input[str],
    files_map: pulumi.Input[str] | None = None,
) -> Any:
    """Pods that are replaced one by one, never with one less, and that finish what they do before they go."""
    # Written by one: where an autoscaler decides, another number here would fight it at every `up`.
    replicas = {} if "autoscaling" in args else {"replicas": args.get("replicas", 1)}
    rest: dict[str, Any] = {
        "serviceAccountName": account,
        "terminationGracePeriodSeconds": grace_seconds(args),
    }
    if constraints := spread(name, args, most_replicas(args)):
        rest["topologySpreadConstraints"] = constraints
    if before := [
        *([relay(args["image"], args["awaited_database"])] if "awaited_database" in args else []),
        *([bundler(args["image"])] if accepts_more(args) else []),
        *([collector_container(args)] if "spend_collector" in args else []),
    ]:
        rest["initContainers"] = before
    return {
        **replicas,
        "revisionHistoryLimit": 3,
        "progressDeadlineSeconds": rollout_seconds(args),
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
        "selector": {"matchLabels": selector(name)},
        "template": template(
            name,
            with_extras(
                with_certificates(
                    pod(
                        gateway_container(args),
                        volumes=volumes(args, config_map, files_map),
                        tmp_size=args.get("tmp_size", TMP_SIZE),
                        node_selector=args.get("node_selector"),
                        tolerations=args.get("tolerations"),
                        rest=rest,
                    ),
                    args.get("certificates"),
                ),
                args,
            ),
            settings(args),
            {"litellm/identity": args["identity"]} if "identity" in args else None,
        ),
    }


def settings(args: Args) -> PodSettings:
    """What the stack says to all pods, and where those of the gateway find the relay."""
    given: PodSettings = args.get("pod", {})
    if "awaited_database" not in args:
        return given
    return {**given, "host_aliases": [alias(args["awaited_database"]), *given.get("host_aliases", ())]}


def accepts_more(args: Args) -> bool:
    """Whether LiteLLM accepts certificates of other authorities than its image has."""
    return any(each["file"] == PROVIDERS for each in args.get("certificates", ()))


def volumes(args: Args, config_map: pulumi.Input[str], files_map: pulumi.Input[str] | None) -> list[dict[str, Any]]:
    secret = args.get("secret_files")
    return [
        config_volume(config_map, args.get("files", {}), files_map),
        *([secret_volume(secret["secret"], secret["paths"])] if secret else []),
        *([metrics_volume()] if args.get("metrics_of_workers") else []),
    ]


def gateway_container(args: Args) -> dict[str, Any]:
    pre_stop = args.get("pre_stop_seconds", 10)
    draining = {"lifecycle": {"preStop": {"sleep": {"seconds": pre_stop}}}} if pre_stop else {}
    return container(
        MAIN,
        args["image"],
        {
            "command": COMMAND,
            "args": [
                *("--config", f"{CONFIG_FOLDER}/config.yaml"),
                *("--host", "0.0.0.0"),  # noqa: S104
                *("--port", str(PORT)),
                *("--num_workers", str(args.get("workers", 1))),
                *(("--prometheus_metrics_port", str(args["metrics_port"])) if "metrics_port" in args else ()),
                *recycling(args),
                *("--keepalive_timeout", str(args.get("keep_alive_seconds", KEEP_ALIVE_SECONDS))),
            ],
            "env": variables(environment(args)),
            "envFrom": [{"secretRef": {"name": args["environment_secret"]}}],
            "ports": [
                {"name": "http", "containerPort": PORT},
                *([{"name": "metrics", "containerPort": args["metrics_port"]}] if "metrics_port" in args else []),
            ],
            "resources": args.get("resources", DEFAULT_RESOURCES),
            **probes(seconds(args.get("startup_timeout", "10m")), args.get("root_path", "")),
            **draining,
            "volumeMounts": [
                *mounted_files(args),
                *([{"name": "metrics", "mountPath": METRICS_FOLDER}] if args.get("metrics_of_workers") else []),
            ],
        },
    )


def mounted_files(args: Args) -> list[dict[str, Any]]:
    """Where LiteLLM has its files."""
    secret = {"name": "secret-files", "mountPath": SECRET_FOLDER, "readOnly": True}
    return [
        {"name": "config", "mountPath": CONFIG_FOLDER, "readOnly": True},
        *([secret] if "secret_files" in args else []),
    ]


def collector_container(args: Args) -> dict[str, Any]:
    return collector(
        args["image"],
        args["spend_collector"],
        {
            "env": variables(consumer(environment(args), f"{CONFIG_FOLDER}/config.yaml")),
            "envFrom": [{"secretRef": {"name": args["environment_secret"]}}],
            "volumeMounts": [*mounted_files(args), *args.get("extra_volume_mounts", ())],
        },
    )


def recycling(args: Args) -> list[str]:
    """When workers end."""
    given = args.get("worker_recycling")
    if given is None:
        return []
    return [
        *("--max_requests_before_restart", str(given["max_requests"])),
        *("--max_requests_before_restart_jitter", str(given["jitter"])),
    ]


def address_of(redis: Mapping[str, Any]) -> dict[str, pulumi.Input[str]]:
    """Host and port of a single Redis."""
    if "host" not in redis:
        return {}
    port = pulumi.Output.from_input(redis.get("port", 6379)).apply(lambda known: str(int(known)))
    return {"REDIS_HOST": redis["host"], "REDIS_PORT": port}


def environment(args: Args) -> dict[str, pulumi.Input[str]]:
    """Plain environment variables. Kubernetes puts them over those of the Secret."""
    ours: dict[str, pulumi.Input[str]] = {
        **SURROUNDINGS,
        **FROM_THE_IMAGE,
        **GARBAGE,
        # The migration Job's business, and never that of several pods at once.
        "DISABLE_SCHEMA_UPDATE": "true",
        "GRACEFUL_SHUTDOWN_TIMEOUT": str(args.get("request_timeout", 600)),
        "LITELLM_LOG": args.get("log_level", "ERROR"),
        **producer(args.get("spend_collector")),
    }
    if accepts_more(args):
        ours |= VARIABLES
    if args.get("files"):
        # The files import each other by their names.
        ours["PYTHONPATH"] = CONFIG_FOLDER
    if args.get("metrics_of_workers"):
        ours["PROMETHEUS_MULTIPROC_DIR"] = METRICS_FOLDER
    redis = args.get("redis")
    if redis is not None:
        ours |= {
            **address_of(redis),
            "REDIS_SSL": str(redis.get("tls", False)),
            **redis.get("variables", {}),
        }
        if "username" in redis:
            ours["REDIS_USERNAME"] = redis["username"]
    return ours | dict(args.get("environment", {}))


def probes(startup_seconds: int, root_path: str = "") -> dict[str, Any]:
    """Ready when LiteLLM reaches its database, alive when it answers. Never /health: it calls every model, for money."""
    readiness = {"path": f"{root_path}/health/readiness", "port": "http"}
    return {
        "startupProbe": {
            "httpGet": readiness,
            "periodSeconds": STARTUP_PERIOD_SECONDS,
            "timeoutSeconds": 5,
            "failureThreshold": math.ceil(startup_seconds / STARTUP_PERIOD_SECONDS),
        },
        "readinessProbe": {"httpGet": readiness, "periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 3},
        # Patient: a pod that is busy answers late, and killing it would only move its work to the others.
        "livenessProbe": {
            "httpGet": {"path": f"{root_path}/health/liveliness", "port": "http"},
            "periodSeconds": 15,
            "timeoutSeconds": 10,
            "failureThreshold": 6,
        },
    }


def spread(name: str, args: Args, replicas: int) -> list[dict[str, Any]]:
    """Constraints with which pods of one version spread: over zones and nodes where possible, if nobody says otherwise."""
    given = args.get("pod", {}).get("topology_spread")
    if given is None:
        given = EVENLY if replicas > 1 else ()
    return [
        {**constraint, "labelSelector": {"matchLabels": selector(name)}, "matchLabelKeys": ["pod-template-hash"]}
        for constraint in given
    ]
