"""What pods of LiteLLM say, in Kubernetes' own words: the same in a Deployment and in the values of a chart."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from infra.config.detector import is_secret
from infra.config.gateway.settings import bytes_of, pinned
from infra.config.pods import OURS as OURS_IN_PODS
from tools.adopt.running import InSecret, Running, Tree, Written, as_tree, tree_at, trees_at

NO_KEY = "the stack file has no key for it"

OF_PODS = (
    "prometheus.io/",
    "sidecar.istio.io/",
    "istio.io/",
    "linkerd.io/",
    "config.linkerd.io/",
    "traffic.sidecar.istio.io/",
)
"""How labels and annotations begin that are for LiteLLM's own pods: of scrapers and meshes."""

SPREAD = ("topologyKey", "maxSkew", "whenUnsatisfiable", "minDomains")

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
CREDENTIALS = {
    "DATABASE_USER": "DATABASE_USERNAME",
    "DATABASE_USERNAME": "DATABASE_USERNAME",
    "DATABASE_PASSWORD": "DATABASE_PASSWORD",
}
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
            read_secret_variable(
                running, entry["name"], InSecret(str(secret.get("name")), str(secret.get("key"))), where
            )
        elif source:
            running.leave(
                f"{where}.{entry['name']}",
                f"comes from {', '.join(sorted(source))}: write its value into gateway.environment",
            )
        else:
            read_variable(running, entry["name"], entry.get("value", ""), where)


def read_secret_variable(running: Running, name: str, place: InSecret, where: str) -> None:
    """One variable out of a Secret. What the stack file must say itself is not read there."""
    if name in REDIS:
        running.redis = running.redis or {}
    elif name not in (*OURS, "NUM_WORKERS", "LITELLM_LOG"):
        running.secrets[CREDENTIALS.get(name, name)] = place
        return
    key = f"redis.{REDIS[name]}" if name in REDIS else "its key"
    running.leave(
        f"{where}.{name}", f"its value is in Secret {place.name}, which is not read: set {key} in the stack file"
    )


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
    elif name == "REDIS_URL":
        read_redis_url(running, text, f"{where}.{name}")
    elif name in CREDENTIALS or is_secret(name, text):
        running.secrets[CREDENTIALS.get(name, name)] = Written(text, f"{where}.{name}")
    else:
        running.environment[name] = text


def read_redis_variable(running: Running, name: str, text: str) -> None:
    values = {"REDIS_PORT": lambda: int(text), "REDIS_SSL": lambda: text.lower() == "true"}
    running.redis = {**(running.redis or {}), REDIS[name]: values.get(name, lambda: text)()}


def read_redis_url(running: Running, url: str, where: str) -> None:
    running.secrets["REDIS_URL"] = Written(url, where)
    parts = urlsplit(url)
    try:
        host, port = parts.hostname or "", parts.port or 6379
    except ValueError:
        host, port = "", 0
    if parts.scheme not in ("redis", "rediss") or not host or "$(" in parts.netloc:
        running.leave(where, "names no server by itself: set redis.kind existing, host and port")
        return
    running.redis = {"host": host, "port": port, "tls": parts.scheme == "rediss"}
    if parts.username:
        running.redis["username"] = unquote(parts.username)
    if parts.password:
        running.secrets["REDIS_PASSWORD"] = Written(unquote(parts.password), where)


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
        "sslmode": sslmode(running, parse_qs(parts.query).get("sslmode", [""])[0]),
    }
    for name, value in (("DATABASE_USERNAME", parts.username), ("DATABASE_PASSWORD", parts.password)):
        if value and not value.startswith("$("):
            running.secrets.setdefault(name, Written(unquote(value), where))


def sslmode(running: Running, given: str) -> str:
    """As Prisma does it where nobody says: TLS when the server has it."""
    if given == "verify-ca":
        running.leave("database.sslmode", "verify-ca there: the stack also makes sure of the host's name (verify-full)")
        return "verify-full"
    return given if given in ("disable", "require", "verify-full") else "prefer"


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
    if found:
        running.gateway["resources"] = found
    for given, key in ((requests, "ephemeralStorage"), (limits, "ephemeralStorageLimit")):
        if "ephemeral-storage" in given:
            found[key] = str(given["ephemeral-storage"])
    if others := sorted({*requests, *limits} - {"cpu", "memory", "ephemeral-storage"}):
        running.leave(where, f"has {', '.join(others)}, which the stack file has no key for")


def read_placement(running: Running, pod: Mapping[str, Any], where: str) -> None:
    """Where the pods run. Taints are those of nodes, so that the stack's other pods tolerate them as well."""
    if tolerations := trees_at(pod, "tolerations"):
        running.placement["tolerations"] = tolerations
    placement: Tree = {}
    if selector := tree_at(pod, "nodeSelector"):
        placement["nodeSelector"] = {key: str(value) for key, value in selector.items()}
    if affinity := tree_at(pod, "affinity"):
        placement["affinity"] = affinity
    if name := pod.get("priorityClassName"):
        placement["priorityClassName"] = str(name)
    if constraints := trees_at(pod, "topologySpreadConstraints"):
        placement["topologySpread"] = [
            {key: value for key, value in each.items() if key in SPREAD} for each in constraints
        ]
        if others := sorted({key for each in constraints for key in each} - {*SPREAD, "labelSelector"}):
            running.leave(f"{where}.topologySpreadConstraints", f"{', '.join(others)}: {NO_KEY}")
    if placement:
        running.gateway["placement"] = placement
    if aliases := trees_at(pod, "hostAliases"):
        running.pods["hostAliases"] = [{key: each.get(key) for key in ("ip", "hostnames")} for each in aliases]
    read_pull_secrets(running, pod, where)
    if pod.get("initContainers"):
        running.leave(f"{where}.initContainers", NO_KEY)


def read_pull_secrets(running: Running, pod: Mapping[str, Any], where: str) -> None:
    names = [str(name) for each in trees_at(pod, "imagePullSecrets") if (name := each.get("name"))]
    if names := list(dict.fromkeys(names)):
        running.pods["imagePullSecrets"] = names
        running.leave(
            f"{where}.imagePullSecrets",
            f"{', '.join(names)}: must be in the namespace of the stack before the first `up`, or in pods.imagePullDocument",
        )


def read_marks(running: Running, marks: Mapping[str, Any], kind: str, where: str) -> None:
    """Labels or annotations of the pods. All pods of the stack get them, which is not what a mesh or a scraper is for."""
    kept = {key: str(value) for key, value in marks.items() if not key.startswith((*OF_PODS, *OURS_IN_PODS))}
    if kept:
        running.pods[kind] = kept
    if left := sorted(key for key in marks if key.startswith(OF_PODS)):
        running.leave(
            where, f"{', '.join(left)}: the Postgres, Redis and Jobs of the stack would have these, too (pods.{kind})"
        )
