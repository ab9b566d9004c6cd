"""The Postgres in the cluster."""

from typing import Any

import pytest

from components.database.postgres import Postgres, PostgresArgs
from tests.recording import Recording, run

STATEFUL_SET = "kubernetes:apps/v1:StatefulSet"


def arguments(**others: Any) -> PostgresArgs:
    given: Any = {
        "namespace": "gateway",
        "image": "docker.io/library/postgres:17",
        "admin_secret": "database-admin-1",
        "resources": {"limits": {"memory": "512Mi"}},
    }
    return given | others


def recorded(**others: Any) -> Recording:
    def program() -> dict[str, Any]:
        postgres = Postgres("postgres", arguments(**others))
        return {"host": postgres.host, "port": postgres.port}

    return run(program, preview=True)


def pod(recording: Recording) -> dict[str, Any]:
    return recording.inputs(STATEFUL_SET)["spec"]["template"]["spec"]


def container(recording: Recording) -> dict[str, Any]:
    return pod(recording)["containers"][0]


def test_the_host_is_the_service_and_known_at_preview() -> None:
    recording = recorded()
    assert recording.outputs == {"host": "postgres.gateway.svc", "port": 5432}
    service = recording.inputs("kubernetes:core/v1:Service")
    assert service["metadata"]["name"] == "postgres"
    assert (
        service["spec"]["selector"].items()
        <= recording.inputs(STATEFUL_SET)["spec"]["template"]["metadata"]["labels"].items()
    )


def test_the_password_is_only_a_reference() -> None:
    by_name = {variable["name"]: variable for variable in container(recorded())["env"]}
    assert by_name["POSTGRES_PASSWORD"]["valueFrom"]["secretKeyRef"] == {"name": "database-admin-1", "key": "password"}
    assert by_name["POSTGRES_USER"]["valueFrom"]["secretKeyRef"] == {"name": "database-admin-1", "key": "username"}


def test_passwords_over_the_network_are_scram_only() -> None:
    server = container(recorded())
    assert {"name": "POSTGRES_INITDB_ARGS", "value": "--auth-host=scram-sha-256"} in server["env"]
    assert "password_encryption=scram-sha-256" in server["args"]


def test_the_server_accepts_the_configured_number_of_connections() -> None:
    assert "max_connections=250" in container(recorded(max_connections=250))["args"]


@pytest.mark.parametrize("probe", ["startupProbe", "readinessProbe", "livenessProbe"])
def test_probes_do_not_mistake_the_initialization_for_the_server(probe: str) -> None:
    """While the image sets up an empty volume, its server answers on the socket and not over TCP."""
    assert "--host=127.0.0.1" in container(recorded())[probe]["exec"]["command"]


def test_data_is_on_a_volume_of_the_size_asked_for() -> None:
    recording = recorded(storage="7Gi", storage_class="fast")
    (claim,) = recording.inputs(STATEFUL_SET)["spec"]["volumeClaimTemplates"]
    assert claim["spec"]["resources"]["requests"]["storage"] == "7Gi"
    assert claim["spec"]["storageClassName"] == "fast"
    mounts = {mount["name"]: mount["mountPath"] for mount in container(recording)["volumeMounts"]}
    data = next(variable["value"] for variable in container(recording)["env"] if variable["name"] == "PGDATA")
    assert data.startswith(mounts[claim["metadata"]["name"]] + "/"), "a volume's root may have lost+found in it"


def test_without_storage_the_data_lives_as_long_as_the_pod() -> None:
    recording = recorded(storage=None)
    assert recording.inputs(STATEFUL_SET)["spec"]["volumeClaimTemplates"] == []
    assert {"name": "storage", "emptyDir": {}} in pod(recording)["volumes"]


@pytest.mark.parametrize(("retain", "policy"), [(True, "Retain"), (False, "Delete")])
def test_the_volume_stays_only_when_asked_for(retain: bool, policy: str) -> None:
    spec = recorded(storage="1Gi", retain_data=retain).inputs(STATEFUL_SET)["spec"]
    assert spec["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": policy, "whenScaled": "Retain"}


def test_the_pod_is_restricted() -> None:
    recording = recorded()
    assert pod(recording)["securityContext"]["runAsUser"] == 999
    assert pod(recording)["securityContext"]["runAsNonRoot"] is True
    assert pod(recording)["automountServiceAccountToken"] is False
    assert pod(recording)["enableServiceLinks"] is False
    assert container(recording)["securityContext"]["readOnlyRootFilesystem"] is True


def test_every_mount_has_a_volume() -> None:
    for storage in ("1Gi", None):
        recording = recorded(storage=storage)
        claims = recording.inputs(STATEFUL_SET)["spec"]["volumeClaimTemplates"]
        volumes = {volume["name"] for volume in pod(recording)["volumes"]} | {
            claim["metadata"]["name"] for claim in claims
        }
        assert {mount["name"] for mount in container(recording)["volumeMounts"]} == volumes


def test_the_wait_is_bounded() -> None:
    assert recorded(timeout="90s").one(STATEFUL_SET).create_timeout in ("90s", "1m30s")
