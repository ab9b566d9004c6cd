"""What else people have: manifests, releases, logins and files in odd places. Nothing goes without a word."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import programs
from tests.program.test_adopt import (
    AWS,
    CONFIG,
    FILES,
    FIXTURE,
    VAULT,
    adopted,
    config_of,
    name_of,
    no_cluster,
    planned,
)
from tools.adopt import command
from tools.adopt.stores import SecretsManager
from tools.problem import Problem

MODEL = {"model_name": "m", "litellm_params": {"model": "openai/gpt-4o", "api_key": "os.environ/OPENAI_API_KEY"}}
CHART: dict[str, Any] = {"proxy_config": {"model_list": [MODEL]}, "masterkeySecretName": "keys"}
HOST = {"enabled": True, "className": "traefik", "hosts": [{"host": "llm.example.com"}]}


def from_text(folder: Path, *documents: object) -> tuple[dict[str, Any], str]:
    """Adopt a file with these documents: the stack's configuration, and what was said."""
    source = folder / "source.yaml"
    source.write_text(yaml.safe_dump_all(documents))
    project = folder / "project"
    project.mkdir()
    _, said = adopted(source, project)
    stack = yaml.safe_load((project / "Pulumi.mine.yaml").read_text())["config"]
    return {key.removeprefix("litellm:"): value for key, value in stack.items()}, said


