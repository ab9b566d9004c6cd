"""What pods may connect to, as NetworkPolicies say it."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pulumi

from components.labels import NAME

NAMESPACE_NAME = "kubernetes.io/metadata.name"
"""Label that Kubernetes itself puts on every namespace."""


class Destination(TypedDict):
    """Where connections may go to: pods of a workload, all pods of namespaces, or a network."""

    workload: NotRequired[str]
    """Optional: a workload of the same namespace, by name."""

    namespace: NotRequired[str]
    """Optional: all pods of a namespace."""

    namespace_labels: NotRequired[Mapping[str, str]]
    """Optional: all pods of the namespaces with these labels."""

    cidr: NotRequired[str]
    """Optional: a network."""

    except_cidrs: NotRequired[Sequence[str]]
    """Optional: networks within `cidr` that are left out. Defaults to none."""


class Exit(TypedDict):
    """Some destinations, and their ports."""

    to: Sequence[Destination]
    """Required: where connections may go to. None at all: everywhere."""

    ports: NotRequired[Sequence[pulumi.Input[int]]]
    """Optional: ports of the pods or hosts there. Defaults to all."""

    protocols: NotRequired[Sequence[str]]
    """Optional: `TCP`, `UDP` or both. Defaults to TCP. Counts only with `ports`."""


def limited_to(workload: str, exits: Sequence[Exit]) -> dict[str, Any]:
    """The spec of a policy that lets a workload connect to these destinations, and to nothing else."""
    spec: dict[str, Any] = {"podSelector": {"matchLabels": {NAME: workload}}, "policyTypes": ["Egress"]}
    # An empty list is stored as none: whoever applies it again would change the object again, as Argo CD does.
    return {**spec, "egress": [rule(each) for each in exits]} if exits else spec


def rule(given: Exit) -> dict[str, Any]:
    ports = [
        {"protocol": protocol, "port": port}
        for port in given.get("ports", ())
        for protocol in given.get("protocols", ("TCP",))
    ]
    to = [peer(destination) for destination in given["to"]]
    return {**({"to": to} if to else {}), **({"ports": ports} if ports else {})}


def peer(to: Destination) -> dict[str, Any]:
    if "workload" in to:
        return {"podSelector": {"matchLabels": {NAME: to["workload"]}}}
    if "cidr" in to:
        left_out = list(to.get("except_cidrs", ()))
        return {"ipBlock": {"cidr": to["cidr"], **({"except": left_out} if left_out else {})}}
    named = {NAMESPACE_NAME: to["namespace"]} if "namespace" in to else {}
    return {"namespaceSelector": {"matchLabels": {**named, **to.get("namespace_labels", {})}}}
