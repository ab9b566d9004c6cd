"""What the pods of a stack connect to."""

import ipaddress
from collections.abc import Sequence
from typing import Any

import pytest

from components.network.egress import Exit
from infra.config.load import ConfigError
from infra.egress import exits
from infra.servers import Servers
from tests.unit.infra.stacks import config

POSTGRES: Any = ("postgres", 5432)
REDIS: Any = ("redis", 6379)
HERE = Servers(database=POSTGRES, redis=REDIS)
ELSEWHERE: dict[str, Any] = {
    "kind": "existing",
    "host": "db.example.com",
    "credentials": {"document": "shared/postgres"},
}
METADATA = ("169.254.169.254", "fd00:ec2::254", "fe80::1")
PRIVATE = ("10.1.2.3", "172.16.9.9", "192.168.1.1", "100.64.0.9", "fd12::1")
OUTSIDE = ("93.184.215.14", "2606:4700::1111")


def found(servers: Servers = HERE, egress: dict[str, Any] | None = None, **sections: Any) -> dict[str, Sequence[Exit]]:
    return dict(exits(config(networkPolicy={"egress": egress or {}}, **sections), servers, "litellm-dev"))


def gateway(servers: Servers = HERE, allow: Sequence[Any] = (), **sections: Any) -> Sequence[Exit]:
    return found(servers, {"gateway": True, "allow": list(allow)}, **sections)["litellm"]


def model(base: str) -> dict[str, Any]:
    return {
        "models": [{"name": "local", "provider": "openai-compatible", "model": "m", "apiBase": base, "apiKey": None}]
    }


def reaches(rules: Sequence[Exit], address: str, port: int) -> bool:
    """What Kubernetes makes of blocks of addresses; rules for DNS, which have no destination, do not count."""
    return any(port in rule.get("ports", [port]) and any(covers(to, address) for to in rule["to"]) for rule in rules)


def covers(to: Any, address: str) -> bool:
    ip = ipaddress.ip_address(address)
    return (
        "cidr" in to
        and ip in ipaddress.ip_network(to["cidr"])
        and not any(ip in ipaddress.ip_network(block) for block in to.get("except_cidrs", ()))
    )


def test_servers_in_the_namespace_connect_to_nothing():
    assert (found()["postgres"], found()["redis"]) == ([], [])


@pytest.mark.parametrize("job", ["litellm-migration", "database-bootstrap"])
def test_a_job_connects_to_names_and_to_the_database(job: str):
    names, database = found()[job]
    assert names == {"to": [], "ports": [53, 5353], "protocols": ("UDP", "TCP")}
    assert database == {"to": [{"workload": "postgres"}], "ports": [5432]}


def test_the_gateway_is_limited_only_when_asked_for():
    assert "litellm" not in found()
    assert "litellm" in found(egress={"gateway": True})


def test_nothing_is_limited_where_servers_is_false():
    assert found(egress={"servers": False}) == {}


def test_servers_elsewhere_have_no_policy_of_their_own():
    servers = Servers(database=("db.example.com", 5432), redis=None)
    assert set(found(servers, database=ELSEWHERE, redis={"kind": "none"})) == {
        "litellm-migration",
        "database-bootstrap",
    }


@pytest.mark.parametrize("host", ["10.2.0.7", "db.example.com"])
def test_a_server_in_a_private_network_is_reached(host: str):
    rules = found(Servers(database=(host, 5432), redis=None), database={**ELSEWHERE, "host": host})["litellm-migration"]
    assert reaches(rules, "10.2.0.7", 5432)
    assert not reaches(rules, "10.2.0.7", 443)


def test_a_server_that_is_a_service_is_reached_in_its_namespace():
    rules = found(Servers(database=("pg-rw.databases.svc.cluster.local", 5432), redis=None))["database-bootstrap"]
    assert {"to": [{"namespace": "databases"}]} in rules


@pytest.mark.parametrize("address", METADATA)
@pytest.mark.parametrize("port", [80, 443, 5432])
def test_nobody_reaches_the_metadata_endpoint(address: str, port: int):
    servers = Servers(database=("db.example.com", 5432), redis=("redis.example.com", 6380))
    limited = found(
        servers,
        {"gateway": True},
        database=ELSEWHERE,
        gateway=model(f"http://[{address}]/" if ":" in address else f"http://{address}/"),
    )
    assert not [name for name, rules in limited.items() if reaches(rules, address, port)]


@pytest.mark.parametrize("address", PRIVATE)
def test_the_gateway_reaches_no_private_network(address: str):
    assert not reaches(gateway(), address, 443)


@pytest.mark.parametrize("address", OUTSIDE)
def test_the_gateway_reaches_https_outside_and_nothing_else_there(address: str):
    assert reaches(gateway(), address, 443)
    assert not reaches(gateway(), address, 25)


def test_the_gateway_reaches_its_servers():
    assert {"to": [{"workload": "postgres"}], "ports": [5432]} in gateway()
    assert {"to": [{"workload": "redis"}], "ports": [6379]} in gateway()


@pytest.mark.parametrize(
    ("base", "namespace"),
    [
        ("http://vllm.models.svc.cluster.local:8000/v1", "models"),
        ("https://vllm.models.svc/v1", "models"),
        ("http://vllm.models:8000/v1", "models"),
        ("http://vllm:8000/v1", "litellm-dev"),
    ],
)
def test_a_model_in_the_cluster_is_reached_by_its_service(base: str, namespace: str):
    assert {"to": [{"namespace": namespace}]} in gateway(gateway=model(base))


def test_a_model_at_an_address_is_reached_at_its_port_only():
    rules = gateway(gateway=model("http://10.9.8.7:8000/v1"))
    assert reaches(rules, "10.9.8.7", 8000)
    assert not reaches(rules, "10.9.8.7", 22)


def test_a_model_outside_at_another_port_is_reached():
    assert reaches(gateway(gateway=model("http://llm.example.com:8443/v1")), OUTSIDE[0], 8443)


def test_what_a_variable_names_is_reached():
    rules = gateway(gateway={"environment": {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector.observability.svc:4317"}})
    assert {"to": [{"namespace": "observability"}]} in rules


@pytest.mark.parametrize("base", ["http://localhost:11434/v1", "http://127.0.0.1:8000/v1"])
def test_the_pod_itself_needs_no_rule(base: str):
    assert gateway(gateway=model(base)) == gateway()


def test_what_is_allowed_is_reached():
    rules = gateway(allow=[{"cidr": "10.0.0.0/24", "ports": [443]}, {"namespaceLabels": {"team": "ai"}}])
    assert reaches(rules, "10.0.0.9", 443)
    assert rules[-1] == {"to": [{"namespace_labels": {"team": "ai"}}], "ports": ()}


def test_an_exception_of_no_limit_is_refused():
    with pytest.raises(ConfigError, match=r"networkPolicy.egress: allow is an exception of a limit"):
        found(egress={"allow": [{"namespace": "models"}]})


def test_tokens_of_rds_are_signed_with_an_identity_of_aws():
    host = "db.abc.eu-west-1.rds.amazonaws.com"
    database = {"kind": "existing", "host": host, "iamAuthentication": True}
    servers = Servers(database=(host, 5432), redis=None)
    rules = found(servers, database=database, gateway={"createIamRole": False})["litellm-migration"]
    assert reaches(rules, OUTSIDE[0], 443)
    assert reaches(rules, "10.0.0.5", 443), "the endpoint of STS may be in the VPC"
    assert reaches(rules, "169.254.170.23", 80)
