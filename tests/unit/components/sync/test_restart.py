"""The program that lets a Deployment roll over to changed values: when it does, and when not."""

import json
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from components.sync import restart
from components.sync.restart import (
    MANAGER,
    SEEN,
    VALUES,
    Announcement,
    Cluster,
    HeldError,
    RefusedError,
    bring,
    hash_of,
    values_in,
    watch,
)

DEPLOYMENT = "/apis/apps/v1/namespaces/gw/deployments/litellm"
ANNOUNCEMENT = Announcement("/api/v1/namespaces/gw/configmaps/rotations", "1")


class Fake:
    """A Deployment, what was asked of it, and what an `up` announced."""

    def __init__(
        self,
        annotations: Mapping[str, str] | None,
        *,
        exists: bool = True,
        reads: str = "env-1",
        announced: str | None = "1",
    ) -> None:
        self.annotations, self.exists = dict(annotations or {}), exists
        self.reads, self.announced = reads, announced
        self.of_pods: dict[str, str] = {}
        self.changes: list[str] = []

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        if path == ANNOUNCEMENT.path:
            return self.announced and {"data": {"rotations": self.announced}}
        if not self.exists:
            return None
        if method == "PATCH":
            self.changes.append(path)
            self.annotations |= body["metadata"]["annotations"]
            self.of_pods |= body.get("spec", {}).get("template", {}).get("metadata", {}).get("annotations", {})
        container = {"envFrom": [{"secretRef": {"name": self.reads}}]}
        template = {"metadata": {"annotations": self.of_pods}, "spec": {"containers": [container]}}
        metadata = {"annotations": self.annotations} if self.annotations else {}
        return {"metadata": metadata, "spec": {"template": template}}


def seen(secrets: str, value: str) -> str:
    return f"{hash_of(secrets)}.{value}"


def brought(fake: Fake, first: str, now: str, secrets: str = "env-1", announcement: Announcement | None = None) -> bool:
    return bring(fake, DEPLOYMENT, [secrets], first, now, announcement)  # pyright: ignore[reportArgumentType]


def test_what_is_seen_for_the_first_time_replaces_no_pod():
    fake = Fake(None)
    assert brought(fake, "a", "a")
    assert (fake.annotations[SEEN], fake.of_pods) == (seen("env-1", "a"), {})


def test_another_value_replaces_the_pods():
    fake = Fake({SEEN: seen("env-1", "a")})
    brought(fake, "b", "b")
    assert (fake.annotations[SEEN], fake.of_pods) == (seen("env-1", "b"), {VALUES: "b"})


def test_a_change_while_its_own_pod_was_away_is_not_missed():
    """It begins with the new value, and only the annotation tells that pods have another one."""
    fake = Fake({SEEN: seen("env-1", "a")})
    brought(fake, first="b", now="b")
    assert fake.of_pods == {VALUES: "b"}


def test_other_secrets_make_other_pods_by_themselves():
    fake = Fake({SEEN: seen("env-1", "a")}, reads="env-2")
    brought(fake, "b", "b", secrets="env-2")
    assert (fake.annotations[SEEN], fake.of_pods) == (seen("env-2", "b"), {})


def test_a_change_before_the_deployment_could_be_told_is_not_missed():
    fake = Fake({SEEN: seen("env-1", "a")}, reads="env-2")
    brought(fake, first="b", now="c", secrets="env-2")
    assert (fake.annotations[SEEN], fake.of_pods) == (seen("env-2", "c"), {VALUES: "c"})


def test_secrets_that_the_pods_do_not_read_yet_or_any_more_replace_none():
    """Those of a rotation are there before the Deployment has them, and those of before are synced until they go."""
    fake = Fake({SEEN: seen("env-1", "a")}, reads="env-2")
    assert not brought(fake, "a", "b")
    assert fake.changes == []


def test_a_name_that_begins_like_another_is_another():
    fake = Fake({SEEN: seen("env-1", "a")}, reads="env-12")
    assert not brought(fake, "a", "b")


@pytest.mark.parametrize("announced", ["2", None], ids=["another rotation", "none any more"])
def test_values_that_an_up_changes_replace_no_pod_as_that_makes_others(announced: str | None):
    fake = Fake({SEEN: seen("env-1", "a")}, announced=announced)
    with pytest.raises(HeldError, match="`make up`"):
        brought(fake, "a", "b", announcement=ANNOUNCEMENT)
    assert fake.changes == []


