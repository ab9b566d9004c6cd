"""Where LiteLLM believes to be reached."""

from typing import Any

import pytest

from infra.config.load import ConfigError
from infra.workloads import addresses
from tests.unit.infra.config.test_sweep import config

CERTIFICATE = "arn:aws:acm:eu-west-1:123456789012:certificate/1b2c3d4e-0000-4444-8888-123456789abc"


@pytest.mark.parametrize(
    ("ingress", "url"),
    [
        ({}, "http://litellm.example.com"),
        ({"tls": {"issuer": "letsencrypt"}}, "https://litellm.example.com"),
        ({"publicPort": 8443, "tls": {"secretName": "tls"}}, "https://litellm.example.com:8443"),
        ({"className": "alb"}, "http://litellm.example.com"),
        ({"className": "alb", "alb": {"certificateArn": CERTIFICATE}}, "https://litellm.example.com"),
    ],
)
def test_litellm_knows_its_url_from_the_ingress(ingress: dict[str, Any], url: str) -> None:
    assert addresses(config(ingress=ingress)) == {"PROXY_BASE_URL": url}


def test_a_path_is_that_of_litellm_too() -> None:
    found = addresses(config(ingress={"className": "traefik", "host": "a.example.com", "path": "/llm"}))
    assert found == {
        "PROXY_BASE_URL": "http://a.example.com/llm",
        "SERVER_ROOT_PATH": "/llm",
        "LITELLM_UI_PATH": found["LITELLM_UI_PATH"],
    }
    assert found["LITELLM_UI_PATH"].startswith("/tmp/")


def test_logins_come_back_to_the_host_that_has_the_pages() -> None:
    given = {"closed": ["admin"], "private": {"host": "admin.example.com"}, "className": "traefik"}
    assert addresses(config(ingress={"host": "a.example.com", **given}))["PROXY_BASE_URL"] == "http://admin.example.com"


def test_without_an_ingress_litellm_goes_by_the_request() -> None:
    assert addresses(config(ingress={"enabled": False, "host": None})) == {}


@pytest.mark.parametrize("path", ["llm", "/llm/", "https://litellm.example.com/llm", "/a b"])
def test_a_root_path_that_is_none_is_refused_with_one_that_is(path: str) -> None:
    with pytest.raises(ConfigError, match="SERVER_ROOT_PATH must be a path such as /llm"):
        config(gateway={"environment": {"SERVER_ROOT_PATH": path}})


def test_below_a_path_the_page_is_written_where_the_pod_may_write() -> None:
    found = addresses(config(gateway={"environment": {"SERVER_ROOT_PATH": "/llm"}}))
    assert found["LITELLM_UI_PATH"].startswith("/tmp/")
    assert found["PROXY_BASE_URL"] == "http://litellm.example.com"


def test_at_the_root_the_page_of_the_image_is_served() -> None:
    assert "LITELLM_UI_PATH" not in addresses(config(gateway={"environment": {"SERVER_ROOT_PATH": "/"}}))
