"""A stack's whole life, in order: one gateway from an empty cluster, a second one next to it, a bad day, and the end.

The tests build on each other: each says what must be true by then.
"""

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hvac.exceptions
import pytest

from tests.e2e.support import REFUSED, Project, Vault, completion, eventually, kubectl, objects, psql, token_of

NAMESPACE = "litellm-dev"
HARD_PASSWORD = "p@ss/w:rd?#[x]%&+ =é\"'\\`"

SECOND = {
    "namespace": "litellm-second",
    "protect": False,
    "secrets": {"vault": {"mount": {"path": "litellm"}, "prefix": "teams/second"}},
    "keys": {"master": {"existing": {"document": "shared/keys", "property": "gateway"}}},
    "providerDocuments": {"OPENAI_API_KEY": {"document": "shared/keys", "property": "openai"}},
    "database": {
        "kind": "existing",
        "host": f"postgres.{NAMESPACE}.svc",
        "name": "second",
        "sslmode": "prefer",
        "credentials": {"document": "shared/second-database"},
        "admin": {"document": "dev/database-admin"},
    },
    "redis": {"kind": "none"},
    "gateway": {
        "allowMemoryBelowFloor": True,
        "resources": {"cpu": "100m", "memory": "1Gi"},
        "preStopSeconds": 0,
        "models": [
            {"name": "mock", "provider": "mock", "response": "Hello from the second."},
            {"name": "gpt", "provider": "openai", "model": "gpt-4o"},
        ],
    },
    "ingress": {"host": "second.localhost"},
}


@pytest.fixture(scope="module")
def up(project: Project) -> Iterator[dict[str, Any]]:
    # Its Postgres is that of the second stack, too.
    clients = {"networkPolicy": {"database": [{"namespace": SECOND["namespace"]}]}}
    project.write_stack("dev", project.config("dev") | clients)
    project.make("up")
    yield project.outputs("dev")
    for stack in ("second", "dev"):
        project.make("destroy", stack, check=False)


@pytest.fixture(scope="module")
def second(project: Project, vault: Vault, up: dict[str, Any]) -> dict[str, Any]:
    vault.write("litellm", "shared/keys", gateway="sk-second-gateway-key-0123456789", openai="sk-not-a-real-key")
    vault.write("litellm", "shared/second-database", username="second", password=HARD_PASSWORD)
    project.write_stack("second", SECOND)
    project.make("up", "second")
    return project.outputs("second")


def master_key(vault: Vault) -> str:
    return vault.read("litellm", "dev/api-keys")["master-key"]


class TestBeforeAnythingIsThere:
    """Each mistake is a message, and nothing is made."""

    def test_a_cluster_without_the_operator_is_named(self, project: Project):
        bare = {
            "keys": {},
            "providerDocuments": {},
            "gateway": {},
            "database": {},
            "externalSecrets": {"install": False},
        }
        project.write_stack("bare", SECOND | bare)
        done = project.make("up", "bare", check=False)
        assert done.returncode != 0
        assert "External Secrets Operator is not in this cluster" in done.stdout + done.stderr
        assert "litellm:externalSecrets.install" in done.stdout + done.stderr
        assert not kubectl("get", "namespace", "litellm-second", check=False).stdout

    def test_a_wrong_vault_address_is_named(self, project: Project):
        done = project.make("up", check=False, VAULT_ADDR="http://127.0.0.1:1")
        assert done.returncode != 0
        assert "Vault at http://127.0.0.1:1 cannot be reached" in done.stdout + done.stderr
        assert not kubectl("get", "namespace", NAMESPACE, check=False).stdout

    def test_a_wrong_token_is_named_and_not_repeated(self, project: Project):
        done = project.make("up", check=False, VAULT_TOKEN="hvs.not-a-token")
        assert done.returncode != 0
        assert "refuses the token" in done.stdout + done.stderr
        assert "not-a-token" not in done.stdout + done.stderr

    def test_an_unreachable_cluster_is_named(self, project: Project):
        config = project.folder / "unreachable.yaml"
        context = {"name": "gone", "context": {"cluster": "gone", "user": "nobody"}}
        cluster = {"name": "gone", "cluster": {"server": "https://127.0.0.1:1"}}
        content = {"current-context": "gone", "contexts": [context], "clusters": [cluster], "users": []}
        config.write_text(json.dumps({"apiVersion": "v1", "kind": "Config", **content}))
        done = project.make("up", check=False, KUBECONFIG=str(config))
        assert done.returncode != 0
        assert "the Kubernetes API cannot be reached" in done.stdout + done.stderr

    def test_every_mistake_of_a_stack_file_is_in_one_message(self, project: Project, vault: Vault):
        project.write_stack(
            "wrong", {"gateway": {"replicas": 0, "modles": []}, "redis": {"kind": "valkey"}, "ingress": {}}
        )
        before = vault.everything()
        done = project.make("up", "wrong", check=False)
        assert done.returncode != 0
        assert "4 problems in Pulumi.wrong.yaml; nothing was changed" in done.stdout + done.stderr
        assert vault.everything() == before


