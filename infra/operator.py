"""Which External Secrets Operator a stack works with: one that runs in the cluster, or one that it installs itself.

What others may use belongs to nobody alone, so the cluster is asked before anything is made: by the CRDs, by the controller's
Deployment, and by the mark of the stack that installed it.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from components.labels import PART_OF
from components.sync.shared import IN_STATE, KEPT_BY_HELM, OPERATOR, OWNER_KEY, OWNER_MARK
from infra.config.secrets import ExternalSecretsConfig
from infra.kubernetes_api import METADATA, KubernetesApi, RefusedError

GROUP, VERSION = "external-secrets.io", "v1"
OLDEST = "0.16"
"""The first release that serves the API that stacks use."""

CRD = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/externalsecrets.{GROUP}"
CONTROLLER = f"app.kubernetes.io/name={OPERATOR}"
"""Label of the controller's Deployment, whatever the release is called; webhook and certificate controller have others."""


@dataclass(frozen=True)
class Running:
    """The controller of an operator."""

    namespace: str
    service_account: str
    version: str
    owner: str = ""
    """The stack that has it in its state; empty when there is none."""

    ours: bool = False
    """Whether a stack of this program installed it, perhaps one that is gone."""

    ready: bool = True
    """Whether one of its pods works."""

    def __str__(self) -> str:
        return f"External Secrets Operator {self.version} in namespace {self.namespace}"


