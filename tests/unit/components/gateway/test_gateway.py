"""The component `Gateway`: what it registers."""

from typing import Any

import pulumi_random as random
import pytest

from components.gateway.gateway import Gateway, GatewayArgs
from tests.recording import Recording, run

DEPLOYMENT = "kubernetes:apps/v1:Deployment"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
SERVICE = "kubernetes:core/v1:Service"
ACCOUNT = "kubernetes:core/v1:ServiceAccount"
BUDGET = "kubernetes:policy/v1:PodDisruptionBudget"


def recorded(**values: Any) -> Recording:
    def program() -> dict[str, Any]:
        args: GatewayArgs = {
            "namespace": "ns",
            "image": "litellm:v1",
            "config": "model_list: []\n",
            "environment_secret": "litellm-env-1",
            **values,  # pyright: ignore[reportAssignmentType]
        }
        gateway = Gateway("litellm", args)
        return {
            "service": gateway.service_name,
            "port": gateway.port,
            "deployment": gateway.deployment_name,
            "config_map": gateway.config_map_name,
        }

    return run(program)


def pod(recording: Recording) -> dict[str, Any]:
    return recording.inputs(DEPLOYMENT)["spec"]["template"]["spec"]


def container(recording: Recording) -> dict[str, Any]:
    (only,) = pod(recording)["containers"]
    return only


def environment(recording: Recording) -> dict[str, str]:
    return {variable["name"]: variable["value"] for variable in container(recording)["env"]}


def test_outputs_are_the_names_of_what_is_made() -> None:
    outputs = recorded().outputs
    assert outputs["service"] == outputs["deployment"] == "litellm"
    assert outputs["port"] == 4000
    assert outputs["config_map"].startswith("litellm-")


def test_a_changed_config_is_another_immutable_config_map() -> None:
    one, two = (recorded(config=text).inputs(CONFIG_MAP) for text in ("a: 1\n", "a: 2\n"))
    assert one["immutable"] is True
    assert one["metadata"]["name"] != two["metadata"]["name"]
    assert one["data"] == {"config.yaml": "a: 1\n"}


def test_pods_mount_the_config_map_they_were_made_for() -> None:
    recording = recorded()
    volumes = {volume["name"]: volume for volume in pod(recording)["volumes"]}
    assert volumes["config"]["configMap"]["name"] == recording.inputs(CONFIG_MAP)["metadata"]["name"]
    assert {"name": "config", "mountPath": "/etc/litellm", "readOnly": True} in container(recording)["volumeMounts"]


def test_secrets_come_from_the_secret_alone() -> None:
    recording = recorded(redis={"host": "redis", "port": 6379})
    assert container(recording)["envFrom"] == [{"secretRef": {"name": "litellm-env-1"}}]
    assert not any(name.endswith(("KEY", "PASSWORD")) or name == "DATABASE_URL" for name in environment(recording))


def test_pods_never_change_the_schema() -> None:
    assert environment(recorded())["DISABLE_SCHEMA_UPDATE"] == "true"


def test_what_is_written_goes_to_the_only_writable_folder() -> None:
    recording = recorded()
    assert container(recording)["securityContext"]["readOnlyRootFilesystem"] is True
    assert {"name": "tmp", "mountPath": "/tmp"} in container(recording)["volumeMounts"]
    folders = ("HOME", "XDG_CACHE_HOME", "LITELLM_MIGRATION_DIR", "LITELLM_ASSETS_PATH")
    assert all(environment(recording)[name].startswith("/tmp") for name in folders)


def test_prismas_paths_are_left_to_the_image() -> None:
    """The image has Prisma's engines in /opt/prisma (BerriAI/litellm#34325); another cache folder would be an empty one."""
    assert not [name for name in environment(recorded()) if name.startswith("PRISMA")]


