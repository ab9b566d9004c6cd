"""LiteLLM itself: its configuration file, its pods and the Service in front of them."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as k8s

from components.certificates import CertificateFile
from components.gateway.autoscaling import KEDA_API, TRANSFER, Autoscaling, autoscaler_spec, scaled_object_spec
from components.gateway.collector import SpendCollector
from components.gateway.deployment import MAIN, deployment_spec, grace_seconds, most_replicas, rollout_seconds
from components.gateway.files import (
    hash_of,
    key_of_file,
)
from components.gateway.pod import PORT
from components.gateway.wait import AwaitedServer
from components.labels import labels, selector
from components.objects import short_hash
from components.pods import PodSettings

REPORT_SECONDS = 30
"""How much longer Pulumi waits than the Deployment may take, so that the Deployment's own reason is what it reports."""


class RedisConnection(TypedDict):
    """Where Redis is. Its password is the key REDIS_PASSWORD of the environment Secret."""

    host: NotRequired[pulumi.Input[str]]
    """Optional: host name. Defaults to none: `variables` name Sentinels, or servers of a cluster."""

    port: NotRequired[pulumi.Input[int]]
    """Optional: port of `host`. Defaults to 6379."""

    variables: NotRequired[Mapping[str, str]]
    """Optional: what else LiteLLM reads of Redis (`REDIS_SENTINEL_NODES`, `REDIS_CLUSTER_NODES`, `REDIS_DB`, …). Defaults to
    none."""

    tls: NotRequired[bool]
    """Optional: connect over TLS. Defaults to false."""

    username: NotRequired[pulumi.Input[str]]
    """Optional: user name. Defaults to Redis' default user."""


class SecretFiles(TypedDict):
    """Files that are keys of a Secret."""

    secret: pulumi.Input[str]
    """Required: name of the Secret; its keys are the paths, with `__` for `/`."""

    paths: Sequence[str]
    """Required: the files, below `/etc/litellm-secrets`."""


class WorkerRecycling(TypedDict):
    """When workers end, and new ones start."""

    max_requests: int
    """Required: requests after which a worker ends, those of probes included."""

    jitter: int
    """Required: as many more at most, by chance for each worker."""


