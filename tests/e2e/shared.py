"""What ephemeral environments share, made for the tests: operator, secrets engine, auth method, Postgres; and what is left."""

import json
import os
import secrets
import subprocess
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import hvac.exceptions
import yaml

from infra.config.versions import PINS
from tests.e2e import upstream
from tests.e2e.support import Project, Vault, eventually, kubectl, objects
from tests.vault_server import rights

MOUNT, AUTH = "ephemeral-tests", "kubernetes-ephemeral-tests"
REVIEWER = "ephemeral-tests-reviewer"
POSTGRES_NAMESPACE = "ephemeral-tests-postgres"
POSTGRES_HOST = f"postgres.{POSTGRES_NAMESPACE}.svc"
AWS_ENDPOINT = os.environ.get("LAB_AWS_ENDPOINT_IN_CLUSTER", "")
VAULT_PORT = 8200
RELAY = """
import asyncio, sys
port, host, there = sys.argv[1:]
async def copy(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()
async def serve(reader, writer):
    print("connected", flush=True)
    back, forth = await asyncio.open_connection(host, int(there))
    await asyncio.gather(copy(reader, forth), copy(back, writer), return_exceptions=True)
async def main():
    await (await asyncio.start_server(serve, "0.0.0.0", int(port))).serve_forever()
asyncio.run(main())
"""
RELEASE = ("external-secrets", "--namespace", "external-secrets")


@contextmanager
def shared_things(vault: Vault) -> Generator[None]:
    """Everything that Pulumi.ephemeral.yaml expects to be there."""
    try:
        install_operator()
        share_vault(vault)
        share_postgres(vault)
        yield
    finally:
        take_vault_back(vault)
        kubectl("delete", "namespace", POSTGRES_NAMESPACE, "--ignore-not-found")
        helm("uninstall", *RELEASE, "--wait", "--ignore-not-found")
        kubectl("delete", "namespace", "external-secrets", "--ignore-not-found")
        crd = ("get", "crd", "externalsecrets.external-secrets.io")
        eventually(lambda: kubectl(*crd, check=False).returncode != 0, "the operator's CRDs are gone", 60)


def helm(*arguments: str) -> None:
    done = subprocess.run(["helm", *arguments], check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


def install_operator() -> None:
    tag = os.environ["LAB_ESO_IMAGE_TAG"]
    values: dict[str, Any] = {
        "installCRDs": True,
        "image": {"tag": tag},
        "webhook": {"image": {"tag": tag}},
        "certController": {"image": {"tag": tag}},
        "extraEnv": [
            {"name": name, "value": AWS_ENDPOINT} for name in ("AWS_SECRETSMANAGER_ENDPOINT", "AWS_STS_ENDPOINT")
        ],
    }
    command = ["helm", "install", RELEASE[0], os.environ["LAB_ESO_CHART"], *RELEASE[1:], "--create-namespace"]
    done = subprocess.run(
        [*command, "--values=-", "--wait", "--timeout=3m"],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
        input=json.dumps(values),
    )
    assert done.returncode == 0, done.stderr


def share_vault(vault: Vault) -> None:
    """A secrets engine, and an auth method that reviews tokens with a ServiceAccount of its own."""
    vault.client.sys.enable_secrets_engine("kv", path=MOUNT, options={"version": "2"})
    kubectl("create", "serviceaccount", REVIEWER, "-n", "kube-system")
    account = f"kube-system:{REVIEWER}"
    kubectl(
        "create", "clusterrolebinding", REVIEWER, "--clusterrole=system:auth-delegator", f"--serviceaccount={account}"
    )
    token = kubectl("create", "token", REVIEWER, "-n", "kube-system", "--duration=6h").stdout.strip()
    vault.client.sys.enable_auth_method("kubernetes", path=AUTH)
    config = {
        "kubernetes_host": os.environ["LAB_KUBERNETES_ADDR"],
        "kubernetes_ca_cert": Path(os.environ["LAB_KUBERNETES_CA"]).read_text(),
        "token_reviewer_jwt": token,
    }
    vault.client.adapter.post(f"/v1/auth/{AUTH}/config", json=config)
    admit_environments(vault)


def take_vault_back(vault: Vault) -> None:
    """What `share_vault` made."""
    with suppress(hvac.exceptions.VaultError):
        vault.client.sys.disable_auth_method(AUTH)
        vault.client.sys.disable_secrets_engine(MOUNT)
        vault.client.sys.delete_policy(MOUNT)
        vault.client.sys.delete_policy(f"{MOUNT}-reader")
    kubectl("delete", "clusterrolebinding", REVIEWER, "--ignore-not-found")
    kubectl("delete", "serviceaccount", REVIEWER, "-n", "kube-system", "--ignore-not-found")


def admit_environments(vault: Vault) -> None:
    """One policy and one role for all environments, as docs/rights.md says."""
    accessor = vault.client.sys.list_auth_methods()["data"][f"{AUTH}/"]["accessor"]
    vault.client.sys.create_or_update_policy(f"{MOUNT}-reader", documented("vault-reader.hcl", ACCESSOR=accessor))
    role = {
        "bound_service_account_names": "secret-reader",
        "bound_service_account_namespaces": "litellm-env-*",
        "audience": "vault",
        "token_policies": f"{MOUNT}-reader",
        "token_ttl": "10m",
    }
    vault.client.adapter.post(f"/v1/auth/{AUTH}/role/litellm-environments", json=role)


def documented(file: str, **names: str) -> str:
    """A documented policy, for the engine and the auth method of these tests."""
    return rights(file, **names).replace('"litellm/', f'"{MOUNT}/').replace("auth/kubernetes/", f"auth/{AUTH}/")


def place(namespace: str, items: Sequence[dict[str, Any]]) -> None:
    """Make a namespace with what is in it."""
    made = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}, *items]
    kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": made}))


