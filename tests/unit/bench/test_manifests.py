"""The by-hand side of the comparison creates what the program creates."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from bench import manifests
from bench.manifests import Planned
from infra.config.versions import PINS
from infra.environment import deploy
from infra.target import resolve_offline
from tools.engine.stack_file import Stack
from tools.offline.mock_engine import Recording, run
from tools.offline.plan import PROJECT, configuration


@pytest.fixture(scope="module")
def recording() -> Recording:
    document = Stack.read(PROJECT, "dev").document
    config = document["config"] | {"litellm:externalSecrets": {"install": True}}
    stack = Stack("dev", document | {"config": config})
    target = resolve_offline(configuration(stack), "dev")
    return run(lambda: deploy(target), stack="dev")


@pytest.fixture(scope="module")
def folder(recording: Recording, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("manifests")
    manifests.write(Planned(recording), path)
    return path


def objects(folder: Path) -> list[dict[str, Any]]:
    contents = [json.loads(file.read_text()) for file in folder.rglob("*.json")]
    return [item for content in contents for item in content.get("items", [])]


def test_every_kubernetes_object_is_in_one_file(folder: Path, recording: Recording):
    def marks(items: Iterable[dict[str, Any]]) -> list[tuple[str, str]]:
        return sorted((item["kind"], json.dumps(item.get("spec"), sort_keys=True)) for item in items)

    assert marks(objects(folder)) == marks(
        resource.inputs
        for resource in recording.resources
        if resource.type.startswith("kubernetes:") and resource.type != manifests.RELEASE
    )


def test_every_secret_that_a_pod_reads_is_one_that_is_synced(folder: Path):
    """Pulumi makes up names of objects: what refers to them has to fit here, too."""
    everything = objects(folder)
    assert all(item["metadata"]["name"] for item in everything)
    synced = {item["metadata"]["name"] for item in everything if item["kind"] == "ExternalSecret"}
    stores = {item["metadata"]["name"] for item in everything if item["kind"] == "SecretStore"}
    assert len(synced) == 5
    assert {item["spec"]["secretStoreRef"]["name"] for item in everything if item["kind"] == "ExternalSecret"} == stores
    pods = json.dumps([item["spec"]["template"]["spec"] for item in everything if "template" in item.get("spec", {})])
    references = re.findall(r'"(?:secretRef|secretKeyRef)": \{[^}]*"name": "([^"]+)"|"secretName": "([^"]+)"', pods)
    assert {one or other for one, other in references} == synced


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
    chart, names = PINS["external-secrets"], (folder / "names.sh").read_text()
    assert (
        "HELM=(external-secrets external-secrets --namespace external-secrets "
        f"--repo {chart.registry} --version {chart.version})" in names
    )


def test_a_chart_folder_has_no_repository():
    release = {"name": "eso", "chart": "/charts/eso", "namespace": "eso", "repositoryOpts": None, "version": None}
    assert manifests.helm_arguments(release) == ["eso", "/charts/eso", "--namespace", "eso"]


def test_what_environments_share_is_not_made_again(tmp_path: Path):
    stack = Stack.read(PROJECT, "ephemeral")
    target = resolve_offline(configuration(stack), "ephemeral")
    environment = Planned(run(lambda: deploy(target), stack="ephemeral"))
    manifests.write(environment, tmp_path)
    assert environment.auth == "kubernetes"
    assert "SHARED=true" in (tmp_path / "names.sh").read_text()
    assert not (tmp_path / "auth-config.json").exists()
    assert {item["kind"] for item in json.loads((tmp_path / "limits.json").read_text())["items"]} == {
        "ResourceQuota",
        "LimitRange",
    }