class GatewayArgs(TypedDict):
    """Arguments of `Gateway`."""

    namespace: pulumi.Input[str]
    """Required: namespace of everything."""

    image: pulumi.Input[str]
    """Required: LiteLLM's image."""

    config: str
    """Required: text of LiteLLM's config.yaml, without secrets. Plain, because its hash names the ConfigMap."""

    environment_secret: pulumi.Input[str]
    """Required: name of the Secret whose keys become environment variables: LITELLM_MASTER_KEY, DATABASE_URL, …."""

    files: NotRequired[Mapping[str, str]]
    """Optional: texts of files beside config.yaml, by their path there, such as modules that `config` names. Without secrets.
    Defaults to none."""

    secret_files: NotRequired[SecretFiles]
    """Optional: files out of a Secret. Defaults to none."""

    certificates: NotRequired[Sequence[CertificateFile]]
    """Optional: files in `/etc/litellm-certificates`, with the authorities of servers. Defaults to none."""

    root_path: NotRequired[str]
    """Optional: path below which the gateway is served, as in `environment` (SERVER_ROOT_PATH), for the probes. Defaults to
    none."""

    redis: NotRequired[RedisConnection]
    """Optional: the Redis that `coordination_redis` in `config` refers to. Defaults to none."""

    replicas: NotRequired[int]
    """Optional: number of pods. Defaults to 1. With more there is a disruption budget, and they spread over zones and nodes."""

    autoscaling: NotRequired[Autoscaling]
    """Optional: between how many pods, instead of `replicas`, and what decides. Defaults to `replicas`."""

    workers: NotRequired[int]
    """Optional: worker processes in each pod. Defaults to 1."""

    spend_collector: NotRequired[SpendCollector]
    """Optional: a container that works out and writes spend. Defaults to none: the workers do."""

    awaited_database: NotRequired[AwaitedServer]
    """Optional: the Postgres of DATABASE_URL, whose restarts LiteLLM waits for through a relay in its pods. Defaults to none:
    requests that ask it meanwhile get 503."""

    worker_recycling: NotRequired[WorkerRecycling]
    """Optional: end workers after some requests; only with several. Defaults to never."""

    metrics_of_workers: NotRequired[bool]
    """Optional: the workers of a pod collect their metrics for Prometheus in a folder of their own, so that any of them
    answers for all. Defaults to false."""

    metrics_port: NotRequired[int]
    """Optional: a port of pods and Service, called `metrics`, on which a process of its own answers Prometheus without asking
    for a key. Needs `metrics_of_workers`. Defaults to none."""

    resources: NotRequired[pulumi.Input[Mapping[str, Any]]]
    """Optional: requests and limits. Defaults to 1 CPU and 4Gi, what LiteLLM recommends for one worker."""

    tmp_size: NotRequired[str]
    """Optional: the most that may be written to /tmp, a Kubernetes quantity. Defaults to `1Gi`."""

    environment: NotRequired[Mapping[str, pulumi.Input[str]]]
    """Optional: more plain environment variables, over ours. Defaults to none."""

    log_level: NotRequired[pulumi.Input[str]]
    """Optional: what LiteLLM logs. Defaults to `ERROR`."""

    request_timeout: NotRequired[int]
    """Optional: seconds that a request may take, as in `config`. Defaults to 600."""

    pre_stop_seconds: NotRequired[int]
    """Optional: seconds that a pod keeps serving after it was told to stop. Defaults to 10."""

    keep_alive_seconds: NotRequired[int]
    """Optional: seconds that an idle connection stays open: longer than in whatever is in front. Defaults to 95, for nginx and
    Traefik."""

    grace_period: NotRequired[int]
    """Optional: seconds after which a stopping pod is killed. Defaults to `request_timeout` + `pre_stop_seconds` + 10."""

    startup_timeout: NotRequired[str]
    """Optional: how long a pod may take to become ready, a Go duration. Defaults to `10m`."""

    service_account: NotRequired[pulumi.Input[str]]
    """Optional: name of a ServiceAccount that is there already. Defaults to one of the gateway's own."""

    identity: NotRequired[pulumi.Input[str]]
    """Optional: any text; a new one replaces the pods. For an identity that pods get at their start. Defaults to nothing."""

    service_account_annotations: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """Optional: annotations of the gateway's own ServiceAccount, such as an IAM role. Defaults to none."""

    annotations: NotRequired[Mapping[str, str]]
    """Optional: annotations of the ConfigMap and the Deployment. Defaults to none."""

    deployment_annotations: NotRequired[Mapping[str, str]]
    """Optional: more annotations of the Deployment. Defaults to none."""

    node_selector: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """Optional: labels of the nodes that the pods may run on. Defaults to any node."""

    tolerations: NotRequired[pulumi.Input[Sequence[pulumi.Input[Mapping[str, Any]]]]]
    """Optional: taints of nodes that the pods tolerate. Defaults to none."""

    extra_volumes: NotRequired[Sequence[Mapping[str, Any]]]
    """Optional: more volumes, in Kubernetes' own words. Defaults to none."""

    extra_volume_mounts: NotRequired[Sequence[Mapping[str, Any]]]
    """Optional: where LiteLLM's container has volumes. Defaults to none."""

    extra_containers: NotRequired[Sequence[Mapping[str, Any]]]
    """Optional: more containers, in Kubernetes' own words, restricted like LiteLLM's by default. Defaults to none."""

    extra_init_containers: NotRequired[Sequence[Mapping[str, Any]]]
    """Optional: containers that run before LiteLLM. Defaults to none."""

    pod: NotRequired[PodSettings]
    """Optional: where the pods run, and what else all pods of a stack have. Defaults to nothing."""


