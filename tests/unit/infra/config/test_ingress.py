"""Config key `ingress`."""

from typing import Any

import pytest
from pydantic import ValidationError

from infra.config.ingress import TLS_POLICY, AlbConfig, IngressConfig, certificate_covers


def ingress(**values: Any) -> IngressConfig:
    return IngressConfig.model_validate({"host": "litellm.example.com", **values})


def refusal(**values: Any) -> str:
    with pytest.raises(ValidationError) as refused:
        ingress(**values)
    return str(refused.value)


def test_a_host_is_required_when_there_is_an_ingress() -> None:
    assert "host is missing" in refusal(host=None)
    assert not ingress(host=None, enabled=False).enabled


def test_the_stream_timeout_is_longer_than_a_request_may_take() -> None:
    assert ingress().stream_timeout(600) == 660
    assert ingress(streamTimeoutSeconds=30).stream_timeout(600) == 30


def test_tls_needs_a_certificate() -> None:
    assert "tls needs issuer (cert-manager) or secretName" in refusal(tls={})
    assert "issuerKind is given without issuer" in refusal(tls={"issuerKind": "Issuer", "secretName": "a"})


def test_the_old_way_to_choose_a_class_is_refused() -> None:
    """Kubernetes refuses an Ingress that has both, and says so only when it is created."""
    assert "use className" in refusal(annotations={"kubernetes.io/ingress.class": "nginx"})


def test_an_unknown_class_names_those_there_are() -> None:
    assert "'nginx', 'traefik' or 'alb'" in refusal(className="haproxy")


@pytest.mark.parametrize("host", ["https://litellm.example.com", "litellm.example.com/", "LiteLLM.example.com", "a b"])
def test_a_host_is_a_name_and_not_a_url(host: str) -> None:
    assert "host" in refusal(host=host)


CERTIFICATE = "arn:aws:acm:eu-central-1:123456789012:certificate/1234abcd-12ab-34cd-56ef-1234567890ab"


def alb(**values: Any) -> AlbConfig:
    return ingress(className="alb", alb=values).load_balancer


def test_a_load_balancer_is_internal_unless_said_otherwise() -> None:
    assert ingress(className="alb").load_balancer == alb()
    assert alb().scheme == "internal"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"className": "nginx", "alb": {}}, "use className alb"),
        ({"className": "alb", "tls": {"issuer": "letsencrypt"}}, "takes its certificate from ACM"),
        ({"className": "alb", "streamTimeoutSeconds": 4001}, "waits for at most 4000 seconds"),
    ],
)
def test_what_does_not_fit_the_class_is_refused(values: dict[str, Any], message: str) -> None:
    assert message in refusal(**values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"scheme": "public"}, "'internal' or 'internet-facing'"),
        ({"scheme": "internet-facing"}, "keys through the internet in plain text"),
        ({"certificateArn": CERTIFICATE, "certificateDomain": "example.com"}, "remove one of them"),
        ({"certificateArn": "5fe4cb67"}, "must be an ARN such as arn:aws:acm:"),
        ({"certificateArn": CERTIFICATE.replace("arn:aws:", "arn:aws-cn:")}, "do not belong together"),
        ({"certificateDomain": "example"}, "the domain of a certificate"),
        ({"groupName": "Ops"}, "such as ops-internal"),
        ({"sslPolicy": "ELBSecurityPolicy-TLS13-1-3-2021-06"}, "sslPolicy is given without certificate"),
        ({"certificateArn": CERTIFICATE, "sslPolicy": "modern"}, "a TLS policy of Elastic Load Balancing"),
        ({"inboundCidrs": ["10.0.0.1/8"]}, "no bit set behind its prefix"),
        ({"attributes": {"idle_timeout.timeout_seconds": "60"}}, "use streamTimeoutSeconds"),
        ({"tags": {"team": "a,b"}}, "nothing may have a comma"),
        ({"tags": {"a=b": "c"}}, "no key may be empty or have ="),
    ],
)
def test_a_mistake_in_the_load_balancer_is_named(values: dict[str, Any], message: str) -> None:
    assert message in refusal(className="alb", alb=values)


def test_tls_is_modern_unless_others_share_the_load_balancer() -> None:
    """In a group, another policy than that of the others would make the controller give up."""
    assert alb(certificateArn=CERTIFICATE).tls_policy == TLS_POLICY
    assert alb(certificateArn=CERTIFICATE, groupName="ops").tls_policy is None
    policy = "ELBSecurityPolicy-TLS13-1-3-2021-06"
    assert alb(certificateDomain="*.example.com", groupName="ops", sslPolicy=policy).tls_policy == policy
    assert alb().tls_policy is None


@pytest.mark.parametrize(
    ("name", "covered"),
    [
        ("litellm.example.com", True),
        ("*.example.com", True),
        ("LiteLLM.example.com", True),
        ("example.com", False),
        ("*.com", False),
        ("*.litellm.example.com", False),
    ],
)
def test_a_wildcard_of_a_certificate_stands_for_one_label(name: str, covered: bool) -> None:
    assert certificate_covers(["other.example.org", name], "litellm.example.com") is covered
