"""A stack as the program would deploy it here, and its objects as files for somebody who works by hand.

Everything comes from the program itself, run under the mock engine: both sides of the comparison create the same objects.
"""

import json
import re
import secrets
import shlex
import string
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.environment import deploy
from infra.target import resolve
from tools.engine.stack_file import Stack
from tools.offline import plan
from tools.offline.mock_engine import Recording, Registered, run

RELEASE = "kubernetes:helm.sh/v3:Release"
DOCUMENT = "vault:kv/secretV2:SecretV2"
SALT_KEY = "pulumi-python:dynamic/litellm:VaultSaltKey"
AUTH = "vault:index/authBackend:AuthBackend"
AUTH_CONFIG = "vault:kubernetes/authBackendConfig:AuthBackendConfig"
AUTH_ROLE = "vault:kubernetes/authBackendRole:AuthBackendRole"

GENERATED = re.compile(r"x{20,}")
"""What the mock engine gives for a generated password."""


@dataclass(frozen=True)
class Planned:
    """A stack with Vault, and what it is made of."""

    recording: Recording

    @property
    def namespace(self) -> str:
        return self.recording.inputs("kubernetes:core/v1:Namespace", "namespace")["metadata"]["name"]

    @property
    def url(self) -> str:
        return self.recording.outputs["url"]

    @property
    def mount(self) -> str:
        return self.recording.inputs(SALT_KEY)["mount"]

    @property
    def prefix(self) -> str:
        """Path of the stack's documents below the mount."""
        return self.recording.inputs(SALT_KEY)["path"].rpartition("/")[0]

    @property
    def owner(self) -> str:
        return self.recording.of(DOCUMENT)[0].inputs["customMetadata"]["data"]["managed-by"]

    @property
    def policy(self) -> dict[str, str] | None:
        """The policy that the stack makes; None where an administrator made one for all."""
        return next((found.inputs for found in self.recording.of("vault:index/policy:Policy")), None)

    @property
    def auth(self) -> str:
        """Path of the auth method."""
        if not self.shared:
            return self.recording.inputs(AUTH)["path"]
        (store,) = self.recording.of("kubernetes:external-secrets.io/v1:SecretStore")
        return store.inputs["spec"]["provider"]["vault"]["auth"]["kubernetes"]["mountPath"]

    @property
    def shared(self) -> bool:
        """Whether secrets engine and auth method are there already."""
        return not self.recording.of(AUTH)

    @property
    def role(self) -> str:
        """The role that the stack makes; empty where an administrator made one for all."""
        return next((found.inputs["roleName"] for found in self.recording.of(AUTH_ROLE)), "")

    @property
    def release(self) -> dict[str, Any] | None:
        """The Helm release of the operator, when the stack installs it."""
        releases = self.recording.of(RELEASE)
        return releases[0].inputs if releases else None


def planned(stack: Stack) -> Planned:
    """Run the program of a stack, for the cluster and the Vault that the environment names, without touching them."""
    target = resolve(plan.configuration(stack), stack.name)
    return Planned(run(lambda: deploy(target), stack=stack.name))


def write(stack: Planned, folder: Path) -> None:
    """Write the objects of a stack, and the names in `names.sh`."""
    recording = stack.recording
    for name, objects in manifests(recording).items():
        save(folder / f"{name}.json", {"apiVersion": "v1", "kind": "List", "items": objects})
    for name, content in documents(recording).items():
        save(folder / "documents" / f"{name}.json", content)
    salt = recording.inputs(SALT_KEY)
    save(folder / "salt.json", {salt["property"]: f"sk-{random_text(salt['length'])}"})
    if not stack.shared:
        save(folder / "auth-config.json", vault_arguments(recording, AUTH_CONFIG))
    if stack.role:
        save(folder / "auth-role.json", vault_arguments(recording, AUTH_ROLE))
    if policy := stack.policy:
        (folder / "policy.hcl").write_text(policy["policy"])
    if stack.release:
        save(folder / "operator-values.json", stack.release["values"])
    (folder / "names.sh").write_text(names(stack))


def save(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2))


def manifests(recording: Recording) -> dict[str, list[dict[str, Any]]]:
    """The Kubernetes objects, by the file they belong into."""
    files: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for resource in recording.resources:
        if resource.type.startswith("kubernetes:") and resource.type != RELEASE:
            files[file_of(resource)].append(named(resource))
    return files


def named(resource: Registered) -> dict[str, Any]:
    """The object, where Pulumi would make up its name: with that by which the mock engine lets others refer to it."""
    metadata: dict[str, Any] = resource.inputs["metadata"]
    return resource.inputs | {"metadata": {"name": f"{resource.name}-id"} | metadata}


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
        for resource in recording.of(DOCUMENT)
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


def names(stack: Planned) -> str:
    variables = {
        "NAMESPACE": stack.namespace,
        "OWNER": stack.owner,
        "MOUNT": stack.mount,
        "PREFIX": stack.prefix,
        "POLICY": stack.policy["name"] if stack.policy else "",
        "AUTH": stack.auth,
        "ROLE": stack.role,
        "SHARED": "true" if stack.shared else "",
    }
    lines = [f"{name}={shlex.quote(value)}" for name, value in variables.items()]
    helm = helm_arguments(stack.release) if stack.release else []
    return "\n".join([*lines, f"HELM=({shlex.join(helm)})", ""])
