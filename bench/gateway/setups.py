"""What is measured: pods of LiteLLM as the program makes them, as the official charts do, and a bare process.

All have the same models, the same Postgres and the same image; each has a database and keys of its own.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import yaml

from bench.gateway.servers import MODELS, NAMESPACE, PASSWORD_KEY, REDIS, SERVERS_SECRET, database_url
from components.objects import short_hash
from infra.config.versions import PINS
from tools.engine.stack_file import Stack, merge
from tools.offline.mock_engine import Recording
from tools.offline.plan import record

ROOT = Path(__file__).resolve().parents[2]
DEPLOYMENT, CONFIG_MAP = "kubernetes:apps/v1:Deployment", "kubernetes:core/v1:ConfigMap"
EXTERNAL_SECRET = "kubernetes:external-secrets.io/v1:ExternalSecret"
LABEL = "litellm-bench/setup"
PORT = 4000

SMALL = {"cpu": "20m", "memory": "256Mi"}
"""What each pod requests here: they all are on one small machine, and one at a time has something to do."""

PRODUCTION = ("examples", "vault-production")

Pod = dict[str, Any]


@dataclass(frozen=True)
class Setup:
    """Pods of one kind."""

    name: str
    pod: Pod
    config: Mapping[str, Any]
    """LiteLLM's config.yaml."""

    values: Mapping[str, str]
    """The Secret: environment of the pods."""

    replicas: int = 1
    key: str = field(default_factory=lambda: f"sk-{secrets.token_hex(16)}")
    """The master key. There for the length of a benchmark."""

    @property
    def database(self) -> str:
        return f"bench_{short_hash(self.name)}"

    @property
    def objects(self) -> list[dict[str, Any]]:
        metadata = {"name": self.name, "namespace": NAMESPACE}
        labels = {LABEL: self.name}
        values = {**self.values, "DATABASE_URL": database_url(self.database), "LITELLM_MASTER_KEY": self.key}
        template = {"metadata": {"labels": labels}, "spec": self.pod}
        spec = {"replicas": self.replicas, "selector": {"matchLabels": labels}, "template": template}
        return [
            {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": values},
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": metadata,
                "data": {"config.yaml": yaml.safe_dump(dict(self.config), sort_keys=False)},
            },
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec},
        ]


def plain(name: str, environment: Mapping[str, str], general: Mapping[str, Any], container: Mapping[str, Any]) -> Setup:
    """A Deployment with no more than it needs."""
    main = {
        "name": "litellm",
        "image": PINS["litellm"].image,
        "command": ["litellm"],
        "args": ["--config", "/etc/litellm/config.yaml", "--port", str(PORT)],
        "env": [{"name": key, "value": value} for key, value in environment.items()],
        "envFrom": [{"secretRef": {"name": name}}],
        "resources": {"requests": SMALL},
        "readinessProbe": {"httpGet": {"path": "/health/readiness", "port": PORT}, "periodSeconds": 10},
        "volumeMounts": [{"name": "config", "mountPath": "/etc/litellm"}],
        **container,
    }
    pod = {
        "containers": [main],
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 5,
        "volumes": [{"name": "config", "configMap": {"name": name}}],
    }
    return Setup(name, pod, {"model_list": MODELS, **({"general_settings": general} if general else {})}, {})


def bare() -> Setup:
    """The floor: LiteLLM's own defaults, and nothing that it does not need to serve with its database."""
    return plain("bare", {"DISABLE_SCHEMA_UPDATE": "true"}, {}, {})


def chart_litellm_helm() -> Setup:
    """Defaults of the chart `litellm-helm`, as of 1.1.3: logs at INFO, no resources, probes of its own."""
    probes = {
        "livenessProbe": {
            "httpGet": {"path": "/health/liveliness", "port": PORT},
            "periodSeconds": 15,
            "timeoutSeconds": 5,
            "failureThreshold": 5,
        },
        "startupProbe": {
            "httpGet": {"path": "/health/readiness", "port": PORT},
            "periodSeconds": 10,
            "failureThreshold": 30,
        },
    }
    environment = {"HOST": "0.0.0.0", "PORT": str(PORT), "LITELLM_LOG": "INFO", "DISABLE_SCHEMA_UPDATE": "true"}
    general = {"master_key": "os.environ/LITELLM_MASTER_KEY"}
    return plain("chart-litellm-helm", environment, general, probes)