def left(said: str) -> str:
    return said.partition("Not translated:")[2]


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_with_secrets_manager_it_plans_as_well(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    _, said = adopted(path, tmp_path, store=AWS)
    assert planned(tmp_path, monkeypatch).resources
    assert [value for value in FIXTURE.findall(path.read_text()) if len(value) > 12 and value in said] == []


def test_secrets_manager_is_read_by_the_operator_of_the_cluster_that_was_named(tmp_path: Path):
    adopted(FILES[0], tmp_path, store=AWS)
    stack = yaml.safe_load((tmp_path / "Pulumi.mine.yaml").read_text())["config"]
    identity = {"kind": "irsa", "clusterName": "gateways"}
    assert stack["litellm:secrets"] == {
        "kind": "aws",
        "generation": "store",
        "aws": {"region": "eu-west-1", "identity": identity},
    }
    documents = {reference["document"] for reference in stack["litellm:secretEnvironment"].values()}
    assert documents == {"litellm/mine/adopted"}


@pytest.mark.parametrize(
    ("region", "cluster"), [("", "prod"), ("europe", "prod"), ("eu-west-1", ""), ("eu-west-1", "a b")]
)
def test_secrets_manager_needs_a_region_and_a_cluster(region: str, cluster: str):
    with pytest.raises(Problem, match="STORE=aws needs"):
        SecretsManager.of(region, cluster)


STUB = """#!/usr/bin/env python3
import json, os, pathlib, sys
store = pathlib.Path(os.environ["STORE_FILE"])
arguments = sys.argv[1:]
with store.with_suffix(".log").open("a") as log:
    log.write(json.dumps(arguments) + chr(10))
if "get-secret-value" in arguments:
    print(store.read_text())
else:
    store.write_text(sys.stdin.read())
"""


def test_the_lines_for_secrets_manager_make_one_document_and_put_no_value_on_a_command_line(tmp_path: Path):
    """Run as printed, with a stand-in for `aws`."""
    programs.needed("jq")
    stand_in = tmp_path / "bin" / "aws"
    stand_in.parent.mkdir()
    stand_in.write_text(STUB)
    stand_in.chmod(0o755)
    project = tmp_path / "project"
    project.mkdir()
    _, said = adopted(Path(__file__).parent / "gateways" / "written-keys.yaml", project, store=AWS)
    pairs = [block.split("\n") for block in said.split("\n\n") if block.startswith("# ")]
    environment = {"PATH": f"{stand_in.parent}:{programs.WHOLE_PATH}", "STORE_FILE": str(tmp_path / "store")}
    values: dict[str, str] = {}
    for title, line, *_ in pairs:
        name = title.removeprefix("# ").partition(":")[0]
        values[name] = f"value 'of' \"{name}\"\nin two lines"
        done = subprocess.run(
            ["sh", "-c", line], input=f"{values[name]}\n", text=True, env=environment, capture_output=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
    assert len(values) > 3
    assert json.loads((tmp_path / "store").read_text()) == values
    assert "value" not in (tmp_path / "store.log").read_text().replace("get-secret-value", "").replace(
        "put-secret-value", ""
    )


def test_a_name_that_the_shell_would_read_is_quoted(tmp_path: Path):
    _, said = from_text(tmp_path, {"model_list": [MODEL], "environment_variables": {"A;reboot;SECRET_KEY": "x" * 30}})
    assert "'A;reboot;SECRET_KEY=-'" in said


def test_a_master_key_that_a_variable_has_stays_the_one(tmp_path: Path):
    """Clients have it, and LiteLLM encrypted with it."""
    stack, said = from_text(
        tmp_path, {"model_list": [MODEL], "general_settings": {"master_key": "os.environ/PROXY_MASTER_KEY"}}
    )
    assert stack["keys"]["master"] == stack["keys"]["salt"]
    assert "# LITELLM_MASTER_KEY: supplied by nothing that was read" in said


def test_the_master_key_that_a_chart_made_stays_the_one(tmp_path: Path):
    stack, said = from_text(tmp_path, {"proxy_config": {"model_list": [MODEL]}, "fullnameOverride": "gw"})
    assert stack["keys"]["salt"]["existing"]["property"] == "LITELLM_MASTER_KEY"
    assert "kubectl get secret gw-masterkey " in said


def test_a_url_of_the_database_in_a_variable_stays_the_login(tmp_path: Path):
    stack, said = from_text(
        tmp_path, {"model_list": [MODEL], "general_settings": {"database_url": "os.environ/DATABASE_URL"}}
    )
    login = {"document": "shared/mine", "urlProperty": "DATABASE_URL"}
    assert stack["database"] == {"kind": "existing", "credentials": login}
    assert "# DATABASE_URL: " in said


def test_a_database_that_nothing_names_is_no_silent_one(tmp_path: Path):
    stack, said = from_text(tmp_path, {"model_list": [MODEL]})
    assert stack["database"] == {"kind": "in-cluster"}
    assert "a small, empty Postgres of its own" in left(said)


def test_postgres_of_the_chart_is_there_unless_it_is_switched_off(tmp_path: Path):
    _, said = from_text(tmp_path, CHART)
    assert "db.deployStandalone: the data of the chart's own Postgres" in left(said)


def test_a_whole_url_in_the_values_is_taken_apart(tmp_path: Path):
    password = "fixture" * 4
    database = {
        "useExisting": True,
        "endpoint": "localhost",
        "url": f"postgresql://llm:{password}@pg.example.com:5433/gw",
    }
    stack, said = from_text(tmp_path, CHART | {"db": database})
    assert (stack["database"]["host"], stack["database"]["port"], stack["database"]["name"]) == (
        "pg.example.com",
        5433,
        "gw",
    )
    assert "# DATABASE_PASSWORD: written at db.url" in said
    assert password not in said


@pytest.mark.parametrize(
    ("given", "wanted"), [("verify-full", "verify-full"), ("verify-ca", "verify-full"), ("", "prefer")]
)
def test_tls_to_the_database_is_not_weaker_than_before(tmp_path: Path, given: str, wanted: str):
    database = {"writer": {"host": "pg.example.com", "sslMode": given}}
    stack, _ = from_text(tmp_path, {"masterKey": {}, "gateway": {"config": {}}, "database": database})
    assert stack["database"]["sslmode"] == wanted


def test_redis_is_as_it_was(tmp_path: Path):
    url = "rediss://default:" + "fixture" * 4 + "@redis.example.com:6380"
    stack, said = from_text(tmp_path, {"model_list": [MODEL], "environment_variables": {"REDIS_URL": url}})
    redis = stack["redis"]
    assert (redis["kind"], redis["host"], redis["port"], redis["tls"]) == ("existing", "redis.example.com", 6380, True)
    assert url not in said


def test_a_gateway_without_redis_gets_none(tmp_path: Path):
    assert from_text(tmp_path, {"model_list": [MODEL]})[0]["redis"] == {"kind": "none"}


def test_replicas_without_redis_get_one(tmp_path: Path):
    assert from_text(tmp_path, CHART | {"replicaCount": 2})[0]["redis"] == {"kind": "in-cluster"}


def test_a_model_without_a_key_gets_the_variable_that_litellm_reads(tmp_path: Path):
    entries = [
        {"model_name": "a", "litellm_params": {"model": model}} for model in ("gpt-4o", "anthropic/claude-sonnet-4-5")
    ]
    stack, _ = from_text(tmp_path, {"model_list": entries})
    assert set(stack["secretEnvironment"]) == {"ANTHROPIC_API_KEY", "OPENAI_API_KEY"}


def test_a_file_of_a_secret_that_a_setting_names_comes_from_the_store(tmp_path: Path):
    values = CHART | {
        "volumes": [{"name": "gcp", "secret": {"secretName": "gcp-sa"}}],
        "volumeMounts": [{"name": "gcp", "mountPath": "/etc/gcp"}],
        "envVars": {"GOOGLE_APPLICATION_CREDENTIALS": "/etc/gcp/key.json"},
    }
    stack, said = from_text(tmp_path, values)
    assert stack["gateway"]["secretFiles"] == {"key.json": {"document": "shared/mine", "property": "KEY_JSON"}}
    assert stack["gateway"]["environment"]["GOOGLE_APPLICATION_CREDENTIALS"] == "/etc/litellm-secrets/key.json"
    assert r"kubectl get secret gcp-sa -o jsonpath='{.data.key\.json}'" in said


def test_several_workers_have_the_memory_and_the_connections_that_they_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    general = {"database_connection_pool_limit": 100}
    values = {"proxy_config": {"model_list": [MODEL], "general_settings": general}, "numWorkers": 4, "db": {}}
    stack, _ = from_text(tmp_path, values)
    assert stack["gateway"]["resources"]["memory"] == "16Gi"
    assert planned(tmp_path / "project", monkeypatch).resources


def test_files_that_are_included_are_part_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    other = {
        "model_list": [{"model_name": "extra", "litellm_params": {"model": "groq/llama", "api_key": "os.environ/G"}}]
    }
    (tmp_path / "models.yaml").write_text(yaml.safe_dump({**other, "include": ["source.yaml", "missing.yaml"]}))
    _, said = from_text(tmp_path, {"model_list": [MODEL], "include": ["models.yaml"]})
    rendered = yaml.safe_load(config_of(planned(tmp_path / "project", monkeypatch)))
    assert [entry["model_name"] for entry in rendered["model_list"]] == ["m", "extra"]
    assert "include: names a file that is not there" in left(said)


def test_a_section_that_litellm_does_not_read_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    _, said = from_text(tmp_path, {"model_list": [MODEL], "x-defaults": {"a": 1}})
    assert "x-defaults: is no section that LiteLLM reads" in left(said)
    assert planned(tmp_path / "project", monkeypatch).resources


def test_a_module_with_a_secret_in_it_is_not_copied(tmp_path: Path):
    key = "sk-" + "proj-" + "Ab3" * 16
    (tmp_path / "hooks.py").write_text(f"KEY = '{key}'\n")
    _, said = from_text(tmp_path, {"model_list": [MODEL], "litellm_settings": {"callbacks": "hooks.handler"}})
    assert "hooks.py: has what looks like a secret in it" in left(said)
    assert not list((tmp_path / "project").rglob("hooks.py"))


def test_a_config_map_cannot_write_outside_of_its_folder(tmp_path: Path):
    data = {"config.yaml": CONFIG, "../../../evil.py": "x = 1\n"}
    from_text(tmp_path, {"kind": "ConfigMap", "metadata": {}, "data": data})
    assert not list(tmp_path.rglob("evil.py"))


RELEASES: dict[str, dict[str, Any]] = {
    "Flux": {"kind": "HelmRelease", "spec": {"values": CHART, "valuesFrom": [{"kind": "Secret", "name": "more"}]}},
    "Argo CD": {
        "kind": "Application",
        "spec": {"source": {"helm": {"values": json.dumps(CHART), "parameters": [{"name": "a", "value": "b"}]}}},
    },
    "a dependency": {"litellm-helm": CHART, "other": {"a": 1}},
}


@pytest.mark.parametrize("name", RELEASES)
def test_values_are_found_where_people_write_them(tmp_path: Path, name: str):
    stack, said = from_text(tmp_path, RELEASES[name])
    assert set(stack["secretEnvironment"]) == {"OPENAI_API_KEY"}
    assert any(what in left(said) for what in ("valuesFrom", "helm.parameters", "other: is of another chart"))


MANIFESTS: list[dict[str, Any]] = [
    {
        "kind": "ConfigMap",
        "metadata": {"name": "c", "namespace": "ai"},
        "data": {"config.yaml": CONFIG, "note.txt": "hi"},
    },
    {
        "kind": "Deployment",
        "metadata": {"name": "llm", "namespace": "ai"},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": "llm"}},
            "template": {
                "metadata": {"labels": {"app": "llm", "azure.workload.identity/use": "true"}},
                "spec": {
                    "serviceAccountName": "llm",
                    "runtimeClassName": "gvisor",
                    "containers": [
                        {
                            "name": "main",
                            "image": "ghcr.io/berriai/litellm:v1.105.0",
                            "envFrom": [{"secretRef": {"name": "keys"}}, {"configMapRef": {"name": "not-here"}}],
                            "env": [
                                {
                                    "name": "DATABASE_HOST",
                                    "valueFrom": {"secretKeyRef": {"name": "pg-app", "key": "host"}},
                                }
                            ],
                            "volumeMounts": [{"name": "config", "mountPath": "/etc/litellm"}],
                            "lifecycle": {"preStop": {"sleep": {"seconds": 5}}},
                        }
                    ],
                    "volumes": [{"name": "config", "configMap": {"name": "c"}}],
                },
            },
        },
    },
    {
        "kind": "ServiceAccount",
        "metadata": {
            "name": "llm",
            "annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/llm"},
        },
    },
    {"kind": "Service", "metadata": {"name": "llm"}, "spec": {"type": "LoadBalancer", "selector": {"app": "llm"}}},
    {"kind": "Certificate", "metadata": {"name": "llm"}},
]


