"""With exactly the rights of docs/rights/, against a real Vault: what must work works, and nobody gets more."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import hvac
import hvac.exceptions
import pytest

from components.secrets import vault_generated, vault_once
from components.secrets.vault_generated import GeneratedProvider
from components.secrets.vault_once import SaltKeyProvider, VaultRefusalError
from infra.secrets.claims import TakenError
from infra.secrets.documents import documents
from infra.secrets.vault import VaultStore
from infra.secrets.vault_check import check
from infra.secrets.vault_claims import VaultClaims
from infra.target import Target
from tests import vault_server
from tests.unit.infra.stacks import target
from tests.vault_server import VaultServer
from tools.ephemeral.mark import Mark
from tools.ephemeral.vault_keeper import VaultKeeper

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(vault_server.PROGRAM is None, reason="needs `vault` on PATH"),
]

STACK, OTHER = "litellm-dev", "litellm-prod"
ENVIRONMENT = "litellm-env-pr-1"
MARK = f"litellm/dev/{'a' * 8}/{'1' * 8}"
REFUSED = (hvac.exceptions.Forbidden, hvac.exceptions.InvalidRequest)
ROLES: dict[str, Any] = {
    "create": False,
    "createRole": False,
    "role": "litellm",
    "path": "kubernetes",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VaultServer]:
    with vault_server.running(tmp_path_factory.mktemp("vault")) as running:
        yield running


@pytest.fixture
def vault(server: VaultServer) -> VaultServer:
    """With a value in every place, of which each token may see some."""
    settings = {"cas_required": False, "delete_version_after": "0s"}
    server.root.adapter.post("/v1/litellm/config", json=settings)
    places = (
        f"{STACK}/api-keys",
        f"{STACK}/salt",
        f"{OTHER}/api-keys",
        f"ephemeral/{ENVIRONMENT}/api-keys",
        "shared/keys",
    )
    for path in places:
        server.root.secrets.kv.v2.delete_metadata_and_all_versions(path, mount_point="litellm")
        server.root.secrets.kv.v2.create_or_update_secret(path, {"value": f"of {path}"}, mount_point="litellm")
    return server


def read(client: Any, path: str) -> str:
    found = client.secrets.kv.v2.read_secret_version(path, mount_point="litellm", raise_on_deleted_version=True)
    return found["data"]["data"]["value"]


def stack(server: VaultServer, **settings: Any) -> Target:
    given = {"mount": {"create": False}, "prefix": STACK, "kubernetesAuth": ROLES} | settings
    made = target(secrets={"vault": {"address": server.address, "clusterAddress": server.address} | given})
    assert isinstance(made.store, VaultStore)
    return replace(made, store=replace(made.store, address=server.address))


def look(server: VaultServer, client: Any, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> list[str]:
    monkeypatch.setattr(hvac, "Client", lambda **_: client)
    of = stack(server, **settings)
    assert isinstance(of.store, VaultStore)
    return list(check(of.store, of, documents(of.config)))


def claims(server: VaultServer, client: Any) -> VaultClaims:
    of = stack(server)
    assert isinstance(of.store, VaultStore)
    return VaultClaims(client, of.store, of)


# The reader: External Secrets Operator.


def test_the_reader_of_a_namespace_reads_its_documents_and_those_for_all(vault: VaultServer):
    reader = vault.log_in("litellm", STACK)
    assert read(reader, f"{STACK}/api-keys") == f"of {STACK}/api-keys"
    assert read(reader, "shared/keys") == "of shared/keys"


@pytest.mark.parametrize("path", [f"{OTHER}/api-keys", f"ephemeral/{ENVIRONMENT}/api-keys"])
def test_the_reader_of_a_namespace_reads_nothing_of_another(vault: VaultServer, path: str):
    with pytest.raises(hvac.exceptions.Forbidden):
        read(vault.log_in("litellm", STACK), path)


def test_the_reader_of_an_environment_reads_its_own_documents(vault: VaultServer):
    reader = vault.log_in("litellm-environments", ENVIRONMENT)
    assert read(reader, f"ephemeral/{ENVIRONMENT}/api-keys") == f"of ephemeral/{ENVIRONMENT}/api-keys"
    with pytest.raises(hvac.exceptions.Forbidden):
        read(vault.log_in("litellm-environments", "litellm-env-pr-2"), f"ephemeral/{ENVIRONMENT}/api-keys")


@pytest.mark.parametrize(("namespace", "account"), [("default", "secret-reader"), (STACK, "default")])
def test_nobody_else_logs_in(vault: VaultServer, namespace: str, account: str):
    with pytest.raises(REFUSED):
        vault.log_in("litellm", namespace, account)


# Who runs `up`.


def test_an_up_has_what_it_needs(vault: VaultServer, monkeypatch: pytest.MonkeyPatch):
    client = vault.with_rights("vault-up.hcl", STACK)
    kv = vault.root.secrets.kv.v2
    for document in ("api-keys", "salt"):
        kv.delete_metadata_and_all_versions(f"{STACK}/{document}", mount_point="litellm")
    name = {"name": f"{STACK}/api-keys", "customMetadata": {"data": {"managed-by": MARK}}}
    claims(vault, client).claim_document(name, {})
    client.secrets.kv.v2.create_or_update_secret(f"{STACK}/api-keys", {"value": "made"}, mount_point="litellm")
    assert read(client, f"{STACK}/api-keys") == "made"
    monkeypatch.setattr(vault_once, "connect", lambda _: client)
    salt = {"mount": "litellm", "path": f"{STACK}/salt", "property": "salt-key", "length": 48}
    assert SaltKeyProvider().create(salt).id == f"litellm/{STACK}/salt#salt-key"
    assert (SaltKeyProvider().create(salt).outs or {})["adopted"]
    SaltKeyProvider().read("", salt)
    monkeypatch.undo()
    assert look(vault, client, monkeypatch) == []
    client.secrets.kv.v2.delete_metadata_and_all_versions(f"{STACK}/api-keys", mount_point="litellm")


def test_an_up_does_not_read_the_salt_key(vault: VaultServer):
    with pytest.raises(hvac.exceptions.Forbidden):
        read(vault.with_rights("vault-up.hcl", STACK), f"{STACK}/salt")


EVERYTHING = 'path "*" { capabilities = ["create", "read", "update", "delete", "list", "sudo"] }'
ROLE = {
    "bound_service_account_names": ["*"],
    "bound_service_account_namespaces": ["*"],
    "audience": "vault",
    "token_policies": ["everything"],
}

WAYS_UP: dict[str, Callable[[Any], Any]] = {
    "its own policy": lambda client: write(client, "sys/policies/acl/vault-up-litellm-dev", {"policy": EVERYTHING}),
    "the policy of environments": lambda client: write(
        client, "sys/policies/acl/vault-environments-litellm-dev", {"policy": EVERYTHING}
    ),
    "the reader's policy": lambda client: write(client, "sys/policies/acl/litellm-reader", {"policy": EVERYTHING}),
    "a policy called like a stack's": lambda client: write(
        client, "sys/policies/acl/litellm-dev", {"policy": EVERYTHING}
    ),
    "a policy called like an environment's": lambda client: write(
        client, "sys/policies/acl/litellm-env-pr-1", {"policy": EVERYTHING}
    ),
    "the old way to policies": lambda client: write(client, "sys/policy/litellm-env-pr-1", {"policy": EVERYTHING}),
    "the role of stacks": lambda client: write(client, "auth/kubernetes/role/litellm", ROLE),
    "the role of environments": lambda client: write(client, "auth/kubernetes/role/litellm-environments", ROLE),
    "a role of its own": lambda client: write(client, "auth/kubernetes/role/litellm-env-pr-1", ROLE),
    "another cluster behind the auth method": lambda client: write(
        client, "auth/kubernetes/config", {"kubernetes_host": "https://attacker.example.com"}
    ),
    "an auth method of its own": lambda client: write(client, "sys/auth/kubernetes-dev", {"type": "userpass"}),
    "an engine of its own": lambda client: write(client, "sys/mounts/mine", {"type": "kv"}),
    "a token with more": lambda client: write(client, "auth/token/create", {"policies": ["everything"]}),
    "a token that lives longer": lambda client: write(client, "auth/token/create-orphan", {"ttl": "768h"}),
    "a group with more": lambda client: write(client, "identity/group", {"name": "g", "policies": ["everything"]}),
    "metadata of its entity": lambda client: write(
        client, "identity/entity", {"name": "e", "policies": ["everything"]}
    ),
    "the settings of the engine": lambda client: write(client, "litellm/config", {"max_versions": 1}),
    "a document of another stack": lambda client: write(client, f"litellm/data/{OTHER}/api-keys", {"data": {}}),
    "the values of another stack": lambda client: read(client, f"{OTHER}/api-keys"),
    "the values for all": lambda client: read(client, "shared/keys"),
    "whatever is in the engine": lambda client: client.secrets.kv.v2.list_secrets("", mount_point="litellm"),
}


def write(client: Any, path: str, body: dict[str, Any]) -> None:
    client.adapter.post(f"/v1/{path}", json=body)


@pytest.mark.parametrize("rights", ["vault-up.hcl", "vault-environments.hcl", "vault-preview.hcl"])
@pytest.mark.parametrize("way", WAYS_UP)
def test_no_documented_right_leads_to_more(vault: VaultServer, rights: str, way: str):
    vault.root.sys.create_or_update_policy("everything", EVERYTHING)
    with pytest.raises(hvac.exceptions.Forbidden):
        WAYS_UP[way](vault.with_rights(rights, STACK))


def test_a_reader_has_no_way_to_more_either(vault: VaultServer):
    vault.root.sys.create_or_update_policy("everything", EVERYTHING)
    reader = vault.log_in("litellm", STACK)
    for way in WAYS_UP.values():
        if way is not WAYS_UP["the values for all"]:
            with pytest.raises(hvac.exceptions.Forbidden):
                way(reader)


# Who makes environments.


def test_environments_come_and_go(vault: VaultServer):
    client = vault.with_rights("vault-environments.hcl")
    keeper = VaultKeeper(client, "litellm", "kubernetes", own_roles=False)
    mark = Mark("0a1b2c3d", "pr-9", "00000001")
    place = "ephemeral/litellm-env-pr-9/api-keys"
    keeper.claim(mark, ["api-keys", "salt"])
    client.secrets.kv.v2.create_or_update_secret(place, {"value": "made"}, mount_point="litellm")
    assert read(vault.log_in("litellm-environments", "litellm-env-pr-9"), place) == "made"
    assert keeper.marks("0a1b2c3d") == keeper.marks("0a1b2c3d", "pr-9") == {mark}
    assert len(keeper.sweep(mark).removed) == 2
    assert keeper.marks("0a1b2c3d") == set()


# Whose values are made in Vault's client.


def generated(path: str, rotation: int = 0) -> dict[str, Any]:
    return {
        "mount": "litellm",
        "path": path,
        "generated": {"value": {"length": 40.0, "rotation": float(rotation)}},
        "given": {"username": "litellm"},
        "owner": MARK,
        "connection": {},
    }


@pytest.mark.parametrize(
    ("rights", "prefix"), [("vault-up.hcl", STACK), ("vault-environments.hcl", f"ephemeral/{ENVIRONMENT}")]
)
def test_a_document_is_made_taken_over_rotated_and_deleted(
    vault: VaultServer, monkeypatch: pytest.MonkeyPatch, rights: str, prefix: str
):
    client = vault.with_rights(rights, STACK)
    monkeypatch.setattr(vault_generated, "connect", lambda _: client)
    provider, path = GeneratedProvider(), f"{prefix}/generated"
    made = provider.create(generated(path)).outs or {}
    first = read(vault.root, path)
    assert provider.create(generated(path)).outs == made
    assert read(vault.root, path) == first
    rotated = provider.update("", made, generated(path, 1)).outs or {}
    assert read(vault.root, path) != first
    assert (made["version"], rotated["version"]) == ("1", "2")
    # Whoever else writes makes no difference that a refresh finds.
    assert provider.read("x", made).outs == made
    assert provider.read("x", rotated).outs == rotated
    provider.delete("x", rotated)
    with pytest.raises(hvac.exceptions.InvalidPath):
        read(vault.root, path)
    assert provider.read("x", rotated).id is None


def test_of_two_that_rotate_at_once_one_makes_the_value(vault: VaultServer, monkeypatch: pytest.MonkeyPatch):
    """As Vault itself answers to the second of them."""
    client, path = vault.with_rights("vault-up.hcl", STACK), f"{STACK}/api-keys"
    monkeypatch.setattr(vault_generated, "connect", lambda _: client)
    made = GeneratedProvider().create(generated(path)).outs or {}
    looked = vault_generated.current
    others: list[dict[str, Any]] = []

    def look_and_be_late(connected: Any, props: dict[str, Any]) -> tuple[dict[str, Any], int]:
        found = looked(connected, props)
        monkeypatch.setattr(vault_generated, "current", looked)
        others.append(GeneratedProvider().update("", made, generated(path, 1)).outs or {})
        return found

    monkeypatch.setattr(vault_generated, "current", look_and_be_late)
    assert GeneratedProvider().update("", made, generated(path, 1)).outs == others[0]
    versions = vault.root.secrets.kv.v2.read_secret_metadata(path, mount_point="litellm")["data"]["versions"]
    assert len(versions) == int(others[0]["version"])


def test_a_document_that_was_deleted_is_said_and_not_made_anew(vault: VaultServer, monkeypatch: pytest.MonkeyPatch):
    client, path = vault.with_rights("vault-up.hcl", STACK), f"{STACK}/api-keys"
    monkeypatch.setattr(vault_generated, "connect", lambda _: client)
    made = GeneratedProvider().create(generated(path)).outs or {}
    vault.root.secrets.kv.v2.delete_latest_version_of_secret(path, mount_point="litellm")
    for work in (
        lambda: GeneratedProvider().create(generated(path)),
        lambda: GeneratedProvider().update("", made, generated(path, 1)),
        lambda: GeneratedProvider().read("x", made),
    ):
        with pytest.raises(VaultRefusalError, match="undelete"):
            work()


# The preview of a pull request.


def test_a_preview_looks_at_everything_that_it_needs(vault: VaultServer, monkeypatch: pytest.MonkeyPatch):
    client = vault.with_rights("vault-preview.hcl", STACK)
    kv = vault.root.secrets.kv.v2
    kv.update_metadata(f"{STACK}/api-keys", mount_point="litellm", custom_metadata={"managed-by": MARK})
    name = {"name": f"{STACK}/api-keys", "customMetadata": {"data": {"managed-by": MARK}}}
    assert look(vault, client, monkeypatch) == []
    claims(vault, client).claim_document(name, {})
    claims(vault, client).document_is_ours(name, name)


@pytest.mark.parametrize("path", [f"{STACK}/api-keys", f"{STACK}/salt", "shared/keys"])
def test_a_preview_reads_no_value(vault: VaultServer, path: str):
    with pytest.raises(hvac.exceptions.Forbidden):
        read(vault.with_rights("vault-preview.hcl", STACK), path)


@pytest.mark.parametrize("path", [f"data/{STACK}/api-keys", f"metadata/{STACK}/api-keys", f"data/{STACK}/new"])
def test_a_preview_writes_nothing(vault: VaultServer, path: str):
    client = vault.with_rights("vault-preview.hcl", STACK)
    with pytest.raises(hvac.exceptions.Forbidden):
        write(client, f"litellm/{path}", {"data": {}})
    with pytest.raises(hvac.exceptions.Forbidden):
        client.adapter.delete(f"/v1/litellm/{path}")


# What Vault itself answers to the looks and claims, of which other tests have stand-ins.


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"cas_required": True}, "cas_required=false"),
        ({"delete_version_after": "720h"}, "delete_version_after=0s"),
    ],
)
def test_an_engine_that_does_not_keep_what_it_is_given_is_refused(
    vault: VaultServer, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], says: str
):
    write(vault.root, "litellm/config", settings)
    assert any(says in said for said in look(vault, vault.with_rights("vault-up.hcl", STACK), monkeypatch))


def test_a_salt_key_that_will_go_is_named_with_the_command_that_keeps_it(
    vault: VaultServer, monkeypatch: pytest.MonkeyPatch
):
    write(vault.root, "litellm/config", {"delete_version_after": "720h"})
    write(vault.root, f"litellm/data/{STACK}/salt", {"data": {"salt-key": "x"}})
    write(vault.root, "litellm/config", {"delete_version_after": "0s"})
    client = vault.with_rights("vault-up.hcl", STACK)
    (said,) = [said for said in look(vault, client, monkeypatch) if "/salt" in said]
    assert "vault kv undelete -mount=litellm -versions=2 litellm-dev/salt" in said
    monkeypatch.undo()
    vault.root.secrets.kv.v2.undelete_secret_versions(f"{STACK}/salt", versions=[2], mount_point="litellm")
    assert not [said for said in look(vault, client, monkeypatch) if "/salt" in said]


@pytest.mark.parametrize("path", ["litellm/inside", "cubbyhole"])
def test_an_engine_inside_another_or_of_another_kind_is_refused(
    vault: VaultServer, monkeypatch: pytest.MonkeyPatch, path: str
):
    assert [said for said in look(vault, vault.root, monkeypatch, mount={"path": path}) if "secrets engine at" in said]


def test_an_engine_of_version_1_is_refused_before_anything_is_made(vault: VaultServer, monkeypatch: pytest.MonkeyPatch):
    vault.root.sys.enable_secrets_engine("kv", path="old", options={"version": "1"})
    try:
        said = look(vault, vault.root, monkeypatch, mount={"path": "old"})
    finally:
        vault.root.sys.disable_secrets_engine("old")
    assert any("is not KV version 2" in problem for problem in said)


def test_an_engine_that_is_to_be_made_may_be_missing(vault: VaultServer, monkeypatch: pytest.MonkeyPatch):
    assert look(vault, vault.root, monkeypatch, mount={"path": "to-be-made"}) == []


def test_of_two_states_the_second_is_refused(vault: VaultServer):
    client = vault.with_rights("vault-up.hcl", STACK)
    vault.root.secrets.kv.v2.delete_metadata_and_all_versions(f"{STACK}/api-keys", mount_point="litellm")
    first, second = (
        {"name": f"{STACK}/api-keys", "customMetadata": {"data": {"managed-by": mark}}}
        for mark in (MARK, MARK.replace("1", "2"))
    )
    claims(vault, client).claim_document(first, {})
    client.secrets.kv.v2.create_or_update_secret(f"{STACK}/api-keys", {"value": "first"}, mount_point="litellm")
    with pytest.raises(TakenError, match="another state of stack dev"):
        claims(vault, client).claim_document(second, {})
    claims(vault, client).claim_document(first, {})
    assert read(client, f"{STACK}/api-keys") == "first"
