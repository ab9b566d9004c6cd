"""`make secrets`, from something that answers like store and cluster."""

import json
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra.target import resolve_offline
from tests.unit.infra.stacks import config
from tests.unit.tools.credentials.cluster import NAMESPACE, entry, external, namespace, secret
from tests.unit.tools.engine.fakes import CLUSTER, FakeCluster, Machine
from tools.client import aws, vault
from tools.client.stored import Read, Stored
from tools.credentials import command
from tools.credentials.copies import look, secret_reader
from tools.credentials.credential import Credential, fingerprints
from tools.problem import Problem

VALUES = {
    "dev/api-keys": {"master-key": "sk-" + "m" * 8},
    "dev/database": {"username": "litellm", "password": "p" * 8},
    "dev/database-admin": {"username": "postgres", "password": "a" * 8},
    "dev/redis": {"password": "r" * 8},
    "dev/salt": {"salt-key": "sk-" + "s" * 8},
}
SYNCED = {
    "LITELLM_MASTER_KEY": VALUES["dev/api-keys"]["master-key"],
    "DATABASE_URL": f"postgresql://litellm:{'p' * 8}@postgres:5432/litellm?sslmode=disable",
}


def reading(documents: dict[str, Any], asked: list[str] | None = None) -> Read:
    def read(key: str, _mount: str | None) -> Stored | None:
        if asked is not None:
            asked.append(key)
        found = documents.get(key)
        if isinstance(found, Problem):
            raise found
        return Stored(found, "1", None) if found is not None else None

    return read


def found(
    documents: dict[str, Any], cluster: FakeCluster | None = None, asked: list[str] | None = None
) -> dict[str, Credential]:
    cluster, given = cluster or namespace([external()], [secret(SYNCED)]), config()
    store = resolve_offline(given, "dev").store
    read, read_secret = reading(documents, asked), secret_reader(cluster, NAMESPACE)
    all_of_them = command.credentials(given, store, read, read_secret, look(cluster, NAMESPACE), fingerprints(b"k"))
    return {each.place: each for each in all_of_them}


def test_every_credential_has_its_place_and_they_agree():
    credentials = found(VALUES)
    assert list(credentials) == [
        f"litellm/{document}#{name}" for document, properties in sorted(VALUES.items()) for name in sorted(properties)
    ]
    assert all(each.agrees for each in credentials.values())


def test_a_document_is_read_once():
    asked: list[str] = []
    found({key: value for key, value in VALUES.items() if key != "dev/database"}, asked=asked)
    assert len(asked) <= 2 * len(set(asked))
    assert asked.count("dev/database") <= 2


def test_a_value_changed_in_the_store_differs_from_the_secret():
    changed = VALUES | {"dev/api-keys": {"master-key": "sk-changed"}}
    assert [place for place, each in found(changed).items() if each.agrees is False] == [
        "litellm/dev/api-keys#master-key"
    ]


def test_one_document_that_may_not_be_read_leaves_the_others_known():
    credentials = found(VALUES | {"dev/salt": Problem("no right")})
    assert credentials["litellm/dev/salt#salt-key"].agrees is None
    assert credentials["litellm/dev/salt#salt-key"].store.unknown == "no right"
    assert credentials["litellm/dev/api-keys#master-key"].agrees is True


def test_a_document_without_the_property_has_no_value():
    assert found(VALUES | {"dev/salt": {"other": "x"}})["litellm/dev/salt#salt-key"].differences


def test_a_login_in_a_secret_of_the_namespace_is_compared_with_that_secret():
    own = external(
        data=[entry("DATABASE_USERNAME", "app", "username"), entry("DATABASE_PASSWORD", "app", "password")],
        secretStoreRef={"kind": "SecretStore", "name": "store"},
    )
    cluster = namespace([own], [secret(SYNCED)], provider={"kubernetes": {"remoteNamespace": NAMESPACE}})
    cluster.objects[f"/api/v1/namespaces/{NAMESPACE}/secrets/app"] = secret(
        {"username": "litellm", "password": "other"}
    )
    credentials = found(VALUES, cluster)
    assert credentials["Secret app#username"].agrees is True
    assert credentials["Secret app#password"].agrees is False


