"""Config key `quota`: how much the namespace of the gateway may take of a shared cluster."""

from typing import Annotated

from pydantic import Field, model_validator

from infra.config.base import Cpus, Section, Size

Count = Annotated[int, Field(ge=0, le=10000)]


class QuotaConfig(Section):
    """A ResourceQuota and a LimitRange. Without any of these keys there is neither."""

    cpu: Cpus | None = None
    """CPU that all pods together may request."""

    memory: Size | None = None
    """Memory that all pods together may request, and be limited to. Leave room for the pod that a rollout adds."""

    pods: Count | None = None
    """Number of pods that are not done yet."""

    volumes: Count | None = None
    """Number of PersistentVolumeClaims."""

    load_balancers: Count | None = None
    """Number of Services of type LoadBalancer. Each costs money at most providers."""

    container_cpu: Cpus = "50m"
    """CPU request of a container that names none."""

    container_memory: Size = "256Mi"
    """Memory request and limit of a container that names none."""

    largest_memory: Size | None = None
    """The most memory that one container may ask for."""

    @property
    def hard(self) -> dict[str, str]:
        """What Kubernetes counts, by its names."""
        counted = {
            "requests.cpu": self.cpu,
            "requests.memory": self.memory,
            "limits.memory": self.memory,
            "pods": self.pods,
            "persistentvolumeclaims": self.volumes,
            "services.loadbalancers": self.load_balancers,
        }
        return {name: str(most) for name, most in counted.items() if most is not None}

    @model_validator(mode="after")
    def limits_something(self) -> "QuotaConfig":
        defaults = {"container_cpu", "container_memory", "largest_memory"} & self.model_fields_set
        if defaults and not self.hard:
            raise ValueError("says what a container gets, but limits nothing: give cpu, memory or pods, or remove it")
        return self
