"""What the mock engine answers while it renders: every name is known, and nothing else is made up."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pulumi
from pulumi.runtime import mocks

from components.objects import short_hash
from tools.offline import mock_aws
from tools.offline.mock_engine import RecordingMocks
from tools.problem import Problem

MARK = "<known after up: "
"""Stands for a value that only the provider knows. No rendered object may have it anywhere."""

State = Mapping[tuple[str, str], Mapping[str, Any]]
"""What a deployed stack knows: outputs by type and name of the resource."""

SIGNATURE = "4dabf18193072939515e22adb298388d"
"""Key with which Pulumi marks special values in a state, such as secrets."""

VERSIONS: Mapping[str, tuple[str, str]] = {
    "vault:kv/secretV2:SecretV2": ("dataJson", "metadata"),
    "aws:secretsmanager/secretVersion:SecretVersion": ("secretString", "versionId"),
    "pulumi-python:dynamic/litellm:AwsInitialValue": ("value", "version_id"),
    "pulumi-python:dynamic/litellm:AwsGenerated": ("generated", "version_id"),
    "pulumi-python:dynamic/litellm:VaultGenerated": ("generated", "version"),
}
"""Which input is the content of a document, and which output is its version."""


class RenderingMocks(RecordingMocks):
    """A provider that knows what a file can know.

    An object without a name gets one that is derived from its spec. The version of a document is a hash of what it is made
    from: it changes with a rotation counter, as the version would.
    """

    def __init__(self, state: State) -> None:
        super().__init__({}, preview=True)
        self.state = state
        self.names: dict[tuple[str, str], str] = {}
        """The name of each Kubernetes object, by type and name of the resource."""

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        inputs = {**cast("dict[str, Any]", args.inputs)}  # pyright: ignore[reportUnknownMemberType] - untyped there
        if args.typ.startswith("kubernetes:") and "metadata" in inputs:
            return self.named(args.typ, args.name, inputs)
        known = self.state.get((args.typ, args.name), {})
        outputs = computed(args.typ, args.name, inputs) | {**known, **inputs}
        identifier = known.get("id") or (None if args.custom else f"{args.name}-id")
        return f"{args.name}-id" if args.typ.startswith("pulumi:providers:") else identifier, outputs

    def named(self, kind: str, resource: str, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        metadata: dict[str, Any] = inputs["metadata"]
        spec = json.dumps(inputs.get("spec"), sort_keys=True, default=lambda _: "unknown")
        name: str = metadata.get("name") or f"{resource}-{short_hash(spec)}"
        self.names[kind, resource] = name
        namespace = metadata.get("namespace")
        return f"{namespace}/{name}" if namespace else name, inputs | {"metadata": metadata | {"name": name}}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        if args.token not in mock_aws.ANSWERS:
            return super().call(args)
        return marked(mock_aws.ANSWERS[args.token], args.token.rpartition(":")[2]), []


def computed(kind: str, name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    if kind == "random:index/randomPassword:RandomPassword":
        generation = json.dumps(inputs.get("keepers"), sort_keys=True)
        return {"result": pulumi.Output.secret(f"{MARK}{name}.result {generation}>")}
    if kind in VERSIONS:
        content, version = VERSIONS[kind]
        made_from = short_hash(str(inputs.get(content)))
        return {version: {"version": made_from} if version == "metadata" else made_from}
    return {}


def marked(answer: Any, path: str) -> Any:
    """An answer of the same form in which every text is marked as not known."""
    if isinstance(answer, dict):
        return {key: marked(value, f"{path}.{key}") for key, value in cast("dict[str, Any]", answer).items()}
    if isinstance(answer, list):
        return [marked(value, f"{path}[{index}]") for index, value in enumerate(cast("list[Any]", answer))]
    return f"{MARK}{path}>"


def read_state(path: Path, stack: str) -> State:
    """What `pulumi stack export` printed. Secrets stay unknown, also where the export shows them.

    Raises:
        Problem: for what is no state, or that of another stack.
    """
    try:
        deployment = json.loads(path.read_text())["deployment"]
        resources: list[dict[str, Any]] = deployment.get("resources") or []
        state = {(each["type"], each["urn"].rpartition("::")[2]): plain_outputs(each) for each in resources}
        stacks = {each["urn"].partition("::")[0].removeprefix("urn:pulumi:") for each in resources}
    except OSError as error:
        raise Problem(f"cannot read the state {path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        command = f"pulumi stack export --stack {stack} --file {path}"
        raise Problem(f"{path} is not a state: write it with `{command}`") from None
    if others := sorted(stacks - {stack}):
        raise Problem(f"{path} is the state of stack {others[0]}, not of {stack}")
    return state


def plain_outputs(resource: Mapping[str, Any]) -> dict[str, Any]:
    outputs: dict[str, Any] = resource.get("outputs") or {}
    plain = {key: value for key, value in outputs.items() if SIGNATURE not in json.dumps(value)}
    return plain | ({"id": resource["id"]} if "id" in resource else {})