def chart_litellm() -> Setup:
    """Defaults of the gateway of the chart `litellm` 1.0.0: logs at INFO, at most 2 CPUs, an empty configuration."""
    probes = {
        "livenessProbe": {
            "httpGet": {"path": "/health/liveliness", "port": PORT},
            "initialDelaySeconds": 10,
            "periodSeconds": 15,
            "timeoutSeconds": 10,
            # The chart has six; here several start at once.
            "failureThreshold": 30,
        }
    }
    environment = {"LITELLM_LOG": "INFO", "DISABLE_SCHEMA_UPDATE": "true", "NUM_WORKERS": "1"}
    limited = {"resources": {"requests": SMALL, "limits": {"cpu": "2", "memory": "4Gi"}}}
    return plain("chart-litellm", environment, {}, {**probes, **limited})


def stack(name: str, of: tuple[str, str], changes: Mapping[str, Any] | None = None) -> Setup:
    """A stack file's gateway as the program makes it, with its image, its limits and its settings.

    `changes` are sections over those of the file, and in the place of those where they say of what kind they are.
    """
    folder, file = of
    document = Stack.read(ROOT / folder, file).document
    # The relay finds Postgres by the namespace.
    overlay = {f"litellm:{key}": value for key, value in {"namespace": NAMESPACE, **(changes or {})}.items()}
    kinds = [key for key, value in overlay.items() if "kind" in value]
    document["config"] = {key: value for key, value in document["config"].items() if key not in kinds}
    return of_recording(name, record(Stack(file, merge(document, {"config": overlay})), preview=False))


def of_recording(name: str, recording: Recording) -> Setup:
    deployment = recording.inputs(DEPLOYMENT, "litellm-deployment")
    used = deployment["spec"]["template"]["spec"]["volumes"]
    config_map = next(each["configMap"]["name"] for each in used if each["name"] == "config")
    data = next(
        each.inputs["data"] for each in recording.of(CONFIG_MAP) if each.inputs["metadata"]["name"] == config_map
    )
    config = {**yaml.safe_load(data["config.yaml"]), "model_list": MODELS}
    return Setup(
        name, adapted(deployment["spec"]["template"]["spec"], name), config, values(recording), replicas_of(deployment)
    )


def replicas_of(deployment: Mapping[str, Any]) -> int:
    return int(deployment["spec"].get("replicas", 1))


def values(recording: Recording) -> dict[str, str]:
    """What the ExternalSecret would put into the environment: keys that nobody asks for here, and the password of Redis."""
    (found,) = [
        each.inputs
        for each in recording.of(EXTERNAL_SECRET)
        if "LITELLM_MASTER_KEY" in each.inputs["spec"]["target"]["template"]["data"]
    ]
    names = set(found["spec"]["target"]["template"]["data"]) - {PASSWORD_KEY}
    return {name: f"sk-{secrets.token_hex(16)}" for name in sorted(names)}


def adapted(pod: Mapping[str, Any], name: str) -> Pod:
    """The pod of a stack beside those of others: with the Secret, the ConfigMap and the servers of the benchmark."""
    main, *others = cast("list[Pod]", pod["containers"])
    ours = {key: value for key, value in connected(main, name).items() if key != "lifecycle"}
    before = [connected(each, name) if "envFrom" in each else each for each in pod.get("initContainers", ())]
    kept = {key: value for key, value in pod.items() if key not in ("serviceAccountName", "topologySpreadConstraints")}
    volumes = [
        {**each, "configMap": {**each["configMap"], "name": name}} if each["name"] == "config" else each
        for each in pod["volumes"]
    ]
    spec = {**kept, "containers": [ours, *others], "volumes": volumes, "terminationGracePeriodSeconds": 5}
    return {**spec, "initContainers": before} if before else spec


def connected(container: Pod, name: str) -> Pod:
    """A container of LiteLLM with the Secret and the servers of the benchmark."""
    environment = {each["name"]: each for each in container["env"]} | (
        {"REDIS_HOST": {"name": "REDIS_HOST", "value": REDIS}}
        if any(each["name"] == "REDIS_HOST" for each in container["env"])
        else {}
    )
    password = {"name": PASSWORD_KEY, "valueFrom": {"secretKeyRef": {"name": SERVERS_SECRET, "key": "password"}}}
    return {
        **container,
        "env": [*environment.values(), password],
        "envFrom": [{"secretRef": {"name": name}}],
        "resources": {**container["resources"], "requests": SMALL},
    }


def all_setups() -> list[Setup]:
    one = {"replicas": 1}
    return [
        bare(),
        chart_litellm_helm(),
        chart_litellm(),
        stack("dev", ("", "dev")),
        stack("production", PRODUCTION, {"gateway": one}),
        stack("production-2", PRODUCTION, {"gateway": {"replicas": 2}}),
    ]
