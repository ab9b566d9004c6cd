"""Objects of kinds that are not Kubernetes' own, as stacks and `make render` write them."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from tests.program.stacks import EXAMPLES, ROOT
from tests.program.test_rendering import CERTIFICATE, SOURCE, renderable, rendering_of, state_of
from tests.program.test_shared import full
from tests.sealing import Controller
from tools.engine.stack_file import Stack, merge
from tools.gitops import argocd
from tools.gitops.render import Options, render, render_sealed
from tools.gitops.sealed import needs

OWN_GROUPS = (
    "",
    "admissionregistration.k8s.io",
    "apps",
    "autoscaling",
    "batch",
    "networking.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
)
"""API groups of what Kubernetes serves without anybody's CRD."""

KINDS = (
    "Application.argoproj.io",
    "Cluster.postgresql.cnpg.io",
    "ClusterIssuer.cert-manager.io",
    "ExternalSecret.external-secrets.io",
    "Gateway.gateway.networking.k8s.io",
    "HTTPRoute.gateway.networking.k8s.io",
    "Middleware.traefik.io",
    "ObjectStore.barmancloud.cnpg.io",
    "PodMonitor.monitoring.coreos.com",
    "Pooler.postgresql.cnpg.io",
    "PrometheusRule.monitoring.coreos.com",
    "ScaledObject.keda.sh",
    "ScheduledBackup.postgresql.cnpg.io",
    "SealedSecret.bitnami.com",
    "SecretStore.external-secrets.io",
    "ServiceMonitor.monitoring.coreos.com",
    "VMPodScrape.operator.victoriametrics.com",
    "VMRule.operator.victoriametrics.com",
    "VMServiceScrape.operator.victoriametrics.com",
)
"""Every such kind that this project writes, as kubectl names them."""

SYSTEMS = (
    *(EXAMPLES / f"Pulumi.seed-00{number}.yaml" for number in range(5)),
    EXAMPLES / "Pulumi.gateway-api.yaml",
    EXAMPLES / "Pulumi.monitoring.yaml",
)

SERVER = "http://prometheus.monitoring:9090"
BACKUP = {"destination": "s3://backups/litellm", "endpoint": "https://minio.example.com", "kubernetesSecret": "minio"}
CLIENTS = [{"namespace": "monitoring"}]
BALANCER = {
    "groupName": "shared",
    "certificateArn": CERTIFICATE,
    "sslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
    "inboundCidrs": ["10.0.0.0/8"],
    "tags": {"team": "platform"},
}
METRICS: dict[str, Any] = {"litellmSettings": {"callbacks": ["prometheus"]}}
VARIANTS: dict[str, dict[str, Any]] = {
    "backups": {"database": {"kind": "cloudnative-pg", "storageClass": "fast", "backup": BACKUP, "pooler": {}}},
    "keda": {
        "gateway": METRICS
        | {"autoscaling": {"min": 2, "max": 4, "tokens": 5000, "requestsPerSecond": 2, "prometheus": SERVER}},
    },
    "closed-traefik": {"ingress": {"className": "traefik", "closed": ["admin", "metrics"]}},
    "closed-nginx": {"ingress": {"className": "nginx", "closed": ["admin", "metrics"]}},
    "closed-alb": {"ingress": {"className": "alb", "closed": ["admin", "metrics"], "alb": BALANCER}},
    "reloader": {"secrets": {"reload": "reloader"}},
    "service-monitor": {"monitoring": {"scrape": "service-monitor", "clients": CLIENTS}},
    "vm-service-scrape": {
        "monitoring": {"scrape": "vm-service-scrape", "clients": CLIENTS, "alerts": {"kind": "vm-rule"}}
    },
}
"""What no example has: stack `dev` with other sections."""

MANIFEST = re.compile(r"^```yaml\n(apiVersion:.*?)^```", re.MULTILINE | re.DOTALL)
"""What a page tells to apply."""


def kind_of(content: dict[str, Any]) -> str:
    """`Application.argoproj.io`; of Kubernetes' own groups the kind alone."""
    group = content["apiVersion"].rpartition("/")[0]
    return content["kind"] if group in OWN_GROUPS else f"{content['kind']}.{group}"


@cache
def foreign() -> dict[str, list[dict[str, Any]]]:
    """All objects by their kind."""
    found: dict[str, list[dict[str, Any]]] = {}
    for content in everything():
        if "." in kind_of(content):
            found.setdefault(kind_of(content), []).append(content)
    return found


@cache
def everything() -> list[dict[str, Any]]:
    return list(written())


def written() -> Iterator[dict[str, Any]]:
    for path in SYSTEMS:
        rendering = rendering_of(path)
        yield from (each.content for each in rendering.objects)
        yield argocd.application(rendering.stack, rendering.namespace, SOURCE)
    for sections in VARIANTS.values():
        yield from (each.content for each in render(varied(sections)).objects)
    yield from sealed(EXAMPLES / "Pulumi.seed-002.yaml")
    for page in sorted((ROOT / "docs").rglob("*.md")):
        yield from map(yaml.safe_load, MANIFEST.findall(page.read_text()))
    for each in full().resources:
        if each.type.startswith("kubernetes:") and "apiVersion" in each.inputs:
            yield each.inputs


def varied(sections: dict[str, Any]) -> Stack:
    stack = renderable(ROOT / "Pulumi.dev.yaml")
    config = {f"litellm:{key}": value for key, value in sections.items()}
    return Stack(stack.name, merge(stack.document, {"config": config}))


def sealed(path: Path) -> list[dict[str, Any]]:
    """With Sealed Secrets in the place of the store."""
    values: dict[str, dict[str, str]] = {}
    for each in rendering_of(path).objects:
        for document, name in (needs(each) if each.kind == "ExternalSecret" else {}).values():
            values.setdefault(document, {})[name] = "a value"
    with TemporaryDirectory() as folder:
        controller, given = Controller(Path(folder)), Path(folder) / "values.yaml"
        given.write_text(json.dumps(values))
        options = Options(Path(folder) / "out", certificate=controller.certificate, values=given)
        return [each.content for each in render_sealed(renderable(path), state_of(path), options).objects]
