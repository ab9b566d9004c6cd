"""The component `Ingress`."""

import json
import re
from typing import Any

import pytest

from components.ingress.annotations import closed_pattern
from components.ingress.ingress import Ingress, IngressArgs
from tests.recording import Recording, run

INGRESS = "kubernetes:networking.k8s.io/v1:Ingress"


def recorded(**values: Any) -> Recording:
    def program() -> dict[str, Any]:
        args: IngressArgs = {
            "namespace": "ns",
            "host": "litellm.example.com",
            "class_name": "nginx",
            "service_name": "litellm",
            "service_port": 4000,
            **values,  # pyright: ignore[reportAssignmentType]
        }
        return {"url": Ingress("litellm", args).url}

    return run(program)


def annotations(**values: Any) -> dict[str, str]:
    return recorded(**values).inputs(INGRESS)["metadata"]["annotations"]


def test_every_path_goes_to_the_service() -> None:
    spec = recorded().inputs(INGRESS)["spec"]
    assert spec["ingressClassName"] == "nginx"
    (rule,) = spec["rules"]
    assert rule["host"] == "litellm.example.com"
    assert rule["http"]["paths"] == [
        {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "litellm", "port": {"number": 4000}}}}
    ]


def test_nginx_lets_long_streams_and_large_prompts_through() -> None:
    """Its defaults: 60 s without data, answers held back, 1 MB (BerriAI/litellm#34819)."""
    found = annotations(stream_timeout=900, max_body_megabytes=50)
    assert found == {
        "nginx.ingress.kubernetes.io/proxy-read-timeout": "900",
        "nginx.ingress.kubernetes.io/proxy-send-timeout": "900",
        "nginx.ingress.kubernetes.io/proxy-buffering": "off",
        "nginx.ingress.kubernetes.io/proxy-request-buffering": "off",
        "nginx.ingress.kubernetes.io/proxy-body-size": "50m",
        "nginx.ingress.kubernetes.io/ssl-redirect": "false",
    }


@pytest.mark.parametrize(
    ("tls", "expected"),
    [
        ({}, {"router.entrypoints": "web"}),
        ({"tls_secret_name": "cert"}, {"router.entrypoints": "websecure", "router.tls": "true"}),
    ],
)
def test_traefik_listens_where_the_scheme_wants_it(tls: dict[str, str], expected: dict[str, str]) -> None:
    found = annotations(class_name="traefik", **tls)
    assert found == {f"traefik.ingress.kubernetes.io/{key}": value for key, value in expected.items()}


@pytest.mark.parametrize(
    ("kind", "annotation"),
    [("ClusterIssuer", "cert-manager.io/cluster-issuer"), ("Issuer", "cert-manager.io/issuer")],
)
def test_cert_manager_makes_the_certificate(kind: str, annotation: str) -> None:
    recording = recorded(issuer="letsencrypt", issuer_kind=kind)
    inputs = recording.inputs(INGRESS)
    assert inputs["metadata"]["annotations"][annotation] == "letsencrypt"
    assert inputs["spec"]["tls"] == [{"hosts": ["litellm.example.com"], "secretName": "litellm-tls"}]
    assert recording.outputs["url"] == "https://litellm.example.com"


def test_an_existing_certificate_is_used() -> None:
    inputs = recorded(tls_secret_name="cert").inputs(INGRESS)
    assert inputs["spec"]["tls"] == [{"hosts": ["litellm.example.com"], "secretName": "cert"}]
    assert inputs["metadata"]["annotations"]["nginx.ingress.kubernetes.io/ssl-redirect"] == "true"
    assert not [key for key in inputs["metadata"]["annotations"] if key.startswith("cert-manager")]


def test_without_tls_the_url_is_plain() -> None:
    recording = recorded()
    assert recording.outputs["url"] == "http://litellm.example.com"
    assert "tls" not in recording.inputs(INGRESS)["spec"]


def test_the_url_has_the_port_that_clients_use() -> None:
    assert recorded(public_port=8080).outputs["url"] == "http://litellm.example.com:8080"


def test_annotations_of_the_user_win() -> None:
    key = "nginx.ingress.kubernetes.io/proxy-body-size"
    assert annotations(annotations={key: "0", "x": "y"}).items() >= {key: "0", "x": "y"}.items()


def test_a_controller_without_addresses_is_not_waited_for() -> None:
    assert annotations(wait_for_address=False)["pulumi.com/skipAwait"] == "true"
    assert "pulumi.com/skipAwait" not in annotations()


def test_a_class_without_known_annotations_is_refused() -> None:
    with pytest.raises(Exception, match="allowed: nginx, traefik"):
        recorded(class_name="haproxy")


def test_a_gateway_below_a_path_leaves_the_rest_of_the_host_to_others() -> None:
    recording = recorded(path="/llm", public_port=8080)
    (rule,) = recording.inputs(INGRESS)["spec"]["rules"]
    assert [entry["path"] for entry in rule["http"]["paths"]] == [
        "/llm",
        "/.well-known/oauth-protected-resource/llm",
        "/.well-known/oauth-authorization-server/llm",
    ]
    assert recording.outputs["url"] == "http://litellm.example.com:8080/llm"


def test_a_class_is_another_thing_than_its_controller() -> None:
    inputs = recorded(class_name="internal", controller="traefik").inputs(INGRESS)
    assert inputs["spec"]["ingressClassName"] == "internal"
    assert "traefik.ingress.kubernetes.io/router.entrypoints" in inputs["metadata"]["annotations"]


