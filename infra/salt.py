"""The salt key that a stack has had so far, as its state says: another one is refused before anything is registered.

LiteLLM cannot change its salt key, and the gateway would roll onto another one long before the engine comes to the resource
that refuses it. So the program looks into its own state first. It keeps nothing of it but where the salt key is.
"""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import pulumi

from components.secrets.aws_names import is_arn
from infra.secrets.documents import SALT, SALT_KEY, to_remote
from infra.target import Target

PAUSES_SECONDS = (0.1, 0.3, 1.0, 3.0)

READ_STATE = "pulumi:pulumi:readStackResourceOutputs"
"""Function of the engine itself: the outputs of every resource of a stack, as the last operation left them."""

MADE = {"VaultSaltKey": "vault", "AwsSaltKey": "aws"}
"""Resources that make a salt key, and their kind of store."""

PROVIDERS = {"pulumi:providers:vault": "vault", "pulumi:providers:aws": "aws"}
STACK = "pulumi:pulumi:Stack"
GATEWAYS_SECRET = (
    ("kubernetes:external-secrets.io/v1:ExternalSecret", "litellm-env"),
    ("kubernetes:core/v1:ConfigMap", "litellm-agent-config"),
    ("kubernetes:core/v1:ConfigMap", "litellm-secrets-config"),
)
"""What the gateway has its keys by, once they are there: a Secret, or the configuration of what its pods fetch them with."""

KINDS = {"vault": "Vault", "aws": "AWS Secrets Manager", "existing": "a store that is there already"}


@dataclass(frozen=True)
class Salt:
    """Where a salt key is."""

    kind: str
    """Kind of the store, as in `secrets.kind`."""

    place: str
    """As the output `secretPlaces.saltKey` has it: `litellm/dev/salt#salt-key`."""

    made: str | None = None
    """Name of its document as the stack has made it; None when it only refers to it."""

    arn: str = ""
    """ARN of its document, where AWS gave one."""

    def is_at(self, kind: str, place: str) -> bool:
        """Whether that is this one. Of a secret in AWS one may give the name, another the ARN."""
        document, _, name = self.place.partition("#")
        other, _, other_name = place.partition("#")
        known = {self.arn} if is_arn(other) and self.arn else {document}
        return kind == self.kind and name == other_name and any(same(other, each) for each in known)


def same(one: str, other: str) -> bool:
    return one == other if is_arn(one) == is_arn(other) else bare(one) == bare(other)


def bare(document: str) -> str:
    """The name of a secret that is given by its ARN, without the random end that AWS appends."""
    return re.sub(r"-[A-Za-z0-9]{6}$", "", document.partition(":secret:")[2]) if is_arn(document) else document


def before() -> tuple[Salt, ...]:
    """The salt keys of this stack until now, from its state; none for a stack that has never been up."""
    return salts(state())


def state() -> Mapping[str, Mapping[str, Any]]:
    """What the engine knows of this stack, by URN, each resource with its `type` and `outputs`; empty for one that is new.

    Works in a program that the engine runs, and before it has registered anything.
    """
    organization, stack = pulumi.get_organization(), pulumi.get_stack()
    # Backends that are a bucket or a folder have one organization, and older ones of them do not want to hear its name.
    name = stack if organization == "organization" else f"{organization}/{pulumi.get_project()}/{stack}"
    return cast("Mapping[str, Mapping[str, Any]]", read_state(name)["outputs"])


def read_state(stack: str) -> Any:
    """What the state of a stack says of its resources.

    In a folder the engine writes a state while it reads it: what it finds may be empty, or half of it. Then it looks again.

    Raises:
        pulumi.RunError: when it cannot be read.
    """
    why = ""
    for pause in PAUSES_SECONDS:
        try:
            return pulumi.runtime.invoke(READ_STATE, {"stackName": stack}).value
        except Exception as error:
            why = str(error).rpartition(": ")[2]
        time.sleep(pause)
    raise pulumi.RunError(f"the state of stack {stack} cannot be read, and nothing was changed: {why}")