class Gateway(pulumi.ComponentResource):
    """LiteLLM on Kubernetes, awaited until it answers.

    **Type:** `litellm:index:Gateway`. **Produces:** `v1 ConfigMap`, `v1 ServiceAccount` (unless one is given),
    `apps/v1 Deployment`, `v1 Service`, with several replicas `policy/v1 PodDisruptionBudget`, with `autoscaling` an
    `autoscaling/v2 HorizontalPodAutoscaler` or a `keda.sh/v1alpha1 ScaledObject`.

    The ConfigMap is immutable and named by its hash: a changed file is a new ConfigMap, the pods roll over to it, and the old
    one goes when none uses it. The environment Secret is expected to change its name likewise. The schema of the database is
    not touched: see `Migration`, which must be done before.
    """

    service_name: pulumi.Output[str]
    """Name of the Service."""

    port: pulumi.Output[int]
    """Port of the Service."""

    deployment_name: pulumi.Output[str]
    """Name of the Deployment."""

    config_map_name: pulumi.Output[str]
    """Name of the ConfigMap with config.yaml."""

    def __init__(self, name: str, args: GatewayArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm:index:Gateway", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        metadata: Any = {"name": name, "namespace": args["namespace"], "labels": labels(name)}
        given = args.get("annotations")
        annotations = {"annotations": given} if given else {}
        on_deployment = {**(given or {}), **args.get("deployment_annotations", {})}
        deployed = {"annotations": on_deployment} if on_deployment else {}

        config_name = f"{name}-config-{short_hash(args['config'])}"
        config_map = k8s.core.v1.ConfigMap(
            config_name,
            metadata=metadata | {"name": config_name} | annotations,
            data={"config.yaml": args["config"]},
            immutable=True,
            opts=child,
        )
        files_map = self._files(name, args, metadata | annotations, child)
        account = args.get("service_account")
        if account is None:
            account = k8s.core.v1.ServiceAccount(
                f"{name}-service-account",
                metadata=metadata | {"annotations": args.get("service_account_annotations", {})},
                automount_service_account_token=False,
                opts=child,
            ).metadata.name
        autoscalers = self._autoscaler(name, args, metadata)
        wait = f"{rollout_seconds(args) * most_replicas(args) + REPORT_SECONDS}s"
        deployment = k8s.apps.v1.Deployment(
            f"{name}-deployment",
            metadata=metadata | deployed,
            spec=deployment_spec(name, args, config_map.metadata.name, account, files_map),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=autoscalers,
                # A stack that had a number of pods keeps it until the autoscaler writes another one.
                ignore_changes=["spec.replicas"] if "autoscaling" in args else None,
                custom_timeouts=pulumi.CustomTimeouts(create=wait, update=wait),
            ),
        )
        self._scaled_object(name, args, metadata, deployment)
        in_front: Any = {
            "type": "ClusterIP",
            "selector": selector(name),
            "ports": [
                {"name": "http", "port": PORT, "targetPort": "http"},
                *(
                    [{"name": "metrics", "port": args["metrics_port"], "targetPort": "metrics"}]
                    if "metrics_port" in args
                    else []
                ),
            ],
        }
        # Not awaited: the Deployment is, and Pulumi would wait for ten seconds more without news from the endpoints.
        service = k8s.core.v1.Service(
            f"{name}-service",
            metadata=metadata | {"annotations": {"pulumi.com/skipAwait": "true"}},
            spec=in_front,
            opts=child,
        )
        if most_replicas(args) > 1:
            # A pod that never became ready must not keep a node from being drained.
            budget: Any = {
                "maxUnavailable": 1,
                "selector": {"matchLabels": selector(name)},
                "unhealthyPodEvictionPolicy": "AlwaysAllow",
            }
            k8s.policy.v1.PodDisruptionBudget(f"{name}-disruption-budget", metadata=metadata, spec=budget, opts=child)

        self.service_name = service.metadata.name
        self.port = pulumi.Output.from_input(PORT)
        self.deployment_name = deployment.metadata.name
        self.config_map_name = config_map.metadata.name
        self.register_outputs(
            {
                "service_name": self.service_name,
                "port": self.port,
                "deployment_name": self.deployment_name,
                "config_map_name": self.config_map_name,
            }
        )

    def _autoscaler(self, name: str, args: GatewayArgs, metadata: Any) -> list[pulumi.Resource]:
        """Kubernetes' own autoscaler, there before the Deployment: that begins with one pod, and an `up` ends with `min`."""
        scaling = args.get("autoscaling")
        if not scaling or scaling.get("prometheus"):
            return []
        spec: Any = autoscaler_spec(name, MAIN, scaling, grace_seconds(args))
        opts = pulumi.ResourceOptions(parent=self)
        return [
            k8s.autoscaling.v2.HorizontalPodAutoscaler(f"{name}-autoscaler", metadata=metadata, spec=spec, opts=opts)
        ]

    def _scaled_object(self, name: str, args: GatewayArgs, metadata: Any, deployment: pulumi.Resource) -> None:
        """KEDA's, which refuses a Deployment that is not there."""
        scaling = args.get("autoscaling")
        triggers = scaling.get("prometheus") if scaling else None
        if not scaling or not triggers:
            return
        spec = pulumi.Output.from_input(args["namespace"]).apply(
            lambda namespace: scaled_object_spec(name, namespace, MAIN, scaling, triggers, grace_seconds(args))
        )
        k8s.apiextensions.CustomResource(
            f"{name}-scaled-object",
            api_version=KEDA_API,
            kind="ScaledObject",
            metadata=metadata | {"annotations": {**TRANSFER, "pulumi.com/waitFor": "condition=Ready"}},
            spec=spec,
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=deployment, custom_timeouts=pulumi.CustomTimeouts(create="2m", update="2m")
            ),
        )

    def _files(
        self, name: str, args: GatewayArgs, metadata: Any, opts: pulumi.ResourceOptions
    ) -> pulumi.Input[str] | None:
        """The ConfigMap of the files, by its hash like that of config.yaml; None without files."""
        files = args.get("files")
        if not files:
            return None
        files_name = f"{name}-files-{hash_of(files)}"
        return k8s.core.v1.ConfigMap(
            files_name,
            metadata=metadata | {"name": files_name},
            data={key_of_file(path): text for path, text in files.items()},
            immutable=True,
            opts=opts,
        ).metadata.name
