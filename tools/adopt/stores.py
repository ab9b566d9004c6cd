"""Where the secrets go: what the stack file says of the store, and the shell lines that put a value into it."""

import json
import re
import shlex
from dataclasses import dataclass
from typing import Protocol

from infra.config.base import AWS_REGION, CLUSTER_NAME
from tools.adopt.running import Tree
from tools.problem import Problem

Command = tuple[str, str]
"""What a line is for, and the line."""


class Store(Protocol):
    """A store of secrets, for the one document that `adopt` fills."""

    @property
    def name(self) -> str:
        """What messages call it."""
        ...

    @property
    def section(self) -> Tree:
        """Section `secrets` of the stack file; empty for the defaults."""
        ...

    def document(self, stack: str) -> str:
        """Name of the document for a stack."""
        ...

    def before(self) -> list[Command]:
        """What must be there first."""
        ...

    def line(self, read: str, document: str, name: str, *, first: bool) -> str:
        """A line that puts what the command `read` prints into the document, as `name`; the first one makes the document.

        The value goes through pipes alone: everybody on a machine sees its command lines.
        """
        ...


@dataclass(frozen=True)
class Vault:
    """HashiCorp Vault, with this program's defaults."""

    mount: str = "litellm"

    @property
    def name(self) -> str:
        return "Vault"

    @property
    def section(self) -> Tree:
        return {"generation": "store"}

    def document(self, stack: str) -> str:
        return f"shared/{stack}"

    def before(self) -> list[Command]:
        enable = f"vault secrets enable -path={self.mount} -version=2 kv"
        return [
            (
                "the secrets engine, where it is not there yet",
                f"vault secrets list | grep -q '^{self.mount}/' || {enable}",
            )
        ]

    def line(self, read: str, document: str, name: str, *, first: bool) -> str:
        verb = "put" if first else "patch"
        return f"{read} | vault kv {verb} -mount={self.mount} {document} {shlex.quote(f'{name}=-')}"


@dataclass(frozen=True)
class SecretsManager:
    """AWS Secrets Manager, read from an EKS cluster."""

    region: str
    cluster: str

    @classmethod
    def of(cls, region: str, cluster: str) -> "SecretsManager":
        """The store of what somebody asked for.

        Raises:
            Problem: when region or cluster are missing, or are none.
        """
        if not re.fullmatch(AWS_REGION, region):
            raise Problem("STORE=aws needs the region of the secrets: REGION=eu-west-1, or AWS_REGION")
        if not re.fullmatch(CLUSTER_NAME, cluster):
            raise Problem(
                "STORE=aws needs the name of the EKS cluster whose operator reads the secrets: EKS_CLUSTER=prod"
            )
        return cls(region, cluster)

    @property
    def name(self) -> str:
        return "AWS Secrets Manager"

    @property
    def section(self) -> Tree:
        identity = {"kind": "irsa", "clusterName": self.cluster}
        return {"kind": "aws", "generation": "store", "aws": {"region": self.region, "identity": identity}}

    def document(self, stack: str) -> str:
        # Not the stack's own name at the end: AWS mistakes - and six characters for the random end of an ARN.
        return f"litellm/{stack}/adopted"

    def before(self) -> list[Command]:
        return []

    def line(self, read: str, document: str, name: str, *, first: bool) -> str:
        called = f"aws secretsmanager %s --region {shlex.quote(self.region)}"
        value = f"{read} | jq -Rs {shlex.quote('{' + json.dumps(name) + ': .}')}"
        given = "--secret-string file:///dev/stdin"
        if first:
            return f"{value} | {called % 'create-secret'} --name {document} {given}"
        there = f"{called % 'get-secret-value'} --secret-id {document} --query SecretString --output text"
        return f"{{ {there}; {value}; }} | jq -s add | {called % 'put-secret-value'} --secret-id {document} {given}"