class TestOneStack:
    """From an empty cluster to a completion."""

    def test_the_gateway_answers_through_its_ingress(self, up: dict[str, Any], vault: Vault):
        answer = completion(up["url"], master_key(vault))
        assert answer.status_code == 200
        assert answer.json()["choices"][0]["message"]["content"] == "Hello from LiteLLM."

    @pytest.mark.parametrize("key", ["sk-wrong", None])
    def test_a_wrong_key_and_none_are_refused(self, up: dict[str, Any], key: str | None):
        assert completion(up["url"], key).status_code in REFUSED

    def test_the_master_key_is_long_and_random(self, up: dict[str, Any], vault: Vault):
        key = master_key(vault)
        assert key.startswith("sk-")
        assert len(key) >= 35
        assert key[3:].isalnum()

    def test_postgres_holds_the_tables_of_litellm(self, up: dict[str, Any]):
        count = psql(NAMESPACE, "SELECT count(*) FROM information_schema.tables WHERE table_name LIKE 'LiteLLM_%'")
        assert int(count) > 10

    def test_the_role_of_litellm_is_no_superuser(self, up: dict[str, Any]):
        rights = psql(NAMESPACE, "SELECT rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = 'litellm'")
        assert rights == "f|f|f"

    def test_a_second_up_changes_nothing(self, project: Project, up: dict[str, Any]):
        project.make("up", arguments="--expect-no-changes")

    def test_the_cluster_is_as_the_state_says(self, project: Project, up: dict[str, Any]):
        """A refresh that finds a difference would make every drift report cry wolf."""
        project.make("preview", arguments="--refresh --expect-no-changes")

    def test_the_namespace_is_restricted_and_no_pod_has_a_token(self, up: dict[str, Any]):
        labels = objects("namespaces", f"--field-selector=metadata.name={NAMESPACE}")[0]["metadata"]["labels"]
        assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
        assert all(pod["spec"]["automountServiceAccountToken"] is False for pod in objects("pods", "-n", NAMESPACE))

    def test_no_secret_is_anywhere_but_in_vault_and_in_secrets(
        self, project: Project, up: dict[str, Any], vault: Vault
    ):
        values = {
            f"{document}.{name}": value
            for document in vault.list("litellm", "dev")
            for name, value in vault.read("litellm", f"dev/{document}").items()
            if name != "username"
        }
        assert len(values) >= 5
        project.make("preview", arguments="--diff")
        kinds = kubectl("api-resources", "--namespaced", "--verbs=list", "-o", "name").stdout.split()
        plain = [kind for kind in kinds if kind != "secrets"]
        places = {
            "state": project.pulumi("stack", "export", "--stack", "dev"),
            "printed": "\n".join(project.log),
            "objects": kubectl("get", ",".join(plain), "-A", "-o", "json", check=False).stdout,
            "logs": "".join(
                kubectl("logs", pod["metadata"]["name"], "-n", NAMESPACE, "--all-containers", check=False).stdout
                for pod in objects("pods", "-n", NAMESPACE)
            ),
        }
        for place, text in places.items():
            assert text, place
            for name, value in values.items():
                encoded = base64.b64encode(value.encode()).decode()
                assert value not in text, f"{name} is in {place}"
                assert encoded not in text, f"{name} is in {place}, encoded"

    def test_the_reader_may_read_its_own_documents_and_no_others(self, up: dict[str, Any], vault: Vault):
        vault.write("litellm", "prod/api-keys", **{"master-key": "of another environment"})
        client = vault.log_in("kubernetes-dev", "litellm-dev", token_of(NAMESPACE, "secret-reader", "vault"))
        assert client.secrets.kv.v2.read_secret_version(
            path="dev/api-keys", mount_point="litellm", raise_on_deleted_version=True
        )
        for path in ("prod/api-keys", "dev/other"):
            with pytest.raises(hvac.exceptions.Forbidden):
                client.secrets.kv.v2.read_secret_version(
                    path=path, mount_point="litellm", raise_on_deleted_version=True
                )
        with pytest.raises(hvac.exceptions.Forbidden):
            client.secrets.kv.v2.create_or_update_secret(path="dev/api-keys", mount_point="litellm", secret={"a": "b"})

    @pytest.mark.parametrize(
        ("account", "audience"),
        [("secret-reader", "https://kubernetes.default.svc"), ("litellm", "vault"), ("default", "vault")],
    )
    def test_nobody_else_may_log_in(self, up: dict[str, Any], vault: Vault, account: str, audience: str):
        with pytest.raises((hvac.exceptions.Forbidden, hvac.exceptions.InvalidRequest)):
            vault.log_in("kubernetes-dev", "litellm-dev", token_of(NAMESPACE, account, audience))


