"""What every section of the configuration has in common."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

DNS_LABEL = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
DNS_NAME = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
QUANTITY = r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$"
DURATION = r"^([0-9]+(h|m|s))+$"
ENVIRONMENT_VARIABLE = r"^[A-Z_][A-Z0-9_]*$"

ALLOWED = {
    DNS_LABEL: "a Kubernetes name: lower-case letters, digits and -, at most 63 characters",
    DNS_NAME: "a host name: lower-case letters, digits and - in labels joined by dots",
    QUANTITY: "a Kubernetes quantity such as 500m, 512Mi or 4Gi",
    DURATION: "a duration such as 90s, 15m or 1h30m",
    ENVIRONMENT_VARIABLE: "the name of an environment variable such as OPENAI_API_KEY",
}
"""What each pattern allows, in words."""

DnsLabel = Annotated[str, StringConstraints(pattern=DNS_LABEL)]
"""A Kubernetes name: lower-case letters, digits and `-`, at most 63 characters."""

DnsName = Annotated[str, StringConstraints(pattern=DNS_NAME, max_length=253)]
"""A host name: labels of lower-case letters, digits and `-`, joined by dots."""

Quantity = Annotated[str, StringConstraints(pattern=QUANTITY)]
"""A Kubernetes quantity: `500m`, `4Gi`."""

Duration = Annotated[str, StringConstraints(pattern=DURATION)]
"""A Go duration of hours, minutes and seconds: `1h`, `90s`, `1h30m`."""

VariableName = Annotated[str, StringConstraints(pattern=ENVIRONMENT_VARIABLE)]
"""The name of an environment variable: `OPENAI_API_KEY`."""

Image = Annotated[str, StringConstraints(pattern=r"^[^\s:@]+(:[0-9]+)?[^\s:@]*(:[\w][\w.-]*)?(@sha256:[0-9a-f]{64})?$")]
"""A container image: `repository:tag`, `repository@sha256:…` or both."""

Port = Annotated[int, Field(ge=1, le=65535)]


class Section(BaseModel):
    """One object of the configuration; keys are written in camelCase, and unknown ones are errors."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_default=True,
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
    )


class Compute(Section):
    """Requests and limits of one container, in Kubernetes quantities."""

    cpu: Quantity = "1"
    """CPU requested."""

    memory: Quantity = "4Gi"
    """Memory requested and the limit: both are equal, so that a pod is never killed for what it was promised."""

    cpu_limit: Quantity | None = None
    """CPU limit; without one the container may use idle CPU of its node."""

    def as_kubernetes(self) -> dict[str, dict[str, str]]:
        limits = {"memory": self.memory} | ({"cpu": self.cpu_limit} if self.cpu_limit else {})
        return {"requests": {"cpu": self.cpu, "memory": self.memory}, "limits": limits}
