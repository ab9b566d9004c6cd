# boto3 is untyped:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
"""What environments have in AWS: secrets and IAM roles. They have the mark as their tag `managed-by` from the first moment."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from components.secrets.aws_client import connect, tags_of
from components.secrets.aws_names import OWNER
from components.secrets.references import RemoteReference
from infra.config.load import ConfigProblem
from infra.config.stack import StackConfig
from infra.secrets.aws import AwsStore
from tools.client.aws import said, value
from tools.ephemeral.mark import START, Mark, parse_mark
from tools.ephemeral.names import STACK_PREFIX
from tools.ephemeral.stores import Swept
from tools.problem import Problem

WHAT = "ephemeral environments"
ROLE_PREFIX = f"litellm-{STACK_PREFIX}"


class AwsKeeper:
    """Secrets Manager and IAM, as somebody sees them who looks after environments."""

    def __init__(self, secrets: Any, iam: Any, region: str) -> None:
        self.secrets = secrets
        self.iam = iam
        self.region = region

    def claim(self, mark: Mark, documents: Sequence[str]) -> None:
        """Nothing to do: AWS tags a secret in the call that creates it, and the preflight has looked at the names."""

    def marks(self, cluster: str, name: str | None = None) -> set[Mark]:
        with self._said():
            texts = [tags.get(OWNER) for _, tags in (*self._secrets(f"{START}/{cluster}/"), *self._roles())]
        found = (parse_mark(text) for text in texts)
        return {mark for mark in found if mark and mark.cluster == cluster and name in (None, mark.name)}

    def sweep(self, mark: Mark) -> Swept:
        with self._said():
            roles = [name for name, tags in self._roles() if tags.get(OWNER) == str(mark)]
            for role in roles:
                self._delete_role(role)
            secrets = [name for name, tags in self._secrets(str(mark)) if tags.get(OWNER) == str(mark)]
            for secret in secrets:
                self.secrets.delete_secret(SecretId=secret, ForceDeleteWithoutRecovery=True)
        return Swept((*(f"IAM role {role}" for role in roles), *(f"secret {secret}" for secret in secrets)))

    def read(self, reference: RemoteReference) -> str:
        with self._said():
            return value(self.secrets, reference)

    def _said(self) -> AbstractContextManager[None]:
        return said(self.region, WHAT)

    def _secrets(self, start: str) -> Iterator[tuple[str, dict[str, str]]]:
        """Secrets whose owner begins so, also those that are on their way out."""
        filters = [{"Key": "tag-key", "Values": [OWNER]}, {"Key": "tag-value", "Values": [start]}]
        for page in self.secrets.get_paginator("list_secrets").paginate(Filters=filters):
            for secret in page["SecretList"]:
                yield str(secret["Name"]), tags_of(secret)

    def _roles(self) -> Iterator[tuple[str, dict[str, str]]]:
        for page in self.iam.get_paginator("list_roles").paginate():
            for role in page["Roles"]:
                if role["RoleName"].startswith(ROLE_PREFIX):
                    yield str(role["RoleName"]), tags_of(self.iam.list_role_tags(RoleName=role["RoleName"]))

    def _delete_role(self, role: str) -> None:
        for page in self.iam.get_paginator("list_role_policies").paginate(RoleName=role):
            for policy in page["PolicyNames"]:
                self.iam.delete_role_policy(RoleName=role, PolicyName=policy)
        self.iam.delete_role(RoleName=role)


def open_keeper(_config: StackConfig, store: AwsStore, problems: Sequence[ConfigProblem]) -> AwsKeeper:
    if problems:
        raise Problem(str(problems[0]))
    region = store.config.region
    with said(region, WHAT):
        return AwsKeeper(connect(store.connection), connect(store.connection, "iam"), region)
