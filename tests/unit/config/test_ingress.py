"""Config key `ingress`."""

from typing import Any

import pytest
from pydantic import ValidationError

from infra.config.ingress import IngressConfig


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
    assert "'nginx' or 'traefik'" in refusal(className="haproxy")


@pytest.mark.parametrize("host", ["https://litellm.example.com", "litellm.example.com/", "LiteLLM.example.com", "a b"])
def test_a_host_is_a_name_and_not_a_url(host: str) -> None:
    assert "host" in refusal(host=host)
