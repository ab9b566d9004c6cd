"""Config key `ingress`."""

from typing import Any

import pytest
from pydantic import ValidationError

from infra.config.ingress.alb import TLS_POLICY, AlbConfig, certificate_covers
from infra.config.ingress.settings import IngressConfig


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


def test_a_class_of_the_clusters_own_needs_its_controller() -> None:
    assert "say in controller whose class it is" in refusal(className="haproxy")
    assert ingress(className="nginx-internal", controller="nginx").used_class == "nginx-internal"
    assert ingress(className="default", controller="traefik").used_controller == "traefik"


@pytest.mark.parametrize("name", ["nginx", "traefik", "alb"])
def test_the_class_alone_says_its_controller_as_before(name: str) -> None:
    assert (ingress(className=name).used_controller, ingress(className=name).used_class) == (name, name)


def test_a_file_that_names_no_class_means_what_it_meant() -> None:
    old = ingress()
    assert (old.used_controller, old.used_class, old.names_no_class) == ("nginx", "nginx", True)
    assert not ingress(className="nginx").names_no_class
    assert not ingress(host=None, enabled=False).names_no_class


def test_a_controller_is_given_with_its_class() -> None:
    assert "className is missing" in refusal(controller="traefik")


def test_a_class_may_be_an_annotation_where_the_controller_reads_nothing_else() -> None:
    gke = {"kubernetes.io/ingress.class": "gce"}
    assert ingress(controller="other", annotations=gke).used_class is None
    assert "use className" in refusal(controller="other", className="gce", annotations=gke)


GATEWAY = {"name": "shared", "namespace": "gateways"}


def test_a_gateway_makes_it_a_route() -> None:
    assert ingress(gateway=GATEWAY).used_controller == "gateway-api"
    assert ingress(gateway=GATEWAY).used_class is None
    assert ingress(gateway=GATEWAY, tls={"endsAt": "controller"}).url == "https://litellm.example.com"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"controller": "gateway-api"}, "gateway is missing"),
        ({"className": "traefik", "gateway": GATEWAY}, "className is for an Ingress"),
        ({"className": "traefik", "controller": "traefik", "gateway": GATEWAY}, "given for another controller"),
        ({"gateway": GATEWAY, "tls": {"issuer": "letsencrypt"}}, "the listener of a Gateway has the certificate"),
    ],
)
def test_what_does_not_fit_a_route_is_refused(values: dict[str, Any], message: str) -> None:
    assert message in refusal(**values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"additionalHosts": ["litellm.example.com"]}, "a name twice"),
        ({"host": None, "enabled": False, "additionalHosts": ["a.example.com"]}, "hosts of an Ingress"),
        ({"closed": ["admin"], "private": {"host": "litellm.example.com"}}, "a name twice"),
        ({"private": {"host": "a.example.com"}}, "say what, in closed or in paths"),
        ({"host": None, "enabled": False, "closed": ["admin"]}, "close them in your own"),
    ],
)
def test_hosts_that_lead_nowhere_are_refused(values: dict[str, Any], message: str) -> None:
    assert message in refusal(**values)


@pytest.mark.parametrize("path", ["llm", "/llm/", "/", "/a b", "/a?b", "//a"])
def test_a_path_has_one_form(path: str) -> None:
    assert "path" in refusal(path=path)


def test_a_path_is_in_the_url() -> None:
    assert ingress(path="/llm", publicPort=8443).url == "http://litellm.example.com:8443/llm"


def test_the_url_of_a_route_of_somebody_else_brings_its_path() -> None:
    given = ingress(host=None, enabled=False, publicUrl="https://ai.example.com/llm")
    assert (given.url, given.root_path) == ("https://ai.example.com/llm", "/llm")


def test_a_url_in_front_of_the_ingress_wins() -> None:
    assert ingress(publicUrl="https://ai.example.com").url == "https://ai.example.com"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"publicUrl": "https://ai.example.com/llm"}, "has another path than path"),
        ({"publicUrl": "https://ai.example.com", "path": "/llm"}, "has another path than path"),
        ({"publicUrl": "https://ai.example.com?a=b"}, "a query or a fragment"),
        ({"publicUrl": "ai.example.com"}, "must be a URL"),
        ({"publicUrl": "https://ai.example.com/a b", "enabled": False}, "must end in the path of a URL"),
    ],
)
def test_a_url_that_leads_elsewhere_is_refused(values: dict[str, Any], message: str) -> None:
    assert message in refusal(**values)


STORE = {"document": "shared/wildcard", "property": "tls.crt"}


@pytest.mark.parametrize(
    ("tls", "message"),
    [
        ({"endsAt": "controller", "issuer": "letsencrypt"}, "are different certificates"),
        ({"certificate": STORE}, "certificate and privateKey belong together"),
        ({"certificate": STORE, "privateKey": STORE, "secretName": "a"}, "are different certificates"),
    ],
)
def test_one_certificate_is_enough(tls: dict[str, Any], message: str) -> None:
    assert message in refusal(tls=tls)


@pytest.mark.parametrize("where", ["controller", "load-balancer"])
def test_tls_that_ends_elsewhere_makes_the_url_https(where: str) -> None:
    assert ingress(className="traefik", tls={"endsAt": where}).url == "https://litellm.example.com"


def test_a_plain_ingress_lists_what_is_open() -> None:
    plain = {"controller": "other", "className": "haproxy", "closed": ["admin", "metrics"]}
    assert "list that in paths" in refusal(**plain)
    assert "paths[0] leads to a part that is closed" in refusal(**plain, paths=["/v2"])
    assert ingress(**plain, paths=["/v1", "/chat"]).paths == ("/v1", "/chat")


def test_pages_are_at_the_private_host_where_the_others_are_closed() -> None:
    private = {"host": "admin.example.com"}
    assert ingress(closed=["admin"], private=private, path="/llm").pages_url == "http://admin.example.com/llm"
    assert ingress(closed=["metrics"], private=private).pages_url == "http://litellm.example.com"


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
        ({"className": "alb", "closed": ["admin"], "private": {"host": "a.example.com"}}, "needs alb.groupName"),
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
