"""Config key `redis`."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from infra.config.redis import ElastiCacheConfig, ExistingRedis, InClusterRedis, NoRedis, RedisConfig, bytes_of

ADAPTER: TypeAdapter[Any] = TypeAdapter(RedisConfig)


def existing(**others: Any) -> dict[str, Any]:
    return {"kind": "existing", "host": "redis.example.com"} | others


SUBNETS = ["subnet-0a1b2c3d", "subnet-0a1b2c3d4e5f67890"]


def elasticache(**others: Any) -> dict[str, Any]:
    placement = {"vpcId": "vpc-0a1b2c3d", "subnetIds": SUBNETS, "clientSecurityGroupIds": ["sg-0a1b2c3d"]}
    return {"kind": "elasticache", **placement} | others


def problems(given: object) -> dict[str, str]:
    """Every message of a refused section, by the path it is about."""
    with pytest.raises(ValidationError) as caught:
        ADAPTER.validate_python(given)
    return {".".join(str(part) for part in error["loc"]): error["msg"] for error in caught.value.errors()}


def test_nothing_said_is_a_redis_in_the_cluster() -> None:
    section = ADAPTER.validate_python({})
    assert isinstance(section, InClusterRedis)
    assert section.max_memory_bytes == 256 * 1024**2


def test_there_may_be_none() -> None:
    assert ADAPTER.validate_python({"kind": "none"}) == NoRedis(kind="none")


def test_an_existing_server_needs_only_a_host() -> None:
    section = ADAPTER.validate_python(existing())
    assert isinstance(section, ExistingRedis)
    assert (section.port, section.tls, section.password) == (6379, False, None)


def test_the_password_of_an_existing_server_is_a_reference() -> None:
    section = ADAPTER.validate_python(existing(username="app", password={"document": "shared/redis", "property": "pw"}))
    assert (section.password.document, section.password.property) == ("shared/redis", "pw")


def test_elasticache_needs_only_a_place_and_its_clients() -> None:
    section = ADAPTER.validate_python(elasticache())
    assert isinstance(section, ElastiCacheConfig)
    assert (section.engine, section.version, section.num_cache_clusters) == ("valkey", "8.0", 1)


def test_each_engine_has_its_own_default_version() -> None:
    assert ADAPTER.validate_python(elasticache(engine="redis")).version == "7.1"
    assert ADAPTER.validate_python(elasticache(engine="redis", engineVersion="7.0")).version == "7.0"


def test_versions_are_compared_as_numbers() -> None:
    assert ADAPTER.validate_python(elasticache(engineVersion="10.0")).version == "10.0"


@pytest.mark.parametrize(
    ("given", "path", "message"),
    [
        ({"kind": "valkey"}, "", "none, in-cluster (the default), existing or elasticache"),
        ({"kind": "none", "image": "redis:8"}, "none.image", "not permitted"),
        ({"maxMemory": "256"}, "in-cluster.maxMemory", "at least 16Mi"),
        ({"maxMemory": "256m"}, "in-cluster.maxMemory", "pattern"),
        ({"maxMemory": "1Gi"}, "in-cluster", "needs 1536Mi or more"),
        ({"resources": {"memory": "300Mi"}}, "in-cluster", "needs 384Mi or more"),
        ({"rotation": -1}, "in-cluster.rotation", "greater than or equal to 0"),
        ({"kind": "existing"}, "existing", "host is required"),
        (existing(host="redis://h"), "existing.host", "a host name in lower-case letters"),
        (existing(username="app"), "existing", "username is given without password"),
        (existing(usernameProperty="user"), "existing", "usernameProperty is given without password"),
        (
            existing(username="app", usernameProperty="user", password={"document": "d", "property": "p"}),
            "existing",
            "username and usernameProperty are given",
        ),
        (
            existing(usernameProperty="user", password={"document": "d"}),
            "existing",
            "usernameProperty is of a document with several properties",
        ),
        (existing(password="in plain text"), "existing.password", "dictionary"),
        (elasticache(vpcId=None), "elasticache.vpcId", "valid string"),
        (elasticache(subnetIds=SUBNETS[:1]), "elasticache.subnetIds", "at least 2"),
        (elasticache(clientSecurityGroupIds=[]), "elasticache.clientSecurityGroupIds", "at least 1"),
        (elasticache(nodeType="db.t4g.small"), "elasticache.nodeType", "such as cache.t4g.small"),
        (elasticache(engine="memcached"), "elasticache.engine", "'valkey' or 'redis'"),
        (elasticache(engineVersion="8"), "elasticache.engineVersion", "such as 8.0"),
        (elasticache(engine="redis", engineVersion="6.2"), "elasticache", "needs redis 7.0 or later"),
        (elasticache(numCacheClusters=7), "elasticache.numCacheClusters", "less than or equal to 6"),
        (elasticache(parameterGroup="Default"), "elasticache.parameterGroup", "such as default.valkey8"),
        (elasticache(kmsKeyId="alias/mine"), "elasticache.kmsKeyId", "no alias"),
        (elasticache(tokenStrategy="delete"), "elasticache.tokenStrategy", "'rotate' or 'set'"),
        (
            elasticache(rotationStrategy="alternating-users", tokenStrategy="set"),
            "elasticache",
            "tokenStrategy has no effect",
        ),
        (elasticache(authToken="in plain text"), "elasticache.authToken", "not permitted"),
    ],
)
def test_a_mistake_is_named_with_its_place(given: object, path: str, message: str) -> None:
    found = problems(given)
    assert list(found) == [path]
    assert message in found[path]


@pytest.mark.parametrize(
    ("quantity", "count"),
    [("1Ki", 1024), ("1k", 1000), ("256Mi", 268435456), ("1.5Gi", 1610612736), ("2G", 2000000000), ("64", 64)],
)
def test_quantities_are_kubernetes_own(quantity: str, count: int) -> None:
    assert bytes_of(quantity) == count


SENTINEL = {
    "kind": "existing",
    "sentinel": {"nodes": [{"host": "s1"}, {"host": "s2", "port": 26380}], "service": "main"},
}
RING = {"kind": "existing", "cluster": [{"host": "r1"}, {"host": "fd00::1", "port": 6380}]}
IAM = {"user": "litellm", "cache": "gateway", "region": "eu-west-1"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"kind": "existing"}, "host is required, or sentinel, or cluster"),
        (SENTINEL | {"host": "redis"}, "host and sentinel are given: keep one"),
        (RING | {"port": 6380}, "give the ports in cluster"),
        (RING | {"database": 1}, "a Redis Cluster has only 0"),
        (existing(caCertFile="-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----"), "no effect without tls"),
        (existing(iam=IAM), "iam needs tls"),
        (existing(iam=IAM, tls=True, password={"document": "x", "property": "y"}), "iam is the login"),
        (SENTINEL | {"iam": IAM, "tls": True}, "has no Sentinels"),
    ],
)
def test_what_does_not_go_together_is_refused(given: dict[str, Any], message: str) -> None:
    assert message in problems(given)["existing"]


def test_sentinels_have_their_usual_port() -> None:
    assert [node.port for node in ADAPTER.validate_python(SENTINEL).nodes] == [26379, 26380]
