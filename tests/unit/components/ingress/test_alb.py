"""The component `Ingress` with an Application Load Balancer of AWS."""

import json
from typing import Any

import pulumi
import pytest

from components.ingress.ingress import Ingress, IngressArgs
from tests.recording import Recording, run

INGRESS = "kubernetes:networking.k8s.io/v1:Ingress"
PREFIX = "alb.ingress.kubernetes.io/"
CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/5fe4cb67-5af5-49d6-99e0-eb2145b66390"


def arguments(load_balancer: Any = None, **others: Any) -> IngressArgs:
    given: Any = {
        "namespace": "ns",
        "host": "litellm.example.com",
        "class_name": "alb",
        "service_name": "litellm",
        "service_port": 4000,
    }
    return given | ({} if load_balancer is None else {"load_balancer": load_balancer}) | others


def recorded(load_balancer: Any = None, **others: Any) -> Recording:
    return run(lambda: {"url": Ingress("litellm", arguments(load_balancer, **others)).url})


def annotations(load_balancer: Any = None, **values: Any) -> dict[str, str]:
    found = recorded(load_balancer, **values).inputs(INGRESS)["metadata"]["annotations"]
    return {key.removeprefix(PREFIX): value for key, value in found.items()}


def values_of(annotation: str) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in annotation.split(","))


def test_a_shared_internal_load_balancer_with_a_certificate() -> None:
    """The set-up of the seed: group, pods as targets, certificate; and every path with Prefix instead of `/*`."""
    recording = recorded({"group_name": "ops-internal", "certificate_arn": CERTIFICATE})
    inputs = recording.inputs(INGRESS)
    found = inputs["metadata"]["annotations"]
    assert inputs["spec"]["ingressClassName"] == "alb"
    assert [path["path"] for path in inputs["spec"]["rules"][0]["http"]["paths"]] == ["/"]
    assert found[f"{PREFIX}group.name"] == "ops-internal"
    assert found[f"{PREFIX}target-type"] == "ip"
    assert found[f"{PREFIX}certificate-arn"] == CERTIFICATE
    assert found[f"{PREFIX}scheme"] == "internal"
    assert recording.outputs["url"] == "https://litellm.example.com"
    assert "tls" not in inputs["spec"], "the certificate is not in a Secret"


def test_the_load_balancer_waits_longer_than_a_stream_is_silent() -> None:
    """Its default of 60 s cuts answers whose first token is late (BerriAI/litellm#34374)."""
    assert (
        values_of(annotations(stream_timeout=900)["load-balancer-attributes"])["idle_timeout.timeout_seconds"] == "900"
    )


@pytest.mark.parametrize(("stream_timeout", "seconds"), [(900, "900"), (4000, "3600")])
def test_a_pod_that_stops_may_finish_its_streams(stream_timeout: int, seconds: str) -> None:
    """By default the load balancer cuts them after 300 s, however long the pod itself would wait."""
    found = annotations(stream_timeout=stream_timeout)["target-group-attributes"]
    assert values_of(found) == {"deregistration_delay.timeout_seconds": seconds}


def test_plain_http_is_redirected() -> None:
    found = annotations({"certificate_arn": CERTIFICATE})
    assert json.loads(found["listen-ports"]) == [{"HTTP": 80}, {"HTTPS": 443}]
    assert found["ssl-redirect"] == "443"


def test_without_redirect_there_is_no_plain_http() -> None:
    found = annotations({"certificate_arn": CERTIFICATE, "ssl_redirect": False})
    assert json.loads(found["listen-ports"]) == [{"HTTPS": 443}]
    assert "ssl-redirect" not in found


def test_without_certificate_the_url_is_plain() -> None:
    recording = recorded()
    found = recording.inputs(INGRESS)["metadata"]["annotations"]
    assert json.loads(found[f"{PREFIX}listen-ports"]) == [{"HTTP": 80}]
    assert not {f"{PREFIX}ssl-redirect", f"{PREFIX}certificate-arn"} & set(found)
    assert recording.outputs["url"] == "http://litellm.example.com"


def test_a_certificate_may_be_known_only_later() -> None:
    def program() -> None:
        arn = pulumi.Output.from_input(CERTIFICATE)
        Ingress("litellm", arguments({"certificate_arn": arn}))

    found = run(program).inputs(INGRESS)["metadata"]["annotations"]
    assert found[f"{PREFIX}certificate-arn"] == CERTIFICATE


def test_only_pods_that_reach_their_database_get_requests() -> None:
    found = annotations()
    assert (found["healthcheck-path"], found["success-codes"]) == ("/health/readiness", "200")
    assert int(found["healthcheck-timeout-seconds"]) < int(found["healthcheck-interval-seconds"])


def test_what_was_not_asked_for_is_left_to_the_controller_and_the_group() -> None:
    assert not {"group.name", "ssl-policy", "inbound-cidrs", "tags"} & set(
        annotations({"certificate_arn": CERTIFICATE})
    )


def test_everything_that_was_asked_for_is_said() -> None:
    found = annotations(
        {
            "scheme": "internet-facing",
            "certificate_arn": CERTIFICATE,
            "ssl_policy": "ELBSecurityPolicy-TLS13-1-3-2021-06",
            "inbound_cidrs": ["10.0.0.0/8", "192.0.2.0/24"],
            "attributes": {"deletion_protection.enabled": "true"},
            "tags": {"team": "ai", "cost": "42"},
        }
    )
    assert found["scheme"] == "internet-facing"
    assert found["ssl-policy"] == "ELBSecurityPolicy-TLS13-1-3-2021-06"
    assert found["inbound-cidrs"] == "10.0.0.0/8,192.0.2.0/24"
    assert found["tags"] == "cost=42,team=ai"
    assert values_of(found["load-balancer-attributes"]) == {
        "deletion_protection.enabled": "true",
        "idle_timeout.timeout_seconds": "660",
    }


def test_every_annotation_is_text() -> None:
    """Kubernetes takes no numbers there."""
    assert all(isinstance(value, str) for value in annotations({"certificate_arn": CERTIFICATE}).values())


def test_annotations_of_the_user_win() -> None:
    assert annotations(annotations={f"{PREFIX}target-type": "instance"})["target-type"] == "instance"
