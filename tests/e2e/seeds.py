"""What the tests of the described systems have in common: their stack files, made small, and a Postgres of others."""

import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.e2e import shared
from tests.e2e.support import kubectl, objects

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def example(name: str) -> dict[str, Any]:
    """The configuration of an example."""
    content: dict[str, Any] = yaml.safe_load((EXAMPLES / f"Pulumi.{name}.yaml").read_text())["config"]
    return {key.removeprefix("litellm:"): value for key, value in content.items()}


def small(gateway: Mapping[str, Any]) -> dict[str, Any]:
    """The same gateway for a small machine, with models that cost nothing under the same names."""
    return {
        **gateway,
        "replicas": 1,
        "allowMemoryBelowFloor": True,
        "resources": {"cpu": "100m", "memory": "1536Mi"},
        "preStopSeconds": 0,
        "models": [{"name": each["name"], "provider": "mock", "response": "Hello."} for each in gateway["models"]],
    }


@contextmanager
def postgres(namespace: str, user: str, database: str = "litellm") -> Iterator[str]:
    """A server with a database and a role that owns it; yields the role's password."""
    admin, password = secrets.token_hex(16), f"{secrets.token_hex(8)}/@ %"
    home = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    items = [home, *shared.postgres_objects(namespace, admin)]
    kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    try:
        kubectl("rollout", "status", "statefulset/postgres", "-n", namespace, "--timeout=90s")
        for statement in (
            f"CREATE ROLE {user} LOGIN PASSWORD '{password}'",
            f"CREATE DATABASE {database} OWNER {user}",
        ):
            sql(namespace, statement, "postgres")
        yield password
    finally:
        kubectl("delete", "namespace", namespace, "--ignore-not-found", "--wait=false")


def sql(namespace: str, query: str, database: str = "litellm") -> str:
    local = ("psql", "-U", "postgres", "-h", "/var/run/postgresql", "-d", database, "-At", "-c", query)
    return kubectl("exec", "-n", namespace, "statefulset/postgres", "--", *local).stdout.strip()


def images_of_nodes() -> list[str]:
    """The images that pods can have without a registry."""
    return [name for node in objects("nodes") for each in node["status"]["images"] for name in each.get("names") or ()]


def vault_with_a_shell() -> str | None:
    """An image of Vault with a shell, as the official one has; None where the nodes have none."""
    found = [name for name in images_of_nodes() if "hashicorp/vault:" in name]
    preferred = image_of_the_injector().get("image")
    return next((image for image in sorted(found, key=lambda each: each != preferred) if has_a_shell(image)), None)


def has_a_shell(image: str) -> bool:
    name = f"shell-{secrets.token_hex(4)}"
    pod = ("run", name, "-n", "default", f"--image={image}", "--restart=Never", "--image-pull-policy=Never")
    try:
        kubectl(*pod, "--command", "--", "sh", "-c", "true")
        done = ("wait", f"pod/{name}", "-n", "default", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=20s")
        return kubectl(*done, check=False).returncode == 0
    finally:
        kubectl("delete", "pod", name, "-n", "default", "--ignore-not-found", "--now")


def image_of_the_injector() -> dict[str, str]:
    """Nodes without a registry have the image that their Injector adds by itself."""
    deployments = [
        container
        for each in objects("deployments", "-A")
        for container in each["spec"]["template"]["spec"]["containers"]
        if "vault-k8s" in container["image"]
    ]
    variables = {each["name"]: each.get("value") for each in (deployments or [{}])[0].get("env", ())}
    return {"image": image} if (image := variables.get("AGENT_INJECT_VAULT_IMAGE")) else {}
