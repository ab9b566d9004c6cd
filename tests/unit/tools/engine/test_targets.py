"""Before a stack goes: what stands in the way is said, with the ways out, and what is gone already stands in nobody's way."""

from typing import Any

import hvac
import hvac.exceptions
import pytest
import requests

from tests.unit.tools.engine.fakes import FakeCluster
from tools.engine import aws_users, state
from tools.engine.part import Part
from tools.engine.targets import Sight, forgotten, let_go, look

U = "urn:pulumi:dev::litellm::"
PROVIDER = {"urn": f"{U}vault", "type": state.VAULT, "inputs": {"address": "https://v"}}
OWN = {"provider": f"{U}vault::id"}
DOCUMENT = OWN | {
    "urn": f"{U}document",
    "type": "vault:kv/secretV2:SecretV2",
    "inputs": {"mount": "litellm", "name": "dev/redis"},
}
POLICY = OWN | {"urn": f"{U}policy", "type": "vault:index/policy:Policy", "inputs": {"name": "litellm-dev"}}
ROLE = OWN | {
    "urn": f"{U}role",
    "type": "vault:kubernetes/authBackendRole:AuthBackendRole",
    "inputs": {"backend": "kubernetes-dev", "roleName": "litellm-dev"},
}
SALT = {"urn": f"{U}salt", "type": "pulumi-python:dynamic/litellm:VaultSaltKey"}
GENERATED = {
    "urn": f"{U}generated",
    "type": state.GENERATED,
    "provider": f"{U}default",
    "inputs": {"mount": "litellm", "path": "dev/api-keys"},
}
IN_VAULT = (PROVIDER, DOCUMENT, POLICY, ROLE)
EXTERNAL = {
    "urn": f"{U}external",
    "type": "kubernetes:external-secrets.io/v1:ExternalSecret",
    "id": "litellm-dev/litellm-env-1",
}
STATEFUL = {"urn": f"{U}postgres", "type": "kubernetes:apps/v1:StatefulSet"}
PATH = "/apis/external-secrets.io/v1/namespaces/litellm-dev/externalsecrets/litellm-env-1"


class FakeVault:
    """A Vault with its mounts, and rights by path."""

    def __init__(self) -> None:
        self.token = "of-nobody"
        self.health: Any = {"initialized": True, "sealed": False}
        self.mounts = {"litellm", "auth/kubernetes-dev"}
        self.capabilities: dict[str, list[str]] = {}
        self.refuses: set[str] = set()

    def read_health_status(self, method: str) -> Any:
        if isinstance(self.health, Exception):
            raise self.health
        return self.health

    def lookup_self(self) -> None:
        if "token" in self.refuses:
            raise hvac.exceptions.Forbidden

    def get(self, url: str) -> Any:
        mount = url.removeprefix("/v1/sys/internal/ui/mounts/")
        if mount not in self.mounts:
            raise hvac.exceptions.Forbidden
        return {"data": {"path": f"{mount}/"}}

    def list_mounted_secrets_engines(self) -> Any:
        if "list" in self.refuses:
            raise hvac.exceptions.Forbidden
        return {"data": {f"{mount}/": {} for mount in self.mounts if not mount.startswith("auth/")}}

    def list_auth_methods(self) -> Any:
        return {"data": {f"{mount.removeprefix('auth/')}/": {} for mount in self.mounts if mount.startswith("auth/")}}

    def get_capabilities(self, paths: list[str]) -> Any:
        if "capabilities" in self.refuses:
            raise hvac.exceptions.Forbidden
        return {"data": {path: self.capabilities.get(path, ["delete"]) for path in paths}}


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> FakeVault:
    fake = FakeVault()
    monkeypatch.setattr(hvac, "Client", lambda **_: Client(fake))
    return fake


class Client:
    """hvac's client of it."""

    def __init__(self, fake: FakeVault) -> None:
        self.sys = self.adapter = fake
        self.token = fake.token
        self.auth = type("Auth", (), {"token": fake})()


def exported(*resources: dict[str, Any]) -> dict[str, Any]:
    return {"deployment": {"resources": [dict(each) for each in resources]}}


def looked(*resources: dict[str, Any], cluster: FakeCluster | None = None, without: set[Part] | None = None) -> Sight:
    found = cluster or FakeCluster()
    return look(exported(*resources), lambda: found, "external-secrets", without or set())


