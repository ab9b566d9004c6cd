"""What says of an object anywhere that it belongs to one environment, and to which.

One text, the same everywhere: annotation of the namespace, `managed-by` of Vault's documents and AWS' secrets and roles, first
line of Vault's policy, comment on Postgres' role. It names the cluster, because a Vault or an account may serve several, and
ends in a random part, because the next environment may have the same name. Nothing is deleted that does not carry it whole.
"""

import re
import secrets
from dataclasses import dataclass

START = "litellm/ephemeral"


@dataclass(frozen=True)
class Mark:
    """The mark of one environment."""

    cluster: str
    """Which cluster it is in: the first characters of the UID of its namespace `kube-system`."""

    name: str
    """Safe name of the environment."""

    id: str
    """Different for each environment, also for the next one of this name."""

    def __str__(self) -> str:
        return f"{START}/{self.cluster}/{self.name}/{self.id}"


def new_mark(cluster: str, name: str) -> Mark:
    return Mark(cluster, name, secrets.token_hex(4))


def parse_mark(text: str | None) -> Mark | None:
    """The mark in a text that is one, and nothing else."""
    found = re.fullmatch(rf"{START}/([0-9a-z]{{8}})/([a-z0-9-]{{1,40}})/([0-9a-f]{{8}})", text or "")
    return Mark(*found.groups()) if found else None
