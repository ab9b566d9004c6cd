"""Names of environments: anything in, something that Kubernetes, DNS, Vault, AWS and Postgres all take out."""

import hashlib
import re
from dataclasses import dataclass

from tools.problem import Problem

LENGTH = 40
"""Of a name: with what comes before it, a namespace has 63 characters at most, and so has a role of Postgres."""

HASH_LENGTH = 6
STACK_PREFIX = "env-"
VAULT_FOLDER = "ephemeral"
"""Below the mount: the documents of all environments, and nothing else."""


@dataclass(frozen=True)
class Name:
    """The name of an environment, and everything that is called after it."""

    given: str
    """As somebody wrote it: `Feature/New_Router`."""

    safe: str
    """As everything is called: `feature-new-router-1f3a5c`."""

    @property
    def stack(self) -> str:
        return f"{STACK_PREFIX}{self.safe}"

    @property
    def namespace(self) -> str:
        return f"litellm-{self.stack}"

    @property
    def database(self) -> str:
        """Database and role in a shared Postgres."""
        return f"litellm_{self.stack}".replace("-", "_")


def folder(name: Name, *, own_role: bool) -> str:
    """Where an environment's documents are, below that of all environments.

    A policy for all of them knows who asks by the namespace, so there it is called after it.
    """
    return name.safe if own_role else name.namespace


def name_of(given: str) -> Name:
    """A DNS label of at most 40 characters.

    A name that is one already stays as it is. Any other ends in a hash of what was given, so that two names that look alike
    once they are made safe (`a/b` and `a_b`) are still two environments.

    Raises:
        Problem: when there is nothing in it to make a name of.
    """
    safe = re.sub(r"[^a-z0-9]+", "-", given.lower()).strip("-")
    if not safe:
        raise Problem(f"{given!r} is no name for an environment: use letters, digits and -, such as pr-123")
    if safe == given and len(safe) <= LENGTH:
        return Name(given, safe)
    digest = hashlib.sha256(given.encode()).hexdigest()[:HASH_LENGTH]
    return Name(given, f"{safe[: LENGTH - HASH_LENGTH - 1].rstrip('-')}-{digest}")
