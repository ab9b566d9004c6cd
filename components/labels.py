"""Labels that every object of an environment carries."""

NAME = "app.kubernetes.io/name"

MANAGED_BY = "app.kubernetes.io/managed-by"

PART_OF = {"app.kubernetes.io/part-of": "litellm"}

INSTANCE = "app.kubernetes.io/instance"
"""On the namespace: which stack it belongs to."""


def selector(name: str) -> dict[str, str]:
    """The label that tells the pods of one workload from all others in the namespace."""
    return {NAME: name}


def labels(name: str) -> dict[str, str]:
    """Kubernetes' recommended labels for an object of the workload `name`."""
    return {
        NAME: name,
        **PART_OF,
        MANAGED_BY: "pulumi",
    }
