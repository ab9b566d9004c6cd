"""A gateway as it runs today, whoever deployed it: what every source is read into, and every stack file is made of."""

from dataclasses import dataclass, field
from typing import Any, cast

Tree = dict[str, Any]

OWN = frozenset(
    {
        "LITELLM_MASTER_KEY",
        "LITELLM_SALT_KEY",
        "DATABASE_USERNAME",
        "DATABASE_PASSWORD",
        "DATABASE_URL",
        "DATABASE_HOST",
        "DATABASE_PORT",
        "DATABASE_NAME",
        "REDIS_PASSWORD",
    }
)
"""Secrets that have keys of their own in the stack file."""


@dataclass(frozen=True)
class InSecret:
    """A value that a Kubernetes Secret holds."""

    name: str
    key: str


@dataclass(frozen=True)
class Written:
    """A value that somebody wrote down. Kept to tell equal ones, and to put none of them anywhere."""

    value: str = field(repr=False)
    where: str


@dataclass(frozen=True)
class Elsewhere:
    """A value that is somewhere else today, as far as one can tell."""

    where: str


Place = InSecret | Written | Elsewhere
"""Where a secret is today."""


@dataclass(frozen=True)
class Left:
    """Something that the stack file does not say, and why."""

    where: str
    why: str


@dataclass
class Running:
    """What there is. Sections are in the words of the stack file."""

    config: Tree
    """LiteLLM's configuration, without what the stack file says itself."""

    gateway: Tree = field(default_factory=dict[str, Any])
    placement: Tree = field(default_factory=dict[str, Any])
    pods: Tree = field(default_factory=dict[str, Any])
    environment: dict[str, str] = field(default_factory=dict[str, str])
    secrets: dict[str, Place] = field(default_factory=dict[str, Place])
    """By environment variable."""

    secret_files: dict[str, Place] = field(default_factory=dict[str, Place])
    """By name of the file in the pods."""

    whole_secrets: list[str] = field(default_factory=list[str])
    """Kubernetes Secrets whose keys all become variables; which keys they have is not known here."""

    files: dict[str, str] = field(default_factory=dict[str, str])
    """Texts of Python modules and other files that the configuration names, by their path beside it."""

    database: Tree | None = None
    redis: Tree | None = None
    ingress: Tree | None = None
    namespace: str = ""
    left: list[Left] = field(default_factory=list[Left])

    def leave(self, where: str, why: str) -> None:
        self.left.append(Left(where, why))

    def supplier_of(self, variable: str) -> Place:
        """Where a variable comes from that nothing sets by its name."""
        if len(self.whole_secrets) == 1:
            return InSecret(self.whole_secrets[0], variable)
        return Elsewhere(f"supplied by {' or '.join(self.whole_secrets) or 'nothing that was read'}")


def as_tree(value: object) -> Tree:
    """A map as it is; everything else as an empty one."""
    return cast("Tree", value) if isinstance(value, dict) else {}


def at(tree: object, path: str) -> Any:
    """What a dotted path leads to; None where it leads nowhere."""
    found: Any = tree
    for part in path.split("."):
        found = as_tree(found).get(part)
    return found


def tree_at(tree: object, path: str) -> Tree:
    return dict(as_tree(at(tree, path)))


def list_at(tree: object, path: str) -> list[Any]:
    found = at(tree, path)
    return list(cast("list[Any]", found)) if isinstance(found, list) else []


def trees_at(tree: object, path: str) -> list[Tree]:
    """The maps of a list."""
    return [found for each in list_at(tree, path) if (found := as_tree(each))]
