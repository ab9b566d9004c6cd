"""The component `Access`: when its Job runs again, what it runs, and what it must not have."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from components.access.access import FOLDER, MODULES, SECRETS, Access, AccessArgs
from components.gateway.inside import files, mounted
from tests.recording import Recording, run

JOB, CONFIG_MAP = "kubernetes:batch/v1:Job", "kubernetes:core/v1:ConfigMap"
WISHES: dict[str, Any] = {"owner": "litellm/dev", "key-list": {}}


def recorded(**values: Any) -> Recording:
    def program() -> None:
        args: AccessArgs = {
            "namespace": "ns",
            "image": "litellm:v1",
            "url": "http://litellm.ns.svc:4000",
            "wishes": WISHES,
            "secret": "keys-1",
            **values,  # pyright: ignore[reportAssignmentType]
        }
        Access("litellm-access", args)

    return run(program)


def pod(recording: Recording) -> dict[str, Any]:
    return recorded_spec(recording)["template"]["spec"]


def recorded_spec(recording: Recording) -> dict[str, Any]:
    return recording.inputs(JOB)["spec"]


def test_the_same_wishes_are_the_same_job() -> None:
    assert recorded_spec(recorded()) == recorded_spec(recorded())


def test_whatever_the_job_does_makes_it_another_job() -> None:
    others = (
        {"wishes": {**WISHES, "key-list": {"ci": {}}}},
        {"secret": "keys-2"},
        {"url": "http://elsewhere:4000"},
        {"image": "litellm:v2"},
        {"revision": "2"},
    )
    specs = {json.dumps(recorded_spec(recorded(**other))) for other in ({}, *others)}
    assert len(specs) == 1 + len(others)
    assert recorded().one(JOB).replace_on_changes == ("spec",)


def test_the_config_map_is_named_by_what_is_in_it_and_never_changes() -> None:
    one, other = recorded().inputs(CONFIG_MAP), recorded(wishes={**WISHES, "purge": True}).inputs(CONFIG_MAP)
    assert one["immutable"] is True
    assert one["metadata"]["name"] != other["metadata"]["name"]


def test_secrets_are_files_of_the_secret_and_nowhere_else() -> None:
    spec = pod(recorded())
    (main,) = spec["containers"]
    assert not [each for each in main["env"] if "valueFrom" in each]
    assert {"name": "keys", "secret": {"secretName": "keys-1", "defaultMode": 0o440}} in spec["volumes"]
    assert {"name": "keys", "mountPath": SECRETS, "readOnly": True} in main["volumeMounts"]


def test_the_pod_has_no_token_of_kubernetes() -> None:
    assert pod(recorded())["automountServiceAccountToken"] is False


def test_a_drained_node_is_no_failure_and_no_rule_ends_the_job() -> None:
    """Of a Job that failed by a rule, Pulumi takes no notice until its own time is over."""
    (ignores,) = recorded_spec(recorded())["podFailurePolicy"]["rules"]
    assert ignores["action"] == "Ignore"


def test_pulumi_waits_longer_than_the_job_may_run() -> None:
    recording = recorded(timeout="1m")
    assert recorded_spec(recording)["activeDeadlineSeconds"] == 60


def test_the_mounted_program_runs_with_the_standard_library_alone(tmp_path: Path) -> None:
    """As in the pod: the folder of the ConfigMap, isolated from this environment's packages."""
    for item in mounted(*MODULES):
        file = tmp_path / item["path"]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(files(*MODULES)[item["key"]])
    (tmp_path / "master-key").write_text("none")
    done = subprocess.run(
        [sys.executable, "-S", "-m", "components.access.reconcile", "--help-is-no-url"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert "missing 2 required positional arguments" in done.stderr


def test_the_program_is_run_from_the_folder_that_it_is_mounted_in() -> None:
    (main,) = pod(recorded())["containers"]
    assert main["workingDir"] == FOLDER
    assert main["command"][:3] == ["python3", "-m", "components.access.reconcile"]
