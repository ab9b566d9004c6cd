"""docs/seeds/001.md: an init container fetches with the pod's own identity, from Vault and from AWS Secrets Manager, one secret
with all keys and one secret for one key; rotation by a restart; and what an audit shows of it.

With AWS, nodes need the image of its CLI.
"""

import json
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import hvac.exceptions
import pytest

from infra.config.versions import PINS
from tests.e2e.seeds import example, images_of_nodes, postgres, small, vault_with_a_shell
from tests.e2e.support import Project, Vault, completion, eventually, kubectl, objects, token_of

ENDPOINT = os.environ.get("LAB_AWS_ENDPOINT_IN_CLUSTER", "")
PROVIDER = "arn:aws:iam::123456789012:oidc-provider/kubernetes.default.svc"
SERVERS, MOUNT = "seed001-servers", "seed001"
BUNDLE, SINGLE = "prod/litellm/provider-keys", "prod/anthropic/api_key"
NAMES = ("OPENAI_API_KEY", "OPENROUTER_API_KEY", "ANTHROPIC_API_KEY")


def keys() -> dict[str, str]:
    return {name: f"sk-{secrets.token_hex(16)}+/' \"$(id)" for name in NAMES}


def given(stack: str, store: dict[str, Any]) -> dict[str, Any]:
    """The example with a store of this cluster."""
    config = example("seed-001")
    return config | {
        "protect": False,
        "secrets": {"delivery": "init-container", **store},
        "database": {
            "kind": "existing",
            "host": f"postgres.{SERVERS}.svc",
            "name": stack,
            "username": stack,
            "sslmode": "prefer",
            "credentials": {"document": "prod/database", "passwordProperty": "password"},
        },
        "redis": {"kind": "none"},
        "gateway": small(config["gateway"]),
        "ingress": {"host": f"{stack}.localhost"},
    }


def variables(namespace: str) -> dict[str, str]:
    """The environment of LiteLLM's process."""
    shown = kubectl(
        "exec", "-n", namespace, "deployment/litellm", "-c", "litellm", "--", "cat", "/proc/1/environ"
    ).stdout
    return dict(entry.split("=", 1) for entry in shown.split("\0") if "=" in entry)


def restart(namespace: str) -> None:
    kubectl("rollout", "restart", "deployment/litellm", "-n", namespace)
    kubectl("rollout", "status", "deployment/litellm", "-n", namespace, "--timeout=115s")


