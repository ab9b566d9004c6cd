"""Stack files: `Pulumi.<stack>.yaml`, the overlays laid over it, and the merged file that Pulumi is given."""

import json
import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard, cast

import yaml

from components.sync.shared import OPERATOR
from tools.private_file import private_folder
from tools.problem import Problem

NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")
ENCRYPTION_KEYS = ("encryptionsalt", "encryptedkey", "secretsprovider")
"""What Pulumi itself writes into a stack file."""
TOP_LEVEL_KEYS = ("config", "environment", *ENCRYPTION_KEYS)


class Loader(yaml.SafeLoader):
    """YAML as Pulumi reads it: `on`, `12:30` and `2026-01-31` are strings, and a key that occurs twice is an error."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 - PyYAML's own class attribute

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} occurs twice", node.start_mark)
        return super().construct_mapping(node, deep)


for tag, pattern, first in (
    ("null", r"^(~|null|Null|NULL|)$", [*"~nN", ""]),
    ("bool", r"^(true|True|TRUE|false|False|FALSE)$", [*"tTfF"]),
    ("int", r"^[-+]?(0|[1-9][0-9]*)$", [*"-+0123456789"]),
    ("float", r"^[-+]?((\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+)$", [*"-+.0123456789"]),
    ("merge", r"^<<$", ["<"]),
):
    Loader.add_implicit_resolver(  # pyright: ignore[reportUnknownMemberType] - PyYAML's stubs leave it open
        f"tag:yaml.org,2002:{tag}", re.compile(pattern), first
    )


@dataclass(frozen=True)
class Stack:
    """The configuration of one stack: its committed file with the overlays laid over it."""

    name: str
    document: dict[str, Any]

    @classmethod
    def read(cls, project: Path, name: str, overlays: Sequence[Path] = ()) -> "Stack":
        document = read(committed_file(project, name))
        for overlay in overlays:
            document = merge(document, read(overlay))
        return cls(name, document)

    def with_overlay(self, overlay: Path) -> "Stack":
        return Stack(self.name, merge(self.document, read(overlay)))

    @property
    def config(self) -> dict[str, Any]:
        return self.document.get("config") or {}

    @property
    def protected(self) -> bool:
        """Whether the stack is guarded: against destruction, and against a state that only this machine has.

        It is unless the configuration says otherwise, as in the schema of Pulumi.yaml.
        """
        return str(self.config.get("litellm:protect", True)).lower() != "false"

    @property
    def context(self) -> str | None:
        return self.config.get("litellm:context")

    @property
    def uses_vault(self) -> bool:
        return self._secrets.get("kind", "vault") == "vault"

    @property
    def vault_address(self) -> str | None:
        vault: dict[str, Any] = self._secrets.get("vault") or {}
        return vault.get("address")

    @property
    def installs_operator(self) -> bool | None:
        """What the configuration says of External Secrets Operator; None leaves it to what the cluster has."""
        return {"true": True, "false": False}.get(str(self._operator.get("install")).lower())

    @property
    def operator_namespace(self) -> str:
        return self._operator.get("namespace") or OPERATOR

    @property
    def _operator(self) -> dict[str, Any]:
        return self.config.get("litellm:externalSecrets") or {}

    @property
    def _secrets(self) -> dict[str, Any]:
        return self.config.get("litellm:secrets") or {}

    @property
    def encrypted(self) -> bool:
        """Whether the committed file belongs to a secrets provider already."""
        return any(key in self.document for key in ENCRYPTION_KEYS)

    def write(self, folder: Path, *, keep_encryption: bool) -> Path:
        """Write the merged file for Pulumi.

        Pulumi adds the salt of its encryption to the file that it is given. That of an existing stack has to survive
        the next merge (`keep_encryption`); a new stack must not get that of a namesake whose passphrase is another.
        """
        path = private_folder(folder) / f"Pulumi.{self.name}.yaml"
        document = self.document
        if keep_encryption and not self.encrypted and path.exists():
            document = document | {key: value for key, value in read(path).items() if key in ENCRYPTION_KEYS}
        # JSON is YAML in which no plain word can be taken for something else.
        temporary = path.with_suffix(".tmp")
        temporary.touch(0o600)
        temporary.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
        temporary.replace(path)
        return path


def committed_file(project: Path, name: str) -> Path:
    path = project / f"Pulumi.{name}.yaml"
    if not NAME.match(name) or not path.is_file():
        known = ", ".join(stack_names(project)) or "none"
        raise Problem(
            f"no stack {name!r}: there is no Pulumi.{name}.yaml. Stacks here: {known}. Set STACK to one of them"
        )
    return path


def stack_names(project: Path) -> list[str]:
    return sorted(path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in project.glob("Pulumi.*.yaml"))


def read(path: Path) -> dict[str, Any]:
    """Read a stack file or an overlay, which has the same form."""
    document = read_map(path)
    if unknown := sorted(str(key) for key in document if key not in TOP_LEVEL_KEYS):
        raise Problem(f"{path}: unknown key {unknown[0]!r} at the top; settings belong below `config`")
    config: Any = document.get("config") or {}
    if not isinstance(config, dict):
        raise Problem(f"{path}: `config` must be a map of settings such as `litellm:gateway`")
    if bare := sorted(str(key) for key in cast("dict[str, Any]", config) if ":" not in str(key)):
        raise Problem(f"{path}: config key {bare[0]!r} has no project; write `litellm:{bare[0]}`")
    return document


def project_file(project: Path) -> dict[str, Any]:
    return read_map(project / "Pulumi.yaml")


def read_map(path: Path) -> dict[str, Any]:
    try:
        content: Any = yaml.load(path.read_text(), Loader) or {}  # noqa: S506 - derives from SafeLoader
    except OSError as error:
        raise Problem(f"cannot read {path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Problem(f"{path} is not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise Problem(f"{path} must be a map of keys, not a list or a single value")
    return cast("dict[str, Any]", content)


def merge(base: Mapping[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    """Lay `overlay` over `base`: maps are merged, everything else is replaced, an encrypted value as a whole.

    A map of another `kind` is replaced, too: the keys of a Postgres in the cluster mean nothing to an existing one.
    """
    merged = dict(base)
    for key, value in overlay.items():
        below = merged.get(key)
        if is_plain_map(below) and is_plain_map(value) and not of_another_kind(below, value):
            merged[key] = merge(below, value)
        else:
            merged[key] = value
    return merged


def of_another_kind(below: Mapping[str, Any], value: Mapping[str, Any]) -> bool:
    """Whether both say what kind they are, and not the same."""
    return "kind" in below and "kind" in value and below["kind"] != value["kind"]


def is_plain_map(value: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict) and "secure" not in value
