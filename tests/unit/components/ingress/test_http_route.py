"""The component `HttpRoute`."""

from typing import Any

from components.ingress.http_route import HttpRoute, HttpRouteArgs
from tests.recording import Recording, run

ROUTE = "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute"


def recorded(**values: Any) -> Recording:
    def program() -> dict[str, Any]:
        args: HttpRouteArgs = {
            "namespace": "ns",
            "host": "litellm.example.com",
            "gateway_name": "shared",
            "gateway_namespace": "gateways",
            "service_name": "litellm",
            "service_port": 4000,
            **values,  # pyright: ignore[reportAssignmentType]
        }
        return {"url": HttpRoute("litellm", args).url}

    return run(program)


def spec(**values: Any) -> dict[str, Any]:
    return recorded(**values).inputs(ROUTE)["spec"]


def test_every_path_goes_to_the_service() -> None:
    (rule,) = spec()["rules"]
    assert rule["matches"] == [{"path": {"type": "PathPrefix", "value": "/"}}]
    assert rule["backendRefs"] == [{"name": "litellm", "port": 4000}]


def test_it_is_attached_to_one_listener_or_to_all() -> None:
    assert spec()["parentRefs"] == [{"name": "shared", "namespace": "gateways"}]
    assert spec(section_name="websecure")["parentRefs"][0]["sectionName"] == "websecure"


def test_an_answer_has_the_time_that_a_request_may_take() -> None:
    """Envoy gives up after 15 seconds by default."""
    assert spec(stream_timeout=900)["rules"][0]["timeouts"] == {"request": "900s", "backendRequest": "900s"}


def test_all_hosts_are_of_the_route() -> None:
    assert spec(additional_hosts=["b.example.com"])["hostnames"] == ["litellm.example.com", "b.example.com"]


def test_what_is_closed_leads_to_nobody() -> None:
    closed, opened = spec(path="/llm", closed_paths=["/metrics", "/ui"])["rules"]
    assert [match["path"]["value"] for match in closed["matches"]] == ["/llm/metrics", "/llm/ui"]
    assert "backendRefs" not in closed
    assert opened["matches"][0]["path"]["value"] == "/llm"


def test_only_the_paths_that_are_named_are_open() -> None:
    (rule,) = spec(path="/llm", paths=["/v1"])["rules"]
    assert [match["path"]["value"] for match in rule["matches"]] == ["/llm/v1"]


def test_the_url_is_that_of_the_listener() -> None:
    assert recorded().outputs["url"] == "http://litellm.example.com"
    assert recorded(tls=True, public_port=8443, path="/llm").outputs["url"] == "https://litellm.example.com:8443/llm"


def test_it_is_awaited_until_the_gateway_has_accepted_it() -> None:
    wait = recorded().inputs(ROUTE)["metadata"]["annotations"]["pulumi.com/waitFor"]
    assert "Accepted" in wait
    assert recorded(wait_until_accepted=False).inputs(ROUTE)["metadata"]["annotations"] == {}
