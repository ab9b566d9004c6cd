"""What whole stacks make of the ways to have a Postgres."""

from typing import Any

from tests.program.stacks import ROOT, stack_of
from tools.engine.stack_file import Stack
from tools.offline.mock_engine import Recording
from tools.offline.plan import record

SECRET = "kubernetes:external-secrets.io/v1:ExternalSecret"
STORE = "kubernetes:external-secrets.io/v1:SecretStore"

EXISTING: dict[str, Any] = {"kind": "existing"}


def of_dev(**sections: Any) -> Recording:
    """Everything known, as after an `up`, of the project's stack `dev` with other sections."""
    document = stack_of(ROOT / "Pulumi.dev.yaml").document
    kept = {key: value for key, value in document["config"].items() if key.removeprefix("litellm:") not in sections}
    config = kept | {f"litellm:{key}": value for key, value in sections.items()}
    return record(Stack("dev", {**document, "config": config}), preview=False)


def synced(recording: Recording, name: str) -> dict[str, Any]:
    """The spec of the ExternalSecret of a Secret."""
    return recording.inputs(SECRET, f"{name}-secret")["spec"]


def test_a_whole_url_of_the_store_is_the_url_of_gateway_and_migration() -> None:
    recording = of_dev(database=EXISTING | {"credentials": {"document": "shared/db", "urlProperty": "uri"}})
    spec = synced(recording, "litellm-env")
    assert spec["target"]["template"]["data"]["DATABASE_URL"] == "{{ .DATABASE_URL }}"
    assert {"secretKey": "DATABASE_URL", "remoteRef": {"key": "shared/db", "property": "uri"}} in spec["data"]


def test_the_secret_of_cloudnative_pg_reaches_the_pods_through_a_store_of_its_namespace() -> None:
    login = {"kubernetesSecret": "db-app", "hostKey": "host", "databaseKey": "dbname"}
    recording = of_dev(database=EXISTING | {"credentials": login})
    store = recording.one(STORE, "kubernetes-store-store")
    assert store.inputs["spec"]["provider"]["kubernetes"]["remoteNamespace"] == "litellm-dev"
    from_secret = [entry for entry in synced(recording, "litellm-env")["data"] if "sourceRef" in entry]
    assert sorted(entry["remoteRef"]["property"] for entry in from_secret) == ["dbname", "host", "password", "username"]
    assert {entry["sourceRef"]["storeRef"]["kind"] for entry in from_secret} == {"SecretStore"}


def test_only_the_secret_that_is_named_may_be_read() -> None:
    recording = of_dev(database=EXISTING | {"host": "db", "credentials": {"kubernetesSecret": "db-app"}})
    rules = recording.inputs("kubernetes:rbac.authorization.k8s.io/v1:Role", "kubernetes-store-read")["rules"]
    assert rules == [{"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["db-app"], "verbs": ["get"]}]


def test_without_such_a_login_there_is_one_store() -> None:
    assert len([each for each in of_dev().resources if each.type == STORE]) == 1