@pytest.mark.parametrize("as_list", [False, True], ids=["documents", "a list"])
def test_manifests_are_read_like_a_cluster(tmp_path: Path, as_list: bool, monkeypatch: pytest.MonkeyPatch):
    documents = [{"kind": "List", "items": MANIFESTS}] if as_list else MANIFESTS
    stack, said = from_text(tmp_path, *documents)
    gateway = stack["gateway"]
    assert (gateway["replicas"], gateway["image"]) == (2, "ghcr.io/berriai/litellm:v1.105.0")
    assert list(gateway["serviceAccountAnnotations"]) == ["eks.amazonaws.com/role-arn"]
    assert stack["pods"]["labels"] == {"azure.workload.identity/use": "true"}
    assert gateway["files"] == {"note.txt": "litellm/mine/note.txt"}
    assert stack["database"]["credentials"]["hostProperty"] == "DATABASE_HOST"
    assert "kubectl get secret keys -n ai -o jsonpath='{.data.OPENAI_API_KEY}'" in said
    assert planned(tmp_path / "project", monkeypatch).resources
    for what in ("runtimeClassName", "lifecycle", "LoadBalancer", "not-here", "Certificate llm"):
        assert what in left(said)


def test_a_deployment_whose_models_are_in_its_database_is_adopted(tmp_path: Path):
    container = {"name": "main", "image": "ghcr.io/berriai/litellm:v1.105.0", "env": [{"name": "FOO", "value": "bar"}]}
    spec = {"template": {"spec": {"containers": [container]}}}
    stack, _ = from_text(tmp_path, {"kind": "Deployment", "metadata": {"name": "llm"}, "spec": spec})
    assert "configFile" not in stack["gateway"]
    assert stack["gateway"]["environment"] == {"FOO": "bar"}


