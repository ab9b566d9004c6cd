from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_random as random
import pytest

from tools.gitops.answers import RenderingMocks
from tools.gitops.manifests import manifests
from tools.offline.mock_engine import run
from tools.problem import Problem


class Migration(pulumi.ComponentResource):
    """A component that is rendered, with one object of any content."""

    def __init__(self, kind: str, metadata: Any, rest: dict[str, Any], component: str = "Migration") -> None:
        super().__init__(f"litellm:index:{component}", "component", None)
        content = {"apiVersion": "v1", "kind": kind, "metadata": metadata, **rest}
        pulumi.CustomResource(f"kubernetes:core/v1:{kind}", "object", content, pulumi.ResourceOptions(parent=self))


def rendered(
    kind: str = "ConfigMap", component: str = "Migration", metadata: Any = None, **rest: Any
) -> dict[str, Any]:
    answers = RenderingMocks({})
    recording = run(lambda: Migration(kind, metadata or {"name": "it"}, rest, component), preview=True, answers=answers)
    (manifest,) = manifests(recording, answers.names)
    return manifest.content


def test_a_name_is_derived_from_the_spec_only():
    def name(**content: Any) -> str:
        return rendered(metadata={"namespace": "here", **content.pop("metadata", {})}, **content)["metadata"]["name"]

    assert name(spec={"a": 1, "b": 2}) == name(spec={"b": 2, "a": 1}, metadata={"labels": {"a": "b"}})
    assert name(spec={"a": 1}) != name(spec={"a": 2})
    assert name(spec={"a": 1}).startswith("object-")


def refused(data: Callable[[], dict[str, Any]]) -> str:
    answers = RenderingMocks({})
    recording = run(lambda: Migration("ConfigMap", {"name": "it"}, {"data": data()}), preview=True, answers=answers)
    with pytest.raises(Problem) as problem:
        manifests(recording, answers.names)
    return str(problem.value)


def test_a_secret_value_is_an_error():
    said = refused(lambda: {"key": pulumi.Output.secret("hidden-value")})
    assert "ConfigMap object: data is a secret" in said
    assert "hidden-value" not in said


def test_a_generated_value_is_an_error_even_when_it_is_not_marked_as_a_secret():
    def data() -> dict[str, Any]:
        value = random.RandomPassword("generated", length=8).result
        return {"key": pulumi.Output.unsecret(pulumi.Output.concat("prefix-", value))}

    assert "data.key is known only after `make up` (generated.result" in refused(data)


def test_an_unknown_value_is_an_error_that_says_where():
    said = refused(lambda: {"list": ["known", pulumi.UNKNOWN]})
    assert "data.list[1] is known only after `make up`\n" in said
    assert "--state FILE" in said


def test_a_secret_object_is_an_error():
    with pytest.raises(Problem, match="Secret object: holds a secret"):
        rendered("Secret", data={"key": "dmFsdWU="})


def test_a_component_without_a_wave_is_noticed():
    with pytest.raises(LookupError, match="no sync wave for component Surprise"):
        rendered(component="Surprise")
