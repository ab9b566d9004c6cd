"""The bootstrap Job."""

import hashlib
import re
from typing import Any

import pulumi
import pulumi_random as random
import pytest

from components.database.bootstrap import DatabaseBootstrap, DatabaseBootstrapArgs
from components.database.scripts import ALTERNATING, BOOTSTRAP
from tests.recording import Recording, run

JOB = "kubernetes:batch/v1:Job"


def arguments(**others: Any) -> DatabaseBootstrapArgs:
    given: Any = {
        "namespace": "gateway",
        "image": "docker.io/library/postgres:17",
        "host": "postgres.gateway.svc",
        "database": "litellm",
        "admin_secret": "database-admin-1",
        "role_secret": "database-1",
    }
    return given | others


def recorded(**others: Any) -> Recording:
    return run(
        lambda: {"completed": DatabaseBootstrap("database-bootstrap", arguments(**others)).completed}, preview=True
    )


def spec(**others: Any) -> dict[str, Any]:
    return recorded(**others).inputs(JOB)["spec"]


def pod(recording: Recording) -> dict[str, Any]:
    return recording.inputs(JOB)["spec"]["template"]["spec"]


def environment(recording: Recording) -> dict[str, Any]:
    return {
        variable["name"]: variable.get("value") or variable["valueFrom"]["secretKeyRef"]
        for variable in pod(recording)["containers"][0]["env"]
    }


def test_an_unchanged_bootstrap_does_not_run_again() -> None:
    assert spec() == spec()


@pytest.mark.parametrize(
    "changed",
    [
        {"image": "docker.io/library/postgres:18"},
        {"host": "other.example.com"},
        {"port": 5433},
        {"database": "other"},
        {"sslmode": "prefer"},
        {"admin_secret": "database-admin-2"},
        {"role_secret": "database-2"},
        {"admin_password_key": "secret"},
        {"revision": "2"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_changed_bootstrap_is_a_new_job(changed: dict[str, Any]) -> None:
    """Jobs are immutable, and one that completed never runs again. The new one needs another name: see ADR 0002."""
    job = recorded(**changed).one(JOB)
    assert job.inputs["spec"] != spec()
    assert job.replace_on_changes == ("spec",)
    assert "name" not in job.inputs["metadata"]


def test_the_output_is_the_name_of_the_job() -> None:
    assert recorded().outputs["completed"] == "database-bootstrap-job-id"


def test_an_unknown_secret_leaves_the_name_open_but_not_the_resource() -> None:
    """At the first preview nobody knows yet which Secret there will be."""

    def program() -> None:
        secret = random.RandomPassword("unknown", length=32).bcrypt_hash
        DatabaseBootstrap("database-bootstrap", arguments(role_secret=pulumi.Output.unsecret(secret)))

    job = run(program, preview=True).one(JOB)
    assert job.name == "database-bootstrap-job"
    assert not str(job.inputs["metadata"].get("name", "")).startswith("database-bootstrap-")


def test_credentials_are_only_references() -> None:
    given = environment(recorded(admin_secret="master", admin_username_key="user", admin_password_key="pass"))
    assert given["ADMIN_USERNAME"] == {"name": "master", "key": "user"}
    assert given["ADMIN_PASSWORD"] == {"name": "master", "key": "pass"}
    assert given["ROLE_USERNAME"] == {"name": "database-1", "key": "username"}
    assert given["ROLE_PASSWORD"] == {"name": "database-1", "key": "password"}


def tokens() -> Recording:
    given: Any = {key: value for key, value in arguments(iam_username="litellm").items() if key != "role_secret"}
    return run(lambda: {"completed": DatabaseBootstrap("database-bootstrap", given).completed})


def test_a_role_with_tokens_has_a_name_and_no_password() -> None:
    given = environment(tokens())
    assert (given["ROLE_USERNAME"], given["IAM_AUTHENTICATION"]) == ("litellm", "true")
    assert "ROLE_PASSWORD" not in given


def test_a_role_has_either_a_password_or_tokens() -> None:
    with pytest.raises(ValueError, match="exactly one of role_secret and iam_username"):
        recorded(iam_username="litellm")


def test_tls_is_required_unless_said_otherwise() -> None:
    assert environment(recorded())["PGSSLMODE"] == "require"


def test_the_script_gets_every_variable_that_it_reads() -> None:
    names = set(re.findall(r"\$\{?([A-Z_]{3,})", BOOTSTRAP)) | set(re.findall(r"getenv \w+ (\w+)", BOOTSTRAP))
    # SECONDS is bash's own, IN_DATABASE the script's.
    assert names - {"SECONDS", "IN_DATABASE"} <= set(environment(recorded(mark="litellm/ephemeral")))


def test_kubernetes_leaves_the_script_as_it_is() -> None:
    """In a command, the kubelet reads `$$` as `$` and replaces `$(NAME)` where NAME is a variable."""
    assert "$$" not in BOOTSTRAP
    assert not [name for name in environment(recorded()) if f"$({name})" in BOOTSTRAP]


def test_a_failed_job_says_why_and_is_made_anew_by_the_next_up() -> None:
    recording = recorded()
    assert recording.inputs(JOB)["metadata"]["annotations"]["pulumi.com/replaceUnready"] == "true"
    assert pod(recording)["containers"][0]["terminationMessagePolicy"] == "FallbackToLogsOnError"


def test_the_job_ends_by_itself_and_stays() -> None:
    """A Job that removes itself would be missing from the cluster, and made again by the next `up`."""
    spec = recorded().inputs(JOB)["spec"]
    assert spec["activeDeadlineSeconds"] == 300
    assert spec["backoffLimit"] == 1
    assert "ttlSecondsAfterFinished" not in spec


def test_the_pod_is_restricted() -> None:
    recording = recorded()
    assert pod(recording)["securityContext"]["runAsNonRoot"] is True
    assert pod(recording)["automountServiceAccountToken"] is False
    assert pod(recording)["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True


def test_with_two_users_it_knows_both_and_runs_for_the_one_in_the_secret() -> None:
    recording = recorded(owner="litellm", alternate="litellm_clone")
    given = environment(recording)
    assert (given["OWNER"], given["ALTERNATE"]) == ("litellm", "litellm_clone")
    assert pod(recording)["containers"][0]["command"] == ["bash", "-c", ALTERNATING, "bootstrap", BOOTSTRAP]


def test_the_script_of_two_users_gets_every_variable_that_it_reads() -> None:
    names = set(re.findall(r"\$\{?([A-Z_]{3,})", ALTERNATING)) | set(re.findall(r"getenv \w+ (\w+)", ALTERNATING))
    given = environment(recorded(owner="litellm", alternate="litellm_clone", mark="litellm/ephemeral"))
    assert names - {"SECONDS", "IN_DATABASE"} <= set(given)


def test_kubernetes_leaves_the_script_of_two_users_as_it_is() -> None:
    given = environment(recorded(owner="litellm", alternate="litellm_clone"))
    assert "$$" not in ALTERNATING
    assert not [name for name in given if f"$({name})" in ALTERNATING]


@pytest.mark.parametrize("users", [{"owner": "litellm"}, {"alternate": "litellm_clone"}])
def test_one_of_two_users_is_refused(users: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="give both of them, or none"):
        recorded(**users)


def test_the_job_of_a_stack_that_stands_stays_as_it_is() -> None:
    """Another text is another Job in every stack that has one user: without need, none of them should see a change."""
    assert hashlib.sha256(BOOTSTRAP.encode()).hexdigest()[:16] == "3bd55d3dcc751a3c"
