"""Who reaches what in the namespace of a stack."""

from typing import Any

import pytest

from infra.config.load import ConfigError
from infra.network import openings
from tests.unit.infra.stacks import config

OURS = {"workloads": ["litellm", "litellm-migration", "database-bootstrap"]}
EXISTING = {"kind": "existing", "host": "postgres.example.com", "credentials": {"document": "shared/postgres"}}


def given(**policy: Any) -> dict[str, Any]:
    return dict(openings(config(networkPolicy=policy)))


def test_the_gateway_is_open_to_everybody_until_somebody_is_named():
    """A wrong guess of the ingress controller's namespace would be a gateway that never answers."""
    assert given()["litellm"] == {"port": 4000, "clients": []}


def test_whoever_is_named_and_nobody_else_reaches_the_gateway():
    clients = [{"namespace": "ingress-nginx"}, {"namespaceLabels": {"team": "ai"}}, {"cidr": "10.0.0.0/16"}]
    assert given(gateway=clients)["litellm"]["clients"][:-1] == [
        {"namespace": "ingress-nginx"},
        {"namespace_labels": {"team": "ai"}},
        {"cidr": "10.0.0.0/16"},
    ]


def test_postgres_is_reached_by_what_the_stack_runs():
    assert given()["postgres"] == {"port": 5432, "clients": [OURS]}


def test_redis_is_reached_by_the_gateway():
    assert given()["redis"] == {"port": 6379, "clients": [{"workloads": ["litellm"]}]}


def test_another_stack_may_use_the_servers_of_this_one():
    found = given(database=[{"namespace": "second"}], redis=[{"namespace": "third"}])
    assert found["postgres"]["clients"] == [OURS, {"namespace": "second"}]
    assert found["redis"]["clients"][1:] == [{"namespace": "third"}]


def test_servers_elsewhere_need_no_opening():
    found = openings(config(database=EXISTING, redis={"kind": "none"}))
    assert set(found) == {"litellm"}


def test_cert_manager_can_prove_that_it_has_the_host():
    """Its pods run in the namespace of the Ingress: closed to them, no certificate would ever be issued or renewed."""
    tls = {"host": "litellm.example.com", "tls": {"issuer": "letsencrypt"}}
    solver = openings(config(ingress=tls))["acme-solver"]
    assert (solver["port"], solver.get("selector")) == (8089, {"acme.cert-manager.io/http01-solver": "true"})
    assert "acme-solver" not in openings(config(ingress={"host": "a.example.com", "tls": {"secretName": "tls"}}))


@pytest.mark.parametrize("client", [{}, {"namespace": "a", "cidr": "10.0.0.0/8"}])
def test_a_client_is_exactly_one_thing(client: dict[str, str]):
    with pytest.raises(ConfigError, match=r"networkPolicy.gateway\[0\]: needs exactly one of namespace"):
        given(gateway=[client])


def test_a_network_must_be_one():
    with pytest.raises(ConfigError, match=r"gateway\[0\].cidr: must be a network such as 10.0.0.0/8"):
        given(gateway=[{"cidr": "10.0.0.1/8"}])


def test_the_gate_of_up_reaches_a_gateway_that_is_not_open_to_everybody():
    clients = given(gateway=[{"namespace": "ingress-nginx"}])["litellm"]["clients"]
    assert clients == [{"namespace": "ingress-nginx"}, {"workloads": ["litellm-smoke"]}]
