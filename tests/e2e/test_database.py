"""A Postgres that is there already: TLS with an authority of its own, a pooler in front, migrations that fail or are killed.

The tests build on each other. In front of the server is no PgBouncer but a program that hands on bytes: it shows who connects
where, and nothing of transaction pooling.
"""

import datetime
import json
import secrets
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from infra.config.versions import PINS
from tests.e2e.shared import RELAY
from tests.e2e.support import Project, Vault, eventually, kubectl, objects, tail

STACK, NAMESPACE, SERVER = "verified", "litellm-verified", "postgres-with-tls"
HOST, POOLER = f"postgres.{SERVER}.svc", f"pooler.{SERVER}.svc"
NEW = PINS["litellm"].image
OLD = f"{NEW.rpartition(':')[0]}:v1.106.2"
ADMIN_PASSWORD = secrets.token_hex(12)


def authority_and_server(authority: str = "an authority") -> tuple[str, dict[str, str]]:
    """An authority, and a certificate for the server and its pooler that it signed."""
    now, key, own = (
        datetime.datetime.now(datetime.UTC),
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP256R1()),
    )
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, authority)])
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "postgres")])

    def signed(subject: x509.Name, public: ec.EllipticCurvePublicKey, extension: x509.ExtensionType) -> str:
        until = now + datetime.timedelta(days=1)
        builder = x509.CertificateBuilder(name, subject, public, x509.random_serial_number(), now, until)
        made = builder.add_extension(extension, critical=False).sign(key, hashes.SHA256())
        return made.public_bytes(serialization.Encoding.PEM).decode()

    names = x509.SubjectAlternativeName([x509.DNSName(HOST), x509.DNSName(POOLER)])
    private = own.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    certificate = signed(subject, own.public_key(), names)
    root = signed(name, key.public_key(), x509.BasicConstraints(ca=True, path_length=None))
    return root, {"tls.crt": certificate, "tls.key": private.decode()}


def server(tls: dict[str, str]) -> list[dict[str, Any]]:
    def pod(name: str, port: int, rest: dict[str, Any]) -> list[dict[str, Any]]:
        metadata = {"name": name, "namespace": SERVER, "labels": {"app": name}}
        service = {"selector": {"app": name}, "ports": [{"port": port}]}
        return [
            {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": rest},
            {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": service},
        ]

    files = [f"-c{key}=/tls/{file}" for key, file in (("ssl_cert_file", "tls.crt"), ("ssl_key_file", "tls.key"))]
    postgres = {
        "name": "postgres",
        "image": "docker.io/library/postgres:17",
        "args": ["postgres", "-cssl=on", *files],
        "env": [{"name": "POSTGRES_PASSWORD", "value": ADMIN_PASSWORD}],
        "volumeMounts": [{"name": "tls", "mountPath": "/tls"}],
    }
    handing_on = {"name": "pooler", "image": NEW, "command": ["python3", "-c", RELAY, "6432", HOST, "5432"]}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SERVER}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "tls", "namespace": SERVER}, "stringData": tls},
        *pod(
            "postgres",
            5432,
            {
                "containers": [postgres],
                "securityContext": {"fsGroup": 999},
                "volumes": [{"name": "tls", "secret": {"secretName": "tls", "defaultMode": 0o440}}],
            },
        ),
        *pod("pooler", 6432, {"containers": [handing_on]}),
    ]


def config(**gateway: Any) -> dict[str, Any]:
    return {
        "protect": False,
        "secrets": {"vault": {"prefix": STACK}},
        "externalSecrets": {"install": True},
        "database": {
            "kind": "existing",
            "host": HOST,
            "admin": {"document": "shared/verified-admin"},
            "sslmode": "verify-full",
            "caCertFile": "authority.pem",
            "pooler": {"host": POOLER},
        },
        "redis": {"kind": "none"},
        "gateway": {
            "image": OLD,
            "allowMemoryBelowFloor": True,
            "resources": {"cpu": "100m", "memory": "1Gi"},
            "preStopSeconds": 0,
            "models": [{"name": "mock", "provider": "mock", "response": "Hello."}],
            **gateway,
        },
        "ingress": {"enabled": False},
    }


def sql(query: str, database: str = "litellm") -> str:
    local = ("psql", "-U", "postgres", "-d", database, "-At", "-c", query)
    return kubectl("exec", "-n", SERVER, "postgres", "--", *local).stdout.strip()


