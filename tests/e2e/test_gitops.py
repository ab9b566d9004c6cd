"""The rendered objects of a stack, applied as Argo CD would, are what Pulumi makes in the same place.

In order: `up` as usual, `up` again with `gitops`, which takes the gateway away, then the files, wave by wave.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.support import Project, Vault, completion, kubectl, objects
from tools.gitops.argocd import APPLICATION, KUSTOMIZATION
from tools.gitops.manifests import SYNC_WAVE, WAVES

NAMESPACE = "litellm-dev"
NAMED_AFRESH = ("SecretStore", "ExternalSecret", "Job")
KINDS = (
    "serviceaccounts,roles,rolebindings,secretstores,externalsecrets,secrets,statefulsets,deployments,jobs,configmaps,"
    "services,ingresses,poddisruptionbudgets,networkpolicies,horizontalpodautoscalers"
)
SERVER_SET = {"clusterIP", "clusterIPs", "controller-uid", "batch.kubernetes.io/controller-uid", "job-name"}
SERVER_SET |= {"batch.kubernetes.io/job-name", "status"}
"""Fields and labels with which the API server tells one object from another."""

TOOLS = ("pulumi.com/", "argocd.argoproj.io/", "deployment.kubernetes.io/", "kubectl.kubernetes.io/", "meta.helm.sh/")
"""Annotations of those who write objects, about their own work."""

WAIT_FOR = {
    "SecretStore": "condition=Ready",
    "ExternalSecret": "condition=Ready",
    "Job": "condition=Complete",
    "Deployment": "condition=Available",
    "StatefulSet": "jsonpath={.status.readyReplicas}=1",
}
"""What Argo CD looks at before it starts the next wave."""


@pytest.fixture(scope="module")
def made_by_pulumi(project: Project, vault: Vault) -> Iterator[dict[str, Any]]:
    before = vault.everything()
    project.make("up")
    yield found()
    project.make("destroy", check=False)
    vault.clean(before)


@pytest.fixture(scope="module")
def overlay(project: Project) -> str:
    path = project.folder / "gitops.yaml"
    path.write_text("config: {litellm:gitops: true}\n")
    return ",".join(part for part in (project.environment["OVERLAY"], str(path)) if part)


@pytest.fixture(scope="module")
def files(project: Project, made_by_pulumi: dict[str, Any], overlay: str) -> Iterator[Path]:
    """The folder, applied to the cluster."""
    project.make("up", OVERLAY=overlay)
    out = project.folder / "rendered" / "dev"
    project.make("render", OVERLAY=overlay, OUT=str(out))
    for wave in range(len(WAVES)):
        sync(out, wave)
    yield out
    # As the deletion of the Application does: a namespace in which pods still end goes after half of their grace period.
    made = arguments(sorted(out.glob("[0-9]*.yaml"), reverse=True))
    kubectl("delete", "--cascade=foreground", "--ignore-not-found", *made)


def sync(out: Path, wave: int) -> None:
    for path in sorted(out.glob(f"{wave}-*.yaml")):
        kubectl("apply", "--server-side", "-f", str(path))
    for path in sorted(out.glob(f"{wave}-*.yaml")):
        content = yaml.safe_load(path.read_text())
        assert content["metadata"]["annotations"][SYNC_WAVE] == str(wave)
        if condition := WAIT_FOR.get(content["kind"]):
            kubectl("wait", f"--for={condition}", "--timeout=110s", "-f", str(path))


def arguments(paths: list[Path]) -> list[str]:
    return [argument for path in paths for argument in ("-f", str(path))]


def found() -> dict[str, Any]:
    """Every object of the namespace without what only its writer or the server put there, by kind and name."""
    bindings = [each for each in objects("clusterrolebindings") if each["metadata"]["name"].startswith(NAMESPACE)]
    there = [*objects(KINDS, "-n", NAMESPACE), *bindings]
    text = json.dumps([plain(each) for each in there])
    for each in there:
        name: str = each["metadata"]["name"]
        if each["kind"] in NAMED_AFRESH:
            text = text.replace(name, re.sub(r"-([0-9a-f]{8}|[0-9a-f]{10})$", "", name))
    return {f"{each['kind']}/{each['metadata']['name']}": each for each in json.loads(text)}


def plain(content: dict[str, Any]) -> dict[str, Any]:
    metadata = content["metadata"]
    annotations: dict[str, str] = metadata.get("annotations", {})
    kept = {key: value for key, value in annotations.items() if not key.startswith(TOOLS)}
    rest = {key: value for key, value in content.items() if key not in ("metadata", "status", "data")}
    keys = content.get("data", {}) if content["kind"] != "Secret" else sorted(content.get("data", {}))
    names = {"name": metadata["name"], "labels": metadata.get("labels", {}), "annotations": kept}
    return without_server_set({**rest, "metadata": names, "data": keys})


def without_server_set(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: same(key, without_server_set(item)) for key, item in value.items() if key not in SERVER_SET}
    return [without_server_set(item) for item in value] if isinstance(value, list) else value


def same(key: str, value: Any) -> Any:
    """Who manages an object differs, and how a revision is written: version numbers, or a hash."""
    if key == "litellm/revision":
        return "a revision"
    if key.startswith("reconcile.external-secrets.io/"):
        return "a hash of the name or of the data"
    return "one of both" if key == "app.kubernetes.io/managed-by" and value in ("pulumi", "argocd") else value


def versions() -> dict[str, str]:
    there = objects(KINDS.replace("secrets,statefulsets", "statefulsets"), "-n", NAMESPACE)
    return {each["metadata"]["uid"]: str(each["metadata"].get("generation", "")) for each in there}


def test_up_makes_something_to_compare_with(made_by_pulumi: dict[str, Any]):
    """Or the tests below would prove nothing."""
    kinds = {name.partition("/")[0] for name in made_by_pulumi}
    assert {"SecretStore", "ExternalSecret", "Secret", "StatefulSet", "Deployment", "Job", "Ingress"} <= kinds


def test_the_applied_files_are_the_objects_that_up_makes(made_by_pulumi: dict[str, Any], files: Path):
    applied = found()
    assert sorted(applied) == sorted(made_by_pulumi)
    for name, content in made_by_pulumi.items():
        assert applied[name] == content, name


def test_the_gateway_answers_with_the_key_from_vault(project: Project, vault: Vault, files: Path):
    host = yaml.safe_load((files / "5-ingress-litellm-ingress-ingress.yaml").read_text())["spec"]["rules"][0]["host"]
    port = project.config("dev").get("ingress", {}).get("publicPort") or public_port(project)
    answer = completion(f"http://{host}:{port}", vault.read("litellm", "dev/api-keys")["master-key"])
    assert answer.status_code == 200


def public_port(project: Project) -> int:
    for path in project.environment["OVERLAY"].split(","):
        port = yaml.safe_load(Path(path).read_text())["config"].get("litellm:ingress", {}).get("publicPort")
        if port:
            return int(port)
    return 80


def test_a_second_sync_changes_nothing(files: Path):
    before = versions()
    kubectl("apply", "--server-side", *arguments(sorted(files.glob("[0-9]*.yaml"))))
    assert versions() == before


def test_rendering_again_gives_the_same_files(project: Project, overlay: str, files: Path):
    before = {path.name: path.read_text() for path in files.iterdir()}
    project.make("render", OVERLAY=overlay, OUT=str(files))
    assert {path.name: path.read_text() for path in files.iterdir()} == before
    assert {KUSTOMIZATION, APPLICATION} < set(before)


def test_with_the_state_the_revision_is_that_of_the_documents(project: Project, overlay: str, files: Path):
    state, out = project.folder / "state.json", project.folder / "rendered" / "with-state"
    project.pulumi("stack", "export", "--stack", "dev", "--file", str(state))
    project.make("render", OVERLAY=overlay, OUT=str(out), arguments=f"--state {state}")
    secret = yaml.safe_load((out / "1-secret-litellm-env-secret.yaml").read_text())
    revision = secret["spec"]["target"]["template"]["metadata"]["annotations"]["litellm/revision"]
    assert re.fullmatch(r"\d{1,4}(\.\d{1,4})+", revision)


def test_a_second_up_leaves_the_objects_of_argocd_alone(project: Project, overlay: str, files: Path):
    before = versions()
    project.make("up", OVERLAY=overlay, arguments="--expect-no-changes")
    assert versions() == before


def test_kustomize_builds_the_folder(files: Path):
    built = list(yaml.safe_load_all(kubectl("kustomize", str(files)).stdout))
    assert len(built) == len(list(files.glob("[0-9]*.yaml")))
