"""The ways in, on a real cluster: a route of the Gateway API below a path, then an Ingress with TLS from cert-manager.

One stack, two `up`s: the tests build on each other.
"""

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import urllib3
import yaml

from tests.e2e.support import Project, Vault, eventually, kubectl, objects

STACK, NAMESPACE = "ways", "litellm-ways"
HOST, ADMIN_HOST = "ways.lab.test", "ways-admin.lab.test"
CERTIFICATES = "certificates" in os.environ.get("LAB_PARTS", "")

CONFIG: dict[str, Any] = {
    "namespace": NAMESPACE,
    "protect": False,
    "database": {"storage": None, "resources": {"cpu": "50m", "memory": "256Mi"}},
    "redis": {"kind": "none"},
    "gateway": {
        "allowMemoryBelowFloor": True,
        "resources": {"cpu": "100m", "memory": "1Gi"},
        "preStopSeconds": 0,
        "models": [{"name": "mock", "provider": "mock", "response": "Hello through the Gateway."}],
    },
}
COMMON = {"host": HOST, "path": "/llm", "closed": ["metrics", "admin"], "private": {"host": ADMIN_HOST}}


@pytest.fixture(scope="module")
def gateway() -> dict[str, Any]:
    """A Gateway of the cluster with a listener that speaks plain HTTP."""
    served = kubectl("get", "crd", "gateways.gateway.networking.k8s.io", check=False).returncode == 0
    for found in objects("gateways.gateway.networking.k8s.io", "-A") if served else ():
        for listener in found["spec"]["listeners"]:
            if listener["protocol"] == "HTTP":
                return {
                    "name": found["metadata"]["name"],
                    "namespace": found["metadata"]["namespace"],
                    "sectionName": listener["name"],
                    "port": listener["port"],
                }
    pytest.skip("needs a Gateway (Gateway API) in the cluster")


@pytest.fixture(scope="module")
def overlay(project: Project) -> str:
    """What this cluster asks of every stack, but for its Ingress class."""
    config: dict[str, Any] = {}
    for file in filter(None, project.environment["OVERLAY"].split(",")):
        config |= yaml.safe_load(Path(file).read_text())["config"]
    path = project.folder / "without-ingress.yaml"
    path.write_text(yaml.safe_dump({"config": {key: value for key, value in config.items() if "ingress" not in key}}))
    return str(path)


@pytest.fixture(scope="module")
def route(project: Project, gateway: dict[str, Any], overlay: str) -> dict[str, Any]:
    attached = {key: value for key, value in gateway.items() if key != "port"}
    ingress = {**COMMON, "gateway": attached, "publicPort": gateway["port"]}
    project.write_stack(STACK, CONFIG | {"ingress": ingress})
    project.make("up", STACK, OVERLAY=overlay)
    found = project.outputs(STACK)
    eventually(lambda: reached(found["url"]), "the Gateway's controller serves the route", 30)
    return found


