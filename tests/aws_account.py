"""An account of AWS, or what stands in for it, and checkouts whose real engine deploys `tests/aws_program.py` into it."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.program.stacks import ROOT

REGION, PREFIX = "eu-west-1", "litellm/lost"

PULUMI = shutil.which("pulumi") or ""
HERE = dict(os.environ)
"""Before the tests hide this machine from themselves."""

MARKS = [
    pytest.mark.e2e,
    pytest.mark.skipif(
        not HERE.get("AWS_ENDPOINT_URL") or not PULUMI or not shutil.which("pulumi-resource-aws"),
        reason="needs pulumi, AWS_ENDPOINT_URL and a provider plugin for AWS that works with it",
    ),
    pytest.mark.timeout(600),
]


def client(service: str) -> Any:
    return boto3.client(service, region_name=REGION)  # pyright: ignore[reportCallIssue, reportUnknownMemberType]


class Checkout:
    """A checkout with a state of its own."""

    def __init__(self, folder: Path, generation: str) -> None:
        self.folder = folder
        (folder / "state").mkdir(parents=True)
        runtime = f"{{name: python, options: {{toolchain: pip, virtualenv: {ROOT / '.venv'}}}}}"
        (folder / "Pulumi.yaml").write_text(f"name: litellm\nruntime: {runtime}\n")
        (folder / "__main__.py").write_text("from tests.aws_program import main\n\nmain()\n")
        self.variables = HERE | {
            "PREFIX": PREFIX,
            "GENERATION": generation,
            "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "of a test",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PYTHONPATH": str(ROOT),
        }
        self.run("stack", "init", "dev")

    def run(self, *command: str, fails: bool = False, **variables: str) -> str:
        done = subprocess.run(
            [PULUMI, *command, "--non-interactive"],
            cwd=self.folder,
            env=self.variables | variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        said = done.stdout + done.stderr
        assert (done.returncode != 0) == fails, said
        return said

    def up(self, *, fails: bool = False, **variables: str) -> str:
        return self.run("up", "--stack", "dev", "--yes", "--skip-preview", fails=fails, **variables)


@contextmanager
def emptied() -> Iterator[None]:
    """An account with a role of others; what a stack has made there is gone afterwards."""
    iam = client("iam")
    iam.create_role(RoleName="somebody", AssumeRolePolicyDocument="{}")
    yield
    for name in secrets():
        client("secretsmanager").delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    kms = client("kms")
    for each in kms.list_aliases()["Aliases"]:
        if each["AliasName"] == f"alias/{PREFIX}":
            kms.delete_alias(AliasName=each["AliasName"])
    for each in iam.list_roles()["Roles"]:
        if each["RoleName"].startswith(("litellm-dev", "somebody")):
            for policy in iam.list_role_policies(RoleName=each["RoleName"])["PolicyNames"]:
                iam.delete_role_policy(RoleName=each["RoleName"], PolicyName=policy)
            for policy in iam.list_attached_role_policies(RoleName=each["RoleName"])["AttachedPolicies"]:
                iam.detach_role_policy(RoleName=each["RoleName"], PolicyArn=policy["PolicyArn"])
            iam.delete_role(RoleName=each["RoleName"])
    for each in iam.list_policies(Scope="Local")["Policies"]:
        if each["PolicyName"].startswith("litellm-dev"):
            iam.delete_policy(PolicyArn=each["Arn"])


def secrets() -> dict[str, str]:
    """The values of the stack's secrets, by their names."""
    manager = client("secretsmanager")
    found = manager.list_secrets(Filters=[{"Key": "name", "Values": [PREFIX]}], MaxResults=100)["SecretList"]
    return {each["Name"]: manager.get_secret_value(SecretId=each["Name"])["SecretString"] for each in found}
