"""The package for other languages: what it offers, and what its process answers."""

import importlib
import inspect
import json
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pulumi
import pytest
import yaml
from pulumi.provider.experimental.analyzer import Analyzer
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

import components
from package import provider as package
from package.provider import COMPONENTS, Package, whole_number
from tests.recording import run

ROOT = Path(package.__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """What the process that the engine starts says of itself."""
    command = [sys.executable, str(ROOT / "package"), "127.0.0.1:1"]
    process = subprocess.Popen(command, cwd="/", stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        with grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}") as channel:
            stub = provider_pb2_grpc.ResourceProviderStub(channel)
            return json.loads(stub.GetSchema(provider_pb2.GetSchemaRequest(), timeout=60).schema)
    finally:
        process.kill()
        process.communicate(timeout=20)


def public_components() -> Iterator[type]:
    for found in pkgutil.walk_packages(components.__path__, "components."):
        for name, member in vars(importlib.import_module(found.name)).items():
            own = inspect.isclass(member) and member.__module__ == found.name and not name.startswith("_")
            if own and issubclass(member, pulumi.ComponentResource):
                yield member


def test_every_component_is_in_the_package():
    assert {each.__name__ for each in public_components()} == {each.__name__ for each in COMPONENTS}


def test_every_component_is_in_the_schema(schema: dict[str, Any]):
    assert set(schema["resources"]) == {f"litellm:index:{each.__name__}" for each in COMPONENTS}
    assert all(resource["isComponent"] for resource in schema["resources"].values())


def test_the_type_in_the_schema_is_the_one_that_a_component_registers(schema: dict[str, Any]):
    """Otherwise a stack would have other URNs in another language."""
    for component in COMPONENTS:
        assert f'"litellm:index:{component.__name__}"' in inspect.getsource(component)


def test_every_component_and_every_property_is_described(schema: dict[str, Any]):
    nameless: list[str] = []
    for token, each in [*schema["resources"].items(), *schema["types"].items()]:
        properties = {**each.get("inputProperties", {}), **each.get("properties", {})}
        nameless += [token] if not each.get("description") else []
        nameless += [f"{token}.{name}" for name, prop in properties.items() if not prop.get("description")]
    assert not nameless


def test_required_inputs_are_those_of_the_arguments(schema: dict[str, Any]):
    assert schema["resources"]["litellm:index:SyncedSecret"]["requiredInputs"] == [
        "namespace",
        "store",
        "template",
        "values",
    ]


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda each: each.__name__)
def test_each_component_alone_can_be_analyzed(component: type[pulumi.ComponentResource]):
    found = Analyzer("litellm").analyze([component])["component_definitions"]
    assert list(found) == [component.__name__]


def mapped(component: str, **inputs: Any) -> Any:
    provider = Package()
    return provider.map_inputs(inputs, provider._component_defs[component])


def test_whole_numbers_arrive_as_such():
    """The engine sends floats; Postgres refuses `max_connections=100.0`."""
    required = {"namespace": "n", "image": "i", "config": "", "environmentSecret": "s"}
    args = mapped("Gateway", **required, replicas=2.0, redis={"host": "h", "port": 6379.0})
    assert repr((args["replicas"], args["redis"]["port"])) == "(2, 6379)"


def test_a_whole_number_may_be_an_output_of_a_resource():
    def program() -> dict[str, Any]:
        port: Any = pulumi.Output.from_input(5432.0)
        required = {"namespace": "n", "image": "i", "host": "h", "database": "d", "adminSecret": "a", "roleSecret": "r"}
        return {"port": mapped("DatabaseBootstrap", **required, port=port)["port"].apply(repr)}

    assert run(program).outputs == {"port": "5432"}


def test_a_number_is_a_number():
    assert repr(whole_number(3.0)) == "3"


def test_the_plugin_uses_the_environment_that_make_sets_up():
    plugin = yaml.safe_load((ROOT / "package" / "PulumiPlugin.yaml").read_text())
    assert plugin["runtime"] == {"name": "python", "options": {"toolchain": "pip", "virtualenv": "../.venv"}}


def test_the_example_in_yaml_uses_components_of_the_schema_as_it_says(schema: dict[str, Any]):
    program = yaml.safe_load((ROOT / "examples" / "yaml-program" / "Pulumi.yaml").read_text())
    used = {each["type"]: each for each in program["resources"].values() if each["type"].startswith("litellm:")}
    assert len(used) >= 2
    for token, resource in used.items():
        assert set(resource["properties"]) <= set(schema["resources"][token]["inputProperties"])
        assert set(schema["resources"][token]["requiredInputs"]) <= set(resource["properties"])