def share_postgres(vault: Vault) -> None:
    place_postgres(vault, POSTGRES_NAMESPACE, MOUNT, "shared/postgres")


def place_postgres(vault: Vault, namespace: str, mount: str, document: str) -> str:
    """A Postgres in a namespace of its own, its login in Vault; returns the password."""
    password = secrets.token_hex(16)
    vault.mount(mount)
    vault.write(mount, document, username="postgres", password=password)
    place(namespace, postgres_objects(namespace, password))
    kubectl("rollout", "status", "statefulset/postgres", "-n", namespace, "--timeout=90s")
    return password


def place_upstream(project: Project, namespace: str, vault: str) -> Project:
    """A provider in a namespace of its own, and a relay to Vault where its address in the cluster is known.

    Returns:
        The project, for stacks that reach Vault by that relay.
    """
    items = upstream_objects(namespace, ["upstream"], [upstream.PORT])
    place(namespace, [*items, *(relay_objects(namespace, "vault", vault) if vault else [])])
    return through_the_relay(project, namespace) if vault else project


def upstream_objects(namespace: str, services: Sequence[str], ports: Sequence[int]) -> list[dict[str, Any]]:
    """A server that stands in for providers of models (tests/e2e/upstream.py), under several names and ports."""
    labels = {"app": "upstream"}
    container = {
        "name": "upstream",
        "image": PINS["litellm"].image,
        "command": ["python3", "/upstream/upstream.py"],
        "volumeMounts": [{"name": "program", "mountPath": "/upstream"}],
        "readinessProbe": {"tcpSocket": {"port": upstream.PORT}, "periodSeconds": 1},
    }
    template = {
        "metadata": {"labels": labels},
        "spec": {
            "containers": [container],
            "volumes": [{"name": "program", "configMap": {"name": "upstream"}}],
            "terminationGracePeriodSeconds": 1,
        },
    }
    exposed = [{"name": f"p{port}", "port": port, "targetPort": upstream.PORT} for port in ports]
    metadata = {"name": "upstream", "namespace": namespace}
    program = {"upstream.py": Path(upstream.__file__).read_text()}
    return [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": program},
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": metadata,
            "spec": {"selector": {"matchLabels": labels}, "template": template},
        },
        *(
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": name, "namespace": namespace},
                "spec": {"selector": labels, "ports": exposed},
            }
            for name in services
        ),
    ]


def relay_objects(namespace: str, name: str, address: str) -> list[dict[str, Any]]:
    """A Deployment that hands on bytes to an address, and its Service: without pods, the way there is closed."""
    metadata, labels = {"name": name, "namespace": namespace}, {"app": name}
    parts = urlsplit(address)
    container = {
        "name": name,
        "image": PINS["litellm"].image,
        "command": ["python3", "-c", RELAY, str(VAULT_PORT), parts.hostname, str(parts.port)],
        "readinessProbe": {"tcpSocket": {"port": VAULT_PORT}, "periodSeconds": 1},
    }
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container], "terminationGracePeriodSeconds": 1}}
    return [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": metadata,
            "spec": {"selector": {"matchLabels": labels}, "template": template},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {"selector": labels, "ports": [{"port": VAULT_PORT}]},
        },
    ]


