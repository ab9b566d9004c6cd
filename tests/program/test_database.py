"""What whole stacks make of the ways to have a Postgres."""

import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

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
    for name in ("litellm-env", "litellm-migration"):
        spec = synced(recording, name)
        assert spec["target"]["template"]["data"]["DATABASE_URL"] == "{{ .DATABASE_URL }}"
        assert {"secretKey": "DATABASE_URL", "remoteRef": {"key": "shared/db", "property": "uri"}} in spec["data"]


def test_the_migration_has_the_url_of_its_database_and_no_other_value() -> None:
    recording = of_dev()
    spec = synced(recording, "litellm-migration")
    assert list(spec["target"]["template"]["data"]) == ["DATABASE_URL"]
    assert {each["remoteRef"]["key"] for each in spec["data"]} == {"dev/database"}
    assert not spec.get("dataFrom")


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
    assert url["valueFrom"]["secretKeyRef"]["key"] == "DATABASE_URL"
    of_the_job = synced(recording, "litellm-migration")["target"]["template"]["data"]
    assert of_the_job == {"DATABASE_URL": urls["DIRECT_URL"]}
    (bootstrap,) = pod_of(recording, "kubernetes:batch/v1:Job", "database-bootstrap-job")["containers"]
    assert {"name": "PGHOST", "value": "db"} in bootstrap["env"]


def test_a_pooler_in_each_pod_is_litellms_own() -> None:
    recording = of_dev(database={"podPooler": {"maxConnections": 12}})
    (gateway,) = pod_of(recording, "kubernetes:apps/v1:Deployment", "litellm-deployment")["containers"]
    assert {"name": "LITELLM_PGBOUNCER_ENABLED", "value": "true"} in gateway["env"]
    assert {"name": "LITELLM_PGBOUNCER_MAX_DB_CONNECTIONS", "value": "12"} in gateway["env"]
    (migrate,) = pod_of(recording, "kubernetes:batch/v1:Job", "litellm-migration-job")["containers"]
    assert "PGBOUNCER" not in json.dumps(migrate["env"])


CLUSTER = "kubernetes:postgresql.cnpg.io/v1:Cluster"
BACKUP = {"destination": "s3://backups/litellm", "endpoint": "https://minio.example.com", "kubernetesSecret": "minio"}
CLOUDNATIVE: dict[str, Any] = {"kind": "cloudnative-pg", "storageClass": "fast", "backup": BACKUP, "pooler": {}}
OBJECTS = {
    "Cluster": CLUSTER,
    "Pooler": "kubernetes:postgresql.cnpg.io/v1:Pooler",
    "ScheduledBackup": "kubernetes:postgresql.cnpg.io/v1:ScheduledBackup",
    "ObjectStore": "kubernetes:barmancloud.cnpg.io/v1:ObjectStore",
}


def test_cloudnative_pg_runs_the_database_and_makes_its_login() -> None:
    recording = of_dev(database={"kind": "cloudnative-pg"})
    spec = recording.inputs(CLUSTER)["spec"]
    assert spec["bootstrap"] == {"initdb": {"database": "litellm", "owner": "litellm"}}
    assert (spec["instances"], spec["storage"]) == (3, {"size": "10Gi"})
    env = synced(recording, "litellm-env")
    assert {each["remoteRef"]["key"] for each in env["data"] if "sourceRef" in each} == {"postgres-app"}
    url = env["target"]["template"]["data"]["DATABASE_URL"]
    assert "@postgres-rw:5432/litellm?sslmode=verify-full&sslrootcert=" in url
    pod = json.dumps(pod_of(recording, "kubernetes:apps/v1:Deployment", "litellm-deployment")["volumes"])
    assert '"name": "postgres-ca"' in pod
    assert not [each for each in recording.resources if each.name.startswith(("postgres-admin", "database-bootstrap"))]


def test_what_reads_the_login_waits_for_the_cluster() -> None:
    recording = of_dev(database={"kind": "cloudnative-pg"})
    for type_, name in (("SyncedSecret", "litellm-env"), ("Migration", "litellm-migration")):
        waits = recording.one(f"litellm:index:{type_}", name)
        assert [each for each in waits.dependencies if each.endswith("Cluster::postgres-cluster")]


def test_pods_go_through_the_pooler_of_cloudnative_pg() -> None:
    urls = synced(of_dev(database=CLOUDNATIVE), "litellm-env")["target"]["template"]["data"]
    assert urls["DATABASE_URL"].endswith("@postgres-pooler:5432/litellm?sslmode=require&pgbouncer=true")
    assert "@postgres-rw:5432/" in urls["DIRECT_URL"]


def test_backups_go_to_an_object_store_by_the_plugin() -> None:
    recording = of_dev(database=CLOUDNATIVE)
    store = recording.inputs(OBJECTS["ObjectStore"])["spec"]
    assert store["configuration"]["destinationPath"] == "s3://backups/litellm"
    assert store["configuration"]["s3Credentials"]["accessKeyId"] == {"name": "minio", "key": "ACCESS_KEY_ID"}
    (plugin,) = recording.inputs(CLUSTER)["spec"]["plugins"]
    assert plugin["parameters"] == {"barmanObjectName": "postgres-backups"}
    assert recording.inputs(OBJECTS["ScheduledBackup"])["spec"]["method"] == "plugin"


@pytest.mark.skipif(not os.environ.get("CLOUDNATIVE_CRDS"), reason="CLOUDNATIVE_CRDS names no folder with its CRDs")
@pytest.mark.parametrize("kind", sorted(OBJECTS))
def test_objects_of_cloudnative_pg_are_what_its_own_crds_allow(kind: str) -> None:
    folder = Path(os.environ.get("CLOUDNATIVE_CRDS", ""))
    found = [yaml.safe_load(file.read_text()) for file in folder.glob("*.yaml")]
    (crd,) = [each for each in found if each["spec"]["names"]["kind"] == kind]
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    strict = json.loads(json.dumps(schema), object_hook=without_unknown_keys)
    jsonschema.validate(of_dev(database=CLOUDNATIVE).inputs(OBJECTS[kind])["spec"], strict)


def without_unknown_keys(node: dict[str, Any]) -> dict[str, Any]:
    """What the API server prunes silently is an error here."""
    closed = isinstance(node.get("properties"), dict) and not node.get("x-kubernetes-preserve-unknown-fields")
    return {"additionalProperties": False, **node} if closed and node.get("type") == "object" else node
