"""Config key `gateway`: LiteLLM itself, its models and its settings."""

import difflib
import json
import math
import re
from collections.abc import Collection, Mapping
from typing import Annotated, Any, Literal, cast

from pydantic import BeforeValidator, Field, StringConstraints, ValidationInfo, field_validator, model_validator

from components.gateway.collector import NAME as COLLECTOR
from infra.config.base import (
    FILE_NAME,
    UNITS,
    Checked,
    Compute,
    Disk,
    Duration,
    Image,
    Section,
    Size,
    as_text,
    bytes_of,
)
from infra.config.certificates import CaCertFile
from infra.config.gateway.autoscaling import AutoscalingConfig
from infra.config.gateway.expected import LoadConfig
from infra.config.gateway.extras import container_problems, volume_problems
from infra.config.gateway.litellm_names import PROVIDERS, SECTIONS
from infra.config.gateway.models import LiteLLM, Model, Parameters, Text
from infra.config.gateway.modules import mapping, missing_modules, texts
from infra.config.gateway.switches import Admission, SpendCollector, WorkerRecycling
from infra.config.placement import Placement, Toleration
from infra.config.plaintext import referenced_variables
from infra.config.pods import Annotations, Labels
from infra.config.project_files import LARGEST_BYTES
from infra.config.references import PropertyReference
from infra.config.versions import PINS

DEFAULT_IMAGE = PINS["litellm"].image

FileName = Annotated[str, StringConstraints(pattern=FILE_NAME, max_length=200)]
"""Path of a file below a folder of ours."""

VERSION = re.compile(r"\d+\.\d+\.\d+")
FLOATING = re.compile(r"(^|[-_.])(latest|stable|main|master|nightly|edge|dev|canary)$")

MEMORY_FLOOR_GIB = 4
"""Memory that one worker needs under load: Prisma's query engine keeps its high-water mark (LiteLLM, "Best practices for
production")."""

ELSEWHERE = {
    "model_list": "gateway.models: an entry with provider litellm takes LiteLLM's own names",
    "litellm_settings": "gateway.litellmSettings",
    "router_settings": "gateway.routerSettings",
    "general_settings": "gateway.generalSettings",
    "environment_variables": "gateway.environment, and secrets in providerKeys or secretEnvironment",
    "include": "gateway.configFile, which takes one file",
}
"""Sections that have a place of their own."""

NOWHERE: Mapping[str, str] = {}

READ_WITHIN = {"litellm_settings": frozenset({"guardrails"}), "general_settings": frozenset({"search_tools"})}
"""Sections that LiteLLM reads within these settings, too."""

BELOW_A_PATH = "SERVER_ROOT_PATH"
"""How LiteLLM is told the path below which it is served."""

ROOT_PATH = r"(/[A-Za-z0-9._~-]+)*|/"

COLLECTOR_SECONDS = 20
"""What the collector has after the last request for what it was sent, and for writing it."""

CACHE_TTL = "user_api_key_cache_ttl"
"""How long LiteLLM believes what it has read of a key, a team or a user, in `general_settings`."""

METRICS_FOLDER_NAMES = ("PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir")
WRITABLE = "/tmp/"  # noqa: S108 - the pod's own folder

OWN_VARIABLES = frozenset(
    {
        "DATABASE_URL",
        "DIRECT_URL",
        "DISABLE_SCHEMA_UPDATE",
        "LITELLM_LOG",
        "NUM_WORKERS",
        "PORT",
        "REDIS_HOST",
        "REDIS_PORT",
        "REDIS_SSL",
        "REDIS_URL",
        "REDIS_USERNAME",
    }
)
"""Variables that the program sets from other keys of the configuration."""


def closest(name: str, known: Collection[str], elsewhere: Mapping[str, str] = NOWHERE) -> str:
    """A hint at the known name that somebody may have meant; nothing of what was written. Some of them have another place."""
    close = difflib.get_close_matches(name, sorted(known), n=1)
    if close:
        return f"of that name; did you mean {elsewhere.get(close[0], close[0])}?"
    here = sorted(set(known) - elsewhere.keys())
    return f"of that name; there are {', '.join(here)}" if len(here) < 40 else "of that name"


def gibibytes(count: float) -> str:
    """A Kubernetes quantity of at least so many bytes, in whole Gi."""
    return f"{math.ceil(count / UNITS['Gi'])}Gi"


