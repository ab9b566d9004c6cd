"""The by-hand side of the comparison creates what the program creates."""

import json
from pathlib import Path

import pytest

from bench import manifests
from infra.config.load import load
from infra.environment import deploy
from infra.mock_engine import Recording, run
from infra.plan import PROJECT, secret_keys, values
from infra.stack_file import Stack
from infra.target import Target, resolve_offline


@pytest.fixture(scope="module")
def target() -> Target:
    stack = Stack.read(PROJECT, "dev")
    return resolve_offline(load(values(stack), "dev", secret_keys(stack)), "dev")


@pytest.fixture(scope="module")
def recording(target: Target) -> Recording:
    return run(lambda: deploy(target), stack="dev")


@pytest.fixture(scope="module")
def folder(target: Target, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("manifests")
    manifests.write(target, path)
    return path


def test_every_kubernetes_object_is_in_one_file(folder: Path, recording: Recording):
    written = [
        (item["kind"], item["metadata"]["name"])
        for file in folder.rglob("*.json")
        for item in json.loads(file.read_text()).get("items", [])
    ]
    registered = [
        (resource.inputs["kind"], resource.inputs["metadata"]["name"])
        for resource in recording.resources
        if resource.type.startswith("kubernetes:") and "helm" not in resource.type
    ]
    assert sorted(written) == sorted(registered)


def test_every_file_that_the_script_applies_is_there(folder: Path):
    script = Path(manifests.__file__).with_name("by_hand.sh").read_text().splitlines()
    applied = {line.split()[1] for line in script if line.split()[:1] == ["apply"]}
    assert {"namespace", "store", "litellm", "postgres"} <= applied
    assert not [name for name in applied if not (folder / f"{name}.json").exists()]


def test_what_needs_the_operator_is_apart_from_what_can_be_applied_before(folder: Path):
    identity = json.loads((folder / "secret-store.json").read_text())["items"]
    assert {item["kind"] for item in identity} == {"ServiceAccount", "Role", "RoleBinding", "ClusterRoleBinding"}


def test_passwords_are_random_and_as_long_as_the_program_makes_them(folder: Path, recording: Recording):
    def passwords() -> list[str]:
        return [document["password"] for document in manifests.documents(recording).values() if "password" in document]

    once, again = passwords(), passwords()
    assert len({*once, *again}) == 6
    assert {len(password) for password in once} == {40}


def test_vault_gets_its_own_names_of_arguments(folder: Path):
    role = json.loads((folder / "auth-role.json").read_text())
    assert role["bound_service_account_names"] == ["secret-reader"]
    assert role["token_ttl"] == 600
    assert "backend" not in role
    assert "role_name" not in role


def test_helm_installs_the_chart_of_the_stack(folder: Path):
    names = (folder / "names.sh").read_text()
    assert (
        "HELM=(external-secrets external-secrets --namespace external-secrets "
        "--repo https://charts.external-secrets.io --version 2.9.0)" in names
    )


def test_a_chart_folder_has_no_repository():
    release = {"name": "eso", "chart": "/charts/eso", "namespace": "eso", "repositoryOpts": None, "version": None}
    assert manifests.helm_arguments(release) == ["eso", "/charts/eso", "--namespace", "eso"]