def said(sight: Sight) -> str:
    return "\n".join(each.ways_out("dev") for each in sight.obstacles)


def test_a_vault_that_answers_and_lets_it_go_is_no_obstacle(vault: FakeVault):
    assert looked(*IN_VAULT) == Sight()


@pytest.mark.parametrize(
    ("health", "says"),
    [
        (requests.Timeout("Read timed out"), "cannot be reached: Read timed out"),
        (requests.ConnectionError("Connection refused"), "cannot be reached: Connection refused"),
        ({"initialized": True, "sealed": True}, "is sealed: unseal it first"),
        ({"initialized": False, "sealed": True}, "is not initialized"),
    ],
    ids=["does not answer", "gone", "sealed", "not initialized"],
)
def test_a_vault_that_cannot_be_used_is_said_with_both_ways_out(vault: FakeVault, health: Any, says: str):
    vault.health = health
    text = said(looked(*IN_VAULT))
    assert says in text
    assert "run `make destroy STACK=dev` again" in text
    assert "`make destroy STACK=dev ARGS='--without store'`, which forgets" in text


def test_a_stack_that_goes_without_its_store_does_not_ask_it(vault: FakeVault):
    vault.health = requests.Timeout()
    assert looked(*IN_VAULT, without={Part.store}) == Sight()


def test_a_stack_that_has_nothing_in_vault_does_not_ask_it(vault: FakeVault):
    vault.health = requests.Timeout()
    assert looked(PROVIDER, *(each | {"retainOnDelete": True} for each in (DOCUMENT, POLICY))) == Sight()


def test_a_token_that_vault_refuses_is_said(vault: FakeVault):
    vault.refuses = {"token"}
    assert "refuses the token" in said(looked(*IN_VAULT))
    vault.token = ""
    assert "no Vault token" in said(looked(*IN_VAULT))


def test_what_a_token_may_not_delete_is_named(vault: FakeVault):
    vault.capabilities = {"litellm/metadata/dev/redis": ["read"], "sys/policies/acl/litellm-dev": ["root"]}
    assert "this token may not delete litellm/metadata/dev/redis in Vault at https://v" in said(looked(*IN_VAULT))
    vault.refuses = {"capabilities"}
    assert looked(*IN_VAULT) == Sight(), "who may not ask what he may do is believed"


@pytest.mark.parametrize(("mount", "gone"), [("litellm", DOCUMENT), ("auth/kubernetes-dev", ROLE)])
def test_what_was_in_a_mount_that_somebody_took_away_is_gone(vault: FakeVault, mount: str, gone: dict[str, Any]):
    vault.mounts -= {mount}
    sight = looked(*IN_VAULT)
    assert (sight.obstacles, sight.gone) == ((), (gone["urn"],))
    assert sight.lines == (f"{mount}/ is not in Vault any more, and what the stack had in it went with it",)


def test_documents_that_vaults_client_wrote_are_looked_at_with_the_others(vault: FakeVault):
    vault.capabilities = {"litellm/metadata/dev/api-keys": ["read"]}
    assert "may not delete litellm/metadata/dev/api-keys" in said(looked(*IN_VAULT, GENERATED))
    vault.mounts -= {"litellm"}
    assert set(looked(*IN_VAULT, GENERATED).gone) == {DOCUMENT["urn"], GENERATED["urn"]}
    assert (
        "left in Vault, if it comes back: litellm/metadata/dev/api-keys"
        in forgotten(exported(*IN_VAULT, GENERATED), {Part.store})[1]
    )


def test_a_mount_that_may_be_there_is_not_taken_for_gone(vault: FakeVault):
    vault.mounts -= {"litellm"}
    vault.refuses = {"list"}
    assert "this token may use nothing at litellm in Vault" in said(looked(*IN_VAULT))


def deployment(ready: int | None) -> dict[str, Any]:
    pod = {"containers": [{"image": "operator:v1"}]}
    status = {} if ready is None else {"readyReplicas": ready}
    metadata = {"namespace": "external-secrets", "name": "external-secrets"}
    return {"metadata": metadata, "spec": {"template": {"spec": pod}}, "status": status}


def with_operator(*deployments: dict[str, Any]) -> FakeCluster:
    group = {"versions": [{"version": "v1"}]}
    return FakeCluster(reads=[[*deployments]], objects={"/apis/external-secrets.io": group})