SCALING = {
    "enabled": True,
    "minReplicas": 3,
    "maxReplicas": 9,
    "targetCPUUtilizationPercentage": 60,
    "targetMemoryUtilizationPercentage": 80,
}
COMPONENTS: dict[str, Any] = {
    "masterKey": {"secretName": "mk"},
    "serviceAccounts": {
        "gateway": {"create": True, "annotations": {"iam.gke.io/gcp-service-account": "gw@p.example.com"}}
    },
    "gateway": {"config": {"proxy_config": {"model_list": [MODEL]}}, "hpa": SCALING},
    "backend": {
        "extraEnv": [{"name": "GENERIC_CLIENT_SECRET", "valueFrom": {"secretKeyRef": {"name": "sso", "key": "s"}}}],
        "replicaCount": 2,
    },
    "database": {"writer": {"host": "pg.example.com"}, "reader": {"host": "ro.example.com"}},
}


def test_what_only_the_backend_has_is_not_lost(tmp_path: Path):
    stack, said = from_text(tmp_path, COMPONENTS)
    assert "GENERIC_CLIENT_SECRET" in stack["secretEnvironment"]
    assert stack["gateway"]["autoscaling"] == {"min": 3, "max": 9, "cpu": 60}
    assert stack["gateway"]["serviceAccountAnnotations"] == {"iam.gke.io/gcp-service-account": "gw@p.example.com"}
    assert stack["database"]["readReplica"]["host"] == "ro.example.com"
    for what in ("gateway.hpa: targetMemoryUtilizationPercentage", "backend: replicaCount"):
        assert what in left(said)


