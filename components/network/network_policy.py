"""Who reaches the pods of a namespace, and what they reach."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as k8s

from components.labels import NAME, labels
from components.network.egress import NAMESPACE_NAME, Exit, limited_to


class Client(TypedDict):
    """Where connections may come from: pods of some workloads, namespaces, or a network."""

    workloads: NotRequired[Sequence[str]]
    """Optional: workloads of the same namespace, by name."""

    namespace: NotRequired[str]
    """Optional: all pods of a namespace."""

    namespace_labels: NotRequired[Mapping[str, str]]
    """Optional: all pods of the namespaces with these labels."""

    cidr: NotRequired[str]
    """Optional: a network, for what is not a pod or shares the network of its node."""


class Opening(TypedDict):
    """A port of a workload, and who may connect to it."""

    port: int
    """Required: port of the pods."""

    clients: Sequence[Client]
    """Required: who may connect. None at all: everybody."""

    selector: NotRequired[Mapping[str, str]]
    """Optional: labels of the pods. Defaults to those of the workload that the opening is for."""


class NetworkPoliciesArgs(TypedDict):
    """Arguments of `NetworkPolicies`."""

    namespace: pulumi.Input[str]
    """Required: the namespace."""

    openings: Mapping[str, Opening]
    """Required: what may be reached, by the name of the workload."""

    exits: NotRequired[Mapping[str, Sequence[Exit]]]
    """Optional: what a workload may connect to, by its name; with an empty list nothing at all. Workloads that are not named
    connect to everything."""


class NetworkPolicies(pulumi.ComponentResource):
    """A namespace in which nothing is reached but what is named, and whose workloads reach what they need.

    **Type:** `litellm:index:NetworkPolicies`. **Produces:** one `networking.k8s.io/v1 NetworkPolicy` that closes every pod of
    the namespace, one for each opening, and one for each workload whose connections are limited.

    The kubelet's probes always get through. A cluster whose network plugin knows no policies takes the objects and does
    nothing.
    """

    def __init__(self, name: str, args: NetworkPoliciesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm:index:NetworkPolicies", name, None, opts)
        opened = [
            self._policy(f"{name}-{workload}", args, open_to(workload, opening))
            for workload, opening in args["openings"].items()
        ]
        # Closed last, and first to go: a stack that runs already loses no connection.
        self._policy(f"{name}-default-deny", args, {"podSelector": {}, "policyTypes": ["Ingress"]}, after=opened)
        for workload, exits in args.get("exits", {}).items():
            self._policy(f"{name}-{workload}-egress", args, limited_to(workload, exits))
        self.register_outputs({})

    def _policy(
        self, name: str, args: NetworkPoliciesArgs, spec: Any, after: Sequence[pulumi.Resource] = ()
    ) -> pulumi.Resource:
        return k8s.networking.v1.NetworkPolicy(
            name,
            metadata={"name": name, "namespace": args["namespace"], "labels": labels(name)},
            spec=spec,
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(after)),
        )


def open_to(workload: str, opening: Opening) -> dict[str, Any]:
    """The spec of a policy that lets clients through to one port of a workload."""
    rule: dict[str, Any] = {"ports": [{"protocol": "TCP", "port": opening["port"]}]}
    if opening["clients"]:
        rule["from"] = [peer(client) for client in opening["clients"]]
    selected = dict(opening.get("selector", {NAME: workload}))
    return {"podSelector": {"matchLabels": selected}, "policyTypes": ["Ingress"], "ingress": [rule]}


def peer(client: Client) -> dict[str, Any]:
    if workloads := client.get("workloads"):
        return {"podSelector": {"matchExpressions": [{"key": NAME, "operator": "In", "values": list(workloads)}]}}
    if cidr := client.get("cidr"):
        return {"ipBlock": {"cidr": cidr}}
    named = {NAMESPACE_NAME: client["namespace"]} if "namespace" in client else {}
    return {"namespaceSelector": {"matchLabels": {**named, **client.get("namespace_labels", {})}}}