def on_alter_table(body: str) -> None:
    """Whatever alters a table runs into this first."""
    sql("DROP EVENT TRIGGER IF EXISTS in_the_way")
    if body:
        sql(
            f"CREATE OR REPLACE FUNCTION in_the_way() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN {body}; END $$"
        )
        sql(
            "CREATE EVENT TRIGGER in_the_way ON ddl_command_start WHEN TAG IN ('ALTER TABLE') "
            "EXECUTE FUNCTION in_the_way()"
        )


def serving() -> list[str]:
    """Images of the gateway's pods that are ready and stay."""
    pods = objects("pods", "-n", NAMESPACE, "-l", "app.kubernetes.io/name=litellm")
    staying = [each for each in pods if "deletionTimestamp" not in each["metadata"]]
    ready = [each for each in staying if each["status"].get("containerStatuses", [{}])[0].get("ready")]
    return [each["spec"]["containers"][0]["image"] for each in ready]


@pytest.fixture(scope="module", autouse=True)
def surroundings(project: Project, vault: Vault) -> Iterator[None]:
    root, tls = authority_and_server()
    (project.folder / "authority.pem").write_text(root)
    (project.folder / "another.pem").write_text(authority_and_server("another authority")[0])
    vault.mount("litellm")
    vault.write("litellm", "shared/verified-admin", username="postgres", password=ADMIN_PASSWORD)
    for each in server(tls):
        kubectl("apply", "-f", "-", stdin=json.dumps(each))
    kubectl("wait", "pod", "--all", "-n", SERVER, "--for=condition=Ready", "--timeout=60s")
    yield
    project.make("destroy", STACK, check=False)
    kubectl("delete", "namespace", SERVER, "--wait=false")


def test_a_server_that_another_authority_signed_is_refused(project: Project):
    wrong = config()
    wrong["database"]["caCertFile"] = "another.pem"
    project.write_stack(STACK, wrong)
    done = project.make("up", STACK, check=False)
    assert done.returncode != 0
    assert "certificate verify failed" in done.stdout + done.stderr, tail(done)


def test_with_the_right_authority_jobs_and_pods_connect(project: Project):
    project.write_stack(STACK, config())
    project.make("up", STACK)
    assert serving() == [OLD]
    assert sql("SELECT count(*) > 0 FROM _prisma_migrations WHERE finished_at IS NOT NULL") == "t"


def test_the_pods_go_through_the_pooler(project: Project):
    assert "connected" in kubectl("logs", "-n", SERVER, "pooler").stdout


def test_a_migration_that_fails_says_so_and_leaves_the_old_pods(project: Project):
    on_alter_table("RAISE EXCEPTION 'not today'")
    project.write_stack(STACK, config(image=NEW))
    done = project.make("up", STACK, check=False)
    assert done.returncode != 0
    assert "docs/runbooks/migration.md" in done.stdout + done.stderr
    assert serving() == [OLD]


def test_the_image_before_goes_on_at_once(project: Project):
    project.write_stack(STACK, config())
    project.make("up", STACK)
    assert serving() == [OLD]


def test_a_migration_that_is_killed_is_recognised(project: Project):
    sql("UPDATE _prisma_migrations SET rolled_back_at = now() WHERE finished_at IS NULL")
    on_alter_table("PERFORM pg_sleep(600)")
    project.write_stack(STACK, config(image=NEW))
    answers: list[str] = []
    running = threading.Thread(target=lambda: answers.append(project.make("up", STACK, check=False).stdout))
    running.start()
    eventually(lambda: sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") == "1", "it runs", 120)
    kubectl(
        *("delete", "pod", "-n", NAMESPACE, "-l", "app.kubernetes.io/name=litellm-migration"),
        *("--field-selector=status.phase=Running", "--force", "--grace-period=0"),
    )
    running.join()
    assert "P3009" in answers[0]
    assert "docs/runbooks/migration.md" in answers[0]
    assert serving() == [OLD]


def test_after_the_runbook_the_new_image_comes(project: Project):
    sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
    on_alter_table("")
    sql("UPDATE _prisma_migrations SET rolled_back_at = now() WHERE finished_at IS NULL AND rolled_back_at IS NULL")
    project.make("up", STACK)
    assert serving() == [NEW]
