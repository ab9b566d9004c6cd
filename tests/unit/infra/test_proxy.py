"""The gateway's way out of a corporate network."""

from typing import Any

import pytest

from infra.config.load import ConfigError
from infra.egress import exits
from infra.proxy import proxy_variables
from infra.servers import Servers
from tests.unit.infra.stacks import config

URL = "http://proxy.example.com:3128"
SERVERS = Servers(database=("db.example.com", 5432), redis=("redis", 6379))


def variables(proxy: dict[str, Any], **sections: Any) -> dict[str, str]:
    return proxy_variables(config(proxy=proxy, **sections), SERVERS)


def direct(proxy: dict[str, Any] | None = None, **sections: Any) -> list[str]:
    return variables({"url": URL, **(proxy or {})}, **sections)["NO_PROXY"].split(",")


def local(base: str) -> dict[str, Any]:
    model = {"name": "local", "provider": "openai-compatible", "model": "m", "apiBase": base, "apiKey": None}
    return {"models": [model]}


def test_without_a_proxy_nothing_is_set():
    assert proxy_variables(config(), SERVERS) == {}


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"])
def test_every_program_finds_the_proxy(name: str):
    assert variables({"url": URL})[name] == URL


def test_both_spellings_of_the_exceptions_are_the_same():
    found = variables({"url": URL})
    assert found["NO_PROXY"] == found["no_proxy"]


@pytest.mark.parametrize(
    "host", [".svc", ".cluster.local", "$(KUBERNETES_SERVICE_HOST)", "169.254.169.254", "localhost"]
)
def test_the_cluster_is_asked_directly(host: str):
    assert host in direct()


def test_the_servers_are_asked_directly():
    assert {"db.example.com", "redis"} <= set(direct())


@pytest.mark.parametrize("host", ["vllm", "vllm.models", "vllm.models.svc.cluster.local"])
def test_a_model_in_the_cluster_is_asked_directly(host: str):
    assert host in direct(gateway=local(f"http://{host}:8000/v1"))


def test_a_model_outside_is_asked_through_the_proxy():
    assert "llm.example.com" not in direct(gateway=local("https://llm.example.com/v1"))


def test_more_exceptions_can_be_given():
    assert direct({"noProxy": [".corp.example.com", "10.0.0.0/8"]})[-2:] == [".corp.example.com", "10.0.0.0/8"]


def test_a_url_from_the_store_is_in_no_plain_text():
    document = {"document": "shared/proxy", "property": "url"}
    found = config(proxy={"document": document})
    assert "HTTPS_PROXY" not in proxy_variables(found, SERVERS)
    assert {"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} <= set(found.documents_by_variable)
    assert "proxy.document" in dict(found.references())


@pytest.mark.parametrize(
    "url",
    [
        "proxy.example.com:3128",
        "http://proxy.example.com",
        "http://proxy.example.com:3128/path",
        "socks5://proxy.example.com:1080",
        "http://proxy.example.com:99999",
    ],
)
def test_a_url_is_complete(url: str):
    with pytest.raises(ConfigError, match=r"proxy.url: must be a URL such as http://proxy.example.com:3128"):
        config(proxy={"url": url})


def test_a_user_of_the_proxy_belongs_into_the_store():
    with pytest.raises(ConfigError, match=r"proxy.url: has a user or a password") as refused:
        config(proxy={"url": "http://somebody:hunter2@proxy.example.com:3128"})
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("proxy", "message"),
    [
        ({"url": URL, "document": {"document": "a/b", "property": "url"}}, "has a url and a document"),
        ({"noProxy": [".example.com"]}, "noProxy is an exception of no proxy"),
    ],
)
def test_a_proxy_is_said_once(proxy: dict[str, Any], message: str):
    with pytest.raises(ConfigError, match=message):
        config(proxy=proxy)


@pytest.mark.parametrize("section", ["providerKeys", "secretEnvironment", "providerDocuments"])
def test_a_secret_variable_of_the_proxy_has_one_source(section: str):
    given = "http://proxy.example.com" if section == "providerKeys" else {"document": "a/b", "property": "url"}
    with pytest.raises(ConfigError, match=rf"{section}.HTTPS_PROXY: is set by proxy, too"):
        config(proxy={"url": URL}, **{section: {"HTTPS_PROXY": given}})


def test_a_variable_of_the_proxy_has_one_source():
    with pytest.raises(ConfigError, match=r"gateway.environment.NO_PROXY: is set by proxy, too"):
        config(proxy={"url": URL}, gateway={"environment": {"NO_PROXY": "example.com"}})


def test_a_limited_gateway_reaches_its_proxy():
    limited = config(proxy={"url": URL}, networkPolicy={"egress": {"gateway": True}})
    assert any(rule.get("ports") == [3128] for rule in exits(limited, SERVERS, "ns")["litellm"])
