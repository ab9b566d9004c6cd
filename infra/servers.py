"""Where the servers of a stack are, whoever runs them."""

from dataclasses import dataclass

import pulumi


@dataclass(frozen=True)
class Servers:
    """Where Postgres and Redis are, as pods of the gateway's namespace reach them."""

    database: tuple[pulumi.Input[str], pulumi.Input[int]]
    redis: tuple[pulumi.Input[str], pulumi.Input[int]] | None
    managed_admin: pulumi.Input[str] | None = None
    """Document with the admin of a Postgres that AWS runs: AWS writes it, and rotates it."""

    resource_id: pulumi.Input[str] | None = None
    """What IAM policies call a Postgres that AWS runs."""
