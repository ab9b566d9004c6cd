"""The component `Migration`: when its Job runs again, and how."""

import json
from typing import Any

import pulumi_random as random

from components.gateway.migration import Migration, MigrationArgs
from tests.recording import Recording, run

JOB = "kubernetes:batch/v1:Job"


def recorded(**values: Any) -> Recording:
    def program() -> dict[str, Any]:
        args: MigrationArgs = {
            "namespace": "ns",
            "image": "litellm:v1",
            "environment_secret": "litellm-env-1",
            **values,  # pyright: ignore[reportAssignmentType]
        }
        return {"job": Migration("litellm-migration", args).job_name}

    return run(program)


def spec(**values: Any) -> str:
    return json.dumps(recorded(**values).inputs(JOB)["spec"])


def container(recording: Recording) -> dict[str, Any]:
    (only,) = recording.inputs(JOB)["spec"]["template"]["spec"]["containers"]
    return only


def test_the_same_migration_is_the_same_job() -> None:
    assert spec() == spec()


def test_whatever_the_job_runs_makes_it_another_job() -> None:
    """A Job cannot be changed, and one that is done does not run again (BerriAI/litellm#7536)."""
    specs = {
        spec(),
        spec(image="litellm:v2"),
        spec(environment_secret="litellm-env-2"),
        spec(revision="2"),
        spec(node_selector={"a": "b"}),
    }
    assert len(specs) == 5
    assert recorded().one(JOB).replace_on_changes == ("spec",)


def test_a_job_has_no_name_of_its_own() -> None:
    """After A, a failed B, and A again, Pulumi would delete the first A under the name of the third. See ADR 0002."""
    assert "name" not in recorded().inputs(JOB)["metadata"]


def test_the_name_waits_for_a_secret_that_is_unknown_at_preview() -> None:
    """A name that ignored the Secret would be one that the Job does not have in the end."""

    def program() -> None:
        unknown = random.RandomId("unknown", byte_length=4).hex
        Migration("litellm-migration", {"namespace": "ns", "image": "litellm:v1", "environment_secret": unknown})

    metadata = run(program, preview=True).inputs(JOB)["metadata"]
    assert not str(metadata.get("name", "")).startswith("litellm-migration")


def test_the_output_is_the_name_of_the_job() -> None:
    assert recorded().outputs["job"] == "litellm-migration-job-id"


def test_the_job_may_change_the_schema() -> None:
    variables = {each["name"]: each.get("value") for each in container(recorded())["env"]}
    assert variables["DISABLE_SCHEMA_UPDATE"] == "false"


def test_the_job_never_forces_a_schema_on_a_database() -> None:
    """LiteLLM's first resolver marks as done what is not (BerriAI/litellm#26780): it was the default once."""
    variables = {each["name"]: each.get("value") for each in container(recorded())["env"]}
    assert variables["USE_V2_MIGRATION_RESOLVER"] == "true"


def test_the_job_gets_the_url_of_the_database_and_no_other_secret() -> None:
    main = container(recorded())
    assert "envFrom" not in main
    secrets = [each for each in main["env"] if "valueFrom" in each]
    assert secrets == [
        {"name": "DATABASE_URL", "valueFrom": {"secretKeyRef": {"name": "litellm-env-1", "key": "DATABASE_URL"}}}
    ]


def test_a_job_without_a_password_logs_in_as_its_service_account() -> None:
    def program() -> None:
        Migration(
            "litellm-migration",
            {
                "namespace": "ns",
                "image": "litellm:v1",
                "service_account": "litellm-aws",
                "environment": {"IAM_TOKEN_DB_AUTH": "True"},
            },
        )

    recording = run(program)
    variables = {each["name"]: each.get("value") for each in container(recording)["env"]}
    assert "DATABASE_URL" not in variables
    assert variables["IAM_TOKEN_DB_AUTH"] == "True"
    pod = recording.inputs(JOB)["spec"]["template"]["spec"]
    assert (pod["serviceAccountName"], pod["automountServiceAccountToken"]) == ("litellm-aws", False)


def test_the_job_writes_to_tmp_only() -> None:
    main = container(recorded())
    assert main["securityContext"]["readOnlyRootFilesystem"] is True
    assert main["volumeMounts"] == [{"name": "tmp", "mountPath": "/tmp"}]


def test_attempts_are_bounded_and_leave_their_logs() -> None:
    spec = recorded(timeout="5m").inputs(JOB)["spec"]
    assert spec["backoffLimit"] == 2
    assert spec["activeDeadlineSeconds"] == 300
    assert spec["template"]["spec"]["restartPolicy"] == "Never"


def test_pulumi_waits_longer_than_the_job_may_run() -> None:
    """Or its timeout would hide the Job's own reason."""
    assert recorded(timeout="5m").one(JOB).create_timeout == "450s"


def test_a_failed_job_is_replaced_and_a_finished_one_stays() -> None:
    inputs = recorded().inputs(JOB)
    assert inputs["metadata"]["annotations"] == {"pulumi.com/replaceUnready": "true"}
    assert "ttlSecondsAfterFinished" not in inputs["spec"]


def test_the_gateways_service_does_not_select_the_job() -> None:
    labels = recorded().inputs(JOB)["spec"]["template"]["metadata"]["labels"]
    assert labels["app.kubernetes.io/name"] == "litellm-migration"


def test_a_migration_has_half_an_hour_and_litellm_does_not_end_it_before() -> None:
    recording = recorded()
    assert recording.inputs(JOB)["spec"]["activeDeadlineSeconds"] == 1800
    patience = {"name": "LITELLM_PRISMA_MIGRATE_DEPLOY_TIMEOUT", "value": "1800"}
    assert patience in container(recording)["env"]


def test_no_rule_ends_the_job_in_a_way_that_pulumi_does_not_see() -> None:
    """It knows two reasons of a Job that failed, BackoffLimitExceeded and DeadlineExceeded, and waits on for any other."""
    rules = recorded().inputs(JOB)["spec"]["podFailurePolicy"]["rules"]
    assert [rule["action"] for rule in rules] == ["Ignore"]


def test_a_pod_that_is_stopped_has_time_for_the_migration_that_runs() -> None:
    assert recorded().inputs(JOB)["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 120