def test_pods_are_restricted_and_have_no_token() -> None:
    recording = recorded()
    spec = pod(recording)
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert spec["securityContext"]["runAsUser"] == 65534
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert container(recording)["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert recording.inputs(ACCOUNT)["automountServiceAccountToken"] is False


def test_probes_never_call_models() -> None:
    main = container(recorded())
    paths = {kind: main[kind]["httpGet"]["path"] for kind in ("startupProbe", "readinessProbe", "livenessProbe")}
    assert paths == {
        "startupProbe": "/health/readiness",
        "readinessProbe": "/health/readiness",
        "livenessProbe": "/health/liveliness",
    }


def test_a_busy_pod_is_not_killed() -> None:
    """Pain of BerriAI/litellm#35497: a liveness probe that gives up after a second restarts pods under load."""
    probe = container(recorded())["livenessProbe"]
    assert (probe["periodSeconds"], probe["timeoutSeconds"], probe["failureThreshold"]) == (15, 10, 6)


@pytest.mark.parametrize(("timeout", "expected"), [("90s", 90), ("10m", 600), ("1h1m", 3660)])
def test_one_timeout_rules_the_start(timeout: str, expected: int) -> None:
    recording = recorded(startup_timeout=timeout)
    probe = container(recording)["startupProbe"]
    deadline = recording.inputs(DEPLOYMENT)["spec"]["progressDeadlineSeconds"]
    waited = int(recording.one(DEPLOYMENT).create_timeout.removesuffix("s"))
    assert probe["periodSeconds"] * probe["failureThreshold"] == expected
    assert expected < deadline < waited


def test_a_stopping_pod_serves_drains_and_only_then_dies() -> None:
    recording = recorded(request_timeout=100, pre_stop_seconds=5)
    assert container(recording)["lifecycle"] == {"preStop": {"sleep": {"seconds": 5}}}
    assert environment(recording)["GRACEFUL_SHUTDOWN_TIMEOUT"] == "100"
    assert pod(recording)["terminationGracePeriodSeconds"] == 115


def test_without_a_pause_there_is_no_hook() -> None:
    assert "lifecycle" not in container(recorded(pre_stop_seconds=0))


def test_a_rollout_never_has_fewer_pods() -> None:
    strategy = recorded().inputs(DEPLOYMENT)["spec"]["strategy"]
    assert strategy == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}


def test_several_pods_are_spread_and_protected_from_disruption() -> None:
    recording = recorded(replicas=3)
    constraints = pod(recording)["topologySpreadConstraints"]
    assert [each["topologyKey"] for each in constraints] == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
    assert recording.inputs(BUDGET)["spec"]["maxUnavailable"] == 1


def test_one_pod_has_no_disruption_budget() -> None:
    """It would keep its node from ever being drained."""
    recording = recorded()
    assert recording.of(BUDGET) == []
    assert "topologySpreadConstraints" not in pod(recording)


def test_redis_is_named_by_parts() -> None:
    variables = environment(recorded(redis={"host": "redis", "port": 6380, "tls": True, "username": "app"}))
    assert {name: value for name, value in variables.items() if name.startswith("REDIS")} == {
        "REDIS_HOST": "redis",
        "REDIS_PORT": "6380",
        "REDIS_SSL": "True",
        "REDIS_USERNAME": "app",
    }


def test_variables_of_the_user_win_and_appear_once() -> None:
    recording = recorded(environment={"LITELLM_LOCAL_MODEL_COST_MAP": "False", "EXTRA": "1"})
    names = [variable["name"] for variable in container(recording)["env"]]
    assert len(names) == len(set(names))
    assert environment(recording)["LITELLM_LOCAL_MODEL_COST_MAP"] == "False"
    assert environment(recording)["EXTRA"] == "1"


def test_the_garbage_collector_does_not_stop_a_pod_every_few_hundred_requests() -> None:
    youngest, *_ = map(int, environment(recorded())["PYTHON_GC_THRESHOLD"].split(","))
    python_waits_for = 700
    assert youngest >= 10 * python_waits_for


def test_who_knows_better_gives_the_garbage_collector_other_thresholds() -> None:
    assert environment(recorded(environment={"PYTHON_GC_THRESHOLD": "700,10,10"}))["PYTHON_GC_THRESHOLD"] == "700,10,10"


def test_the_service_selects_the_pods() -> None:
    recording = recorded()
    labels = recording.inputs(DEPLOYMENT)["spec"]["template"]["metadata"]["labels"]
    assert recording.inputs(SERVICE)["spec"]["selector"].items() <= labels.items()


def test_the_account_may_carry_an_identity() -> None:
    annotations = {"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/litellm"}
    recording = recorded(service_account_annotations=annotations)
    assert recording.inputs(ACCOUNT)["metadata"]["annotations"] == annotations
    assert pod(recording)["serviceAccountName"] == "litellm"


def test_an_account_that_is_there_already_is_used() -> None:
    recording = recorded(service_account="litellm-aws")
    assert pod(recording)["serviceAccountName"] == "litellm-aws"
    assert not recording.of(ACCOUNT)


def test_another_identity_is_another_version_of_the_pods() -> None:
    """They learn it at their start: those with the old one would lose it."""
    template = recorded(identity="arn").inputs(DEPLOYMENT)["spec"]["template"]
    assert template["metadata"]["annotations"] == {"litellm/identity": "arn"}


