"""The floor of a preview: a program without components, configuration or checks that registers the very resources of a stack.

It is made from the stack's state: each resource becomes one statement with the class of its SDK and the inputs that the state
has. The state is taken over as well, without components, so that nothing differs and nothing is deployed twice.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

PROJECT = "plain"
STACK_TYPE, DYNAMIC = "pulumi:pulumi:Stack", "pulumi-python:"
SECRET, SECRET_MARK = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"
"""How the engine marks a secret in a state."""

SDKS = {
    "kubernetes": "import pulumi_kubernetes as kubernetes",
    "vault": "import pulumi_vault as vault",
    "random": "import pulumi_random as random",
}

HEAD = '''\
"""Everything of one stack, one statement each."""

import json
from pathlib import Path
from typing import Any

import pulumi
{imports}

VALUES: list[Any] = json.loads(Path("values.json").read_text())
made: dict[int, pulumi.Resource] = {{}}


def known(value):
    if isinstance(value, dict):
        if set(value) == {{"secret"}}:
            return pulumi.Output.secret(known(value["secret"]))
        return {{key: known(item) for key, item in value.items()}}
    return [known(item) for item in value] if isinstance(value, list) else value


def options(number, provider, after):
    return pulumi.ResourceOptions(provider=made.get(provider), depends_on=[made[each] for each in after if each in made])

'''


@dataclass(frozen=True)
class Plain:
    """A program, the values that it registers, and the state that it finds."""

    program: str
    values: list[dict[str, Any]]
    deployment: dict[str, Any]

    def write(self, folder: Path, virtualenv: Path) -> None:
        folder.mkdir(mode=0o700)
        (folder / "__main__.py").write_text(self.program)
        # The state names the modules of dynamic resources.
        (folder / "components").symlink_to(Path(__file__).resolve().parents[1] / "components")
        values = folder / "values.json"
        values.touch(0o600)
        values.write_text(json.dumps(self.values))
        runtime = {"name": "python", "options": {"toolchain": "pip", "virtualenv": str(virtualenv)}}
        config = {"pulumi:disable-default-providers": {"value": list(SDKS)}}
        (folder / "Pulumi.yaml").write_text(json.dumps({"name": PROJECT, "runtime": runtime, "config": config}))


def plain(exported: Mapping[str, Any], stack: str) -> Plain:
    """The plain program of a state, which `pulumi stack export --show-secrets` wrote."""
    deployment: dict[str, Any] = exported["deployment"]
    resources = [each for each in deployment["resources"] if each.get("custom") or each["type"] == STACK_TYPE]
    urns = {each["urn"]: plain_urn(each, stack) for each in resources}
    root = next(urns[each["urn"]] for each in resources if each["type"] == STACK_TYPE)
    moved = [in_state(each, urns, root) for each in resources]
    numbers = {each["urn"]: number for number, each in enumerate(resources)}
    registered = [each for each in resources if each["type"] != STACK_TYPE and not is_default(each)]
    used = {package_of(each["type"]) for each in registered}
    head = HEAD.format(imports="\n".join(line for name, line in SDKS.items() if name in used))
    return Plain(
        program=head + "".join(statement(each, numbers) for each in registered),
        values=[properties(each) for each in resources],
        deployment={"version": exported["version"], "deployment": {**without_results(deployment), "resources": moved}},
    )


def without_results(deployment: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in deployment.items() if key not in ("resources", "pending_operations")}


def is_default(resource: Mapping[str, Any]) -> bool:
    """Providers that the engine makes by itself, which no program registers."""
    return str(resource["urn"]).rpartition("::")[2].startswith("default") and "providers:" in resource["type"]


def plain_urn(resource: Mapping[str, Any], stack: str) -> str:
    name = str(resource["urn"]).rpartition("::")[2]
    if resource["type"] == STACK_TYPE:
        name = f"{PROJECT}-{stack}"
    return f"urn:pulumi:{stack}::{PROJECT}::{resource['type']}::{name}"


def in_state(resource: Mapping[str, Any], urns: Mapping[str, str], root: str) -> dict[str, Any]:
    moved = {**resource, "urn": urns[resource["urn"]]}
    if "parent" in moved:
        moved["parent"] = root
    if provider := moved.get("provider"):
        urn, _, id_ = str(provider).rpartition("::")
        moved["provider"] = f"{urns[urn]}::{id_}"
    moved["dependencies"] = [urns[each] for each in resource.get("dependencies") or () if each in urns]
    moved.pop("propertyDependencies", None)
    moved.pop("aliases", None)
    if resource["type"] == STACK_TYPE:
        moved["outputs"] = {}
    return moved


def statement(resource: Mapping[str, Any], numbers: Mapping[str, int]) -> str:
    type_, number = str(resource["type"]), numbers[resource["urn"]]
    name = repr(str(resource["urn"]).rpartition("::")[2])
    urn = str(resource.get("provider") or "").rpartition("::")[0]
    after = [numbers[each] for each in resource.get("dependencies") or () if each in numbers]
    provider = None if type_.startswith(DYNAMIC) else numbers.get(urn)
    opts = f"options({number}, {provider}, {after})"
    if type_.startswith("pulumi:providers:"):
        made = f"pulumi.ProviderResource({package_of(type_)!r}, {name}, known(VALUES[{number}]), {opts})"
    elif type_.startswith(DYNAMIC):
        made = f"pulumi.CustomResource({type_!r}, {name}, known(VALUES[{number}]), {opts})"
    else:
        made = f"{class_of(type_)}({name}, **known(VALUES[{number}]), opts={opts})"
    return f"made[{number}] = {made}\n"


def package_of(type_: str) -> str:
    return type_.removeprefix("pulumi:providers:").partition(":")[0]


def class_of(type_: str) -> str:
    """`kubernetes:apps/v1:Deployment` is `kubernetes.apps.v1.Deployment`, `vault:index/policy:Policy` is `vault.Policy`."""
    package, module, name = type_.split(":")
    if (
        package == "kubernetes"
        and "." in module.partition("/")[0]
        and not module.endswith((".k8s.io/v1", "helm.sh/v3"))
    ):
        return "kubernetes.apiextensions.CustomResource"
    parts = [part.partition(".")[0] for part in module.split("/")]
    if package != "kubernetes":
        parts = [part for part in parts[:1] if part != "index"]
    return ".".join([package, *parts, name])


def properties(resource: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs as keywords of the resource's class; raw where the program takes them raw."""
    inputs = cast("dict[str, Any]", revealed(resource.get("inputs") or {}))
    type_ = str(resource["type"])
    if type_.startswith("pulumi:providers:"):
        return {key: value for key, value in inputs.items() if not key.startswith("__")}
    if type_.startswith(DYNAMIC):
        return inputs
    own = class_of(type_) == "kubernetes.apiextensions.CustomResource"
    dropped = ("__defaults",) if own or not type_.startswith("kubernetes:") else ("__defaults", "apiVersion", "kind")
    custom = {"spec", "metadata"} if own else set[str]()
    return {
        snake(key): value
        for key, value in inputs.items()
        if key not in dropped and (not custom or key in custom | {"apiVersion", "kind"})
    }


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def revealed(value: Any) -> Any:
    """Secrets as `{"secret": value}`, and no notes of the provider."""
    if isinstance(value, dict):
        found = cast("dict[str, Any]", value)
        if found.get(SECRET) == SECRET_MARK:
            return {"secret": revealed(json.loads(found["plaintext"]))}
        return {key: revealed(item) for key, item in found.items() if key != "__defaults"}
    return [revealed(item) for item in cast("Sequence[Any]", value)] if isinstance(value, list) else value
