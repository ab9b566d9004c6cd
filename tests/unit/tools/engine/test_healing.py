"""A cluster whose operator was taken away: nothing of it is lost, and nothing that runs is touched."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.kubernetes_api import RefusedError
from tests.unit.tools.engine.fakes import FakeCluster
from tools.engine.healing import CRDS, heal, restore
from tools.problem import Problem

NAME = "externalsecrets.external-secrets.io"
GOING = "2026-01-01T00:00:00Z"
LIST = "/apis/external-secrets.io/v1/externalsecrets"
VERSIONS = [{"name": "v1", "served": True}, {"name": "v1beta1", "served": False}]


def external(namespace: str, name: str, **metadata: Any) -> dict[str, Any]:
    made = {
        "name": name,
        "namespace": namespace,
        "uid": f"uid-{name}",
        "deletionTimestamp": GOING,
        "finalizers": ["cleanup"],
    }
    return {"metadata": made | metadata, "spec": {"refreshInterval": "1h"}, "status": {"conditions": []}}


class Broken(FakeCluster):
    """CRDs that are being deleted; they go when nothing hangs any more."""

    def __init__(self, *externals: dict[str, Any], stuck: bool = False) -> None:
        crd = {"metadata": {"name": NAME, "deletionTimestamp": GOING}}
        spec = {"names": {"kind": "ExternalSecret"}, "versions": VERSIONS}
        other = {"metadata": {"name": "routes.example.com", "deletionTimestamp": GOING}}
        super().__init__(objects={CRDS: [crd, other], f"{CRDS}/{NAME}": crd | {"spec": spec}, LIST: [*externals]})
        self.hanging, self.stuck = len(externals), stuck

    def patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        if body["metadata"].get("finalizers", "") is None:
            self.hanging -= 1
            if not self.hanging and not self.stuck:
                self.objects[CRDS] = []
        return super().patch(path, body)


def secret(path: str, *owners: str) -> dict[str, Any]:
    references = [{"uid": f"uid-{owner}", "name": owner} for owner in owners]
    return {path: {"metadata": {"resourceVersion": "7", "ownerReferences": references}}}


def healed(cluster: FakeCluster, file: Path) -> list[str]:
    said: list[str] = []
    heal(cluster, file, said.append, pause=lambda _: None)
    return said


def test_secrets_are_set_free_before_what_owns_them_is_let_go(tmp_path: Path):
    """Kubernetes collects a Secret as soon as its owner is gone."""
    cluster, path = Broken(external("litellm-two", "env")), "/api/v1/namespaces/litellm-two/secrets/env"
    cluster.objects |= secret(path, "env")
    healed(cluster, tmp_path / "repair.json")
    assert cluster.writes == [
        ("patch", path, {"metadata": {"ownerReferences": None, "resourceVersion": "7"}}),
        (
            "patch",
            "/apis/external-secrets.io/v1/namespaces/litellm-two/externalsecrets/env",
            {"metadata": {"finalizers": None}},
        ),
    ]


def test_other_owners_of_a_secret_stay(tmp_path: Path):
    cluster = Broken(external("team-a", "env"))
    cluster.objects |= secret("/api/v1/namespaces/team-a/secrets/env", "env", "other")
    healed(cluster, tmp_path / "repair.json")
    assert cluster.writes[0][2]["metadata"]["ownerReferences"] == [{"uid": "uid-other", "name": "other"}]


def test_what_is_let_go_is_written_down_before(tmp_path: Path):
    file = tmp_path / "repair.json"

    class Killed(Broken):
        def patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
            assert file.exists()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        healed(Killed(external("team-a", "env")), file)
    (written,) = json.loads(file.read_text())
    assert written == {
        "apiVersion": "external-secrets.io/v1",
        "kind": "ExternalSecret",
        "metadata": {"name": "env", "namespace": "team-a"},
        "spec": {"refreshInterval": "1h"},
    }
    assert file.stat().st_mode & 0o077 == 0


def test_a_second_run_adds_to_what_the_first_wrote_down(tmp_path: Path):
    file = tmp_path / "repair.json"
    healed(Broken(external("team-a", "one")), file)
    healed(Broken(external("team-a", "two")), file)
    assert [each["metadata"]["name"] for each in json.loads(file.read_text())] == ["one", "two"]


def test_a_cluster_in_order_is_left_alone(tmp_path: Path):
    healthy = external("team-a", "env")
    del healthy["metadata"]["deletionTimestamp"]
    crd = {"metadata": {"name": NAME}}
    cluster = FakeCluster(objects={CRDS: [crd], LIST: [healthy]})
    assert healed(cluster, tmp_path / "repair.json") == ["no CRD of External Secrets Operator is being deleted"]
    assert cluster.writes == []


def test_a_crd_that_does_not_go_is_named(tmp_path: Path):
    with pytest.raises(Problem, match=rf"these CRDs do not go: {NAME}"):
        healed(Broken(external("team-a", "env"), stuck=True), tmp_path / "repair.json")


def test_what_others_had_is_made_again_and_the_stacks_own_is_not(tmp_path: Path):
    """The stack has made its own by then, under other names."""
    file, cluster, said = tmp_path / "repair.json", FakeCluster(), list[str]()
    healed(Broken(external("team-a", "env"), external("litellm-dev", "own")), file)
    restore(cluster, file, "litellm-dev", said.append, pause=lambda _: None)
    assert cluster.done("create") == ["/apis/external-secrets.io/v1/namespaces/team-a/externalsecrets"]
    assert "ExternalSecret team-a/env" in said[0]
    assert not file.exists()


def test_nothing_written_down_is_nothing_to_do(tmp_path: Path):
    cluster = FakeCluster()
    restore(cluster, tmp_path / "repair.json", "litellm-dev", lambda _: None)
    assert cluster.writes == []


class Refusing(FakeCluster):
    """Refuses to make anything, so many times, with a status."""

    def __init__(self, status: int, times: int) -> None:
        super().__init__()
        self.status, self.times = status, times

    def create(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        if self.times:
            self.times -= 1
            raise RefusedError(self.status, "")
        return super().create(path, body)


@pytest.mark.parametrize(("status", "made"), [(500, 1), (409, 0), (404, 0)], ids=["webhook", "there", "no namespace"])
def test_what_is_there_or_cannot_be_is_left_and_a_webhook_is_waited_for(tmp_path: Path, status: int, made: int):
    file, cluster = tmp_path / "repair.json", Refusing(status, 1)
    healed(Broken(external("team-a", "env")), file)
    restore(cluster, file, "litellm-dev", lambda _: None, pause=lambda _: None)
    assert len(cluster.done("create")) == made
    assert not file.exists()


def test_what_could_not_be_made_again_stays_written_down(tmp_path: Path):
    file = tmp_path / "repair.json"
    healed(Broken(external("team-a", "env")), file)
    with pytest.raises(RefusedError):
        restore(Refusing(403, 1), file, "litellm-dev", lambda _: None, pause=lambda _: None)
    assert file.exists()
