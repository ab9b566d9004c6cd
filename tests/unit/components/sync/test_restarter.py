"""The component `Restarter`: what its pod may do, and what it learns of a Secret."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from components.gateway.inside import files, mounted
from components.sync.restarter import MODULE, Restarter, RestarterArgs
from components.sync.shared import FINGERPRINT
from tests.recording import Recording, run
from tools.credentials.copies import only_hashes

ROLE = "kubernetes:rbac.authorization.k8s.io/v1:Role"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"


def recorded(**values: Any) -> Recording:
    def program() -> None:
        args: RestarterArgs = {
            "namespace": "gw",
            "deployment": "litellm",
            "secrets": {"environment": "env-1", "files": "files-1"},
            "image": "litellm:v1",
            **values,  # pyright: ignore[reportAssignmentType]
        }
        Restarter("litellm-restarter", args)

    return run(program)


def pod(recording: Recording) -> dict[str, Any]:
    return recording.inputs(DEPLOYMENT)["spec"]["template"]["spec"]


def test_it_may_read_and_change_one_deployment_and_nothing_else():
    (rule,) = recorded().inputs(ROLE)["rules"]
    assert rule == {
        "apiGroups": ["apps"],
        "resources": ["deployments"],
        "resourceNames": ["litellm"],
        "verbs": ["get", "patch"],
    }


def test_it_may_read_what_an_up_announces_and_knows_what_its_own_did():
    recording = recorded(announced={"config_map": "rotations", "rotations": "abc"})
    assert recording.inputs(ROLE)["rules"][1:] == [
        {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["rotations"], "verbs": ["get"]}
    ]
    (main,) = pod(recording)["containers"]
    assert main["args"][-2:] == ["rotations", "abc"]


def test_of_a_secret_it_has_a_hash():
    (seen,) = [each["projected"] for each in pod(recorded())["volumes"] if each["name"] == "seen"]
    secrets = [each["secret"] for each in seen["sources"] if "secret" in each]
    assert [each["name"] for each in secrets] == ["env-1", "files-1"]
    assert {item["key"] for each in secrets for item in each["items"]} == {FINGERPRINT}
    (main,) = pod(recorded())["containers"]
    assert "envFrom" not in main


def test_it_counts_as_no_reader_of_values():
    """`make secrets` compares what pods began with: a hash is always that of now."""
    volumes = pod(recorded())["volumes"]
    assert [each["name"] for each in volumes if only_hashes(each)] == ["seen"]


def test_its_token_is_mounted_where_it_is_needed_only():
    spec = pod(recorded())
    assert spec["automountServiceAccountToken"] is False
    assert spec["serviceAccountName"] == "litellm-restarter"


def test_two_of_it_are_never_there_at_once():
    spec = recorded().inputs(DEPLOYMENT)["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


def test_its_program_needs_the_standard_library_alone(tmp_path: Path):
    """As in the pod: nothing of this project is there but the file itself."""
    program = files(MODULE)
    for entry in mounted(MODULE):
        file = tmp_path / entry["path"]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(program[entry["key"]])
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, '.'); import {MODULE}"]
    assert subprocess.run(command, cwd=tmp_path, check=False).returncode == 0