def test_an_operator_that_works_is_no_obstacle():
    assert looked(EXTERNAL, cluster=with_operator(deployment(1))) == Sight()


@pytest.mark.parametrize(
    ("deployments", "says"), [([], "is not in the cluster"), ([deployment(None)], "no pod of its controller is ready")]
)
def test_an_operator_that_is_gone_is_said_before_a_namespace_hangs(deployments: list[Any], says: str):
    text = said(looked(EXTERNAL, cluster=with_operator(*deployments)))
    assert says in text
    assert "ARGS='--without operator'`, which lets the ExternalSecrets go without it" in text


def test_without_the_operators_crds_nothing_can_hang():
    assert looked(EXTERNAL) == Sight()


def test_a_stack_without_external_secrets_needs_no_operator():
    assert looked(STATEFUL, cluster=with_operator()) == Sight()
    assert looked(EXTERNAL, cluster=with_operator(), without={Part.operator}) == Sight()


def test_a_cluster_that_does_not_answer_is_said_with_both_ways_out():
    def connect() -> FakeCluster:
        raise OSError("no route to host")

    sight = look(exported(STATEFUL), connect, "external-secrets")
    assert "the cluster cannot be used: no route to host" in said(sight)
    assert "ARGS='--without cluster'" in said(sight)
    assert look(exported(STATEFUL), connect, "external-secrets", {Part.cluster}) == Sight()


def test_aws_that_refuses_has_one_way_out_only(monkeypatch: pytest.MonkeyPatch):
    secret = {"urn": "s", "type": "aws:secretsmanager/secret:Secret"}
    monkeypatch.setattr(aws_users, "unusable", lambda _connection: "AWS does not accept these credentials")
    text = said(looked(secret))
    assert "Log in to AWS, and run `make destroy STACK=dev` again" in text
    assert "--without" not in text


def test_every_obstacle_is_said_at_once(vault: FakeVault):
    vault.health = requests.Timeout("Read timed out")
    text = said(looked(*IN_VAULT, EXTERNAL, cluster=with_operator()))
    assert "Read timed out" in text
    assert "is not in the cluster" in text


def test_what_is_forgotten_is_said():
    urns, lines = forgotten(exported(*IN_VAULT, SALT, STATEFUL), {Part.store})
    assert set(urns) == {each["urn"] for each in (DOCUMENT, POLICY, ROLE, SALT)}
    assert lines == (
        "left in Vault, if it comes back: auth/kubernetes-dev/role/litellm-dev",
        "left in Vault, if it comes back: litellm/metadata/dev/redis",
        "left in Vault, if it comes back: sys/policies/acl/litellm-dev",
    )
    assert forgotten(exported(*IN_VAULT, STATEFUL), {Part.cluster}) == ((STATEFUL["urn"],), ())
    assert forgotten(exported(*IN_VAULT, STATEFUL), set()) == ((), ())


def test_external_secrets_are_let_go_once():
    cluster = FakeCluster(objects={PATH: {"metadata": {"finalizers": ["externalsecrets.external-secrets.io/cleanup"]}}})
    assert let_go(exported(EXTERNAL), cluster) == 1
    assert cluster.writes == [("patch", PATH, {"metadata": {"finalizers": None}})]
    assert let_go(exported(EXTERNAL), FakeCluster(objects={PATH: {"metadata": {}}})) == 0
    assert let_go(exported(EXTERNAL), FakeCluster()) == 0


def test_what_holds_data_waits_for_no_secret():
    """A server needs its Secret to run, and not to go: its Secret, and the login by which that is read, go first."""
    needed = [f"{U}namespace", EXTERNAL["urn"]]
    server = STATEFUL | {"dependencies": [*needed], "propertyDependencies": {"spec": [*needed]}}
    found = exported(EXTERNAL, server | {"type": STATEFUL["type"]})
    assert state.free_data(found)
    freed = found["deployment"]["resources"][1]
    assert freed["dependencies"] == freed["propertyDependencies"]["spec"] == [f"{U}namespace"]
    assert not state.free_data(found), "no news"


def test_what_holds_data_is_known_by_its_type():
    kept = DOCUMENT | {"urn": "kept", "retainOnDelete": True}
    found = exported(DOCUMENT, GENERATED, POLICY, STATEFUL, EXTERNAL, kept)
    assert state.hold_data(found) == [DOCUMENT["urn"], GENERATED["urn"], STATEFUL["urn"]]
