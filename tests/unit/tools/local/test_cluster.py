"""The kind cluster that `up` makes where no other is named."""

import stat
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from components.gateway.pod import PORT
from infra import workloads
from infra.config.versions import PINS
from tests.unit.tools.engine.fakes import Call, Machine
from tools.engine import operations
from tools.engine.stack_file import Stack, read
from tools.local import cluster
from tools.problem import Problem, Unavailable
from tools.process import Finished

LOCAL = Path(".state", "local")


@pytest.fixture
def docker(machine: Machine) -> Machine:
    machine.install("docker", "kind")
    return machine


def up(machine: Machine, **variables: str) -> int:
    return operations.up(machine.place(**variables), "dev", [], [])


def made(machine: Machine) -> None:
    """Leave what an earlier `up` leaves; kind itself would have written the kubeconfig."""
    up(machine)
    (machine.project / LOCAL / "kubeconfig").touch()
    machine.runner.calls.clear()


def manifests(name: str) -> list[dict[str, Any]]:
    return [cast("dict[str, Any]", part) for part in yaml.safe_load_all(cluster.manifest(name))]


def test_up_creates_a_cluster_and_deploys_to_it(docker: Machine) -> None:
    assert up(docker) == 0
    environment = docker.runner.only("pulumi up").environment
    assert environment["KUBECONFIG"] == str(docker.project / LOCAL / "kubeconfig")
    assert environment["VAULT_ADDR"] == "http://127.0.0.1:18200"
    assert environment["VAULT_TOKEN"] == (docker.project / LOCAL / "vault-token").read_text()


def test_kind_writes_to_a_kubeconfig_of_its_own_only(docker: Machine) -> None:
    up(docker)
    own = f"--kubeconfig {docker.project / LOCAL / 'kubeconfig'}"
    changing = [line for line in docker.runner.lines if line.startswith(("kind create", "kind export"))]
    assert len(changing) == 2
    assert all(own in line for line in changing)


def test_a_cluster_that_is_there_is_started_not_created(docker: Machine) -> None:
    docker.runner.answers["kind get clusters"] = Finished(0, "other\nlitellm-dev\n")
    up(docker)
    assert docker.runner.starting("docker start litellm-dev-control-plane")
    assert not docker.runner.starting("kind create")


def test_the_root_token_is_generated_once_and_only_its_owner_reads_it(docker: Machine) -> None:
    up(docker)
    token = docker.project / LOCAL / "vault-token"
    first = token.read_text()
    up(docker)
    assert token.read_text() == first
    assert stat.S_IMODE(token.stat().st_mode) == 0o600


def test_the_root_token_travels_by_standard_input(docker: Machine) -> None:
    up(docker)
    token = (docker.project / LOCAL / "vault-token").read_text()
    assert not [line for line in [*docker.runner.lines, *docker.said] if token in line]
    assert [call.line.split()[-3:] for call in docker.runner.calls if token in call.stdin] == [["apply", "-f", "-"]]


def test_the_stack_gets_the_addresses_that_pods_use(docker: Machine) -> None:
    up(docker)
    config = read(docker.project / LOCAL / "Pulumi.dev.yaml")["config"]
    assert config["litellm:secrets"]["vault"]["clusterAddress"] == "http://vault.vault.svc:8200"
    assert config["litellm:gateway"] == {"replicas": 1}


def test_what_the_user_lays_over_the_stack_wins(docker: Machine) -> None:
    overlay = docker.write("mine.yaml", "config:\n  litellm:ingress: {host: mine.localhost}\n")
    operations.up(docker.place(), "dev", [overlay], [])
    ingress = read(docker.project / LOCAL / "Pulumi.dev.yaml")["config"]["litellm:ingress"]
    assert ingress == {"className": "traefik", "host": "mine.localhost", "publicPort": 8080}


def test_state_of_the_local_cluster_is_kept_with_it(docker: Machine) -> None:
    """State that outlives its cluster would make the next `up` look for objects that are gone."""
    up(docker, PULUMI_ACCESS_TOKEN="pul-token")
    backend = docker.runner.only("pulumi up").environment["PULUMI_BACKEND_URL"]
    assert backend == f"file://{docker.project / LOCAL}/backend"


def test_vault_gets_what_environments_share(docker: Machine) -> None:
    up(docker)
    assert docker.shared == [("http://127.0.0.1:18200", (docker.project / LOCAL / "vault-token").read_text())]


def test_up_says_where_programs_find_it_that_do_not_know_its_name(docker: Machine) -> None:
    docker.runner.answers["pulumi stack output"] = Finished(0, '{"url": "http://litellm.localhost:8080", "curl": "c"}')
    up(docker)
    assert "for programs that do not know this name: http://localhost:8080" in docker.said


def test_localhost_is_a_route_to_the_gateway_of_stack_dev() -> None:
    [routes] = [part for part in manifests("traefik.yaml") if part["kind"] == "ConfigMap"]
    http = yaml.safe_load(routes["data"]["localhost.yaml"])["http"]
    assert "Host(`localhost`)" in http["routers"]["localhost"]["rule"]
    [server] = http["services"][http["routers"]["localhost"]["service"]]["loadBalancer"]["servers"]
    assert server == {"url": f"http://{workloads.GATEWAY}.litellm-dev.svc:{PORT}"}