def test_values_that_others_change_replace_them_when_no_up_is_under_way():
    fake = Fake({SEEN: seen("env-1", "a")})
    assert brought(fake, "a", "b", announcement=ANNOUNCEMENT)
    assert fake.of_pods == {VALUES: "b"}


def test_values_that_are_known_change_nothing():
    fake = Fake({SEEN: seen("env-1", "a")})
    brought(fake, "a", "a")
    assert fake.changes == []


def test_a_deployment_that_is_not_there_yet_is_no_error():
    assert not brought(Fake(None, exists=False), "a", "a")


def test_what_it_changes_is_its_own():
    fake = Fake({SEEN: seen("env-1", "a")})
    brought(fake, "b", "b")
    assert fake.changes == [f"{DEPLOYMENT}?fieldManager={MANAGER}"]


def test_the_hash_is_another_one_when_any_secret_has_another_value(tmp_path: Path):
    found = set[str]()
    for environment, files in (("1", "1"), ("2", "1"), ("1", "2")):
        (tmp_path / "environment").write_text(environment)
        (tmp_path / "files").write_text(files)
        found.add(values_in(tmp_path))
    assert len(found) == 3


class EndedError(Exception):
    """The test has seen enough."""


def test_it_goes_on_when_the_api_server_is_away_and_says_so_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    values, ready, asked = tmp_path / "values", tmp_path / "ready", list[str]()
    values.mkdir()
    (values / "environment").write_text("1")

    def told(first: str, now: str) -> bool:
        asked.append(now)
        if len(asked) < 4:
            assert not ready.exists()
            raise RefusedError("503: away")
        if len(asked) == 5:
            raise EndedError
        (values / "environment").write_text("2")
        return True

    with pytest.raises(EndedError):
        watch(values, told, ready, pause=0)
    assert ready.exists()
    assert asked[0] == asked[3] != asked[4]
    assert capsys.readouterr().out.count("503: away") == 1


def test_it_is_ready_while_it_waits_for_an_up_and_says_why_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    values, ready, asked = tmp_path / "values", tmp_path / "ready", list[str]()
    values.mkdir()

    def told(first: str, now: str) -> bool:
        asked.append(now)
        if len(asked) == 3:
            assert ready.exists()
            raise EndedError
        raise HeldError("an `up` is under way")

    with pytest.raises(EndedError):
        watch(values, told, ready, pause=0)
    assert capsys.readouterr().out.count("an `up` is under way") == 1


@pytest.fixture
def api(tmp_path: Path) -> Iterator[tuple[Cluster, list[Any]]]:
    """An API server that takes what it is asked for, over plain HTTP."""
    asked = list[Any]()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked.append((self.command, self.path, self.headers["Authorization"], self.headers["Content-Type"], body))
            status = 403 if "denied" in self.path else 404 if "gone" in self.path else 200
            text = json.dumps({"message": "no right", "metadata": {}}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_PATCH = answer  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    (tmp_path / "token").write_text("one\n")

    class Plain(Cluster):
        def connection(self) -> Any:
            return restart.http.client.HTTPConnection(self.host, self.port)

    yield Plain(tmp_path, "127.0.0.1", server.server_address[1]), asked
    server.shutdown()


def test_it_shows_the_token_that_kubernetes_gave_it_last(api: tuple[Cluster, list[Any]], tmp_path: Path):
    cluster, asked = api
    cluster.ask("GET", DEPLOYMENT)
    (tmp_path / "token").write_text("two")
    cluster.ask("PATCH", DEPLOYMENT, {"metadata": {}})
    assert [each[2] for each in asked] == ["Bearer one", "Bearer two"]
    assert asked[1][3:] == ("application/merge-patch+json", b'{"metadata": {}}')


def test_a_refusal_says_the_reason_of_the_api_server(api: tuple[Cluster, list[Any]]):
    with pytest.raises(RefusedError, match="403: no right"):
        api[0].ask("GET", "/denied")


def test_what_is_not_there_is_nothing(api: tuple[Cluster, list[Any]]):
    assert api[0].ask("GET", "/gone") is None
