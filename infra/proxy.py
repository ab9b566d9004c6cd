"""The gateway's way out through an HTTP proxy."""

from infra.config.proxy import EXCEPTIONS, NAMES
from infra.config.stack import StackConfig
from infra.destinations import services
from infra.servers import Servers

DIRECT = (
    "localhost",
    "127.0.0.1",
    "::1",
    ".svc",
    ".cluster.local",
    # Kubernetes puts the address of its API here.
    "$(KUBERNETES_SERVICE_HOST)",
    # Who a pod is, to AWS and other clouds.
    "169.254.169.254",
    "169.254.170.23",
    "fd00:ec2::23",
)


def proxy_variables(config: StackConfig, servers: Servers) -> dict[str, str]:
    """What LiteLLM's pods are told in plain text: the URL where it is no secret, and what is asked directly."""
    proxy = config.proxy
    if not proxy.there:
        return {}
    hosts = [host for host, _ in filter(None, (servers.database, servers.redis)) if isinstance(host, str)]
    direct = ",".join(dict.fromkeys((*DIRECT, *hosts, *services(config), *proxy.no_proxy)))
    url = dict.fromkeys(NAMES, proxy.url) if proxy.url else {}
    return {**url, **dict.fromkeys(EXCEPTIONS, direct), "AIOHTTP_TRUST_ENV": "True"}