def pinned(image: str) -> str:
    if "@sha256:" in image:
        return image
    _, _, tag = image.rpartition("/")[2].partition(":")
    if not tag or (FLOATING.search(tag) and not VERSION.search(tag)):
        what = "its tag moves" if tag else "there is no tag"
        raise ValueError(
            f"{what}, so that a restart may start another version: name a version ({DEFAULT_IMAGE}) or a digest"
        )
    return image


class GatewayConfig(Section):
    """LiteLLM."""

    image: Annotated[Image, Checked(pinned, "repository:tag with a version, or repository@sha256:…")] = DEFAULT_IMAGE
    """Image of the gateway and of its migration Job. Pinned: tags that move are refused."""

    replicas: Annotated[int, Field(ge=1, le=1000)] = 1
    """Number of pods. More than one needs Redis."""

    autoscaling: AutoscalingConfig | None = None
    """Let the number of pods follow the load, instead of `replicas`."""

    load: LoadConfig | None = None
    """What is asked of the gateway: from that follow its pods and settings, and the sizes of Postgres and Redis, as far as the
    stack file does not say them itself. Without it nothing follows."""

    workers: Annotated[int, Field(ge=1, le=64)] = 1
    """Worker processes in each pod. LiteLLM recommends one on Kubernetes: scale with `replicas`."""

    rust: bool = False
    """Beta: let LiteLLM translate in Rust where it can (`LITELLM_RUST`), for `/v1/messages` of Anthropic, DeepSeek and Vertex
    AI; it falls back by itself. For all models: the release that this program names does not ask its models."""

    spend_collector: SpendCollector | None = None
    """Work out and write spend in a container of its own. Needs Redis: what it counts, the workers see there. Defaults to
    none: the workers do."""

    worker_recycling: WorkerRecycling | None = None
    """End workers after some requests, and start new ones. Defaults to never."""

    resources: Compute = Compute.model_construct(cpu="1", memory="4Gi")
    """CPU and memory of each pod. LiteLLM recommends 1 CPU and 4Gi for each worker."""

    tmp_size: Size = "1Gi"
    """The most that LiteLLM may write to `/tmp`, its only writable folder: caches, uploads, what modules of yours write."""

    allow_memory_below_floor: bool = False
    """Accept less than 4Gi of memory for each worker. Named after what it gives up: a worker under load grows to about 4Gi
    and is then killed, with its requests. Fine where only mock models or a few people use the gateway."""

    startup_timeout: Duration = "10m"
    """How long a pod may take to become ready; an `up` waits as long for each."""

    migration_timeout: Duration = "30m"
    """How long the migration of the database may take, which runs before the pods. One that is cut off may leave the database
    in a state that only a person can mend: rather too long than too short."""

    request_timeout: Annotated[int, Field(ge=1, le=86400)] = 600
    """Seconds after which LiteLLM gives up on a provider. LiteLLM's own default is 6000."""

    pre_stop_seconds: Annotated[int, Field(ge=0, le=300)] = 10
    """Seconds that a pod keeps serving after it was told to stop, until no load balancer sends it requests any more."""

    keep_alive_seconds: Annotated[int, Field(ge=1, le=86400)] | None = None
    """Seconds that an idle connection stays open (`--keepalive_timeout`): longer than whatever is in front keeps it, or a
    request is lost now and then. Defaults to what the ingress controller asks for: 95; 650 behind a Gateway or a controller
    that is not known; behind an Application Load Balancer its idle timeout and 10."""

    admission: Admission | None = None
    """Admission control: fast 503 in place of long queues. Defaults to what `load` asks for, and without it to none."""

    termination_grace_period_seconds: int | None = None
    """Seconds after which a stopping pod is killed. Defaults to `requestTimeout` + `preStopSeconds` + 10, and 20 more with
    `spendCollector`: no request is cut, and no row of spend."""

    database_connection_pool_limit: Annotated[int, Field(ge=1, le=1000)] = 10
    """Connections to Postgres of each worker."""

    revocation_seconds: Annotated[int, Field(ge=1, le=3600)] = 10
    """The most seconds that a deleted key, a blocked team or a lowered budget goes on to work in other pods and workers than
    the one that was told (LiteLLM's `user_api_key_cache_ttl`; its own default is 60). Each of them asks the database again as
    often for every key that is in use. One pod with one worker knows at once, and gets it only where it is given."""

    store_model_in_db: bool = True
    """Models may also be added at run time, by the API or the admin page, and are kept in the database."""

    models: tuple[Model, ...] = ()
    """The models. Entries of the same name share its load."""

    litellm_settings: Parameters = Field(default_factory=dict)
    """More of LiteLLM's `litellm_settings`, over ours. Secrets only as `os.environ/NAME`."""

    router_settings: Parameters = Field(default_factory=dict)
    """More of LiteLLM's `router_settings`. Secrets only as `os.environ/NAME`."""

    general_settings: Parameters = Field(default_factory=dict)
    """More of LiteLLM's `general_settings`, over ours. Secrets only as `os.environ/NAME`."""

    config: Parameters = Field(default_factory=dict)
    """More sections of LiteLLM's config.yaml, in its own words: `guardrails`, `mcp_servers`, `credential_list`, `prompts`,
    `policies`, `vector_store_registry`, `callback_settings`, …. Secrets only as `os.environ/NAME`."""

    models_in_database: tuple[Text, ...] = ()
    """Names of models that are added at run time, by the API or the admin page, and that settings may name: fallbacks, aliases.
    May be patterns such as `openai/*`."""

    config_file: Text | None = None
    """A file of LiteLLM beside the stack file, such as `litellm/config.yaml`, laid under what this section says: maps are
    merged, models of one name are replaced. Several stacks may share it. It is checked like the stack file itself."""

    ca_cert_file: CaCertFile | None = None
    """A file, from the folder of the stack files, with certificates (PEM) of authorities that LiteLLM accepts beside those of
    its image: of a proxy that looks into TLS, or of models in a corporate network. Postgres, Redis and Vault have keys of this
    name of their own."""

    files: dict[FileName, str] = Field(default_factory=dict)
    """Files beside LiteLLM's config.yaml in the pods, by their name there: `custom_callbacks.py: litellm/custom_callbacks.py`.
    The values are paths from the folder of the stack files. Settings name Python files as modules
    (`custom_callbacks.handler`); all of them are in `/etc/litellm`. Read-only, and no secrets."""

    secret_files: dict[FileName, PropertyReference] = Field(default_factory=dict)
    """Files out of the store, for what must be a file, such as the JSON of a Google service account: `vertex.json: {document,
    property}` is `/etc/litellm-secrets/vertex.json` in the pods."""

    allow_requests_without_key: bool = False
    """Accept settings of LiteLLM with which it answers requests without a valid key, for a time or in parts:
    `allow_requests_on_db_unavailable`, `public_routes`, pass-through endpoints with `auth: false`, and the like. Named after
    what it gives up. The policy reports them still. The master key cannot be given up."""

    environment: dict[str, Annotated[str, BeforeValidator(as_text)]] = Field(default_factory=dict)
    """More environment variables of the pods, over ours. No secrets: those are `providerKeys` and `secretEnvironment`."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "ERROR"
    """What LiteLLM logs (`LITELLM_LOG`). `DEBUG` logs requests and answers: never in production."""

    service_account_annotations: dict[str, str] = Field(default_factory=dict)
    """Annotations of the pods' ServiceAccount, such as `eks.amazonaws.com/role-arn` of an IAM role that is there already."""

    deployment_annotations: Annotations = Field(default_factory=dict)
    """Annotations of LiteLLM's Deployment, such as `reloader.stakater.com/auto: "true"`: a value that somebody changes in the
    store then reaches the pods without an `up`. Those of the pods are `podAnnotations`."""

    create_iam_role: bool = True
    """With `secrets.kind: aws`: make an IAM role for the pods where they need one, which is for models of Bedrock without a
    key and for `database.iamAuthentication`. It may do nothing else. With false, or with an annotation
    `eks.amazonaws.com/role-arn`, they use what they have."""

    placement: Placement | None = None
    """Where the gateway's pods and its migration run, as far as that differs from `litellm:placement`: what is given here takes
    the place of what is given there, key by key."""

    node_selector: dict[str, str] = Field(default_factory=dict)
    """The older name of `placement.nodeSelector`, which is for the gateway and its migration."""

    tolerations: tuple[Toleration, ...] = ()
    """The older name of `placement.tolerations`. All pods of the stack have them, unless `litellm:placement` says which."""

    pod_labels: Labels = Field(default_factory=dict)
    """More labels of the gateway's pods, over `litellm:pods`, such as `azure.workload.identity/use: "true"`."""

    pod_annotations: Annotations = Field(default_factory=dict)
    """More annotations of the gateway's pods, over `litellm:pods`."""

    extra_volumes: tuple[Parameters, ...] = ()
    """More volumes of the gateway's pods, in Kubernetes' own words: `{name: data, persistentVolumeClaim: {claimName: a}}`."""

    extra_volume_mounts: tuple[Parameters, ...] = ()
    """Where LiteLLM's container has them: `{name: data, mountPath: /data, readOnly: true}`."""

    extra_containers: tuple[Parameters, ...] = ()
    """More containers of the gateway's pods, in Kubernetes' own words, restricted like LiteLLM's: with a pinned image and a
    limit of memory, and secrets by `secretKeyRef` only."""

    extra_init_containers: tuple[Parameters, ...] = ()
    """Containers that run before LiteLLM; with `restartPolicy: Always` beside it."""

    @field_validator("environment")
    @classmethod
    def variables_are_the_users(cls, value: dict[str, str]) -> dict[str, str]:
        malformed = sorted(name for name in value if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name))
        if malformed:
            raise ValueError(f"{len(malformed)} names are no names of environment variables: use letters, digits and _")
        ours = sorted(OWN_VARIABLES & set(value))
        if ours:
            raise ValueError(f"{', '.join(ours)} is set by the program from other keys: remove it here")
        return value

    @field_validator("environment")
    @classmethod
    def root_path_is_a_path(cls, value: dict[str, str]) -> dict[str, str]:
        if not re.fullmatch(ROOT_PATH, value.get(BELOW_A_PATH, "")):
            raise ValueError(f"{BELOW_A_PATH} must be a path such as /llm, with / in front and none at its end")
        return value

    @field_validator("environment")
    @classmethod
    def metrics_can_be_written(cls, value: dict[str, str]) -> dict[str, str]:
        if any(not value.get(name, WRITABLE).startswith(WRITABLE) for name in METRICS_FOLDER_NAMES):
            raise ValueError(
                f"{METRICS_FOLDER_NAMES[0]} is a folder that the pods cannot write to, which is read-only but for {WRITABLE}: "
                "remove it; the program sets it where several workers have metrics"
            )
        return value

    @field_validator("files")
    @classmethod
    def files_fit(cls, value: dict[str, str]) -> dict[str, str]:
        if "config.yaml" in value:
            raise ValueError("config.yaml is LiteLLM's own file: lay one under it with configFile")
        size = sum(len(text.encode()) for text in value.values())
        if size > LARGEST_BYTES:
            raise ValueError(f"have {size} bytes together, and a ConfigMap takes {LARGEST_BYTES}: shorten them")
        return value

    @model_validator(mode="after")
    def scaled_by_one(self) -> "GatewayConfig":
        if self.autoscaling and "replicas" in self.model_fields_set:
            raise ValueError(
                "replicas is given with autoscaling, which decides it: remove replicas, and set autoscaling.min"
            )
        return self

    @model_validator(mode="after")
    def extras_are_restricted(self) -> "GatewayConfig":
        containers = (*self.extra_containers, *self.extra_init_containers)
        problems = [
            *volume_problems(self.extra_volumes, self.extra_volume_mounts, containers),
            *container_problems("extraContainers", self.extra_containers, pinned),
            *container_problems("extraInitContainers", self.extra_init_containers, pinned),
        ]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @model_validator(mode="after")
    def one_container_has_the_collectors_name(self) -> "GatewayConfig":
        others = (*self.extra_containers, *self.extra_init_containers)
        if self.spend_collector and COLLECTOR in [each.get("name") for each in others]:
            raise ValueError(f"a container of yours is called {COLLECTOR}, like that of spendCollector: rename it")
        return self

    @model_validator(mode="after")
    def placed_once(self) -> "GatewayConfig":
        if self.placement is not None and (self.node_selector or self.tolerations):
            raise ValueError(
                "placement has nodeSelector and tolerations, too: write them there, or in litellm:placement for all pods, and "
                "remove the older keys"
            )
        return self

    @model_validator(mode="after")
    def modules_are_there(self) -> "GatewayConfig":
        sections = {**self.config, "litellm_settings": self.litellm_settings, "general_settings": self.general_settings}
        missing = missing_modules(sections, self.files)
        if missing:
            raise ValueError(
                f"{', '.join(missing)}: names a Python module that nobody supplies: add its file to gateway.files "
                "(`custom_callbacks.py: litellm/custom_callbacks.py`), named like the module"
            )
        return self

    @field_validator("config")
    @classmethod
    def sections_are_litellms(cls, value: dict[str, Any]) -> dict[str, Any]:
        problems = [
            f"{section} is written in {ELSEWHERE[section]}"
            if section in ELSEWHERE
            else f"LiteLLM reads no section {closest(section, SECTIONS, ELSEWHERE)}"
            for section in value
            if section in ELSEWHERE or section not in SECTIONS
        ]
        if problems:
            raise ValueError("; ".join(problems))
        return value

    @field_validator("litellm_settings", "router_settings", "general_settings")
    @classmethod
    def sections_are_at_the_top(cls, value: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        misplaced = sorted((SECTIONS & set(value)) - READ_WITHIN.get(info.field_name or "", frozenset()))
        if misplaced:
            where = ", ".join(f"{name} to {ELSEWHERE.get(name, f'gateway.config.{name}')}" for name in misplaced)
            raise ValueError(f"LiteLLM reads these at the top of its config.yaml only: move {where}")
        return value

    @model_validator(mode="after")
    def providers_are_litellms(self) -> "GatewayConfig":
        given: Any = self.litellm_settings.get("custom_provider_map")
        entries = cast("list[Any]", given) if isinstance(given, list) else []
        own = [str(cast("dict[str, Any]", entry).get("provider")) for entry in entries if isinstance(entry, dict)]
        for index, model in enumerate(self.models):
            prefix = model.unknown_prefix(own) if isinstance(model, LiteLLM) else None
            if prefix is not None:
                raise ValueError(
                    f"models[{index}].model begins with a prefix that is no provider of LiteLLM {closest(prefix, PROVIDERS)}: "
                    "write provider/model, or name the provider in params.custom_llm_provider"
                )
        return self

    @model_validator(mode="after")
    def memory_is_enough(self) -> "GatewayConfig":
        floor = MEMORY_FLOOR_GIB * self.workers
        if bytes_of(self.resources.memory) < floor * UNITS["Gi"] and not self.allow_memory_below_floor:
            raise ValueError(
                f"resources.memory is {self.resources.memory}, but {self.workers} worker(s) need {floor}Gi under load "
                f"({MEMORY_FLOOR_GIB}Gi each): raise it, or set allowMemoryBelowFloor: true where the pods see hardly any load"
            )
        return self

    @model_validator(mode="after")
    def tmp_fits(self) -> "GatewayConfig":
        most = self.resources.ephemeral_storage_limit
        if most and bytes_of(most) < bytes_of(self.tmp_size):
            raise ValueError(
                f"resources.ephemeralStorageLimit is {most}, but tmpSize is {self.tmp_size}, and /tmp counts as ephemeral "
                "storage: raise the limit, or lower tmpSize"
            )
        return self

    @model_validator(mode="after")
    def revoked_within_one_time(self) -> "GatewayConfig":
        given = self.general_settings.get(CACHE_TTL)
        if given is not None and "revocation_seconds" in self.model_fields_set and given != self.revocation_seconds:
            raise ValueError(
                f"revocationSeconds is {self.revocation_seconds}, but generalSettings.{CACHE_TTL}, which is the same, has "
                "another value: remove one of them"
            )
        return self

    @model_validator(mode="after")
    def admission_has_a_limit(self) -> "GatewayConfig":
        limited = "max_in_flight_requests_per_worker" in self.general_settings
        if self.admission and self.admission.max_in_flight is None and not limited:
            raise ValueError("admission has no effect without maxInFlight: give it, or remove admission")
        return self

    @model_validator(mode="after")
    def others_serve_while_a_worker_starts(self) -> "GatewayConfig":
        if self.worker_recycling and self.workers == 1:
            raise ValueError(
                "workerRecycling would end the only worker, and with it the container, which starts again while nobody "
                "answers: set workers to 2 or more, or remove workerRecycling"
            )
        return self

    @model_validator(mode="after")
    def requests_may_finish(self) -> "GatewayConfig":
        least = self.request_timeout + self.pre_stop_seconds
        if self.grace_period <= least:
            raise ValueError(
                f"terminationGracePeriodSeconds is {self.grace_period}, which cuts off requests at every rollout: it must be "
                f"more than requestTimeout + preStopSeconds ({least}), or be left out"
            )
        return self

    @model_validator(mode="after")
    def models_are_there(self) -> "GatewayConfig":
        if not self.models and not self.store_model_in_db:
            raise ValueError("models is empty and storeModelInDb is false, so there would never be a model: give one")
        first: dict[str, int] = {}
        for index, model in enumerate(self.models):
            entry = json.dumps(model.entry(), sort_keys=True, default=str)
            if first.setdefault(entry, index) < index:
                raise ValueError(
                    f"models[{index}] repeats models[{first[entry]}] exactly: remove "
                    "one. Entries of the same name share its load when they differ"
                )
        return self

    @property
    def disk(self) -> Disk:
        """What a pod of LiteLLM writes to the disk of its node: /tmp, and logs."""
        return Disk("512Mi", gibibytes(bytes_of(self.tmp_size) + UNITS["Gi"]))

    @property
    def has_prometheus_metrics(self) -> bool:
        """Whether LiteLLM has metrics for Prometheus."""
        named = [self.litellm_settings.get(kind) for kind in ("callbacks", "success_callback", "failure_callback")]
        return any("prometheus" in texts(setting) for setting in named)

    @property
    def metrics_of_workers(self) -> bool:
        """Whether the workers of a pod have to share their metrics, so that any of them answers Prometheus for all."""
        own = any(name in self.environment for name in METRICS_FOLDER_NAMES)
        return self.workers > 1 and not own and self.has_prometheus_metrics

    @property
    def most_replicas(self) -> int:
        """The most pods that there are, but for those that a rollout adds."""
        return self.autoscaling.max if self.autoscaling else self.replicas

    @property
    def is_alone(self) -> bool:
        """Whether there is one process of LiteLLM, but for those that a rollout adds."""
        return self.most_replicas * self.processes == 1

    @property
    def processes(self) -> int:
        """Processes of LiteLLM in each pod."""
        return self.workers + (1 if self.spend_collector else 0)

    @property
    def processes_in_words(self) -> str:
        return f"{self.workers} workers" + (" and a spend collector" if self.spend_collector else "")

    @property
    def cache_settings(self) -> dict[str, int]:
        """How long the processes of the gateway may believe different things of a key, in LiteLLM's words."""
        unasked = self.is_alone and "revocation_seconds" not in self.model_fields_set
        return {} if unasked else {CACHE_TTL: self.revocation_seconds}

    @property
    def admission_settings(self) -> dict[str, Any]:
        """Admission control, in LiteLLM's words."""
        return self.admission.settings if self.admission else {}

    @property
    def may_need_redis(self) -> bool:
        """Whether a setting, or a file whose program nobody reads here, may need Redis for more than counting."""
        sections = (self.litellm_settings, self.router_settings, self.general_settings, self.config)
        told = [self.model_list, self.environment, self.extra_containers, *sections]
        named = any("redis" in json.dumps(each, default=str).lower() for each in told)
        return named or bool(self.litellm_settings.get("cache") or self.files)

    @property
    def root_path(self) -> str:
        """Path below which LiteLLM is served (`SERVER_ROOT_PATH`): `/llm`; empty for the whole host."""
        return self.environment.get(BELOW_A_PATH, "").rstrip("/")

    @property
    def grace_period(self) -> int:
        """Seconds after which a stopping pod is killed."""
        if self.termination_grace_period_seconds is not None:
            return self.termination_grace_period_seconds
        return self.request_timeout + self.pre_stop_seconds + 10 + (COLLECTOR_SECONDS if self.spend_collector else 0)

    @property
    def model_list(self) -> list[dict[str, Any]]:
        """LiteLLM's `model_list`."""
        return [model.entry() for model in self.models]

    @property
    def aliases(self) -> list[str]:
        """Other names of models (`model_group_alias`)."""
        return [
            alias
            for settings in (self.router_settings, self.litellm_settings)
            for alias in mapping(settings.get("model_group_alias"))
        ]

    @property
    def mock_model(self) -> str | None:
        """Name of the first model that answers without a provider."""
        return next(
            (entry["model_name"] for entry in self.model_list if "mock_response" in entry["litellm_params"]), None
        )

    @property
    def settings_variables(self) -> frozenset[str]:
        """Environment variables that the settings refer to, and that somebody must supply."""
        settings = (self.litellm_settings, self.router_settings, self.general_settings, self.config)
        return frozenset(referenced_variables(settings))
