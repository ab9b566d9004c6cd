"""Every way in, as a whole stack."""

from collections.abc import Mapping
from typing import Any

import pytest

from infra.environment import deploy
from tests.unit.infra.stacks import target
from tools.offline.mock_engine import Recording, Registered, run

INGRESS = "kubernetes:networking.k8s.io/v1:Ingress"
ROUTE = "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute"
EXTERNAL_SECRET = "kubernetes:external-secrets.io/v1:ExternalSecret"
GATEWAY = {"name": "shared", "namespace": "gateways", "sectionName": "websecure"}


def stack(**ingress: Any) -> Recording:
    given = {"host": "a.example.com", **ingress}
    return run(lambda: deploy(target(ingress=given)), preview=False, stack="dev")


def named(recording: Recording, type_: str, *names: str) -> list[Registered]:
    """Resources by name: they are registered in any order."""
    found = {each.name: each for each in recording.of(type_)}
    return [found[name] for name in names]


def annotations(recording: Recording, name: str = "litellm-ingress-ingress") -> Mapping[str, Any]:
    (found,) = [each for each in recording.of(INGRESS) if each.name == name]
    return found.inputs["metadata"]["annotations"]


def container(recording: Recording) -> dict[str, Any]:
    deployments = recording.of("kubernetes:apps/v1:Deployment")
    (deployment,) = [each for each in deployments if each.name == "litellm-deployment"]
    return deployment.inputs["spec"]["template"]["spec"]["containers"][0]


def variables(recording: Recording) -> dict[str, Any]:
    return {each["name"]: each.get("value") for each in container(recording)["env"]}


def test_a_file_without_class_has_what_it_had():
    old, named = stack(), stack(className="nginx")
    assert [(each.urn, each.inputs) for each in old.of(INGRESS)] == [
        (each.urn, each.inputs) for each in named.of(INGRESS)
    ]


def test_a_class_of_the_clusters_own():
    recording = stack(className="nginx-internal", controller="nginx")
    assert recording.inputs(INGRESS)["spec"]["ingressClassName"] == "nginx-internal"
    assert annotations(recording)["nginx.ingress.kubernetes.io/proxy-buffering"] == "off"


def test_several_hosts():
    rules = stack(className="traefik", additionalHosts=["b.example.com"]).inputs(INGRESS)["spec"]["rules"]
    assert [rule["host"] for rule in rules] == ["a.example.com", "b.example.com"]


def test_a_path_is_that_of_rule_litellm_probes_and_url():
    recording = stack(className="traefik", path="/llm", tls={"issuer": "letsencrypt"})
    rule = recording.inputs(INGRESS)["spec"]["rules"][0]
    assert rule["http"]["paths"][0]["path"] == "/llm"
    given = variables(recording)
    assert (given["SERVER_ROOT_PATH"], given["PROXY_BASE_URL"]) == ("/llm", "https://a.example.com/llm")
    assert recording.outputs["url"] == "https://a.example.com/llm"
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container(recording)[probe]["httpGet"]["path"].startswith("/llm/health/")


def test_a_route_on_a_gateway():
    recording = stack(gateway=GATEWAY, tls={"endsAt": "controller"}, path="/llm", closed=["admin", "metrics"])
    spec = recording.inputs(ROUTE)["spec"]
    assert spec["parentRefs"] == [GATEWAY]
    closed, opened = spec["rules"]
    assert {"path": {"type": "PathPrefix", "value": "/llm/ui"}} in closed["matches"]
    assert opened["timeouts"] == {"request": "660s", "backendRequest": "660s"}
    assert recording.outputs["url"] == "https://a.example.com/llm"
    assert not recording.of(INGRESS)


def test_another_controller_through_a_plain_ingress():
    own = {"haproxy.org/timeout-server": "660s"}
    recording = stack(className="haproxy", controller="other", annotations=own, paths=["/v1"], closed=["admin"])
    assert annotations(recording) == own
    rule = recording.inputs(INGRESS)["spec"]["rules"][0]
    assert [path["path"] for path in rule["http"]["paths"]] == ["/v1"]


def test_a_class_that_is_an_annotation():
    gke = {"kubernetes.io/ingress.class": "gce"}
    assert "ingressClassName" not in stack(controller="other", annotations=gke).inputs(INGRESS)["spec"]


@pytest.mark.parametrize(
    ("ends_at", "hosts"), [("controller", [{"hosts": ["a.example.com"]}]), ("load-balancer", None)]
)
def test_tls_that_ends_elsewhere(ends_at: str, hosts: Any):
    recording = stack(className="traefik", tls={"endsAt": ends_at})
    assert recording.inputs(INGRESS)["spec"].get("tls") == hosts
    assert annotations(recording).get("litellm/tls-ends-at") == (None if hosts else ends_at)
    assert recording.outputs["url"] == "https://a.example.com"
    assert variables(recording)["PROXY_BASE_URL"] == "https://a.example.com"


def test_a_certificate_out_of_the_store():
    reference = {"document": "shared/wildcard", "property": "certificate"}
    tls = {"certificate": reference, "privateKey": reference | {"property": "key"}}
    recording = stack(className="traefik", tls=tls)
    (secret,) = [each for each in recording.of(EXTERNAL_SECRET) if each.name == "litellm-certificate-secret"]
    assert secret.inputs["spec"]["target"]["template"]["type"] == "kubernetes.io/tls"
    assert set(secret.inputs["spec"]["target"]["template"]["data"]) == {"tls.crt", "tls.key"}
    (entry,) = recording.inputs(INGRESS)["spec"]["tls"]
    assert entry["hosts"] == ["a.example.com"]
    assert entry["secretName"]
    policy = recording.inputs("vault:index/policy:Policy")["policy"]
    assert "data/shared/wildcard" in policy


def test_what_is_closed_is_open_on_a_host_of_its_own():
    recording = stack(
        className="traefik", closed=["admin"], private={"host": "admin.example.com", "className": "internal"}
    )
    private, public = named(recording, INGRESS, "litellm-private-ingress", "litellm-ingress-ingress")
    assert private.inputs["spec"]["ingressClassName"] == "internal"
    assert private.inputs["spec"]["rules"][0]["host"] == "admin.example.com"
    assert "router.middlewares" not in str(private.inputs)
    assert "router.middlewares" in str(public.inputs)
    assert recording.outputs["url"] == "http://a.example.com"
    assert variables(recording)["PROXY_BASE_URL"] == "http://admin.example.com"


def test_a_private_route_may_be_on_another_gateway():
    internal = {"name": "internal", "namespace": "gateways"}
    recording = stack(gateway=GATEWAY, paths=["/v1"], private={"host": "admin.example.com", "gateway": internal})
    private, public = named(recording, ROUTE, "litellm-private-route", "litellm-ingress-route")
    assert private.inputs["spec"]["parentRefs"] == [internal]
    assert private.inputs["spec"]["rules"][0]["matches"][0]["path"]["value"] == "/"
    assert public.inputs["spec"]["rules"][0]["matches"][0]["path"]["value"] == "/v1"


def test_a_route_that_somebody_else_makes():
    recording = stack(host=None, enabled=False, publicUrl="https://ai.example.com/llm")
    assert not recording.of(INGRESS)
    assert recording.outputs["url"] == "https://ai.example.com/llm"
    given = variables(recording)
    assert (given["PROXY_BASE_URL"], given["SERVER_ROOT_PATH"]) == ("https://ai.example.com/llm", "/llm")