class TestSecondStack:
    """Next to the first: same cluster, same Vault engine, same Postgres; documents and operator that are there already."""

    def test_it_answers_with_a_key_that_was_in_vault(self, second: dict[str, Any]):
        answer = completion(second["url"], "sk-second-gateway-key-0123456789")
        assert answer.json()["choices"][0]["message"]["content"] == "Hello from the second."

    def test_any_password_works_in_the_connection_url(self, second: dict[str, Any]):
        """The bootstrap Job set it, LiteLLM's migration used it."""
        query = "SELECT count(*) FROM information_schema.tables WHERE table_name LIKE 'LiteLLM_%'"
        assert int(psql(NAMESPACE, query, "second")) > 10

    def test_the_first_is_untouched(self, project: Project, second: dict[str, Any], up: dict[str, Any], vault: Vault):
        assert completion(up["url"], master_key(vault)).status_code == 200
        project.make("up", arguments="--expect-no-changes")

    def test_its_keys_do_not_open_the_first(self, second: dict[str, Any], up: dict[str, Any]):
        assert completion(up["url"], "sk-second-gateway-key-0123456789").status_code in REFUSED

    def test_a_document_that_loses_a_property_is_named(self, project: Project, vault: Vault, second: dict[str, Any]):
        vault.write("litellm", "shared/keys", gateway="sk-second-gateway-key-0123456789")
        done = project.make("up", "second", check=False)
        vault.write("litellm", "shared/keys", gateway="sk-second-gateway-key-0123456789", openai="sk-not-a-real-key")
        assert done.returncode != 0
        assert "litellm:providerDocuments.OPENAI_API_KEY" in done.stdout + done.stderr
        assert "has no property 'openai'" in done.stdout + done.stderr

    def test_a_state_that_was_lost_takes_nothing_over(
        self, project: Project, vault: Vault, second: dict[str, Any], tmp_path: Path
    ):
        """How it is taken over, test_lost_state.py tries."""
        (tmp_path / "state").mkdir()
        done = project.make("up", "second", check=False, PULUMI_BACKEND_URL=f"file://{tmp_path / 'state'}")
        assert done.returncode != 0
        assert "stack second is in namespace litellm-second already" in " ".join((done.stdout + done.stderr).split())
        project.make("up", "second", arguments="--expect-no-changes")

    def test_a_document_of_somebody_else_is_not_overwritten(self, project: Project, vault: Vault, up: dict[str, Any]):
        vault.write("litellm", "taken/redis", password="of somebody else")
        project.write_stack(
            "taken", SECOND | {"secrets": {"vault": {"prefix": "taken"}}, "redis": {"kind": "in-cluster"}}
        )
        done = project.make("up", "taken", check=False)
        assert done.returncode != 0
        assert "litellm/taken/redis in Vault was written by somebody else" in done.stdout + done.stderr
        assert vault.read("litellm", "taken/redis") == {"password": "of somebody else"}

    def test_it_goes_without_a_trace_in_the_first(self, project: Project, vault: Vault, second: dict[str, Any]):
        done = project.make("destroy", "second")
        assert "kept: the salt key, in litellm/teams/second/salt" in done.stdout
        assert not kubectl("get", "namespace", "litellm-second", check=False).stdout
        assert vault.list("litellm", "teams/second") == ["salt"]
        assert not {"litellm-second"} & vault.everything()["policies"]
        project.make("up", arguments="--expect-no-changes")


