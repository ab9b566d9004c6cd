"""What whole stacks make of the ways to have a Postgres."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.config.load import ConfigError
from tests.program.stacks import ROOT, stack_of
from tools.engine.stack_file import Stack
from tools.offline.mock_engine import Recording
from tools.offline.plan import configuration, record

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


AUTHORITY = "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUQUJD\n-----END CERTIFICATE-----\n"
PODS = {
    "kubernetes:apps/v1:Deployment": "litellm-deployment",
    "kubernetes:batch/v1:Job": "litellm-migration-job",
}


@pytest.fixture
def authority(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """A file with an authority in the folder of the stack files."""
    monkeypatch.setattr("infra.config.load.CERTIFICATES", tmp_path)
    (tmp_path / "ca.pem").write_text(AUTHORITY)
    return "ca.pem"


def pod_of(recording: Recording, type_: str, name: str) -> dict[str, Any]:
    return recording.inputs(type_, name)["spec"]["template"]["spec"]


def test_every_pod_that_connects_checks_the_server_with_the_given_authority(authority: str) -> None:
    server = {"host": "db", "admin": {"document": "shared/admin"}, "sslmode": "verify-full", "caCertFile": authority}
    recording = of_dev(database=EXISTING | server)
    (config_map,) = [each for each in recording.resources if each.inputs.get("data", {}).get("database.crt")]
    assert config_map.inputs["data"]["database.crt"] == AUTHORITY
    for type_, name in [*PODS.items(), ("kubernetes:batch/v1:Job", "database-bootstrap-job")]:
        pod = pod_of(recording, type_, name)
        assert config_map.inputs["metadata"]["name"] in json.dumps(pod["volumes"])
        assert "/etc/litellm-certificates" in json.dumps(pod["containers"][0]["volumeMounts"])
    url = synced(recording, "litellm-env")["target"]["template"]["data"]["DATABASE_URL"]
    assert url.endswith("?sslmode=verify-full&sslrootcert=/etc/litellm-certificates/database.crt")
    (job,) = pod_of(recording, "kubernetes:batch/v1:Job", "database-bootstrap-job")["containers"]
    variables = {each["name"]: each.get("value") for each in job["env"]}
    assert (variables["PGSSLMODE"], variables["PGSSLROOTCERT"]) == (
        "verify-full",
        "/etc/litellm-certificates/database.crt",
    )


def test_a_server_of_rds_is_checked_with_the_authorities_of_rds_by_default() -> None:
    recording = record(stack_of(ROOT / "Pulumi.prod.yaml"))
    (config_map,) = [each for each in recording.resources if each.inputs.get("data", {}).get("database.crt")]
    assert "SHA-256" in config_map.inputs["data"]["database.crt"], "the plan reads nothing from the network"
    assert config_map.inputs["metadata"]["name"] in json.dumps(
        pod_of(recording, "kubernetes:apps/v1:Deployment", "litellm-deployment")["volumes"]
    )


def test_without_verification_pods_have_no_certificates() -> None:
    assert "litellm-certificates" not in json.dumps([each.inputs for each in of_dev().resources], default=str)


def test_a_file_with_a_private_key_is_refused(authority: str, tmp_path: Path) -> None:
    (tmp_path / authority).write_text(AUTHORITY + "-----BEGIN PRIVATE" + " KEY-----\n")
    refused(EXISTING | {"host": "db", "sslmode": "verify-full", "caCertFile": authority}, "has a private key")


def refused(database: dict[str, Any], why: str) -> None:
    document = stack_of(ROOT / "Pulumi.dev.yaml").document
    config = document["config"] | {"litellm:database": database | {"credentials": {"document": "shared/db"}}}
    with pytest.raises(ConfigError, match=why):
        configuration(Stack("dev", {**document, "config": config}))


def test_a_file_without_certificates_is_refused(authority: str, tmp_path: Path) -> None:
    (tmp_path / authority).write_text("hello")
    refused(EXISTING | {"host": "db", "sslmode": "verify-full", "caCertFile": authority}, "no certificate in PEM")


def test_a_missing_file_is_named(authority: str) -> None:
    refused(EXISTING | {"host": "db", "sslmode": "verify-full", "caCertFile": f"no-{authority}"}, "cannot be read")


def test_a_file_that_would_not_be_used_is_refused(authority: str) -> None:
    refused(EXISTING | {"host": "db", "caCertFile": authority}, "no effect with sslmode require")


def test_pods_go_through_the_pooler_and_the_jobs_past_it() -> None:
    server = {
        "host": "db",
        "admin": {"document": "shared/admin"},
        "pooler": {"host": "pgbouncer", "sslmode": "disable"},
    }
    recording = of_dev(database=EXISTING | server)
    urls = synced(recording, "litellm-env")["target"]["template"]["data"]
    assert urls["DATABASE_URL"].endswith("@pgbouncer:6432/litellm?sslmode=disable&pgbouncer=true")
    assert urls["DIRECT_URL"].endswith("@db:5432/litellm?sslmode=require")
    (migrate,) = pod_of(recording, "kubernetes:batch/v1:Job", "litellm-migration-job")["containers"]
    (url,) = [each for each in migrate["env"] if each["name"] == "DATABASE_URL"]
    assert url["valueFrom"]["secretKeyRef"]["key"] == "DIRECT_URL"
    (bootstrap,) = pod_of(recording, "kubernetes:batch/v1:Job", "database-bootstrap-job")["containers"]
    assert {"name": "PGHOST", "value": "db"} in bootstrap["env"]


def test_a_pooler_in_each_pod_is_litellms_own() -> None:
    recording = of_dev(database={"podPooler": {"maxConnections": 12}})
    (gateway,) = pod_of(recording, "kubernetes:apps/v1:Deployment", "litellm-deployment")["containers"]
    assert {"name": "LITELLM_PGBOUNCER_ENABLED", "value": "true"} in gateway["env"]
    assert {"name": "LITELLM_PGBOUNCER_MAX_DB_CONNECTIONS", "value": "12"} in gateway["env"]
    (migrate,) = pod_of(recording, "kubernetes:batch/v1:Job", "litellm-migration-job")["containers"]
    assert "PGBOUNCER" not in json.dumps(migrate["env"])
