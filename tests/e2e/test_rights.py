"""The Kubernetes rights of docs/rights/, in a real cluster: enough to work with, and no way to more."""

from collections.abc import Callable, Iterator

import pytest

from tests.e2e.support import eventually, kubectl
from tests.vault_server import rights

OWN, FOREIGN, ENVIRONMENT = "litellm-rights", "rights-of-others", "litellm-env-rights"
STACK_USER, ENVIRONMENT_USER, PREVIEW_USER = "rights-stack", "rights-environments", "rights-preview"
FILES = {
    "kubernetes-up.yaml": {"NAMESPACE": OWN, "STACK": "rights", "DEPLOYER": STACK_USER},
    "kubernetes-environments.yaml": {"DEPLOYER": ENVIRONMENT_USER},
    "kubernetes-preview.yaml": {"PREVIEWER": PREVIEW_USER},
}


@pytest.fixture(scope="module", autouse=True)
def granted() -> Iterator[None]:
    """What an administrator does once, and a namespace of somebody else."""
    texts = [rights(file, **names) for file, names in FILES.items()]
    kubectl("create", "namespace", FOREIGN)
    for account in ("secret-reader", "default"):
        kubectl("create", "serviceaccount", account, "-n", FOREIGN, check=False)
    kubectl("create", "secret", "generic", "theirs", "-n", FOREIGN, "--from-literal=key=theirs")
    try:
        for text in texts:
            kubectl("apply", "-f", "-", stdin=text)
        kubectl("create", "secret", "generic", "own", "-n", OWN, "--from-literal=key=own")
        eventually(lambda: not may(ENVIRONMENT_USER, *create(CONFIG, FOREIGN)), "the admission policy is in force")
        yield
    finally:
        for text in texts:
            kubectl("delete", "--ignore-not-found", "--wait=false", "-f", "-", stdin=text)
        kubectl("delete", "namespace", FOREIGN, ENVIRONMENT, "--ignore-not-found", "--wait=false")


def may(user: str, *command: str, stdin: str | None = None) -> bool:
    """Whether the API server lets a user do something; it is done on trial where it would change anything."""
    done = kubectl(f"--as={user}", *command, check=False, stdin=stdin)
    assert done.returncode == 0 or "orbidden" in done.stderr or "denied" in done.stderr, done.stderr
    return done.returncode == 0


def create(what: tuple[str, ...], namespace: str) -> tuple[str, ...]:
    return ("create", *what, "-n", namespace, "--dry-run=server")


CONFIG = ("configmap", "trial")


@pytest.mark.parametrize("what", [CONFIG, ("deployment", "trial", "--image=trial"), ("serviceaccount", "trial")])
def test_a_stack_is_made_in_its_own_namespace_and_nowhere_else(what: tuple[str, ...]):
    assert may(STACK_USER, *create(what, OWN))
    assert not may(STACK_USER, *create(what, FOREIGN))


def test_environments_are_made_in_namespaces_of_their_own_and_nowhere_else():
    assert may(ENVIRONMENT_USER, "create", "namespace", ENVIRONMENT)
    assert may(ENVIRONMENT_USER, *create(CONFIG, ENVIRONMENT))
    assert not may(ENVIRONMENT_USER, *create(CONFIG, FOREIGN))
    assert not may(ENVIRONMENT_USER, "delete", "namespace", FOREIGN, "--dry-run=server")
    assert not may(ENVIRONMENT_USER, "create", "namespace", "litellm-production", "--dry-run=server")
    assert not may(ENVIRONMENT_USER, "label", "namespace", FOREIGN, "mine=yes", "--dry-run=server")
    assert may(ENVIRONMENT_USER, "delete", "namespace", ENVIRONMENT, "--wait=false")


USERS = [STACK_USER, ENVIRONMENT_USER, PREVIEW_USER]
EVERYTHING = ("--clusterrole=cluster-admin",)

WAYS_UP: dict[str, Callable[[str], tuple[str, ...]]] = {
    "a secret of somebody else": lambda user: ("get", "secret", "theirs", "-n", FOREIGN),
    "the secrets of its namespace": lambda user: ("get", "secret", "own", "-n", OWN),
    "all secrets": lambda user: ("get", "secrets", "-A"),
    "cluster-admin": lambda user: (
        *("create", "clusterrolebinding", "trial", *EVERYTHING, f"--user={user}"),
        "--dry-run=server",
    ),
    "everything in its namespace": lambda user: (
        *("create", "rolebinding", "trial", *EVERYTHING, f"--user={user}", "-n", OWN),
        "--dry-run=server",
    ),
    "a role with more": lambda user: (
        *("create", "role", "trial", "--verb=get", "--resource=secrets", "-n", OWN),
        "--dry-run=server",
    ),
    "the reader of another stack": lambda user: ("create", "token", "secret-reader", "-n", FOREIGN),
    "a token of somebody else": lambda user: ("create", "token", "default", "-n", FOREIGN),
    "the admission policy": lambda user: (
        "delete",
        "validatingadmissionpolicy",
        "litellm-environments",
        "--dry-run=server",
    ),
}


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("way", WAYS_UP)
def test_no_documented_right_leads_to_more(user: str, way: str):
    assert not may(user, *WAYS_UP[way](user))


def test_the_same_ways_are_open_to_an_administrator():
    for way, command in WAYS_UP.items():
        assert kubectl(*command("admin"), check=False).returncode == 0, way


def test_a_preview_sees_and_changes_nothing():
    assert may(PREVIEW_USER, "get", "deployments,services,jobs", "-n", OWN)
    for namespace in (OWN, FOREIGN):
        assert not may(PREVIEW_USER, *create(CONFIG, namespace))


def test_the_looks_before_an_up_are_allowed():
    for user in USERS:
        assert may(user, "get", "crds")
        assert may(user, "get", "namespace", OWN)
        assert may(user, "get", "deployments", "-A")