class TestBadDay:
    """What goes wrong is said, and the next `up` goes on."""

    def test_a_failing_sync_shows_the_operators_reason(self, project: Project, up: dict[str, Any]):
        config = project.config("dev")
        try:
            auth = {"kubernetesAuth": {"audience": "somebody-else"}}
            project.write_stack("dev", config | {"secrets": {"vault": auth}})
            done = project.make("up", check=False)
            assert done.returncode != 0
            assert "secret-store" in done.stdout + done.stderr
            assert "unable to log in" in done.stdout + done.stderr or "invalid audience" in done.stdout + done.stderr
        finally:
            project.write_stack("dev", config)
        project.make("up")
        project.make("preview", arguments="--refresh --expect-no-changes")

    def test_an_image_that_cannot_be_pulled_is_named(self, project: Project, up: dict[str, Any], vault: Vault):
        config = project.config("dev")
        try:
            image = {
                "image": "ghcr.io/berriai/litellm-non_root:v0.0.0",
                "startupTimeout": "30s",
                "migrationTimeout": "30s",
            }
            project.write_stack("dev", config | {"gateway": config["gateway"] | image})
            done = project.make("up", check=False)
            assert done.returncode != 0
            assert "ghcr.io/berriai/litellm-non_root:v0.0.0" in done.stdout + done.stderr
            assert completion(up["url"], master_key(vault)).status_code == 200, "the old pods must go on"
        finally:
            project.write_stack("dev", config)
        project.make("up")
        project.make("preview", arguments="--refresh --expect-no-changes")

    def test_a_rotated_master_key_works_and_the_old_one_does_not(
        self, project: Project, up: dict[str, Any], vault: Vault
    ):
        config, old, jobs = project.config("dev"), master_key(vault), identities("jobs")
        project.write_stack("dev", config | {"keys": {"master": {"rotation": 1}}})
        project.make("up")
        assert identities("jobs") == jobs, "neither image nor database changed"
        new = master_key(vault)
        assert new != old
        eventually(lambda: completion(up["url"], new).status_code == 200, "the new key works")
        # The old pods answer a few seconds longer, so that no request is lost while load balancers hear of the new ones.
        eventually(lambda: completion(up["url"], old).status_code in REFUSED, "the old key is refused")

    def test_store_secrets_and_pods_agree_until_somebody_changes_a_value(
        self, project: Project, up: dict[str, Any], vault: Vault
    ):
        def differing() -> list[str]:
            report = json.loads(project.make("secrets", arguments="--json", check=False).stdout)
            return [each["place"] for each in report["credentials"] if not each["agree"]]

        # Pods of the rotation before may still be on their way out.
        eventually(lambda: differing() == [], "all agree", 120)
        before = vault.read("litellm", "dev/redis")
        vault.write("litellm", "dev/redis", password="changed-by-hand-0123456789")
        assert differing() == ["litellm/dev/redis#password"]
        vault.write("litellm", "dev/redis", **before)
        said = project.make("secrets").stdout
        assert "all agree" in said
        assert before["password"] not in said

    @pytest.mark.parametrize(
        "change",
        [
            {"secrets": {"vault": {"prefix": "moved"}}},
            {"keys": {"salt": {"existing": {"document": "shared/other-salt", "property": "salt-key"}}}},
            {
                "secrets": {
                    "kind": "aws",
                    "aws": {"region": "eu-west-1", "identity": {"kind": "irsa", "clusterName": "x"}},
                }
            },
        ],
        ids=["another prefix", "another document", "another kind of store"],
    )
    def test_another_salt_key_is_refused_before_anything_changes(
        self, project: Project, up: dict[str, Any], vault: Vault, change: dict[str, Any]
    ):
        config, salt = project.config("dev"), vault.read("litellm", "dev/salt")
        vault.write("litellm", "shared/other-salt", **{"salt-key": "sk-another-salt-key-0123456789abcdef"})
        before = deployed_from(project)
        try:
            project.write_stack("dev", config | change)
            done = project.make("up", check=False)
        finally:
            project.write_stack("dev", config)
        assert done.returncode != 0
        said = " ".join((done.stdout + done.stderr).split())
        assert "Another salt key would make every credential in LiteLLM's database unreadable" in said
        assert deployed_from(project) == before
        assert vault.read("litellm", "dev/salt") == salt
        assert not vault.list("litellm", "moved")

    def test_the_salt_key_may_be_named_in_the_configuration(self, project: Project, up: dict[str, Any], vault: Vault):
        """What the message above tells one to do: the very document that the stack has made, which stays its own."""
        config, salt = project.config("dev"), vault.read("litellm", "dev/salt")
        before = deployed_from(project)
        named = {"salt": {"existing": {"document": "dev/salt", "property": "salt-key"}}}
        project.write_stack("dev", config | {"keys": config.get("keys", {}) | named})
        project.make("up")
        assert deployed_from(project) == before
        project.write_stack("dev", config)
        project.make("up")
        assert deployed_from(project) == before
        assert vault.read("litellm", "dev/salt") == salt


