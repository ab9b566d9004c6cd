"""Stack files: `Pulumi.<stack>.yaml`, the overlays laid over it, and the merged file that Pulumi is given."""

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard, cast

from components.sync.shared import OPERATOR
from infra.config import stack_yaml
from infra.config.encrypted import is_encrypted
from infra.config.stack_yaml import StackFileError
from infra.config.words import top_level
from tools.private_file import private_folder
from tools.problem import Problem

NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")
ENCRYPTION_KEYS = ("encryptionsalt", "encryptedkey", "secretsprovider")
"""What Pulumi itself writes into a stack file."""
TOP_LEVEL_KEYS = ("config", "environment", *ENCRYPTION_KEYS)
NOT_IN_YAML = re.compile("[\x7f-\x9f\ufeff\ufffe\uffff]")
"""Characters that JSON may have, and YAML only escaped."""


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

    def setting(self, key: str) -> dict[str, Any]:
        """An object of the configuration; empty when it is none. `pulumi config set` may have written it as text."""
        value: Any = self.config.get(f"litellm:{key}")
        if isinstance(value, str):
            with suppress(ValueError, RecursionError):
                value = json.loads(value)
        return cast("dict[str, Any]", value) if isinstance(value, dict) else {}

    @property
    def protected(self) -> bool:
        """Whether the stack is guarded: against destruction, and against a state that only this machine has.

        It is unless the configuration says otherwise, as in the schema of Pulumi.yaml.
        """
        return str(self.config.get("litellm:protect", True)).lower() != "false"

    @property
    def shared(self) -> bool:
        """Whether this is the stack of what belongs to a cluster, with no gateway in it."""
        return bool(self.setting("shared"))

    @property
    def context(self) -> str | None:
        context: Any = self.config.get("litellm:context")
        return str(context) if context and isinstance(context, str | int | float) else None

    @property
    def uses_vault(self) -> bool:
        return self.setting("secrets").get("kind", "vault") == "vault"

    @property
    def generates_in_store(self) -> bool:
        """Whether generated values are made in the client of the store, and are in no state."""
        return self.setting("secrets").get("generation") == "store"

    @property
    def takes_over(self) -> bool:
        """Whether the stack takes over what a lost state had made."""
        return self._vault.get("adopt") is True

    @property
    def vault_address(self) -> str | None:
        return self._vault.get("address")

    @property
    def _vault(self) -> dict[str, Any]:
        vault: Any = self.setting("secrets").get("vault")
        return cast("dict[str, Any]", vault) if isinstance(vault, dict) else {}

    @property
    def installs_operator(self) -> bool | None:
        """What the configuration says of External Secrets Operator; None leaves it to what the cluster has."""
        return {"true": True, "false": False}.get(str(self.setting("externalSecrets").get("install")).lower())

    @property
    def operator_namespace(self) -> str:
        return self.setting("externalSecrets").get("namespace") or OPERATOR

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
        text = json.dumps(document, indent=2, ensure_ascii=False)
        temporary.write_text(NOT_IN_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n", encoding="utf-8")
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
    if unknown := sorted(key for key in document if key not in TOP_LEVEL_KEYS):
        raise Problem(f"{path}: unknown key {top_level(unknown[0])!r} at the top; settings belong below `config`")
    try:
        return document | ({"config": stack_yaml.settings(document)} if "config" in document else {})
    except StackFileError as error:
        raise Problem(f"{path} {error}") from None


def project_file(project: Path) -> dict[str, Any]:
    return read_map(project / "Pulumi.yaml")


def read_map(path: Path) -> dict[str, Any]:
    try:
        return stack_yaml.read(path)
    except OSError as error:
        raise Problem(f"cannot read {path}: {error.strerror}") from None
    except StackFileError as error:
        raise Problem(f"{path} {error}") from None


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
    return isinstance(value, dict) and not is_encrypted(cast("Any", value))
