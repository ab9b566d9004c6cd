"""A namespace that the platform team made: a whole stack in it with the documented rights only, and what its pods reach."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.shared import AUTH, MOUNT, RELEASE, helm, install_operator, share_vault, take_vault_back
from tests.e2e.support import Project, Vault, completion, kubectl, objects
from tests.vault_server import rights

pytestmark = pytest.mark.skipif("LAB_ESO_CHART" not in os.environ, reason="needs the operator's chart (LAB_ESO_CHART)")

STACK, NAMESPACE = "given", "platform-made"
ACCOUNT = "deployer"
DEPLOYER = f"system:serviceaccount:{NAMESPACE}-ci:{ACCOUNT}"
COMPUTE = {"cpu": "100m", "memory": "1Gi", "cpuLimit": "2"}
CONFIG: dict[str, Any] = {
    "protect": False,
    "namespace": NAMESPACE,
    "createNamespace": False,
    # The cluster's: a method of its own would need a right on the whole cluster, for the reviews of tokens.
    "secrets": {
        "vault": {"mount": {"path": MOUNT, "create": False}, "kubernetesAuth": {"path": AUTH, "create": False}}
    },
    "database": {"storage": None, "resources": {"cpu": "50m", "memory": "256Mi", "cpuLimit": "1"}},
    "redis": {"maxMemory": "64Mi", "resources": {"cpu": "50m", "memory": "128Mi", "cpuLimit": "1"}},
    "gateway": {
        "allowMemoryBelowFloor": True,
        "resources": COMPUTE,
        "preStopSeconds": 0,
        "models": [{"name": "mock", "provider": "mock", "model": "mock", "response": "Hello."}],
    },
    "networkPolicy": {"egress": {"gateway": True}},
    "ingress": {"host": "given.localhost"},
}


def quota(cpu: str) -> str:
    hard = {"requests.cpu": cpu, "limits.memory": "8Gi", "pods": "20"}
    metadata = {"name": "team", "namespace": NAMESPACE}
    return json.dumps({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": hard}})


@pytest.fixture(scope="module")
def platform(vault: Vault) -> Iterator[None]:
    """What the platform team does: operator, Vault, a namespace with a quota, the documented rights for a ServiceAccount."""
    roles = rights("kubernetes-namespace.yaml", NAMESPACE=NAMESPACE, DEPLOYER=DEPLOYER)
    install_operator()
    share_vault(vault)
    kubectl("create", "namespace", NAMESPACE)
    kubectl("label", "namespace", NAMESPACE, "pod-security.kubernetes.io/enforce=restricted")
    kubectl("create", "namespace", f"{NAMESPACE}-ci")
    kubectl("create", "serviceaccount", ACCOUNT, "-n", f"{NAMESPACE}-ci")
    kubectl("apply", "-f", "-", stdin=roles)
    kubectl("apply", "-f", "-", stdin=quota("100m"))
    yield
    kubectl("delete", "--ignore-not-found", "--wait=false", "-f", "-", stdin=roles)
    kubectl("delete", "namespace", NAMESPACE, f"{NAMESPACE}-ci", "--ignore-not-found")
    take_vault_back(vault)
    helm("uninstall", *RELEASE, "--wait", "--ignore-not-found")


@pytest.fixture(scope="module")
def deployer(project: Project, platform: None, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The checkout in the hands of somebody with these rights."""
    token = kubectl("create", "token", ACCOUNT, "-n", f"{NAMESPACE}-ci", "--duration=2h").stdout.strip()
    own = yaml.safe_load(Path(os.environ["KUBECONFIG"]).read_text())
    own["users"] = [{"name": user["name"], "user": {"token": token}} for user in own["users"]]
    file = tmp_path_factory.mktemp("kubeconfig") / "config"
    file.write_text(yaml.safe_dump(own))
    file.chmod(0o600)
    return replace(project, environment={**project.environment, "KUBECONFIG": str(file)})


@pytest.fixture(scope="module")
def deployed(deployer: Project) -> Project:
    kubectl("apply", "-f", "-", stdin=quota("4"))
    deployer.write_stack(STACK, CONFIG)
    deployer.make("up", STACK)
    return deployer


def test_what_the_namespace_lacks_is_said_before_anything_is_made(deployer: Project):
    deployer.write_stack(STACK, CONFIG)
    done = deployer.make("up", STACK, check=False)
    assert done.returncode != 0
    assert f"ResourceQuota team of namespace {NAMESPACE} allows 100m of requests.cpu" in done.stdout + done.stderr
    assert not objects("configmaps", "-n", NAMESPACE, "-l", "app.kubernetes.io/part-of=litellm")


def test_these_rights_are_enough(deployed: Project, vault: Vault):
    key = vault.read(MOUNT, f"{STACK}/api-keys")["master-key"]
    assert completion(deployed.outputs(STACK)["url"], key).status_code == 200
    assert deployed.changes(STACK) == []


def test_the_namespace_stays_as_it_was(deployed: Project):
    labels = json.loads(kubectl("get", "namespace", NAMESPACE, "-o", "json").stdout)["metadata"]["labels"]
    assert set(labels) == {"kubernetes.io/metadata.name", "pod-security.kubernetes.io/enforce"}


ENFORCED = "policies" in os.environ.get("LAB_PARTS", "").split(",")
PROBE = "import socket,sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)"


def connects(host: str, port: int) -> bool:
    command = (
        "exec",
        "-n",
        NAMESPACE,
        "deployment/litellm",
        "-c",
        "litellm",
        "--",
        "python",
        "-c",
        PROBE,
        host,
        str(port),
    )
    return kubectl(*command, check=False).returncode == 0


needs_enforcement = pytest.mark.skipif(
    not ENFORCED, reason="needs a cluster that enforces NetworkPolicies (lab up --with policies)"
)


@needs_enforcement
def test_the_gateway_reaches_its_servers_and_no_private_network(deployed: Project):
    assert connects("postgres", 5432)
    assert connects("redis", 6379)
    node = os.environ["LAB_KUBERNETES_ADDR"].removeprefix("https://").partition(":")[0]
    assert not connects(node, 6443)


@needs_enforcement
def test_postgres_reaches_nothing(deployed: Project):
    script = "exec 3<>/dev/tcp/redis/6379"
    done = kubectl(
        "exec", "-n", NAMESPACE, "statefulset/postgres", "--", "timeout", "3", "bash", "-c", script, check=False
    )
    assert done.returncode != 0


def test_destroy_leaves_the_namespace(deployed: Project):
    kubectl("create", "configmap", "of-the-team", "-n", NAMESPACE)
    done = deployed.make("destroy", STACK)
    assert "kept: the salt key" in done.stdout
    assert kubectl("get", "configmap", "of-the-team", "-n", NAMESPACE).stdout
    assert not objects("deployments,statefulsets,externalsecrets,networkpolicies", "-n", NAMESPACE)
