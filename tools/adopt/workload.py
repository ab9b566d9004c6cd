"""What pods of LiteLLM say, in Kubernetes' own words: the same in a Deployment and in the values of a chart."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from infra.config.detector import is_secret
from infra.config.gateway.settings import MEMORY_FLOOR_GIB, UNITS, bytes_of, pinned
from infra.config.ingress.settings import CLASS_ANNOTATION
from tools.adopt.running import InSecret, Running, Tree, Written, as_tree, tree_at, trees_at

OURS = {
    "DISABLE_SCHEMA_UPDATE": "migrations are a Job of their own",
    "LITELLM_MODE": "always PRODUCTION",
    "LITELLM_LOCAL_MODEL_COST_MAP": "always on",
    "PORT": "always 4000",
    "HOST": "always all addresses",
    "CONFIG_FILE_PATH": "the path of config.yaml is the program's own",
}
"""Variables that need no line: the program sets them."""

MASTER, SALT = ("LITELLM_MASTER_KEY", "PROXY_MASTER_KEY", "MASTER_KEY"), ("LITELLM_SALT_KEY",)
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

DATABASE = {"DATABASE_HOST": "host", "DATABASE_PORT": "port", "DATABASE_NAME": "name"}
REDIS = {"REDIS_HOST": "host", "REDIS_PORT": "port", "REDIS_USERNAME": "username", "REDIS_SSL": "tls"}


def read_environment(running: Running, entries: Sequence[Any], where: str) -> None:
    """The `env` of a container."""
    for index, given in enumerate(entries):
        entry = as_tree(given)
        if not isinstance(entry.get("name"), str):
            running.leave(f"{where}[{index}]", "is no variable with a name")
            continue
        source = tree_at(entry, "valueFrom")
        if secret := tree_at(source, "secretKeyRef"):
            running.secrets[entry["name"]] = InSecret(str(secret.get("name")), str(secret.get("key")))
        elif source:
            running.leave(
                f"{where}.{entry['name']}",
                f"comes from {', '.join(sorted(source))}: write its value into gateway.environment",
            )
        else:
            read_variable(running, entry["name"], entry.get("value", ""), where)


def read_variable(running: Running, name: str, value: Any, where: str) -> None:
    """One variable with a value of its own."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if name in OURS:
        return
    if name == "LITELLM_LOG":
        running.gateway["logLevel"] = text.upper()
    elif name == "NUM_WORKERS":
        running.gateway["workers"] = int(text)
    elif name == "DATABASE_URL":
        read_database_url(running, text, f"{where}.{name}")
    elif name in DATABASE:
        running.database = {**(running.database or {}), DATABASE[name]: int(text) if name.endswith("PORT") else text}
    elif name in REDIS:
        read_redis_variable(running, name, text)
    elif is_secret(name, text):
        running.secrets[name] = Written(text, f"{where}.{name}")
    else:
        running.environment[name] = text


def read_redis_variable(running: Running, name: str, text: str) -> None:
    values = {"REDIS_PORT": lambda: int(text), "REDIS_SSL": lambda: text.lower() == "true"}
    running.redis = {**(running.redis or {}), REDIS[name]: values.get(name, lambda: text)()}


def read_database_url(running: Running, url: str, where: str) -> None:
    """Server and database of a URL; user and password become secrets, wherever `$(NAME)` does not name them already."""
    if url.startswith("os.environ/"):
        return
    parts = urlsplit(url)
    try:
        host, port = parts.hostname or "", parts.port or 5432
    except ValueError:
        running.leave(where, "is no URL that can be read: set database.host, port and name")
        return
    if not parts.scheme.startswith("postgres") or not host or "$(" in parts.netloc.rpartition("@")[2]:
        running.leave(where, "names no server by itself: set database.host, port and name")
        return
    running.database = {
        **(running.database or {}),
        "host": host,
        "port": port,
        "name": unquote(parts.path.lstrip("/")) or "litellm",
        "sslmode": sslmode(parse_qs(parts.query).get("sslmode", [""])[0]),
    }
    for name, value in (("DATABASE_USERNAME", parts.username), ("DATABASE_PASSWORD", parts.password)):
        if value and not value.startswith("$("):
            running.secrets.setdefault(name, Written(unquote(value), where))


def sslmode(given: str) -> str:
    """As Prisma does it where nobody says: TLS when the server has it."""
    return given if given in ("disable", "require") else "prefer"