def through_the_relay(project: Project, namespace: str) -> Project:
    """The same, for stacks that reach Vault by the relay `vault` in a namespace: a way which the tests can close."""
    overlay = project.folder / f"relay-{namespace}.yaml"
    vault = {"clusterAddress": f"http://vault.{namespace}.svc:{VAULT_PORT}"}
    overlay.write_text(yaml.safe_dump({"config": {"litellm:secrets": {"vault": vault}}}))
    given = project.environment["OVERLAY"]
    return Project(project.folder, project.environment | {"OVERLAY": f"{given},{overlay}"}, project.log)


def vault_for_the_cluster(namespace: str, *, there: bool) -> None:
    """Let the cluster reach Vault or not: the way there is the relay in a namespace."""
    kubectl("scale", "deployment/vault", "-n", namespace, f"--replicas={int(there)}")
    path = "jsonpath={.items[*].status.containerStatuses[*].ready}"
    pods = ("get", "pods", "-n", namespace, "-l", "app=vault", "-o", path)
    eventually(lambda: kubectl(*pods).stdout.split() == ["true"] * there, "Vault is there or not", 60)


def postgres_objects(namespace: str, password: str) -> list[dict[str, Any]]:
    """A Postgres that forgets everything with its pod."""
    metadata = {"name": "postgres", "namespace": namespace}
    labels = {"app": "postgres"}
    container = {
        "name": "postgres",
        "image": PINS["postgres"].image,
        "env": [{"name": "POSTGRES_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "postgres", "key": "password"}}}],
        # While it initializes, Postgres listens on no port.
        "readinessProbe": {"tcpSocket": {"port": 5432}, "periodSeconds": 1, "timeoutSeconds": 5},
    }
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container], "terminationGracePeriodSeconds": 1}}
    return [
        {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"password": password}},
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {"selector": labels, "ports": [{"port": 5432}]},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": metadata,
            "spec": {"serviceName": "postgres", "selector": {"matchLabels": labels}, "template": template},
        },
    ]


def inventory(vault: Vault) -> set[str]:
    """Everything that an environment could leave behind, in Kubernetes, Vault, AWS and Postgres, by name."""
    kinds = "namespaces,clusterroles,clusterrolebindings,persistentvolumes,leases"
    found = {
        f"{item['kind']} {item['metadata'].get('namespace', '')} {item['metadata']['name']}"
        for item in objects(kinds, "--all-namespaces")
    }
    found |= {f"policy {name}" for name in vault.client.sys.list_policies()["data"]["policies"]}
    with suppress(hvac.exceptions.InvalidPath):
        found |= {f"role {name}" for name in vault.client.auth.kubernetes.list_roles(mount_point=AUTH)["keys"]}
    found |= {f"folder {name}" for name in vault.list(MOUNT, "")}
    found |= {
        f"document {folder}{name}"
        for folder in vault.list(MOUNT, "ephemeral")
        for name in vault.list(MOUNT, f"ephemeral/{folder}")
    }
    found |= {f"database {name}" for name in postgres("SELECT datname FROM pg_database").split()}
    found |= {f"database role {name}" for name in postgres("SELECT rolname FROM pg_roles").split()}
    if AWS_ENDPOINT:
        manager: Any = boto3.client("secretsmanager", region_name="us-east-1")
        found |= {f"secret {one['Name']}" for one in manager.list_secrets(IncludePlannedDeletion=True)["SecretList"]}
        iam: Any = boto3.client("iam", region_name="us-east-1")
        found |= {f"IAM role {role['RoleName']}" for role in iam.list_roles()["Roles"]}
    return found


def documented_token(vault: Vault) -> str:
    """A token with the rights that docs/rights.md lists, and no others."""
    vault.client.sys.create_or_update_policy(MOUNT, documented("vault-environments.hcl"))
    return str(vault.client.auth.token.create(policies=[MOUNT], ttl="1h")["auth"]["client_token"])


def postgres(query: str) -> str:
    command = ("psql", "-U", "postgres", "-h", "/var/run/postgresql", "-At", "-c", query)
    return kubectl("exec", "-n", POSTGRES_NAMESPACE, "statefulset/postgres", "--", *command).stdout.strip()
