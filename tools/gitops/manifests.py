"""The Kubernetes objects of a stack that Argo CD gets, each in its sync wave."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from components.labels import MANAGED_BY
from infra.config.load import SCALARS
from tools.gitops.answers import MARK
from tools.offline.mock_engine import Recording, Registered
from tools.problem import Problem

WAVES = ("store", "secret", "database", "migration", "gateway", "ingress", "access")
"""The sync waves, in order: Argo CD starts one when everything of the one before is healthy."""

WAVE_OF: Mapping[str, str] = {
    "NetworkPolicies": "store",
    "SecretStore": "store",
    "NamespaceStore": "store",
    "ReaderAccount": "store",
    "VaultAgent": "secret",
    "AwsFetch": "secret",
    "Certificates": "secret",
    "CloudNativePostgres": "store",
    "SyncedSecret": "secret",
    "Postgres": "database",
    "Redis": "database",
    "DatabaseBootstrap": "database",
    "DatabaseLock": "access",
    "RedisUser": "database",
    "RedisLock": "access",
    "Migration": "migration",
    "Gateway": "gateway",
    "Restarter": "gateway",
    "HttpRoute": "ingress",
    "Ingress": "ingress",
    "Access": "access",
    "Monitoring": "ingress",
}
"""What Argo CD gets: component by component."""

KEPT_BY_PULUMI = {"", "ExternalSecretsOperator", "NamespaceLimits", "VaultTokenAuth"}
"""Whose Kubernetes objects stay with Pulumi: the namespace with its limits, the account that AWS knows, operator, a token."""

SYNC_WAVE = "argocd.argoproj.io/sync-wave"
HOOK = "argocd.argoproj.io/hook"
JOB_HOOK = {
    HOOK: "Sync",
    # A Job cannot be changed. One that failed is replaced by the next sync; one that is done need not stay.
    "argocd.argoproj.io/hook-delete-policy": "BeforeHookCreation,HookSucceeded",
}


REMEDY = (
    "Give the values in the configuration, or let `make render` take them from a stack that is up: "
    "`pulumi stack export --stack STACK --file FILE`, then ARGS='--state FILE'"
)


@dataclass(frozen=True)
class Manifest:
    """One object, and where it belongs."""

    wave: str
    resource: str
    """Name of the Pulumi resource: it stays the same when the object gets a new name."""

    content: dict[str, Any]

    @property
    def file(self) -> str:
        return f"{WAVES.index(self.wave)}-{self.wave}-{self.resource}.yaml"

    @property
    def kind(self) -> str:
        return self.content["kind"]

    @property
    def name(self) -> str:
        return self.content["metadata"]["name"]


SEALED_WAVE_OF = {"": "store"} | {
    name: wave for name, wave in WAVE_OF.items() if name not in ("SecretStore", "NamespaceStore")
}
"""The same without a store, and without Pulumi: the namespace, too, is Argo CD's then."""


def manifests(
    recording: Recording, names: Mapping[tuple[str, str], str], waves: Mapping[str, str] = WAVE_OF
) -> list[Manifest]:
    """The objects for Argo CD, in the order of their waves.

    Raises:
        Problem: naming every value that is a secret, or that no file can know.
    """
    by_urn = {resource.urn: resource for resource in recording.resources}
    chosen: list[tuple[str, Registered]] = []
    for resource in recording.resources:
        component = outermost(resource, by_urn)
        if not (resource.custom and resource.type.startswith("kubernetes:")):
            continue
        if component in waves:
            chosen.append((waves[component], resource))
        elif component not in KEPT_BY_PULUMI | WAVE_OF.keys():
            raise LookupError(f"no sync wave for component {component}, which has {resource.name}")
    if problems := [problem for _, resource in chosen for problem in faults(resource)]:
        lines = "".join(f"\n  - {problem}" for problem in sorted(problems))
        raise Problem(f"these objects cannot be rendered; nothing was written:{lines}\n{REMEDY}")
    made = [Manifest(wave, each.name, rendered(each, wave, names[each.type, each.name])) for wave, each in chosen]
    return sorted(made, key=lambda manifest: manifest.file)


def outermost(resource: Registered, by_urn: Mapping[str, Registered]) -> str:
    """Type of the component that the composition made, without its package; empty for a resource of its own."""
    found = ""
    while parent := by_urn.get(resource.parent):
        resource, found = parent, parent.type.rpartition(":")[2]
    return found


def faults(resource: Registered) -> Iterator[str]:
    """Every value that must not be in a file."""
    kind = resource.inputs.get("kind", resource.type)
    for path in resource.secret_paths:
        yield f"{kind} {resource.name}: {path} is a secret"
    if kind == "Secret":
        yield f"{kind} {resource.name}: holds a secret"
    for path, what in unknown(resource.inputs, ""):
        yield f"{kind} {resource.name}: {path} is known only after `make up`{what}"


def unknown(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, item in cast("dict[str, Any]", value).items():
            yield from unknown(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, item in enumerate(cast("list[Any]", value)):
            yield from unknown(item, f"{path}[{index}]")
    elif isinstance(value, str) and MARK in value:
        yield path, f" ({value.partition(MARK)[2].partition('>')[0]})"
    elif value is not None and not isinstance(value, SCALARS):
        yield path, ""


def rendered(resource: Registered, wave: str, name: str) -> dict[str, Any]:
    """The object without what only Pulumi reads, with what Argo CD reads."""
    content = for_argocd(resource.inputs)
    metadata: dict[str, Any] = content["metadata"]
    annotations: dict[str, str] = metadata.get("annotations") or {}
    kept = {key: value for key, value in annotations.items() if not key.startswith("pulumi.com/")}
    hook = JOB_HOOK if content["kind"] == "Job" else {}
    content["metadata"] = metadata | {
        "name": name,
        "annotations": kept | hook | {SYNC_WAVE: str(WAVES.index(wave))},
    }
    return content


def for_argocd(value: Any) -> Any:
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value).items()
        return {key: "argocd" if key == MANAGED_BY else for_argocd(item) for key, item in items}
    if isinstance(value, list):
        return [for_argocd(item) for item in cast("list[Any]", value)]
    return value
