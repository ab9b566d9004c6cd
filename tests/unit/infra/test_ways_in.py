"""What the look at the way in says."""

from typing import Any

import pytest

from infra.config.ingress.settings import IngressConfig
from infra.kubernetes_api import RefusedError
from infra.ways_in import look

LISTENER = {"name": "websecure", "protocol": "HTTPS", "allowedRoutes": {"namespaces": {"from": "All"}}}
PLAIN = {"name": "web", "protocol": "HTTP", "allowedRoutes": {"namespaces": {"from": "All"}}}


class Cluster:
    """Enough of the API server: one Gateway, or the error that it answers with."""

    def __init__(self, *listeners: dict[str, Any], status: int = 0) -> None:
        self.listeners = listeners
        self.status = status

    def get(self, path: str) -> Any:
        assert path == "/apis/gateway.networking.k8s.io/v1/namespaces/gateways/gateways/shared"
        if self.status:
            raise RefusedError(self.status, "no")
        return {"spec": {"listeners": list(self.listeners)}}


def found(cluster: Any, **ingress: Any) -> list[str]:
    gateway = {"name": "shared", "namespace": "gateways", **ingress.pop("gateway", {})}
    given = {"host": "a.example.com", "gateway": gateway, "tls": {"endsAt": "controller"}, **ingress}
    return list(look(cluster, IngressConfig.model_validate(given), "litellm-dev"))


def test_a_gateway_that_takes_the_route_is_fine():
    assert not found(Cluster(PLAIN, LISTENER))
    assert not found(Cluster({**LISTENER, "hostname": "*.example.com"}), gateway={"sectionName": "websecure"})


def test_a_gateway_that_may_not_be_looked_at_is_trusted():
    assert not found(Cluster(status=403))


@pytest.mark.parametrize(
    ("cluster", "ingress", "message"),
    [
        (Cluster(status=404), {}, "there is no Gateway shared in namespace gateways"),
        (
            Cluster(PLAIN, LISTENER),
            {"gateway": {"sectionName": "https"}},
            "no listener of that name; it has web, websecure",
        ),
        (Cluster({"name": "a", "protocol": "HTTPS"}), {}, "takes routes of its own namespace gateways only"),
        (Cluster({**LISTENER, "hostname": "*.example.org"}), {}, "has no listener for host a.example.com"),
        (Cluster(LISTENER, PLAIN), {"gateway": {"sectionName": "web"}}, "has protocol HTTPS"),
    ],
)
def test_what_would_leave_the_route_hanging_is_named(cluster: Any, ingress: dict[str, Any], message: str):
    (problem,) = found(cluster, **ingress)
    assert message in problem


def test_an_ingress_has_no_gateway_to_look_at():
    given = IngressConfig.model_validate({"host": "a.example.com", "className": "traefik"})
    assert not list(look(Cluster(status=500), given, "litellm-dev"))  # pyright: ignore[reportArgumentType]