def show(machine: Machine, cluster: FakeCluster, *, as_json: bool = False) -> tuple[int, str]:
    machine.cluster = cluster
    return command.show(machine.place(**CLUSTER), "dev", [], machine=as_json)


@pytest.fixture
def ready(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine.write("Pulumi.dev.yaml", json.dumps({"config": {"litellm:ingress": {"host": "litellm.example.com"}}}))
    monkeypatch.setattr(vault, "reader", lambda *_: reading(VALUES))
    return machine


def test_the_report_ends_with_zero_and_has_no_value(ready: Machine):
    code, said = show(ready, namespace([external()], [secret(SYNCED)]))
    assert (code, said.splitlines()[-1]) == (0, "stack dev: 7 credentials, all agree")
    assert not [
        value for document in VALUES.values() for value in document.values() if len(value) > 7 and value in said.split()
    ]


def test_fingerprints_of_two_runs_cannot_be_compared(ready: Machine):
    cluster = namespace([external()], [secret(SYNCED)])
    first, second = (json.loads(show(ready, cluster, as_json=True)[1])["credentials"][0]["store"] for _ in range(2))
    assert first != second


def test_a_vault_that_is_down_leaves_the_cluster_to_be_looked_at(ready: Machine, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> Read:
        raise Problem("Vault at https://vault.example.com is sealed: unseal it first")

    monkeypatch.setattr(vault, "reader", refuse)
    code, said = show(ready, namespace([external()], [secret(SYNCED)]))
    assert code == 4
    assert "is sealed" in said


def test_a_cluster_that_may_not_be_looked_at_is_said_with_the_rights(ready: Machine):
    cluster = namespace([external()], [])
    cluster.objects[f"/api/v1/namespaces/{NAMESPACE}/pods"] = 403
    with pytest.raises(Problem, match=r"of namespace litellm-dev cannot be looked at: .*list secrets, pods"):
        show(ready, cluster)


def test_what_a_cluster_shares_has_no_credentials(ready: Machine):
    ready.write("Pulumi.dev.yaml", json.dumps({"config": {"litellm:shared": {"enabled": True}}}))
    with pytest.raises(Problem):
        show(ready, namespace([], []))


def test_a_document_of_vault_has_version_and_time():
    class Client:
        secrets: Any = None

        def read_secret_version(self, path: str, mount_point: str, raise_on_deleted_version: bool) -> Any:
            assert (path, mount_point) == ("dev/api-keys", "kv")
            metadata = {"version": 3, "created_time": "2026-01-01T12:00:00.123456789Z"}
            return {"data": {"data": {"master-key": "x"}, "metadata": metadata}}

    client: Any = Client()
    client.secrets = type("S", (), {"kv": type("K", (), {"v2": client})})
    stored = vault.document(client, "kv", "dev/api-keys")
    assert stored is not None
    assert (stored.values, stored.version, stored.written and stored.written.isoformat()) == (
        {"master-key": "x"},
        "3",
        "2026-01-01T12:00:00.123456+00:00",
    )


def test_a_secret_of_aws_has_version_and_time(monkeypatch: pytest.MonkeyPatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client: Any = boto3.client("secretsmanager", region_name="eu-west-1")
        made = client.create_secret(Name="one", SecretString='{"a": "b"}')
        client.create_secret(Name="text", SecretString="plain")
        client.create_secret(Name="going", SecretString="plain")
        client.delete_secret(SecretId="going")
        one, text = aws.secret(client, "one"), aws.secret(client, "text")
        assert one is not None
        assert text is not None
        assert (one.values, one.version, text.text) == ({"a": "b"}, made["VersionId"], "plain")
        assert one.written is not None
        assert one.written.tzinfo is not None
        assert aws.secret(client, "none") is None
        with pytest.raises(Problem, match=r"going in AWS Secrets Manager is scheduled for deletion: docs/runbooks/"):
            aws.secret(client, "going")