def test_environments_find_the_same_vault_and_ingress_as_the_stack() -> None:
    stack, environments = (read(path)["config"] for path in (cluster.OVERLAY, cluster.ENVIRONMENTS_OVERLAY))
    vaults = [overlay["litellm:secrets"]["vault"]["clusterAddress"] for overlay in (stack, environments)]
    ports = [overlay["litellm:ingress"]["publicPort"] for overlay in (stack, environments)]
    assert len({*vaults}) == len({*ports}) == 1


def test_local_down_deletes_the_cluster_and_its_state(docker: Machine) -> None:
    made(docker)
    operations.local_down(docker.place())
    assert docker.runner.only("kind delete cluster --name litellm-dev")
    assert not (docker.project / LOCAL).exists()


def test_preview_creates_no_cluster(docker: Machine) -> None:
    with pytest.raises(Unavailable, match="`make up` creates it"):
        operations.preview(docker.place(), "dev", [], [])
    assert not docker.runner.starting("kind")


def test_preview_uses_a_cluster_that_is_there(docker: Machine) -> None:
    made(docker)
    assert operations.preview(docker.place(), "dev", [], []) == 0
    assert docker.runner.only("pulumi preview").environment["VAULT_ADDR"] == "http://127.0.0.1:18200"
    assert not docker.runner.starting("kind")


def test_without_docker_the_message_says_what_to_set(machine: Machine) -> None:
    with pytest.raises(Unavailable, match="set KUBECONFIG, VAULT_ADDR and VAULT_TOKEN"):
        up(machine)


def test_a_docker_that_does_not_answer_is_no_docker(docker: Machine) -> None:
    docker.runner.answers["docker info"] = Finished(1)
    with pytest.raises(Unavailable, match="or start Docker"):
        up(docker)


def test_without_kind_the_pinned_one_is_installed_for_this_project(machine: Machine) -> None:
    machine.install("docker")
    assert up(machine) == 0
    own = machine.project / ".cache" / "kind" / PINS["kind"].version
    [download] = [call for call in machine.runner.calls if "tools.download" in call.command]
    assert download.command[-2:] == ("kind", str(own))
    assert machine.runner.only("kind create").command[0] == str(own / "kind")


def test_the_one_that_was_installed_is_used(machine: Machine) -> None:
    machine.install("docker")
    own = machine.project / ".cache" / "kind" / PINS["kind"].version
    own.mkdir(parents=True)
    (own / "kind").touch(0o755)
    assert up(machine) == 0
    assert not [call for call in machine.runner.calls if "tools.download" in call.command]


def test_a_kind_that_cannot_be_had_says_why_and_where_it_is(machine: Machine) -> None:
    machine.install("docker")
    refuse = machine.runner.record

    def record(call: Call) -> Finished:
        answer = refuse(call)
        return Finished(1, errors="error: no route to host") if "tools.download" in call.command else answer

    machine.runner.record = record
    with pytest.raises(Unavailable, match=r"no route to host.*https://kind\.sigs\.k8s\.io"):
        up(machine)
    assert not machine.runner.starting("kind")


def test_only_stack_dev_makes_a_cluster(docker: Machine) -> None:
    docker.write("Pulumi.test.yaml", "config:\n  litellm:protect: false\n")
    with pytest.raises(Unavailable, match="no cluster is named"):
        operations.up(docker.place(), "test", [], [])
    assert not docker.runner.starting("kind")


def test_a_failing_step_is_named_with_its_reason(docker: Machine) -> None:
    docker.runner.answers["kind create"] = Finished(1, errors="ERROR: failed to create cluster: port 8080 is taken\nx")
    with pytest.raises(Problem, match=r"`kind create cluster.*port 8080 is taken"):
        up(docker)
    assert not docker.runner.starting("pulumi up")


def test_the_ports_of_kind_are_those_of_the_services_and_of_the_stack() -> None:
    nodes = manifests("kind.yaml")[0]["nodes"]
    mapped = {port["containerPort"]: port["hostPort"] for port in nodes[0]["extraPortMappings"]}
    services = [
        part for name in ("traefik.yaml", "vault.yaml") for part in manifests(name) if part["kind"] == "Service"
    ]
    assert [mapped[service["spec"]["ports"][0]["nodePort"]] for service in services] == [8080, 18200]
    assert read(cluster.OVERLAY)["config"]["litellm:ingress"]["publicPort"] == 8080
    assert cluster.VAULT_ADDRESS.endswith(":18200")


def test_only_this_machine_reaches_the_ports() -> None:
    nodes = manifests("kind.yaml")[0]["nodes"]
    assert {port["listenAddress"] for port in nodes[0]["extraPortMappings"]} == {"127.0.0.1"}


def test_the_overlay_fits_the_committed_stack() -> None:
    project = Path(__file__).parents[4]
    assert Stack.read(project, "dev", [cluster.OVERLAY]).vault_address is None


def test_images_have_the_versions_of_the_one_file(docker: Machine) -> None:
    up(docker)
    nodes = yaml.safe_load((docker.project / LOCAL / "kind.yaml").read_text())["nodes"]
    assert [node["image"] for node in nodes] == [PINS["kind-node"].image]
    for name in ("vault", "traefik"):
        [deployment] = [part for part in manifests(f"{name}.yaml") if part["kind"] == "Deployment"]
        assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == PINS[name].image
