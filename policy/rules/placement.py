"""Rules about the nodes that pods run on."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from policy.resource import Marker, Resource, at, known
from policy.rule import stack_rule
from policy.rules.workloads import containers, pod_of

FIELDS = ("nodeSelector", "tolerations", "affinity", "priorityClassName")

Finding = tuple[Resource, str]


@stack_rule(
    "placements-agree",
    reason="where every node has a taint, a Postgres or Redis that does not tolerate it stays Pending, and the gateway waits",
    fix="set litellm:placement, which is for all pods of the stack; gateway.placement is for the gateway alone",
)
def placements_agree(resources: Sequence[Resource]) -> Iterator[Finding]:
    workloads = sorted(
        (each for each in resources if pod_of(each) and known(each.namespace)),
        key=lambda each: (str(each.namespace), called(each)),
    )
    for _, group in groupby(workloads, key=lambda each: str(each.namespace)):
        together = list(group)
        gateways = [each for each in together if runs_litellm(each)]
        others = [each for each in together if each not in gateways]
        if gateways and others:
            yield from different(others)
            yield from untolerated(gateways[0], others)


def different(others: Sequence[Resource]) -> Iterator[Finding]:
    """Of the pods that are not LiteLLM's, those that are placed otherwise than the first."""
    first, *rest = others
    for resource in rest:
        for field in FIELDS:
            here, there = said(resource, field), said(first, field)
            if here != there and not any(isinstance(value, Marker) for value in (here, there)):
                yield resource, f"has another {field} than {called(first)}"


def untolerated(gateway: Resource, others: Sequence[Resource]) -> Iterator[Finding]:
    """Pods that nobody placed anywhere, beside a gateway that needs nodes with a taint."""
    if not known(said(gateway, "tolerations")):
        return
    for resource in others:
        if not any(said(resource, field) for field in ("nodeSelector", "tolerations", "affinity")):
            yield resource, f"tolerates no taint, and {called(gateway)} does"


def said(resource: Resource, field: str) -> Any:
    return pod_of(resource).get(field) or None


def called(resource: Resource) -> str:
    return str(known(at(resource.inputs, "metadata", "name")) or resource.name)


def runs_litellm(resource: Resource) -> bool:
    """Whether pods run LiteLLM: the gateway's, and those of its migration."""
    return any(
        name in ("litellm", "migrate") or "litellm" in str(container.get("image")).rpartition("/")[2]
        for name, container in containers(pod_of(resource))
    )
