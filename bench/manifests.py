"""What somebody who works by hand has in a folder: the stack's own objects as files, for `by_hand.sh`.

They come from the program itself, run under the mock engine, so that both sides of the comparison create the same.
"""

import json
import re
import secrets
import shlex
import string
from collections import defaultdict
from pathlib import Path
from typing import Any

from infra.documents import SALT_KEY
from infra.environment import deploy
from infra.mock_engine import Recording, Registered, run
from infra.target import Target

RELEASE = "kubernetes:helm.sh/v3:Release"
GENERATED = re.compile(r"x{20,}")
"""What the mock engine gives for a generated password."""


def write(target: Target, folder: Path) -> None:
    """Write the objects of a stack, and the names in `names.sh`."""
    recording = run(lambda: deploy(target), stack=target.stack)
    for name, objects in manifests(recording).items():
        save(folder / f"{name}.json", {"apiVersion": "v1", "kind": "List", "items": objects})
    for name, content in documents(recording).items():
        save(folder / "documents" / f"{name}.json", content)
    save(folder / "salt.json", {SALT_KEY: f"sk-{random_text(48)}"})
    save(
        folder / "auth-config.json", vault_arguments(recording, "vault:kubernetes/authBackendConfig:AuthBackendConfig")
    )
    save(folder / "auth-role.json", vault_arguments(recording, "vault:kubernetes/authBackendRole:AuthBackendRole"))
    (folder / "policy.hcl").write_text(recording.inputs("vault:index/policy:Policy")["policy"])
    helm: list[str] = []
    for release in recording.of(RELEASE):
        helm = helm_arguments(release.inputs)
        save(folder / "operator-values.json", release.inputs["values"])
    (folder / "names.sh").write_text(names(target, helm))


def save(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2))


def manifests(recording: Recording) -> dict[str, list[dict[str, Any]]]:
    """The Kubernetes objects, by the file they belong into."""
    files: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for resource in recording.resources:
        if resource.type.startswith("kubernetes:") and resource.type != RELEASE:
            files[file_of(resource)].append(resource.inputs)
    return files


def file_of(resource: Registered) -> str:
    """One file for each component, but for what is created at another time than the rest of it."""
    component = resource.parent.rpartition("::")[2]
    match resource.inputs["kind"]:
        case "Namespace":
            return resource.name
        case "SecretStore":
            return "store"
        case "ExternalSecret":
            return f"external-secrets/{component}"
        case _:
            return component


def documents(recording: Recording) -> dict[str, dict[str, str]]:
    """The documents in Vault, by name, with secrets of their own."""
    return {
        resource.inputs["name"].rpartition("/")[2]: json.loads(
            GENERATED.sub(lambda match: random_text(len(match[0])), resource.inputs["dataJson"])
        )
        for resource in recording.of("vault:kv/secretV2:SecretV2")
    }


def random_text(length: int) -> str:
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(length))


def vault_arguments(recording: Recording, type_: str) -> dict[str, Any]:
    """What `vault write` takes: the resource's arguments, but for those that are in the path."""
    inputs = recording.inputs(type_)
    return {snake_case(key): value for key, value in inputs.items() if key not in ("backend", "roleName")}


def snake_case(name: str) -> str:
    return re.sub("([A-Z])", lambda match: f"_{match[0].lower()}", name)


def helm_arguments(release: dict[str, Any]) -> list[str]:
    """What follows `helm install` on the command line."""
    options: dict[str, str] = release.get("repositoryOpts") or {}
    repository: str | None = options.get("repo")
    version: str | None = release.get("version")
    return [
        *(release["name"], release["chart"], "--namespace", release["namespace"]),
        *(("--repo", repository) if repository else ()),
        *(("--version", version) if version else ()),
    ]


def names(target: Target, helm: list[str]) -> str:
    vault = target.vault
    variables = {
        "NAMESPACE": target.namespace,
        "OWNER": target.owner,
        "MOUNT": vault.mount,
        "PREFIX": vault.prefix,
        "POLICY": vault.policy,
        "AUTH": vault.auth_path,
        "ROLE": vault.role,
    }
    lines = [f"{name}={shlex.quote(value)}" for name, value in variables.items()]
    return "\n".join([*lines, f"HELM=({shlex.join(helm)})", ""])
