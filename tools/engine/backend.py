"""Where Pulumi keeps the state of a stack, and what encrypts the secrets in it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from infra.urls import without_secrets
from tools.engine.stack_file import Stack, project_file
from tools.private_file import create_once, private_folder
from tools.problem import Problem, Unavailable

PASSPHRASE_VARIABLES = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE")
FOLDER_SCHEME = "file://"
STATE = ".state"
"""Ignored folder of the project with everything that only this machine has."""


@dataclass(frozen=True)
class Backend:
    """A place for state."""

    url: str
    folder: Path
    """Where the merged stack files of this backend are: a salt belongs to one backend."""
    variables: dict[str, str] = field(default_factory=dict[str, str])
    """What Pulumi's environment needs to use it."""
    notice: str = ""

    @property
    def shown(self) -> str:
        """The URL as a message may have it."""
        return without_secrets(self.url)

    @property
    def state_folder(self) -> Path | None:
        """Where the states are, of a backend that is a folder of this machine."""
        path, is_folder = self.url.removeprefix(FOLDER_SCHEME), self.url.startswith(FOLDER_SCHEME)
        return Path(unquote(path.partition("?")[0])).expanduser() if is_folder else None

    def stack_file(self, name: str) -> Path:
        """The merged file of a stack, which Pulumi is given."""
        return (self.folder / f"Pulumi.{name}.yaml").absolute()


def choose(project: Path, stack: Stack, environment: Mapping[str, str]) -> Backend:
    """The backend that the user named or is logged in to, otherwise a local one of this project.

    Raises:
        Unavailable: for a protected stack without a backend.
        Problem: when the passphrase of the backend is missing.
    """
    if url := named_url(project, environment):
        return named(project, url, stack, environment)
    if stack.protected:
        raise Unavailable(
            f"stack {stack.name} is protected (litellm:protect) and has no state backend: state that only this machine "
            "has could be lost. Set PULUMI_BACKEND_URL (s3://…, gs://…, azblob://…) and PULUMI_CONFIG_PASSPHRASE, "
            "or PULUMI_ACCESS_TOKEN, or run `pulumi login`"
        )
    return local(project / STATE, stack, environment)


def local(folder: Path, stack: Stack, environment: Mapping[str, str]) -> Backend:
    """State in a folder of the project, encrypted with a passphrase that is generated once."""
    state = folder / "backend"
    url = state.absolute().as_uri()
    variables = {"PULUMI_BACKEND_URL": url}
    notice = f"state of stack {stack.name}: {relative(state)} on this machine"
    if not any(name in environment for name in PASSPHRASE_VARIABLES):
        passphrase = folder / "passphrase"
        if stack.encrypted and not passphrase.exists():
            raise Problem(
                f"Pulumi.{stack.name}.yaml is encrypted already (encryptionsalt, encryptedkey or secretsprovider): "
                "set PULUMI_BACKEND_URL to its backend and PULUMI_CONFIG_PASSPHRASE to its passphrase"
            )
        if not passphrase.exists() and any(state.glob(".pulumi/stacks/**/*.json*")):
            raise Problem(
                f"{relative(passphrase)} is gone, and the state in {relative(state)} cannot be read without it: "
                "put it back or set PULUMI_CONFIG_PASSPHRASE"
            )
        variables["PULUMI_CONFIG_PASSPHRASE_FILE"] = str(create_once(passphrase).absolute())
        notice += f", encrypted with {relative(passphrase)}; keep both"
    private_folder(state)
    return Backend(url, folder, variables, notice)


def named(project: Path, url: str, stack: Stack, environment: Mapping[str, str]) -> Backend:
    scheme = url.partition("://")[0]
    own_encryption = stack.document.get("secretsprovider") not in (None, "default", "passphrase")
    if (
        scheme not in ("http", "https")
        and not own_encryption
        and not any(name in environment for name in PASSPHRASE_VARIABLES)
    ):
        raise Unavailable(
            "the state backend encrypts with a passphrase, and none is set: set PULUMI_CONFIG_PASSPHRASE or "
            "PULUMI_CONFIG_PASSPHRASE_FILE"
        )
    url = absolute(url, project)
    folder = project / STATE / hashlib.sha256(url.encode()).hexdigest()[:12]
    return Backend(url, folder, {"PULUMI_BACKEND_URL": url})


def named_url(project: Path, environment: Mapping[str, str]) -> str | None:
    """The backend that Pulumi would use, in its own order of precedence."""
    of_project: dict[str, str] = project_file(project).get("backend") or {}
    return (
        environment.get("PULUMI_BACKEND_URL")
        or of_project.get("url")
        or logged_in_to(environment)
        or ("https://api.pulumi.com" if environment.get("PULUMI_ACCESS_TOKEN") else None)
    )


def logged_in_to(environment: Mapping[str, str]) -> str | None:
    home = environment.get("PULUMI_HOME") or str(Path(environment.get("HOME", "~")).expanduser() / ".pulumi")
    folder = environment.get("PULUMI_CREDENTIALS_PATH") or home
    try:
        return json.loads((Path(folder) / "credentials.json").read_text()).get("current") or None
    except (OSError, ValueError, AttributeError):
        return None


def absolute(url: str, project: Path) -> str:
    """A `file://` URL that means the same from every folder: Pulumi takes relative ones from where it runs."""
    path = url.removeprefix(FOLDER_SCHEME)
    if not url.startswith(FOLDER_SCHEME) or path.startswith(("/", "~")):
        return url
    return f"{FOLDER_SCHEME}{(project / path).resolve()}"


def relative(path: Path) -> str:
    return str(path)[str(path).find(STATE) :]
