"""The component `Ingress`."""

from typing import Any

import pytest

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
