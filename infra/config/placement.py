"""Config key `placement`: on which nodes the pods of a stack run."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from infra.config.base import ObjectName, Section

AFFINITIES = frozenset({"nodeAffinity", "podAffinity", "podAntiAffinity"})


class Toleration(Section):
    """A taint of nodes that pods tolerate."""

    key: str | None = None
    """Key of the taint. Without one, every key."""

    operator: Literal["Equal", "Exists"] = "Equal"
    """`Equal`: `value` must be the taint's. `Exists`: any value."""

    value: str | None = None
    """Value of the taint, with operator `Equal`."""

    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """Effect of the taint. Without one, every effect."""

    toleration_seconds: Annotated[int, Field(ge=0)] | None = None
    """With effect `NoExecute`: for how many seconds. Without it, for ever."""

    @model_validator(mode="after")
    def operator_fits(self) -> "Toleration":
        if self.operator == "Equal" and self.key is None:
            raise ValueError("operator Equal needs a key: give one, or use operator Exists")
        if self.operator == "Exists" and self.value is not None:
            raise ValueError("operator Exists takes no value: remove value, or use operator Equal")
        if self.toleration_seconds is not None and self.effect != "NoExecute":
            raise ValueError("tolerationSeconds is for effect NoExecute only: set that, or remove tolerationSeconds")
        return self


class Spread(Section):
    """One topology spread constraint."""

    topology_key: str
    """Label of nodes, each value of which is a domain: `topology.kubernetes.io/zone`."""

    max_skew: Annotated[int, Field(ge=1)] = 1
    """How many pods one domain may have more than another."""

    when_unsatisfiable: Literal["ScheduleAnyway", "DoNotSchedule"] = "ScheduleAnyway"
    """What happens to a pod that cannot keep to it: it runs all the same, or stays Pending."""

    min_domains: Annotated[int, Field(ge=1)] | None = None
    """With `DoNotSchedule`: how many domains there must be at least."""

    @model_validator(mode="after")
    def domains_are_for_strict_ones(self) -> "Spread":
        if self.min_domains is not None and self.when_unsatisfiable != "DoNotSchedule":
            raise ValueError("minDomains needs whenUnsatisfiable: DoNotSchedule: set that, or remove minDomains")
        return self


class Placement(Section):
    """On which nodes pods run, and how urgent they are."""

    node_selector: dict[str, str] = Field(default_factory=dict)
    """Labels of the nodes that the pods may run on. A Postgres in the cluster needs nodes that reach its volume."""

    tolerations: tuple[Toleration, ...] = ()
    """Taints of nodes that the pods tolerate."""

    affinity: dict[str, Any] = Field(default_factory=dict)
    """`nodeAffinity`, `podAffinity` and `podAntiAffinity`, in Kubernetes' own words."""

    priority_class_name: ObjectName | None = None
    """PriorityClass of the pods, which must be there. Defaults to the cluster's."""

    topology_spread: tuple[Spread, ...] | None = None
    """How the gateway's pods spread; the other workloads have one pod each. Defaults to zones, then nodes, where that is
    possible. `[]`: not at all."""

    @field_validator("affinity")
    @classmethod
    def affinity_is_kubernetes(cls, value: dict[str, Any]) -> dict[str, Any]:
        if set(value) - AFFINITIES or not all(isinstance(item, dict) for item in value.values()):
            raise ValueError(f"must have {', '.join(sorted(AFFINITIES))}, each an object as in a pod's spec")
        return value

    def overridden_by(self, other: "Placement") -> "Placement":
        """This placement with what `other` says itself."""
        return self.model_copy(update={name: getattr(other, name) for name in other.model_fields_set})