def test_what_scales_goes_on_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    stack, _ = from_text(tmp_path, CHART | {"replicaCount": 4, "autoscaling": SCALING})
    assert stack["gateway"]["autoscaling"] == {"min": 3, "max": 9, "cpu": 60}
    assert "replicas" not in stack["gateway"]
    assert stack["redis"] == {"kind": "in-cluster"}
    assert planned(tmp_path / "project", monkeypatch).resources


def test_a_pooler_in_the_pods_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    pool = {"enabled": True, "maxDbConnections": 15}
    stack, _ = from_text(
        tmp_path, COMPONENTS | {"database": {"writer": {"host": "pg.example.com"}, "connectionPool": pool}}
    )
    assert stack["database"]["podPooler"] == {"maxConnections": 15}
    assert planned(tmp_path / "project", monkeypatch).resources


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"service": {"type": "LoadBalancer"}}, "service.type: LoadBalancer there"),
        ({"service": {"annotations": {"a": "b"}}}, "service.annotations"),
        ({"deploymentAnnotations": {"reloader.stakater.com/auto": "true"}}, "deploymentAnnotations"),
        ({"migrationJob": {"extraContainers": [{}]}}, "migrationJob.extraContainers"),
        ({"serviceAccount": {"name": "mine"}}, "serviceAccount.name"),
        ({"args": ["--max_requests_before_restart=10"]}, "args: --max_requests_before_restart"),
        ({"volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "d"}}]}, "volumes d: persistentVolumeClaim"),
        ({"redis": {"enabled": True, "sentinel": {"enabled": True}}}, "redis: sentinels or replicas"),
        (
            {"ingress": HOST | {"hosts": [{"host": "a.example.com", "paths": [{"path": "/a(.*)"}]}]}},
            "ingress.paths: /a(.*)",
        ),
        ({"ingress": HOST | {"hosts": [{"host": "*.example.com"}]}}, "ingress.host: is a pattern"),
        ({"replicaCount": 0}, "replicas: 0 there"),
        ({"logLevel": "chatty"}, "LITELLM_LOG: is no level"),
        ({"envVars": {"DIRECT_URL": "postgresql://pg.example.com/x"}}, "DIRECT_URL: the program sets it"),
    ],
)
def test_what_has_no_key_is_named_and_the_rest_plans(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, values: dict[str, Any], what: str
):
    _, said = from_text(tmp_path, CHART | values)
    assert what in left(said)
    assert planned(tmp_path / "project", monkeypatch).resources


def test_what_is_switched_off_is_not_named(tmp_path: Path):
    _, said = from_text(
        tmp_path, CHART | {"keda": {"enabled": False, "maxReplicas": 9}, "k8s-aibom": {"enabled": False}}
    )
    assert "keda" not in said
    assert "aibom" not in said


def test_a_load_balancer_without_certificate_does_not_open_to_everybody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    annotations = {"alb.ingress.kubernetes.io/scheme": "internet-facing"}
    ingress = {"enabled": True, "className": "", "annotations": annotations | {"kubernetes.io/ingress.class": "alb"}}
    stack, said = from_text(tmp_path, CHART | {"ingress": {**ingress, "hosts": HOST["hosts"]}})
    assert stack["ingress"] == {"host": "llm.example.com", "className": "alb"}
    assert "ingress.alb.scheme: needs a certificate" in left(said)
    assert planned(tmp_path / "project", monkeypatch).resources