@dataclass(frozen=True)
class Entry:
    """One resource of a state."""

    type: str
    name: str
    outputs: Mapping[str, Any]


def salts(state: Mapping[str, Mapping[str, Any]]) -> tuple[Salt, ...]:
    """The salt keys in a state: those that the stack has made, or the one that it refers to."""
    entries = [
        Entry(str(each["type"]), urn.rpartition("::")[2], each.get("outputs") or {}) for urn, each in state.items()
    ]
    made = tuple(
        made_by(MADE[kind], entry.outputs) for entry in entries if (kind := entry.type.rpartition(":")[2]) in MADE
    )
    return made or tuple(referred(entries))


def made_by(kind: str, outputs: Mapping[str, Any]) -> Salt:
    name = str(outputs["path"] if kind == "vault" else outputs["secret"])
    document = f"{outputs['mount']}/{name}" if kind == "vault" else name
    return Salt(kind, f"{document}#{outputs['property']}", name, str(outputs.get("arn") or ""))


def referred(entries: Sequence[Entry]) -> Iterator[Salt]:
    """What the outputs of the stack say, and its providers: a place alone does not say in which kind of store it is.

    An `up` that failed has outputs, too. They count when the gateway's Secret was made, or when others make that (`gitops`).
    """
    providers = [PROVIDERS[entry.type] for entry in entries if entry.type in PROVIDERS]
    synced = any((entry.type, entry.name) in GATEWAYS_SECRET for entry in entries)
    for outputs in [entry.outputs for entry in entries if entry.type == STACK]:
        places: Mapping[str, str] = outputs.get("secretPlaces") or {}
        kinds = ["existing"] if "existingStore" in outputs else providers
        if kinds and "saltKey" in places and (synced or "kubernetesSecrets" not in outputs):
            yield Salt(kinds[0], places["saltKey"])


def wanted(target: Target) -> str:
    """The place of the salt key that the configuration asks for."""
    existing = target.config.keys.salt.existing
    reference = target.store.locate(SALT, SALT_KEY)
    return target.store.place(to_remote(existing) if existing else reference)


def check(target: Target, known: tuple[Salt, ...]) -> Iterator[str]:
    """A problem when the configuration asks for another salt key than the stack has."""
    config, place = target.config, wanted(target)
    if not known or any(salt.is_at(config.secrets.kind, place) for salt in known):
        return
    salt = known[0]
    asked = "keys.salt.existing" if config.keys.salt.existing else f"secrets.{config.secrets.kind}"
    yield (
        f"litellm:{asked} asks for another salt key than this stack has, which is {salt.place} in {KINDS[salt.kind]}. Another "
        f"salt key would make every credential in LiteLLM's database unreadable. {remedy(target, salt)}"
    )


def remedy(target: Target, salt: Salt) -> str:
    config = target.config
    if config.secrets.kind != salt.kind:
        return f"Set litellm:secrets.kind back to {salt.kind}. How a gateway moves to another store: docs/runbooks/changes.md"
    document, _, name = salt.place.partition("#")
    store = config.secrets.existing
    mount = f"{config.secrets.vault.mount.path}/" if salt.kind == "vault" else f"{store.name}/" if store else ""
    if store and not document.startswith(mount):
        return f"Set litellm:secrets.existing.name back to the store of {document}"
    if not document.startswith(mount):
        return f"Set litellm:secrets.vault.mount.path back to that of {document}, or keys.salt.existing.mount to it"
    named = f"`litellm:keys.salt.existing: {{document: {document.removeprefix(mount)}{f', property: {name}' if name else ''}}}`"
    return (
        f"Write {named}"
        if config.keys.salt.existing
        else f"Set the prefix in litellm:secrets.{salt.kind} back, or write {named}"
    )


def kept(target: Target, known: tuple[Salt, ...]) -> Target:
    """The target with the salt key that the stack has made, which stays the stack's own also where the configuration names it.

    Left out, the engine would have to delete it, and refuse to.
    """
    place = wanted(target)
    own = [salt.made for salt in known if salt.made and salt.is_at(target.config.secrets.kind, place)]
    return replace(target, own_salt=own[0]) if own else target