def read_image(running: Running, image: str, where: str) -> None:
    try:
        running.gateway["image"] = pinned(image)
    except ValueError:
        running.leave(
            where, "is an image whose tag moves or is missing: the stack takes this program's default version"
        )


def read_resources(running: Running, resources: Tree, where: str) -> None:
    """Memory requested and its limit are one number here: the larger of both."""
    requests, limits = tree_at(resources, "requests"), tree_at(resources, "limits")
    memory = [str(each["memory"]) for each in (requests, limits) if "memory" in each]
    found: Tree = {}
    if "cpu" in requests or "cpu" in limits:
        found["cpu"] = str(requests.get("cpu", limits.get("cpu")))
    if memory:
        found["memory"] = max(memory, key=bytes_of)
    if "cpu" in limits:
        found["cpuLimit"] = str(limits["cpu"])
    if memory and bytes_of(found["memory"]) < MEMORY_FLOOR_GIB * UNITS["Gi"] * running.gateway.get("workers", 1):
        running.gateway["allowMemoryBelowFloor"] = True
    if found:
        running.gateway["resources"] = {"cpu": "1", "memory": "4Gi"} | found
    if others := sorted({*requests, *limits} - {"cpu", "memory"}):
        running.leave(where, f"has {', '.join(others)}, which the stack file has no key for")


def read_placement(running: Running, pod: Mapping[str, Any], where: str) -> None:
    if selector := tree_at(pod, "nodeSelector"):
        running.gateway["nodeSelector"] = {key: str(value) for key, value in selector.items()}
    known = {"key", "operator", "value", "effect"}
    tolerations = trees_at(pod, "tolerations")
    if kept := [{key: value for key, value in entry.items() if key in known} for entry in tolerations]:
        running.gateway["tolerations"] = kept
    if any(set(entry) - known for entry in tolerations):
        running.leave(f"{where}.tolerations", "has tolerationSeconds, which the stack file has no key for")
    unsupported = (
        "affinity",
        "topologySpreadConstraints",
        "priorityClassName",
        "imagePullSecrets",
        "hostAliases",
        "initContainers",
    )
    for key in unsupported:
        if pod.get(key):
            running.leave(f"{where}.{key}", "the stack file has no key for it")


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
        running.leave(where, "names no host: set ingress.host")
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
    issuers = {"cert-manager.io/cluster-issuer": "ClusterIssuer", "cert-manager.io/issuer": "Issuer"}
    secret = next((str(name) for entry in tls if (name := as_tree(entry).get("secretName"))), None)
    if secret and controller != "alb":
        issuer = next(((str(annotations[key]), kind) for key, kind in issuers.items() if key in annotations), None)
        running.ingress["tls"] = {"issuer": issuer[0], "issuerKind": issuer[1]} if issuer else {"secretName": secret}
    take_controller_settings(running.ingress, annotations)
    controllers = ("nginx.ingress.kubernetes.io/", "alb.ingress.kubernetes.io/", "traefik.ingress.kubernetes.io/")
    mine = {
        key: str(value)
        for key, value in annotations.items()
        if key not in {*issuers, *TAKEN, CLASS_ANNOTATION} and not key.startswith("kubectl.")
    }
    # Of a controller that has none of ours, everything is kept.
    foreign = controller == "other"
    if kept := {key: value for key, value in mine.items() if foreign or not key.startswith(controllers)}:
        running.ingress["annotations"] = kept
    for key in sorted(set(mine) - set(kept)):
        running.leave(
            f"{where}.annotations.{key}",
            "of the controller: the program sets its own; add it to ingress.annotations where it is meant",
        )


def controller_of(class_name: str, annotations: Mapping[str, Any]) -> str:
    """Whose class it is: by its name, or by the annotations of the Ingress."""
    known = ("nginx", "traefik", "alb")
    if class_name in known:
        return class_name
    return next((one for one in known if any(key.startswith(f"{one}.ingress.") for key in annotations)), "other")


def take_controller_settings(ingress: Tree, annotations: Mapping[str, Any]) -> None:
    """What the stack file says in its own words about the controller."""
    if balancer := {ours: str(annotations[ALB + key]) for key, ours in ALB_KEYS.items() if ALB + key in annotations}:
        ingress["alb"] = balancer
    if size := MEGABYTE.fullmatch(str(annotations.get(BODY, ""))):
        ingress["maxBodyMegabytes"] = int(size[1]) * (1 if size[2] in "mM" else 1024)
    if (seconds := str(annotations.get(TIMEOUT, ""))).isdigit():
        ingress["streamTimeoutSeconds"] = int(seconds)