def test_hosts_classes_and_paths_are_as_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    rules = [
        {"host": "a.example.com", "paths": [{"path": "/v1"}]},
        {"host": "b.example.com", "paths": [{"path": "/v1"}]},
    ]
    stack, _ = from_text(tmp_path, CHART | {"ingress": {"enabled": True, "className": "inner", "hosts": rules}})
    assert stack["ingress"] == {
        "host": "a.example.com",
        "className": "inner",
        "controller": "other",
        "additionalHosts": ["b.example.com"],
        "paths": ["/v1"],
    }
    assert planned(tmp_path / "project", monkeypatch).resources


def test_a_path_that_litellm_knows_of_is_where_it_is_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    ingress = HOST | {"hosts": [{"host": "a.example.com", "paths": [{"path": "/llm"}]}]}
    stack, _ = from_text(tmp_path, CHART | {"ingress": ingress, "envVars": {"SERVER_ROOT_PATH": "/llm"}})
    assert stack["ingress"]["path"] == "/llm"
    assert planned(tmp_path / "project", monkeypatch).resources


def test_what_all_pods_may_have_they_get(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    values = {
        "imagePullSecrets": [{"name": "registry"}],
        "podLabels": {"team": "ml", "sidecar.istio.io/inject": "true"},
        "podAnnotations": {"owner": "ml", "prometheus.io/scrape": "true"},
        "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["models.example.com"]}],
    }
    stack, said = from_text(tmp_path, CHART | values)
    assert stack["pods"] == {
        "hostAliases": values["hostAliases"],
        "imagePullSecrets": ["registry"],
        "labels": {"team": "ml"},
        "annotations": {"owner": "ml"},
    }
    for what in (
        "imagePullSecrets: registry",
        "podLabels: sidecar.istio.io/inject",
        "podAnnotations: prometheus.io/scrape",
    ):
        assert what in left(said)
    assert planned(tmp_path / "project", monkeypatch).resources


def test_a_cluster_of_redis_stays_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    stack, _ = from_text(tmp_path, COMPONENTS | {"redis": {"cluster": True, "host": "redis.example.com"}})
    assert stack["redis"] == {"kind": "existing", "cluster": [{"host": "redis.example.com", "port": 6379}]}
    assert planned(tmp_path / "project", monkeypatch).resources


def test_placement_is_that_of_the_gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    taint = {"key": "gpu", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 60}
    spread = {
        "topologyKey": "zone",
        "maxSkew": 1,
        "labelSelector": {"matchLabels": {"app": "x"}},
        "matchLabelKeys": ["a"],
    }
    stack, said = from_text(
        tmp_path,
        CHART
        | {
            "nodeSelector": {"pool": "a"},
            "tolerations": [taint],
            "affinity": {"podAntiAffinity": {}},
            "priorityClassName": "high",
            "topologySpreadConstraints": [spread],
        },
    )
    assert stack["placement"] == {"tolerations": [taint]}
    assert stack["gateway"]["placement"] == {
        "nodeSelector": {"pool": "a"},
        "affinity": {"podAntiAffinity": {}},
        "priorityClassName": "high",
        "topologySpread": [{"topologyKey": "zone", "maxSkew": 1}],
    }
    assert "matchLabelKeys" in left(said)
    assert planned(tmp_path / "project", monkeypatch).resources


def test_what_the_program_refuses_is_said_and_counts_as_left(tmp_path: Path):
    said: list[str] = []
    source = tmp_path / "values.yaml"
    ingress = {"enabled": True, "className": "traefik", "hosts": [{"host": "a.example.com"}]}
    source.write_text(yaml.safe_dump(CHART | {"ingress": ingress, "db": {"deployStandalone": False}}))
    code = command.main(tmp_path, str(source), "mine", VAULT, no_cluster, lambda: ["litellm:x: is wrong"], said.append)
    assert code == command.LEFT
    assert "  - litellm:x: is wrong" in said
