"""How clients reach the gateway: an Ingress, or what a chart's values say of one."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from infra.config.base import URL_PATH
from infra.config.gateway.settings import BELOW_A_PATH
from infra.config.ingress.settings import CLASS_ANNOTATION
from tools.adopt.running import Running, Tree, as_tree, list_at

CONTROLLERS = ("nginx", "traefik", "alb")
OF_CONTROLLERS = ("nginx.ingress.kubernetes.io/", "alb.ingress.kubernetes.io/", "traefik.ingress.kubernetes.io/")
ISSUERS = {"cert-manager.io/cluster-issuer": "ClusterIssuer", "cert-manager.io/issuer": "Issuer"}
ALB = "alb.ingress.kubernetes.io/"
ALB_KEYS = {
    "scheme": "scheme",
    "group.name": "groupName",
    "certificate-arn": "certificateArn",
    "ssl-policy": "sslPolicy",
}
BODY, TIMEOUT = "nginx.ingress.kubernetes.io/proxy-body-size", "nginx.ingress.kubernetes.io/proxy-read-timeout"
TAKEN = {*(ALB + key for key in ALB_KEYS), BODY, TIMEOUT}
"""Annotations of controllers that the stack file has a key for."""

MEGABYTE = re.compile(r"(\d+)([mMgG])")


def read_service(running: Running, service: Mapping[str, Any], where: str) -> None:
    """A Service is made anyway; how it lets others in is not."""
    if (kind := service.get("type", "ClusterIP")) not in ("ClusterIP", None):
        running.leave(f"{where}.type", f"{kind} there: the stack has a Service inside the cluster, and an Ingress")
    if service.get("annotations"):
        running.leave(
            f"{where}.annotations", f"{', '.join(sorted(service['annotations']))}: the stack file has no key for these"
        )


def read_ingress(
    running: Running,
    class_name: str,
    rules: Sequence[Any],
    tls: Sequence[Any],
    annotations: Mapping[str, Any],
    where: str,
) -> None:
    """Rules and TLS as an Ingress writes them, or a chart for one."""
    hosts = [str(host) for rule in rules if (host := as_tree(rule).get("host"))]
    if not hosts:
        running.ingress = {"enabled": False}
        running.leave(where, "names no host: set ingress.className and ingress.host")
        return
    running.ingress = {"host": hosts[0]}
    class_name = class_name or str(annotations.get(CLASS_ANNOTATION) or "")
    controller = controller_of(class_name, annotations)
    if class_name:
        running.ingress["className"] = class_name
        if controller != class_name:
            running.ingress["controller"] = controller
    else:
        running.leave(f"{where}.className", "is not given: set ingress.className (`kubectl get ingressclass`)")
    if others := [host for host in dict.fromkeys(hosts) if host != hosts[0]]:
        running.ingress["additionalHosts"] = others
    read_paths(running, running.ingress, rules, where)
    secret = next((str(name) for entry in tls if (name := as_tree(entry).get("secretName"))), None)
    if secret and controller == "alb":
        running.leave(
            f"{where}.tls", "a load balancer of AWS takes its certificate from ACM: set ingress.alb.certificateArn"
        )
    elif secret:
        issuer = next(((str(annotations[key]), kind) for key, kind in ISSUERS.items() if key in annotations), None)
        running.ingress["tls"] = {"issuer": issuer[0], "issuerKind": issuer[1]} if issuer else {"secretName": secret}
    take_controller_settings(running, running.ingress, annotations)
    mine = {
        key: str(value)
        for key, value in annotations.items()
        if key not in {*ISSUERS, *TAKEN, CLASS_ANNOTATION} and not key.startswith("kubectl.")
    }
    # Of a controller that has none of ours, everything is kept.
    foreign = controller == "other"
    if kept := {key: value for key, value in mine.items() if foreign or not key.startswith(OF_CONTROLLERS)}:
        running.ingress["annotations"] = kept
    for key in sorted(set(mine) - set(kept)):
        running.leave(
            f"{where}.annotations.{key}",
            "of the controller: the program sets its own; add it to ingress.annotations where it is meant",
        )


def controller_of(class_name: str, annotations: Mapping[str, Any]) -> str:
    """Whose class it is: by its name, or by the annotations of the Ingress."""
    if class_name in CONTROLLERS:
        return class_name
    return next((one for one in CONTROLLERS if any(key.startswith(f"{one}.ingress.") for key in annotations)), "other")


def read_paths(running: Running, ingress: Tree, rules: Sequence[Any], where: str) -> None:
    """Paths that lead to the gateway, where not all do; one that LiteLLM itself is told is where it is served."""
    given = [path for rule in rules for path in [*list_at(rule, "paths"), *list_at(rule, "http.paths")]]
    paths = sorted({str(as_tree(path).get("path", path)) for path in given} - {"None", ""})
    if not paths or {"/", "/*"} & set(paths):
        return
    if paths == [running.environment.get(BELOW_A_PATH)]:
        ingress["path"] = running.environment.pop(BELOW_A_PATH)
    elif all(re.fullmatch(URL_PATH, path) for path in paths):
        ingress["paths"] = paths
    else:
        running.leave(f"{where}.paths", f"{', '.join(paths)}: the stack sends every path of the host to the gateway")


def take_controller_settings(running: Running, ingress: Tree, annotations: Mapping[str, Any]) -> None:
    """What the stack file says in its own words about the controller."""
    balancer = {ours: str(annotations[ALB + key]) for key, ours in ALB_KEYS.items() if ALB + key in annotations}
    if balancer and ingress.get("controller", ingress.get("className")) == "alb":
        ingress["alb"] = balancer
        first, more, _ = balancer.get("certificateArn", "").partition(",")
        if more:
            balancer["certificateArn"] = first.strip()
            running.leave("ingress.alb.certificateArn", "several certificates: the stack file has one, the first")
    if size := MEGABYTE.fullmatch(str(annotations.get(BODY, ""))):
        ingress["maxBodyMegabytes"] = int(size[1]) * (1 if size[2] in "mM" else 1024)
    if (seconds := str(annotations.get(TIMEOUT, ""))).isdigit():
        ingress["streamTimeoutSeconds"] = int(seconds)