def test_another_controller_gets_the_annotations_that_are_given() -> None:
    inputs = recorded(
        class_name="haproxy", controller="other", annotations={"haproxy.org/timeout-server": "11m"}
    ).inputs(INGRESS)
    assert inputs["metadata"]["annotations"] == {"haproxy.org/timeout-server": "11m"}


def test_several_hosts_share_rules_and_certificate() -> None:
    spec = recorded(additional_hosts=["b.example.com"], tls_secret_name="cert").inputs(INGRESS)["spec"]
    assert [rule["host"] for rule in spec["rules"]] == ["litellm.example.com", "b.example.com"]
    assert spec["rules"][0]["http"] == spec["rules"][1]["http"]
    assert spec["tls"] == [{"hosts": ["litellm.example.com", "b.example.com"], "secretName": "cert"}]


def test_only_the_paths_that_are_named_are_open() -> None:
    assert paths_of(recorded(path="/llm", paths=["/v1", "/chat"])) == ["/llm/v1", "/llm/chat"]


def paths_of(recording: Recording, index: int = -1) -> list[str]:
    spec = recording.of(INGRESS)[index].inputs["spec"]
    return [path["path"] for path in spec["rules"][0]["http"]["paths"]]


def test_tls_that_ends_at_the_controller_has_hosts_and_no_secret() -> None:
    recording = recorded(class_name="traefik", tls_ends_at="controller")
    inputs = recording.inputs(INGRESS)
    assert inputs["spec"]["tls"] == [{"hosts": ["litellm.example.com"]}]
    assert inputs["metadata"]["annotations"]["traefik.ingress.kubernetes.io/router.entrypoints"] == "websecure"
    assert recording.outputs["url"] == "https://litellm.example.com"


def test_behind_a_load_balancer_with_tls_the_controller_speaks_plain_http() -> None:
    recording = recorded(tls_ends_at="load-balancer")
    inputs = recording.inputs(INGRESS)
    assert "tls" not in inputs["spec"]
    assert inputs["metadata"]["annotations"]["nginx.ingress.kubernetes.io/ssl-redirect"] == "false"
    assert recording.outputs["url"] == "https://litellm.example.com"


def test_another_url_is_the_url() -> None:
    assert recorded(url="https://ai.example.com").outputs["url"] == "https://ai.example.com"


CLOSED = ["/metrics", "/ui"]


def test_nginx_lets_nobody_into_what_is_closed() -> None:
    """In an Ingress of its own: the annotation is for all paths of one."""
    recording = recorded(closed_paths=CLOSED, path="/llm")
    closed, opened = recording.of(INGRESS)
    assert paths_of(recording, 0) == ["/llm/metrics", "/llm/ui"]
    assert closed.inputs["metadata"]["annotations"] == {
        "nginx.ingress.kubernetes.io/whitelist-source-range": "255.255.255.255/32",
        "nginx.ingress.kubernetes.io/ssl-redirect": "false",
    }
    assert paths_of(recording)[0] == "/llm"
    assert closed.urn in opened.dependencies


MIDDLEWARE = "kubernetes:traefik.io/v1alpha1:Middleware"


def test_traefik_is_closed_by_what_the_ingress_itself_names() -> None:
    """A router whose Middleware is missing serves nothing; a second router for the closed paths would leave them to the
    first."""
    recording = recorded(class_name="traefik", closed_paths=CLOSED)
    found = recording.inputs(INGRESS)["metadata"]["annotations"]
    assert found["traefik.ingress.kubernetes.io/router.middlewares"] == "ns-litellm-closed@kubernetescrd"
    assert recording.inputs(MIDDLEWARE)["metadata"] | {"labels": None} == {
        "name": "litellm-closed",
        "namespace": "ns",
        "labels": None,
    }


def test_other_middlewares_come_after_that_which_closes() -> None:
    key = "traefik.ingress.kubernetes.io/router.middlewares"
    found = annotations(class_name="traefik", closed_paths=CLOSED, annotations={key: "ns-slow@kubernetescrd"})
    assert found[key] == "ns-litellm-closed@kubernetescrd,ns-slow@kubernetescrd"


@pytest.mark.parametrize(
    ("path", "closed"),
    [
        ("/llm/ui", True),
        ("/llm/ui/", True),
        ("/llm/ui/login", True),
        ("/llm/ui%2Flogin", True),
        ("/llm%2fui/login", True),
        ("/llm/metrics", True),
        ("/llm/metrics/", True),
        ("/llm/uic", False),
        ("/ui", False),
        ("/llm/v1/metrics", False),
        ("/llm/v1/chat/completions", False),
    ],
)
def test_every_way_to_write_a_closed_path_is_closed(path: str, closed: bool) -> None:
    assert bool(re.search(closed_pattern("/llm", CLOSED), path)) is closed


def test_a_load_balancer_answers_itself_for_what_is_closed() -> None:
    recording = recorded(class_name="alb", closed_paths=CLOSED, load_balancer={})
    assert paths_of(recording) == ["/metrics", "/ui", "/"]
    inputs = recording.inputs(INGRESS)
    first = inputs["spec"]["rules"][0]["http"]["paths"][0]
    assert first["backend"]["service"] == {"name": "closed", "port": {"name": "use-annotation"}}
    action = json.loads(inputs["metadata"]["annotations"]["alb.ingress.kubernetes.io/actions.closed"])
    assert action["fixedResponseConfig"]["statusCode"] == "404"


def test_a_load_balancer_asks_for_health_below_the_path() -> None:
    found = annotations(class_name="alb", path="/llm", load_balancer={})
    assert found["alb.ingress.kubernetes.io/healthcheck-path"] == "/llm/health/readiness"