class TestVault:
    """Vault's own image, once, before the program starts."""

    STACK, NAMESPACE = "seed001", "litellm-seed001"

    @pytest.fixture(scope="class")
    def values(self) -> dict[str, str]:
        return keys()

    @pytest.fixture(scope="class")
    def audit(self, vault: Vault, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
        """Vault's audit device, in a file: hashed values, and in plain text who read which path."""
        file = tmp_path_factory.mktemp("audit") / "audit.log"
        vault.client.sys.enable_audit_device("file", path="seed001", options={"file_path": str(file)})
        yield file
        # Without its file, Vault would answer nobody.
        vault.client.sys.disable_audit_device("seed001")

    @pytest.fixture(scope="class")
    def stack(self, project: Project, vault: Vault, audit: Path, values: dict[str, str]) -> Iterator[str]:
        if not (image := vault_with_a_shell()):
            pytest.skip("needs an image of Vault with a shell on the nodes")
        vault.mount(MOUNT)
        self.write(vault, values)
        with postgres(SERVERS, self.STACK, self.STACK) as password:
            vault.write(MOUNT, "prod/database", password=password)
            store = {"vault": {"mount": {"path": MOUNT, "create": False}}, "initContainer": {"image": image}}
            config = given(self.STACK, store)
            # In an engine of Vault every value is a property.
            config["secretEnvironment"]["ANTHROPIC_API_KEY"] = {"document": SINGLE, "property": "value"}
            project.write_stack(self.STACK, config)
            try:
                project.make("up", self.STACK)
                yield self.STACK
            finally:
                project.make("destroy", self.STACK, check=False)

    def write(self, vault: Vault, values: dict[str, str]) -> None:
        vault.write(MOUNT, BUNDLE, **{name: values[name] for name in NAMES[:2]})
        vault.write(MOUNT, SINGLE, value=values["ANTHROPIC_API_KEY"])

    def test_the_gateway_answers(self, project: Project, stack: str):
        key = project.make("key", stack).stdout.strip()
        assert completion(project.outputs(stack)["url"], key, "gpt-4o").ok

    def test_bundled_and_separate_values_are_variables_of_the_program_and_in_no_secret(
        self, stack: str, values: dict[str, str]
    ):
        found = variables(self.NAMESPACE)
        assert {name: found[name] for name in NAMES} == values
        assert not [each for each in objects("secrets", "-n", self.NAMESPACE) if each["type"] == "Opaque"]

    def test_the_identity_of_the_pods_reads_these_documents_and_no_other(self, vault: Vault, stack: str):
        vault.write(MOUNT, "prod/of-others", value="x")
        token = token_of(self.NAMESPACE, "secret-fetcher", "vault")
        client = vault.log_in(f"kubernetes-{stack}", f"litellm-{stack}", token)
        client.secrets.kv.v2.read_secret_version(path=BUNDLE, mount_point=MOUNT, raise_on_deleted_version=True)
        with pytest.raises(hvac.exceptions.Forbidden):
            client.secrets.kv.v2.read_secret_version(
                path="prod/of-others", mount_point=MOUNT, raise_on_deleted_version=True
            )

    def test_a_rotated_key_is_there_after_a_restart(self, vault: Vault, stack: str, values: dict[str, str]):
        values |= keys()
        self.write(vault, values)
        restart(self.NAMESPACE)
        eventually(lambda: values.items() <= variables(self.NAMESPACE).items(), "the new keys in the new pod")

    def test_the_audit_device_says_which_pod_read_which_document_and_no_value(
        self, stack: str, audit: Path, values: dict[str, str]
    ):
        if not audit.exists():
            pytest.skip("Vault writes its audit log on another machine")
        entries = [json.loads(line) for line in audit.read_text().splitlines()]
        readers = {
            entry["auth"]["metadata"].get("service_account_name")
            for entry in entries
            if entry["request"]["path"] == f"{MOUNT}/data/{BUNDLE}" and entry["request"]["operation"] == "read"
        }
        assert "secret-fetcher" in readers
        assert not [value for value in values.values() if value in audit.read_text()]


class TestAws:
    """The AWS CLI, with the role of the pod."""

    STACK, NAMESPACE = "seed001aws", "litellm-seed001aws"

    @pytest.fixture(scope="class")
    def values(self) -> dict[str, str]:
        return keys()

    @pytest.fixture(scope="class")
    def manager(self) -> Any:
        return boto3.client("secretsmanager", region_name="us-east-1")

    @pytest.fixture(scope="class")
    def stack(self, project: Project, manager: Any, values: dict[str, str]) -> Iterator[str]:
        if not ENDPOINT or not shutil.which("pulumi-resource-aws"):
            pytest.skip("needs AWS_ENDPOINT_URL, LAB_AWS_ENDPOINT_IN_CLUSTER and a provider plugin for AWS")
        if PINS["aws-cli"].image not in images_of_nodes():
            pytest.skip("needs the image of the AWS CLI on the nodes")
        before = self.names(manager)
        try:
            with postgres(f"{SERVERS}-aws", self.STACK, self.STACK) as password:
                bundle = {name: values[name] for name in NAMES[:2]}
                manager.create_secret(Name=BUNDLE, SecretString=json.dumps(bundle))
                manager.create_secret(Name=SINGLE, SecretString=values["ANTHROPIC_API_KEY"])
                manager.create_secret(Name="prod/database", SecretString=json.dumps({"password": password}))
                identity = {"kind": "irsa", "oidcProviderArn": PROVIDER}
                aws = {"region": "us-east-1", "prefix": "prod/litellm", "recoveryWindowDays": 0, "identity": identity}
                fetches = {"environment": {"AWS_ENDPOINT_URL": ENDPOINT}}
                config = given(self.STACK, {"kind": "aws", "aws": aws, "initContainer": fetches})
                config["database"]["host"] = f"postgres.{SERVERS}-aws.svc"
                project.write_stack(self.STACK, config)
                project.make("up", self.STACK)
                yield self.STACK
                project.make("destroy", self.STACK, check=False)
        finally:
            for name in self.names(manager) - before:
                manager.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)

    def names(self, manager: Any) -> set[str]:
        return {secret["Name"] for secret in manager.list_secrets(IncludePlannedDeletion=True)["SecretList"]}

    def test_the_gateway_answers(self, project: Project, stack: str):
        key = project.make("key", stack).stdout.strip()
        assert completion(project.outputs(stack)["url"], key, "gpt-4o").ok

    def test_bundled_and_separate_secrets_are_variables_of_the_program_and_in_no_secret_of_kubernetes(
        self, stack: str, values: dict[str, str]
    ):
        found = variables(self.NAMESPACE)
        assert {name: found[name] for name in NAMES} == values
        assert not [each for each in objects("secrets", "-n", self.NAMESPACE) if each["type"] == "Opaque"]

    def test_the_program_has_no_role(self, stack: str):
        assert not [name for name in variables(self.NAMESPACE) if name.startswith("AWS_")]

    def test_a_rotated_key_is_there_after_a_restart(self, manager: Any, stack: str, values: dict[str, str]):
        values |= keys()
        manager.put_secret_value(SecretId=SINGLE, SecretString=values["ANTHROPIC_API_KEY"])
        manager.put_secret_value(SecretId=BUNDLE, SecretString=json.dumps({name: values[name] for name in NAMES[:2]}))
        restart(self.NAMESPACE)
        eventually(lambda: values.items() <= variables(self.NAMESPACE).items(), "the new keys in the new pod")