def ask(url: str, key: str | None = None, body: Any = None) -> urllib3.BaseHTTPResponse:
    """As a client that resolves the host to this machine, and trusts the authority of the cluster."""
    parts = urlsplit(url)
    headers = {"Host": parts.netloc, "Content-Type": "application/json"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    known = {"server_hostname": parts.hostname, "assert_hostname": parts.hostname}
    verified: Any = known | {"ca_certs": os.environ.get("LAB_INGRESS_CA"), "cert_reqs": "CERT_REQUIRED"}
    pool: Any = urllib3.PoolManager(**verified) if parts.scheme == "https" else urllib3.PoolManager()
    address = f"{parts.scheme}://127.0.0.1:{parts.port}{parts.path}"
    text = None if body is None else json.dumps(body)
    return pool.request(
        "GET" if body is None else "POST", address, body=text, headers=headers, timeout=30, redirect=False
    )


def completion(url: str, vault: Vault) -> str:
    key = vault.read("litellm", f"{STACK}/api-keys")["master-key"]
    body = {"model": "mock", "messages": [{"role": "user", "content": "Hello"}]}
    answer = ask(f"{url}/v1/chat/completions", key, body)
    assert answer.status == 200, answer.data
    return answer.json()["choices"][0]["message"]["content"]


CLOSED = ("/metrics", "/ui/", "/ui/login/", "/sso/key/generate", "/fallback/login")


class TestRoute:
    """An HTTPRoute on a Gateway that was there, below a path."""

    def test_a_completion_comes_through_the_gateway(self, route: dict[str, Any], vault: Vault):
        assert urlsplit(route["url"]).path == "/llm"
        assert completion(route["url"], vault) == "Hello through the Gateway."

    def test_the_admin_page_is_whole_on_its_own_host(self, route: dict[str, Any]):
        url = route["url"].replace(HOST, ADMIN_HOST)
        page = ask(f"{url}/ui/").data.decode()
        script = next(part for part in page.split('"') if part.endswith(".js") and "/_next/" in part)
        assert script.startswith("/llm/")
        assert ask(url.removesuffix("/llm") + script).status == 200

    @pytest.mark.parametrize("path", CLOSED)
    def test_what_is_closed_is_not_reached_from_outside(self, route: dict[str, Any], path: str):
        assert ask(route["url"] + path).status in (404, 500, 503)

    def test_another_path_of_the_host_is_not_ours(self, route: dict[str, Any]):
        assert ask(route["url"].removesuffix("/llm") + "/health/liveliness").status == 404

    def test_a_second_up_changes_nothing(self, project: Project, route: dict[str, Any], overlay: str):
        project.make("up", STACK, arguments="--expect-no-changes", OVERLAY=overlay)

    def test_a_gateway_that_is_not_there_is_named_before_anything_is_made(
        self, project: Project, route: dict[str, Any], overlay: str
    ):
        config = project.config(STACK)
        nowhere = config["ingress"]["gateway"] | {"name": "nowhere"}
        project.write_stack(
            "nowhere", config | {"namespace": "litellm-nowhere", "ingress": COMMON | {"gateway": nowhere}}
        )
        done = project.make("up", "nowhere", check=False, OVERLAY=overlay)
        assert "there is no Gateway nowhere" in done.stdout + done.stderr
        assert kubectl("get", "namespace", "litellm-nowhere", check=False).returncode

    def test_a_new_stack_without_class_is_refused(self, project: Project, route: dict[str, Any], overlay: str):
        config = CONFIG | {"namespace": "litellm-nowhere", "ingress": {"host": HOST}}
        project.write_stack("nowhere", config)
        done = project.make("up", "nowhere", check=False, OVERLAY=overlay)
        assert "litellm:ingress.className is missing" in done.stdout + done.stderr


@pytest.fixture(scope="module")
def ingress(project: Project, route: dict[str, Any], overlay: str) -> dict[str, Any]:
    """The same stack behind an Ingress of Traefik."""
    if os.environ.get("LAB_INGRESS_CLASS") != "traefik":
        pytest.skip("needs Traefik with its CRDs, as in the lab")
    tls = {"tls": {"issuer": "lab-ca"}} if CERTIFICATES else {}
    port = 8443 if tls else urlsplit(os.environ["LAB_INGRESS_URL"]).port
    project.write_stack(STACK, CONFIG | {"ingress": {**COMMON, "className": "traefik", "publicPort": port, **tls}})
    project.make("up", STACK, OVERLAY=overlay)
    found = project.outputs(STACK)
    if tls:
        made = ("wait", "certificate", "--all", "-n", NAMESPACE, "--for=condition=Ready", "--timeout=10s")
        eventually(lambda: kubectl(*made, check=False).returncode == 0, "cert-manager has made the certificate", 90)
    eventually(lambda: reached(found["url"]), "Traefik serves the Ingress", 60)
    return found


def reached(url: str) -> bool:
    try:
        return ask(f"{url}/health/liveliness").status == 200
    except urllib3.exceptions.HTTPError:
        return False


class TestIngress:
    """An Ingress with a Middleware of Traefik, in the place of the route."""

    def test_a_completion_comes_through_the_ingress(self, ingress: dict[str, Any], vault: Vault):
        assert completion(ingress["url"], vault) == "Hello through the Gateway."

    @pytest.mark.skipif(not CERTIFICATES, reason="needs cert-manager in the cluster (the lab's part certificates)")
    def test_the_certificate_is_the_issuers(self, ingress: dict[str, Any]):
        assert ingress["url"].startswith("https://")
        assert ask(f"{ingress['url']}/health/liveliness").status == 200

    @pytest.mark.parametrize("path", [*CLOSED, "/ui%2Flogin%2F"])
    def test_what_is_closed_is_not_reached_from_outside(self, ingress: dict[str, Any], path: str):
        assert ask(ingress["url"] + path).status in (400, 404)

    def test_the_admin_page_is_on_its_own_host(self, ingress: dict[str, Any]):
        url = ingress["url"].replace(HOST, ADMIN_HOST)
        eventually(lambda: reached(url), "the private host is served", 60)
        assert ask(f"{url}/ui/").status == 200

    def test_the_route_is_gone(self, ingress: dict[str, Any]):
        assert not objects("httproutes", "-n", NAMESPACE)
