# pyright: basic
# Runs in LiteLLM's own environment, not in the project's.
"""Print, as JSON, the names of providers, of their keys and of sections of config.yaml that LiteLLM knows."""

import ast
import json
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path

import litellm  # pyright: ignore[reportMissingImports]
from litellm.llms.openai_like.json_loader import JSONProviderRegistry  # pyright: ignore[reportMissingImports]
from litellm.proxy._types import ConfigYAML  # pyright: ignore[reportMissingImports]

ROUTERS = ("auto_router", "litellm_agent")
"""What LiteLLM's router takes in front of a model, without a provider of that name."""


ASK_SOMEBODY = ("chatgpt", "github_copilot")
"""Providers that LiteLLM would log in to when it is asked for their variables."""

KEY = ("_API_KEY", "_API_TOKEN")


def key_variables(providers: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """Providers that LiteLLM calls with a key out of a variable, unless a deployment has one; any of its variables will do."""
    for provider in sorted(set(providers) - set(ASK_SOMEBODY)):
        missing = litellm.validate_environment(model=f"{provider}/model")["missing_keys"]
        if missing and all(variable.endswith(KEY) for variable in missing):
            yield provider, sorted(missing)


def sections() -> Iterator[str]:
    """Keys that the class which reads config.yaml takes out of it."""
    source = Path(str(litellm.__file__)).with_name("proxy") / "proxy_server.py"
    classes = [node for node in ast.parse(source.read_text()).body if isinstance(node, ast.ClassDef)]
    reader = next(each for each in classes if each.name == "ProxyConfig")
    for method in reader.body:
        if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef) and reads_the_file(method):
            yield from keys_of_config(method)


def reads_the_file(method: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Other methods have a `config` of their own, out of the database."""
    return method.name == "load_config" or "config" in {argument.arg for argument in method.args.args}


def keys_of_config(method: ast.AST) -> Iterator[str]:
    for node in ast.walk(method):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="config"), attr="get"), args=[ast.Constant(value=str(key)), *_]
            ):
                yield key
            case ast.Subscript(value=ast.Name(id="config"), slice=ast.Constant(value=str(key))):
                yield key
            case ast.Compare(left=ast.Constant(value=str(key)), comparators=[ast.Name(id="config")]):
                yield key
            case _:
                pass


if __name__ == "__main__":
    providers = {str(getattr(each, "value", each)) for each in litellm.provider_list}
    names = {
        "version": [version("litellm")],
        "PROVIDERS": sorted({*providers, *JSONProviderRegistry.list_providers(), *ROUTERS}),
        "SECTIONS": sorted({*sections(), *ConfigYAML.model_fields}),
        "KEY_VARIABLES": dict(key_variables(providers)),
    }
    print(json.dumps(names))