@dataclass(frozen=True)
class Sight:
    """What is to be seen of External Secrets Operator in a cluster."""

    versions: tuple[str, ...] = ()
    """Versions of its API; none without its CRDs."""

    crd: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Metadata of the CRD of ExternalSecrets; empty when it is not there or may not be read."""

    running: tuple[Running, ...] | None = ()
    """None when that may not be looked at."""

    @property
    def going(self) -> bool:
        """Whether the CRD is being deleted, and with it every ExternalSecret of the cluster."""
        return "deletionTimestamp" in self.crd

    @property
    def kept(self) -> bool:
        """Whether Helm keeps the CRDs. Releases of this program before that did not ask it to, and left no mark either."""
        return KEPT_BY_HELM.items() <= (self.crd.get("annotations") or {}).items()

    def release_is(self, namespace: str) -> bool:
        """Whether the CRDs are of the Helm release that a stack would install, which then takes them over."""
        annotations: Mapping[str, str] = self.crd.get("annotations") or {}
        named = annotations.get("meta.helm.sh/release-name"), annotations.get("meta.helm.sh/release-namespace")
        return named == (OPERATOR, namespace)

    def operator(self, namespace: str) -> Running | None:
        """The operator in a namespace, or else any."""
        return next(
            (each for each in self.running or () if each.namespace == namespace), next(iter(self.running or ()), None)
        )


def look(client: KubernetesApi, namespace: str) -> Sight:
    """Look at a cluster; in the `namespace` only where no other may be read."""
    group = unless(client, f"/apis/{GROUP}", 404)
    crd = unless(client, CRD, 403, 404, accept=METADATA) if group else None
    return Sight(
        tuple(version["version"] for version in (group or {}).get("versions", ())),
        (crd or {}).get("metadata") or {},
        running(client, namespace),
    )


def running(client: KubernetesApi, namespace: str) -> tuple[Running, ...] | None:
    selector = f"labelSelector={quote(CONTROLLER)}"
    for path in ("/apis/apps/v1/deployments", f"/apis/apps/v1/namespaces/{namespace}/deployments"):
        found = unless(client, f"{path}?{selector}", 403)
        if found is not None:
            return tuple(described(client, deployment) for deployment in found.get("items") or ())
    return None


def described(client: KubernetesApi, deployment: Mapping[str, Any]) -> Running:
    metadata, pod = deployment["metadata"], deployment["spec"]["template"]["spec"]
    place = f"/api/v1/namespaces/{metadata['namespace']}"
    mark: dict[str, Any] = unless(client, f"{place}/configmaps/{OWNER_MARK}", 403, 404) or {"data": {}}
    home: dict[str, Any] = unless(client, place, 403, 404) or {"metadata": {}}
    tag = str(pod["containers"][0].get("image", "")).partition("@")[0].rpartition(":")[2]
    return Running(
        metadata["namespace"],
        pod.get("serviceAccountName", "default"),
        metadata.get("labels", {}).get("app.kubernetes.io/version") or tag,
        mark.get("data", {}).get(OWNER_KEY, ""),
        PART_OF.items() <= home.get("metadata", {}).get("labels", {}).items(),
        "status" not in deployment or bool(deployment["status"].get("readyReplicas")),
    )


def unless(client: KubernetesApi, path: str, *statuses: int, accept: str = "application/json") -> dict[str, Any] | None:
    """What is at a path; None when the answer is one of these errors."""
    try:
        return client.get(path, accept)
    except RefusedError as error:
        if error.status in statuses:
            return None
        raise


def in_state(environment: Mapping[str, str] = os.environ) -> bool | None:
    """Whether the state of the stack has the operator; None when nobody looked."""
    return {"true": True, "false": False}.get(environment.get(IN_STATE, ""))


def settled(
    config: ExternalSecretsConfig, instance: str, sight: Sight, *, known: bool | None, may_install: bool = True
) -> ExternalSecretsConfig:
    """The configuration with `install` decided, and with `auto` the place of the operator that is used.

    Args:
        config: as the stack file has it.
        instance: the stack, as its mark names it.
        sight: what the cluster has.
        known: whether the state of the stack has the operator; None when nobody looked.
        may_install: whether `auto` may install what is missing.
    """
    if config.install != "auto":
        return config
    found = sight.operator(config.namespace)
    own = known if known is not None else bool(found and found.owner == instance)
    missing = found is None and sight.running is not None and (not sight.versions or sight.release_is(config.namespace))
    update: dict[str, Any] = {"install": own or (missing and may_install)}
    if found and not own:
        update |= {"namespace": found.namespace, "service_account": found.service_account}
    return config.model_copy(update=update)


def problems(
    config: ExternalSecretsConfig, wanted: ExternalSecretsConfig, instance: str, sight: Sight, *, known: bool | None
) -> Iterator[str]:
    """What keeps a stack from working with the operator of `config`, which was settled, or from installing it.

    Args:
        config: settled.
        wanted: as the stack file has it.
        instance: the stack, as its mark names it.
        sight: what the cluster has.
        known: whether the state of the stack has the operator; None when nobody looked.
    """
    found = sight.operator(config.namespace)
    if sight.going:
        yield (
            "the CRDs of External Secrets Operator are being deleted, and with them every ExternalSecret of this cluster: run "
            "`make repair` first (docs/runbooks/operator-gone.md)"
        )
    elif sight.versions and VERSION not in sight.versions:
        what = str(found) if found else "External Secrets Operator"
        yield f"{what} is too old: it does not serve {GROUP}/{VERSION}. Upgrade it to {OLDEST} or newer"
    elif found is None or known or wanted.install is False:
        return
    elif wanted.install is True and found.owner not in ("", instance):
        yield (
            f"{found} was installed by {found.owner}, and a cluster has one: remove litellm:externalSecrets.install, and it is "
            "used"
        )
    elif wanted.install is True and found.owner == instance and known is False:
        yield (
            f"{found} was installed by a stack of this name, whose state is another one: remove "
            "litellm:externalSecrets.install, and it is used, or work with that state"
        )
    elif wanted.install is True and not found.ours:
        yield (
            f"{found} is there already, and was not installed by a stack: remove litellm:externalSecrets.install, and it is "
            "used"
        )
    elif found.ours and not found.owner and not sight.kept and known is (None if wanted.install == "auto" else False):
        yield (
            f"{found} was installed by an earlier release of this program, and only a state tells by which stack: run `make "
            "up` for that one first, and, with litellm:externalSecrets.install removed, for this one"
        )
