"""Config key `pods`: what all pods of a stack have beside what they need themselves."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, IPvAnyAddress, field_serializer, field_validator

from infra.config.base import Checked, Cpus, DnsName, ObjectName, Section, as_text
from infra.config.references import PropertyReference

LABEL_VALUE = r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?"
LABEL_KEY = r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"

OURS = ("app.kubernetes.io/", "litellm/", "pod-security.kubernetes.io/enforce", "pod-security.kubernetes.io/warn")
"""How keys begin that this program sets, and selects by."""

FREE = ("pod-security.kubernetes.io/enforce-version", "pod-security.kubernetes.io/warn-version")


def keys_are_free(value: dict[str, str]) -> dict[str, str]:
    """Keys that Kubernetes takes, and that the program does not set itself."""
    malformed = [key for key in value if not re.fullmatch(LABEL_KEY, key)]
    if malformed:
        raise ValueError(f"{len(malformed)} keys are none: use example.com/name, or a name alone")
    taken = sorted({start for start in OURS for key in value if key.startswith(start) and key not in FREE})
    if taken:
        raise ValueError(f"keys that begin with {', '.join(taken)} are set by this program: remove them")
    return value


def labels_are_labels(value: dict[str, str]) -> dict[str, str]:
    wrong = [text for text in value.values() if not re.fullmatch(LABEL_VALUE, text)]
    if wrong:
        raise ValueError(
            f"{len(wrong)} values are none that a label can have: at most 63 letters, digits, - _ and ., or nothing"
        )
    return keys_are_free(value)


Texts = dict[str, Annotated[str, BeforeValidator(as_text)]]
Labels = Annotated[Texts, Checked(labels_are_labels, "Kubernetes labels that the program does not set itself")]
Annotations = Annotated[Texts, Checked(keys_are_free, "Kubernetes annotations that the program does not set itself")]


class HostAlias(Section):
    """A line of the pods' `/etc/hosts`."""

    ip: IPvAnyAddress
    """Address."""

    hostnames: Annotated[tuple[DnsName, ...], Field(min_length=1)]
    """Names that it has."""

    @field_serializer("ip")
    def as_kubernetes(self, value: Any) -> str:
        return str(value)


class PodsConfig(Section):
    """What all pods of the stack have beside what they need themselves: LiteLLM, its Jobs, Postgres and Redis."""

    image_pull_secrets: tuple[ObjectName, ...] = ()
    """Names of Secrets in the namespace of the gateway, which must be there, with logins to image registries
    (`kubernetes.io/dockerconfigjson`)."""

    image_pull_document: PropertyReference | None = None
    """A docker config (`{"auths": {…}}`) in the store, which External Secrets Operator makes such a Secret of."""

    labels: Labels = Field(default_factory=dict)
    """More labels of all pods, such as `sidecar.istio.io/inject: "false"`."""

    annotations: Annotations = Field(default_factory=dict)
    """More annotations of all pods, such as `linkerd.io/inject: enabled`."""

    job_labels: Labels = Field(default_factory=dict)
    """Labels of the Jobs' pods, over `labels`: `sidecar.istio.io/inject: "false"`. A Job whose sidecar runs on never ends."""

    job_annotations: Annotations = Field(default_factory=dict)
    """Annotations of the Jobs' pods, over `annotations`: `linkerd.io/inject: disabled`, or
    `config.linkerd.io/proxy-enable-native-sidecar: "true"`."""

    host_aliases: tuple[HostAlias, ...] = ()
    """Lines of `/etc/hosts`, for names that no resolver of the cluster knows."""

    cpu_limit: Cpus | None = None
    """CPU limit of each container that has none of its own, the Jobs' too: for namespaces whose quota counts `limits.cpu`.
    Defaults to none."""

    @field_validator("image_pull_secrets")
    @classmethod
    def named_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value):
            raise ValueError("names a Secret twice: remove one")
        return value


MESHES: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "Istio": (
        frozenset({"istio-injection", "istio.io/rev", "sidecar.istio.io/inject"}),
        frozenset({"sidecar.istio.io/inject", "sidecar.istio.io/nativeSidecar"}),
    ),
    "Linkerd": (
        frozenset({"linkerd.io/inject"}),
        frozenset(
            {
                "linkerd.io/inject",
                "config.linkerd.io/proxy-enable-native-sidecar",
                "config.alpha.linkerd.io/proxy-enable-native-sidecar",
            }
        ),
    ),
}
"""With which labels and annotations a mesh is asked for a sidecar, and with which a Job says what becomes of its own."""

NO = ("disabled", "false")


def jobs_end(pods: PodsConfig, namespace_labels: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """A sidecar that runs on keeps a Job from ever ending, and an `up` waits for it."""
    everywhere = {**namespace_labels, **pods.labels, **pods.annotations}
    jobs = {*pods.job_labels, *pods.job_annotations}
    for mesh, (asking, settling) in MESHES.items():
        asked = any(everywhere.get(key, "false") not in NO for key in asking)
        native = any("native" in key for key in settling & everywhere.keys())
        if asked and not native and not settling & jobs:
            yield (
                "pods.jobAnnotations",
                f"say nothing of sidecars, and {mesh} is asked to put one beside every pod, also the Jobs', which then do not "
                f"end: give one of {', '.join(sorted(settling))} here, or in jobLabels",
            )
