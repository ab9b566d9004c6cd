"""Which hosts the configuration of a gateway names, and which of them are in the cluster."""

import ipaddress
import json
import re
from collections.abc import Iterator

from infra.config.stack import StackConfig

URL = re.compile(
    r"\b(?P<scheme>[a-z][a-z0-9+.-]*)://(?:[^\s/@'\"]*@)?(?P<host>\[[0-9A-Fa-f:.]+\]|[\w.-]+)(?::(?P<port>\d{1,5}))?"
)
HTTPS = 443
PORTS = {"http": 80, "https": HTTPS, "ws": 80, "wss": HTTPS}
"""Ports of URLs that name none. What has another scheme and no port, such as `oidc://…`, is no address."""


def named(config: StackConfig) -> set[tuple[str, int]]:
    """Every host and port that LiteLLM's configuration and variables name by URL."""
    given = [config.watched_gateway.model_dump(mode="json", exclude={"files"}), config.ui.variables]
    text = json.dumps(given, ensure_ascii=False)
    return {
        (found["host"].strip("[]").rstrip(".").lower(), port)
        for found in URL.finditer(text)
        if (port := int(found["port"] or PORTS.get(found["scheme"], 0)))
    }


def block_of(host: str) -> str | None:
    """The network that has this address and nothing else; None for a name."""
    try:
        return str(ipaddress.ip_network(host.strip("[]")))
    except ValueError:
        return None


def namespace_of(host: str, port: int, own: str) -> str | None:
    """The namespace of a Service: `vllm.models.svc`, `vllm.models` and, in the gateway's `own` namespace, `vllm`.

    Names of two parts may be those of hosts outside as well (`example.com`): those are expected at port 443.
    """
    labels = host.split(".")
    if len(labels) > 2:
        return labels[1] if labels[2] == "svc" else None
    if len(labels) == 1:
        return None if host == "localhost" else own
    return labels[1] if port != HTTPS else None


def services(config: StackConfig) -> Iterator[str]:
    """The hosts among those named that are Services of the cluster, or look like one."""
    return (host for host, port in sorted(named(config)) if not block_of(host) and namespace_of(host, port, "-"))
