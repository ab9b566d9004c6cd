"""Every stack with Sealed Secrets in the place of its store."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.program.stacks import FILES, ROOT, name_of
from tests.program.test_rendering import SOURCE, renderable, state_of
from tests.sealing import Controller
from tools.engine.stack_file import Stack, merge
from tools.gitops import argocd, folder
from tools.gitops.manifests import WAVES, Manifest
from tools.gitops.render import Options, Rendering, files, render, render_sealed
from tools.gitops.sealed import Address, needs
from tools.gitops.sealing import Scope, label
from tools.problem import Problem

DEV = ROOT / "Pulumi.dev.yaml"


@pytest.fixture(scope="module")
def controller(tmp_path_factory: pytest.TempPathFactory) -> Controller:
    return Controller(tmp_path_factory.mktemp("controller"))


@cache
def externals(path: Path) -> list[Manifest]:
    rendering = render(renderable(path), state_of(path))
    return [manifest for manifest in rendering.objects if manifest.kind == "ExternalSecret"]


def values_for(path: Path) -> dict[str, dict[str, str]]:
    """A value for everything that the stack needs: its own address, in small letters."""
    values: dict[str, dict[str, str]] = {}
    for manifest in externals(path):
        for document, name in needs(manifest).values():
            values.setdefault(document, {})[name] = value_of((document, name))
    return values


def value_of(address: Address) -> str:
    return f"the value of {address[0]}#{address[1]}".lower()


def sealed(
    path: Path, controller: Controller, out: Path, values: Any = None, scope: Scope = "strict", config: Any = None
) -> Rendering:
    given: Path | None = None
    if values is not None:
        given = controller.folder / "values.yaml"
        given.write_text(json.dumps(values))
    stack = renderable(path)
    stack = Stack(stack.name, merge(stack.document, {"config": config or {}}))
    options = Options(out, certificate=controller.certificate, scope=scope, values=given)
    return render_sealed(stack, state_of(path), options)


@pytest.fixture(params=FILES, ids=name_of)
def path(request: pytest.FixtureRequest) -> Path:
    return request.param


def by_kind(rendering: Rendering, kind: str) -> list[Manifest]:
    return [manifest for manifest in rendering.objects if manifest.kind == kind]


def test_every_secret_is_sealed_and_the_store_is_gone(path: Path, controller: Controller, tmp_path: Path):
    rendering = sealed(path, controller, tmp_path, values_for(path))
    kinds = {manifest.kind for manifest in rendering.objects}
    assert not kinds & {"ExternalSecret", "SecretStore", "Secret"}
    assert len(by_kind(rendering, "SealedSecret")) == len(externals(path))
    assert [manifest.name for manifest in by_kind(rendering, "Namespace")] == [rendering.namespace]


def test_only_the_controller_can_read_the_values(path: Path, controller: Controller, tmp_path: Path):
    rendering = sealed(path, controller, tmp_path, values_for(path))
    text = "".join(files(rendering, SOURCE).values())
    assert "the value of" not in text
    expected = {manifest.resource: needs(manifest) for manifest in externals(path)}
    for manifest in by_kind(rendering, "SealedSecret"):
        bound_to = label("strict", rendering.namespace, manifest.name)
        data = manifest.content["spec"]["encryptedData"]
        assert {name: controller.unseal(value, bound_to) for name, value in data.items()} == {
            name: value_of(address) for name, address in expected[manifest.resource].items()
        }


def test_pods_read_the_sealed_secrets(path: Path, controller: Controller, tmp_path: Path):
    rendering = sealed(path, controller, tmp_path, values_for(path))
    names = {manifest.name for manifest in by_kind(rendering, "SealedSecret")}
    rest = json.dumps([m.content for m in rendering.objects if WAVES.index(m.wave) > WAVES.index("secret")])
    assert all(f'"{name}"' in rest for name in names)


@pytest.mark.parametrize("scope", ["namespace-wide", "cluster-wide"])
def test_a_scope_is_marked_where_the_controller_looks(controller: Controller, tmp_path: Path, scope: Scope):
    for manifest in by_kind(sealed(DEV, controller, tmp_path, values_for(DEV), scope), "SealedSecret"):
        mark = {f"sealedsecrets.bitnami.com/{scope}": "true"}
        metadata, template = manifest.content["metadata"], manifest.content["spec"]["template"]["metadata"]
        assert mark.items() <= metadata["annotations"].items()
        assert mark.items() <= template["annotations"].items()
        bound_to = label(scope, metadata["namespace"], manifest.name)
        assert all(controller.unseal(each, bound_to) for each in manifest.content["spec"]["encryptedData"].values())


def test_missing_values_are_named_all_at_once(controller: Controller, tmp_path: Path):
    values = values_for(DEV)
    del values["dev/api-keys"], values["dev/redis"]
    with pytest.raises(Problem) as problem:
        sealed(DEV, controller, tmp_path, values)
    assert "values are needed for dev/api-keys#master-key" in str(problem.value)
    assert "dev/redis#password" in str(problem.value)
    assert "the value of" not in str(problem.value)


def test_a_value_that_nothing_asks_for_is_an_error(controller: Controller, tmp_path: Path):
    values = values_for(DEV) | {"dev/api-key": {"master-key": "hidden"}}
    with pytest.raises(Problem, match="no Secret of this stack is made of dev/api-key#master-key") as problem:
        sealed(DEV, controller, tmp_path, values)
    assert "hidden" not in str(problem.value)


@pytest.fixture
def written(controller: Controller, tmp_path: Path) -> Path:
    """A folder with the sealed secrets of the dev stack."""
    folder.write(tmp_path / "out", "dev", files(sealed(DEV, controller, tmp_path, values_for(DEV)), SOURCE))
    return tmp_path / "out"


def texts(out: Path) -> dict[str, str]:
    return {path.name: path.read_text().partition("\n")[2] for path in out.iterdir()}


def test_without_values_what_is_sealed_already_stays(controller: Controller, written: Path):
    assert files(sealed(DEV, controller, written), SOURCE) == texts(written)


def test_a_new_model_needs_no_value(controller: Controller, written: Path):
    models = [{"name": "mock", "provider": "mock", "response": "Other."}]
    rendering = sealed(DEV, controller, written, config={"litellm:gateway": {"models": models}})
    before = texts(written)
    assert all(before[m.file] == files(rendering, SOURCE)[m.file] for m in by_kind(rendering, "SealedSecret"))


def test_a_rotation_asks_for_the_new_value_and_for_all_that_is_sealed_with_it(controller: Controller, written: Path):
    with pytest.raises(Problem, match="values are needed for dev/api-keys#master-key") as problem:
        sealed(DEV, controller, written, config={"litellm:keys": {"master": {"rotation": 1}}})
    assert "dev/database-admin" not in str(problem.value)


def test_another_scope_asks_for_the_values_again(controller: Controller, written: Path):
    with pytest.raises(Problem, match="values are needed for"):
        sealed(DEV, controller, written, scope="cluster-wide")


def test_a_file_that_somebody_edited_is_not_taken_over(controller: Controller, written: Path):
    path = written / "1-secret-redis-config-secret.yaml"
    path.write_text(path.read_text().replace("noeviction", "allkeys-lru"))
    with pytest.raises(Problem, match="values are needed for dev/redis#password"):
        sealed(DEV, controller, written)


@pytest.mark.parametrize("broken", [b"a: {b: ", b"\xff\xfe", b"- 1", b""])
def test_a_file_that_is_broken_is_sealed_again(controller: Controller, written: Path, broken: bytes):
    path = written / "1-secret-redis-config-secret.yaml"
    path.write_bytes(path.read_bytes().partition(b"\n")[0] + b"\n" + broken)
    with pytest.raises(Problem, match="values are needed for dev/redis#password"):
        sealed(DEV, controller, written)


def test_the_kustomization_lists_the_namespace_too(written: Path):
    listed = yaml.safe_load((written / argocd.KUSTOMIZATION).read_text())["resources"]
    assert "0-store-namespace.yaml" in listed


def test_values_are_asked_for_below_the_engine_whatever_it_is_called(controller: Controller, tmp_path: Path):
    vault = {"vault": {"mount": {"path": "litellm"}, "prefix": "litellm/dev"}}
    with pytest.raises(Problem) as problem:
        sealed(DEV, controller, tmp_path, config={"litellm:secrets": vault})
    assert "litellm/dev/api-keys#master-key" in str(problem.value)
    assert "litellm/data" not in str(problem.value)