def identities(kind: str) -> set[str]:
    return {each["metadata"]["uid"] for each in objects(kind, "-n", NAMESPACE)}


def ready(deployment: str) -> bool:
    return bool(kubectl("get", deployment, "-n", "external-secrets", "-o", "jsonpath={.status.readyReplicas}").stdout)


def deployed_from(project: Project) -> set[tuple[str, str, bool]]:
    """Every resource of the state, with its identity and whether it is protected."""
    exported = json.loads(project.pulumi("stack", "export", "--stack", "dev"))["deployment"]["resources"]
    return {(each["urn"], each.get("id", ""), each.get("protect", False)) for each in exported}


class TestTheEnd:
    """Nothing is left but the salt key, and that is found again."""

    def test_a_token_that_vault_refuses_is_said_before_anything_goes(self, project: Project, up: dict[str, Any]):
        before = deployed_from(project)
        done = project.make("destroy", check=False, VAULT_TOKEN="hvs.not-a-token")
        assert done.returncode != 0
        assert "cannot go as a whole; nothing was deleted" in done.stderr
        assert "refuses the token" in done.stderr
        assert deployed_from(project) == before

    def test_an_operator_that_does_not_work_is_said_before_a_namespace_hangs(
        self, project: Project, up: dict[str, Any]
    ):
        before, operator = deployed_from(project), ("deployment/external-secrets", "-n", "external-secrets")
        kubectl("scale", *operator, "--replicas=0")
        try:
            eventually(lambda: not ready(operator[0]), "no pod of the operator is ready", 60)
            done = project.make("destroy", check=False)
        finally:
            kubectl("scale", *operator, "--replicas=1")
            kubectl("rollout", "status", *operator, "--timeout=120s")
        assert "External Secrets Operator does not work" in done.stderr
        assert "ARGS='--without operator'" in done.stderr
        assert deployed_from(project) == before
        assert "deletionTimestamp" not in json.dumps(objects("namespaces"))

    def test_destroy_leaves_the_salt_key_and_nothing_else(self, project: Project, up: dict[str, Any], vault: Vault):
        salt = vault.read("litellm", "dev/salt")
        start = time.monotonic()
        done = project.make("destroy")
        assert time.monotonic() - start < 120
        assert "kept: the salt key, in litellm/dev/salt" in done.stdout
        assert vault.list("litellm", "dev") == ["salt"]
        assert vault.read("litellm", "dev/salt") == salt
        left = vault.everything()
        assert not {"litellm-dev"} & left["policies"]
        assert not {"kubernetes-dev/"} & left["auth"]
        namespaces = {namespace["metadata"]["name"] for namespace in objects("namespaces")}
        assert NAMESPACE not in namespaces
        cluster_wide = objects("clusterroles,clusterrolebindings,validatingwebhookconfigurations")
        assert not [item["metadata"]["name"] for item in cluster_wide if "litellm" in item["metadata"]["name"]]

        # Its provisioner deletes a volume after its claim has gone, in its own time.
        def has_no_volume() -> bool:
            return not [volume for volume in objects("persistentvolumes") if NAMESPACE in json.dumps(volume)]

        eventually(has_no_volume, "the volume of the database is gone")

    def test_the_next_up_adopts_the_salt_key(self, project: Project, vault: Vault):
        salt = vault.read("litellm", "dev/salt")
        project.make("up")
        assert vault.read("litellm", "dev/salt") == salt
        secret = project.outputs("dev")["kubernetesSecrets"]["gateway"]
        synced = objects("secrets", "-n", NAMESPACE, f"--field-selector=metadata.name={secret}")[0]["data"]
        assert base64.b64decode(synced["LITELLM_SALT_KEY"]).decode() == salt["salt-key"]
