# pyright: basic
# The mock engine is untyped inside.
"""Run the program, or a piece of it, under Pulumi's mock engine, and keep what it registered."""

import asyncio
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi.runtime import mocks, rpc
from pulumi.runtime.settings import SETTINGS
from pulumi.runtime.stack import run_pulumi_func

from infra.secrets.documents import MASTER_KEY, PASSWORD, PASSWORD_LENGTH
from tools.offline import mock_aws

STACK_TYPE = "pulumi:pulumi:Stack"


ANSWERS: dict[str, dict[str, Any]] = {
    "vault:kv/getSecretV2:getSecretV2": {"data": {MASTER_KEY: "x" * 32, PASSWORD: "x" * PASSWORD_LENGTH}}
}
"""What Vault would answer to a question of the program."""


@dataclass(frozen=True)
class Registered:
    """One resource as the program registered it."""

    urn: str
    type: str
    name: str
    parent: str
    provider: str
    inputs: dict[str, Any]
    secret_paths: tuple[str, ...]
    """Input paths (`data.config.yaml`) whose value arrived marked as a secret."""
    dependencies: tuple[str, ...]
    protect: bool
    retain_on_delete: bool
    ignore_changes: tuple[str, ...]
    replace_on_changes: tuple[str, ...]
    create_timeout: str
    custom: bool


@dataclass
class Recording:
    """Everything that one run registered, in order."""

    resources: list[Registered] = field(default_factory=list[Registered])
    outputs: dict[str, Any] = field(default_factory=dict[str, Any])
    """What the program returned, resolved; unknown outputs are absent."""
    secret_outputs: set[str] = field(default_factory=set[str])

    def of(self, type_: str) -> list[Registered]:
        return [resource for resource in self.resources if resource.type == type_]

    def one(self, type_: str, name: str | None = None) -> Registered:
        """The only resource of a type (and name); fails when there are none or several."""
        found = [resource for resource in self.of(type_) if name in (None, resource.name)]
        names = sorted(f"{resource.type}::{resource.name}" for resource in self.resources)
        if len(found) != 1:
            raise LookupError(f"{len(found)} resources of {type_} {name or ''} among {names}")
        return found[0]

    def inputs(self, type_: str, name: str | None = None) -> dict[str, Any]:
        return self.one(type_, name).inputs

    def named(self, name: str) -> Registered:
        found = [resource for resource in self.resources if resource.name == name]
        if len(found) != 1:
            raise LookupError(f"{len(found)} resources named {name}")
        return found[0]


class RecordingMocks(mocks.Mocks):
    """Answers like a provider that created what it was asked to; `calls` answers invokes by token."""

    def __init__(self, calls: Mapping[str, Mapping[str, Any]], preview: bool) -> None:
        self.calls = calls
        self.preview = preview

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        outputs: dict[str, Any] = dict(args.inputs)
        if self.preview:
            return args.resource_id or f"{args.name}-id", outputs
        if args.typ == "random:index/randomPassword:RandomPassword":
            outputs["result"] = pulumi.Output.secret("x" * int(outputs["length"]))
        if args.typ == "random:index/randomId:RandomId":
            outputs["hex"] = str(outputs.get("prefix") or "") + "0" * 2 * int(outputs["byteLength"])
        if args.typ == "vault:kv/secretV2:SecretV2":
            outputs["metadata"] = {"version": "1"}
        if args.typ == "pulumi-python:dynamic/litellm:VaultGenerated":
            outputs["version"] = "1"
        if args.typ.startswith("pulumi-python:dynamic"):
            outputs.setdefault("version", 1)
        outputs |= mock_aws.computed(args.typ, args.name, args.inputs)
        return args.resource_id or f"{args.name}-id", outputs

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        calls = {**ANSWERS, **mock_aws.ANSWERS, **self.calls}
        if args.token not in calls:
            raise LookupError(f"the program calls {args.token}, which nothing answers here")
        return dict(calls[args.token]), []


class RecordingMonitor(mocks.MockMonitor):
    """Keeps what the plain mock monitor drops: dependencies, protection and which inputs are secret."""

    def __init__(self, recorded: Recording, answers: RecordingMocks) -> None:
        super().__init__(answers)
        self.recorded = recorded
        self.lock = threading.Lock()

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the name is the protocol's
        if request.type != STACK_TYPE:
            inputs = rpc.deserialize_properties(request.object, keep_unknowns=True)
            secret_paths: list[str] = []
            plain = unwrap(inputs, "", secret_paths)
            entry = Registered(
                urn=self.make_urn(request.parent, request.type, request.name),
                type=request.type,
                name=request.name,
                parent=request.parent,
                provider=request.provider,
                inputs=plain,
                secret_paths=tuple(secret_paths),
                dependencies=tuple(request.dependencies),
                protect=bool(request.protect),
                retain_on_delete=bool(request.retainOnDelete),
                ignore_changes=tuple(request.ignoreChanges),
                replace_on_changes=tuple(request.replaceOnChanges),
                create_timeout=request.customTimeouts.create,
                custom=bool(request.custom),
            )
            with self.lock:
                self.recorded.resources.append(entry)
        return super().RegisterResource(request)


def unwrap(value: Any, path: str, secret_paths: list[str]) -> Any:
    if rpc.is_rpc_secret(value):
        secret_paths.append(path)
        return unwrap(rpc.unwrap_rpc_secret(value), path, [])
    if isinstance(value, dict):
        return {key: unwrap(item, f"{path}.{key}" if path else str(key), secret_paths) for key, item in value.items()}
    if isinstance(value, list):
        return [unwrap(item, f"{path}[{index}]", secret_paths) for index, item in enumerate(value)]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def run(
    program: Callable[[], Mapping[str, Any] | object],
    *,
    preview: bool = False,
    project: str = "litellm",
    stack: str = "test",
    config: Mapping[str, Any] | None = None,
    secret_keys: tuple[str, ...] = (),
    calls: Mapping[str, Mapping[str, Any]] | None = None,
    answers: RecordingMocks | None = None,
) -> Recording:
    """Run `program` under mocks and resolve the outputs that it returns in a dict.

    With `preview`, what a provider would compute is unknown: logic hidden in `apply` does not run. `answers` stands in for
    the providers; without one they answer as if they had created what they were asked to.
    """
    recorded = Recording()
    answers = answers or RecordingMocks(calls or {}, preview)
    # What a program that failed left behind would be waited for by the next one, for ever.
    settings: Any = SETTINGS
    settings.rpc_manager.clear()
    settings.outputs.clear()
    asyncio.set_event_loop(asyncio.new_event_loop())
    pulumi.runtime.set_mocks(
        answers, project=project, stack=stack, preview=preview, monitor=RecordingMonitor(recorded, answers)
    )
    values = {key: value if isinstance(value, str) else json.dumps(value) for key, value in (config or {}).items()}
    pulumi.runtime.set_all_config(values, [*secret_keys])
    asyncio.get_event_loop().run_until_complete(run_pulumi_func(lambda: keep(program(), recorded)))
    return recorded


def keep(returned: object, recorded: Recording) -> None:
    if isinstance(returned, Mapping):
        for name, value in returned.items():
            output = pulumi.Output.from_input(value)
            output.apply(lambda resolved, name=name: recorded.outputs.__setitem__(name, resolved))
            output.apply(lambda _, output=output, name=name: note_secret(output, name, recorded))


async def note_secret(output: "pulumi.Output[Any]", name: str, recorded: Recording) -> None:
    if await output.is_secret():
        recorded.secret_outputs.add(name)