def test_pods_go_where_they_are_told() -> None:
    tolerations = [{"key": "CriticalAddonsOnly", "operator": "Exists"}]
    spec = pod(recorded(node_selector={"pool": "system"}, tolerations=tolerations))
    assert (spec["nodeSelector"], spec["tolerations"]) == ({"pool": "system"}, tolerations)


def test_a_secret_whose_name_is_unknown_at_preview_leaves_all_other_names_known() -> None:
    def program() -> None:
        unknown = random.RandomId("unknown", byte_length=4).hex
        Gateway("litellm", {"namespace": "ns", "image": "litellm:v1", "config": "a: 1", "environment_secret": unknown})

    recording = run(program, preview=True)
    assert recording.inputs(CONFIG_MAP)["metadata"]["name"].startswith("litellm-")
    assert recording.inputs(DEPLOYMENT)["metadata"]["name"] == "litellm"


def test_nothing_carries_a_secret() -> None:
    recording = recorded(redis={"host": "redis", "port": 6379}, replicas=2)
    assert [each.name for each in recording.resources if each.secret_paths] == []


def test_metrics_have_a_port_of_their_own_where_it_is_asked_for() -> None:
    recording = recorded(metrics_port=4001, metrics_of_workers=True)
    given = container(recording)
    assert given["args"][given["args"].index("--prometheus_metrics_port") + 1] == "4001"
    assert {"name": "metrics", "containerPort": 4001} in given["ports"]
    assert {"name": "metrics", "port": 4001, "targetPort": "metrics"} in recording.inputs(SERVICE)["spec"]["ports"]
    assert environment(recording)["PROMETHEUS_MULTIPROC_DIR"] == "/run/litellm-metrics"


def test_without_it_there_is_one_port() -> None:
    recording = recorded()
    assert len(container(recording)["ports"]) == len(recording.inputs(SERVICE)["spec"]["ports"]) == 1
    assert "--prometheus_metrics_port" not in container(recording)["args"]


def test_workers_end_after_some_requests_where_it_is_asked_for() -> None:
    args = container(recorded(workers=2, worker_recycling={"max_requests": 10000, "jitter": 1000}))["args"]
    assert args[args.index("--max_requests_before_restart") + 1] == "10000"
    assert args[args.index("--max_requests_before_restart_jitter") + 1] == "1000"
    assert not [each for each in container(recorded(workers=2))["args"] if "max_requests" in each]


COLLECTOR: dict[str, Any] = {"on_unavailable": "fallback", "resources": {"limits": {"memory": "2Gi"}}}
POOLED = {"LITELLM_PGBOUNCER_ENABLED": "true", "PROMETHEUS_MULTIPROC_DIR": "/tmp/metrics"}


def collector(recording: Recording) -> dict[str, Any]:
    (only,) = pod(recording)["initContainers"]
    return only


def test_a_spend_collector_begins_before_litellm_and_ends_after_it() -> None:
    beside = collector(recorded(spend_collector=COLLECTOR))
    assert beside["restartPolicy"] == "Always"
    assert beside["command"] == ["python", "-m", "litellm.proxy.collector"]
    assert beside["image"] == "litellm:v1"


def test_a_spend_collector_has_the_environment_of_the_proxy() -> None:
    recording = recorded(spend_collector=COLLECTOR)
    beside = collector(recording)
    of_collector = {variable["name"]: variable["value"] for variable in beside["env"]}
    assert environment(recording).items() <= of_collector.items()
    assert of_collector["CONFIG_FILE_PATH"] == "/etc/litellm/config.yaml"
    assert beside["envFrom"] == container(recording)["envFrom"]


def test_workers_know_where_the_spend_collector_is() -> None:
    there = environment(recorded(spend_collector=COLLECTOR))
    assert there["LITELLM_COLLECTOR_ENABLED"] == "true"
    assert there["LITELLM_COLLECTOR_ADDRESS"].startswith("unix:///tmp/")
    assert there["LITELLM_COLLECTOR_ON_UNAVAILABLE"] == "fallback"
    assert not [name for name in environment(recorded()) if "COLLECTOR" in name]


def test_a_spend_collector_uses_no_pooler_and_no_metrics_of_the_proxy() -> None:
    beside = collector(recorded(spend_collector=COLLECTOR, environment=POOLED))
    of_collector = {variable["name"]: variable["value"] for variable in beside["env"]}
    assert of_collector["LITELLM_PGBOUNCER_ENABLED"] == "false"
    assert "PROMETHEUS_MULTIPROC_DIR" not in of_collector
