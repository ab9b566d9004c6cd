"""What of a log may be shown."""

import base64
import json

import pytest

from tests.unit.tools.engine.broken import FAKE_VALUE, PLACE, cluster, pod
from tools.engine.last_words import WIDTH, last_words
from tools.engine.state import part

SECRET = f"{PLACE}/secrets/litellm-environment"
AWKWARD = "p@ss/w:rd?#[x]%&+ =é\"'\\`"


def shown(log: str, value: str = FAKE_VALUE) -> str:
    data = {"data": {"PASSWORD": base64.b64encode(value.encode()).decode()}}
    return "\n".join(last_words(cluster(pod("one"), log=log, **{SECRET: data}), pod("one"), "litellm", previous=True))


def test_a_value_of_a_secret_is_masked() -> None:
    assert shown(f"logged in with {FAKE_VALUE}!") == "the last lines of its log:\n  | logged in with [secret]!"


@pytest.mark.parametrize("write", [str, json.dumps, repr], ids=["plain", "json", "python"])
def test_however_it_is_written(write: object) -> None:
    assert callable(write)
    said = shown(f"with {write(AWKWARD)} in it", AWKWARD)
    assert "w:rd" not in said
    assert "[secret]" in said


def test_the_password_within_a_url_is_masked_alone_too() -> None:
    url = "postgresql://litellm:" + "some%40thing@postgres:5432/litellm"
    said = shown("password some@thing, or some%40thing", url)
    assert "thing" not in said


def test_each_line_of_a_value_is_masked() -> None:
    assert "second-line" not in shown("log begins within: second-line", "first-line\nsecond-line")


def test_texts_within_a_document_are_masked() -> None:
    assert "inner-value" not in shown("the key is inner-value", json.dumps({"keys": ["inner-value"]}))


def test_what_looks_like_a_secret_is_masked_though_nobody_knows_it() -> None:
    assert "abcd1234" not in shown("key sk-" + "abcd1234efgh5678ijkl")


def test_variables_in_the_pod_that_are_secret_by_their_name_are_masked() -> None:
    one = pod("one")
    one["spec"]["containers"][0]["env"] = [{"name": "DB_PASSWORD", "value": "plain-value"}]
    assert "plain-value" not in "\n".join(last_words(cluster(one, log="plain-value"), one, "litellm", previous=False))


@pytest.mark.parametrize(
    "spec",
    [
        {"containers": [{"name": "litellm", "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "other"}}}]}]},
        {"containers": [{"name": "litellm"}], "volumes": [{"secret": {"secretName": "other"}}]},
        {"containers": [{"name": "litellm"}], "volumes": [{"projected": {"sources": [{"secret": {"name": "other"}}]}}]},
        {
            "containers": [{"name": "litellm"}],
            "initContainers": [{"name": "a", "envFrom": [{"secretRef": {"name": "other"}}]}],
        },
    ],
    ids=["variable", "volume", "projected", "init"],
)
def test_a_secret_is_found_wherever_a_pod_reads_it(spec: object) -> None:
    one = pod("one") | {"spec": spec}
    data = {"data": {"x": base64.b64encode(FAKE_VALUE.encode()).decode()}}
    found = cluster(one, log=FAKE_VALUE, **{f"{PLACE}/secrets/other": data})
    assert FAKE_VALUE not in "\n".join(last_words(found, one, "litellm", previous=False))


def test_without_the_right_to_read_secrets_no_log_is_shown() -> None:
    (line,) = last_words(cluster(pod("one"), log=FAKE_VALUE, **{SECRET: 403}), pod("one"), "litellm", previous=True)
    assert FAKE_VALUE not in line
    assert "may not read the Secret litellm-environment" in line
    assert "`kubectl logs -n litellm-dev one -c litellm --previous`" in line


def test_secrets_that_come_on_other_ways_keep_a_log_from_being_shown() -> None:
    one = pod("one")
    part(one, "spec")["volumes"] = [{"csi": {"driver": "secrets-store.csi.k8s.io"}}]
    (line,) = last_words(cluster(one, log=FAKE_VALUE), one, "litellm", previous=False)
    assert "CSI volume" in line


def test_a_secret_that_is_not_there_has_no_values() -> None:
    found = cluster(pod("one"), log="no secret", **{SECRET: 404})
    assert last_words(found, pod("one"), "litellm", previous=False)[1] == "  | no secret"


def test_a_log_that_cannot_be_read_is_said_to_be_the_reason() -> None:
    found = cluster(pod("one"), log=400)
    (line,) = last_words(found, pod("one"), "litellm", previous=False)
    assert line.startswith("its log cannot be read")


def test_an_empty_log_is_said_to_be_empty() -> None:
    assert shown("\n") == "its log is empty"


def test_of_a_long_line_the_end_is_kept() -> None:
    """LiteLLM writes a whole traceback into one line."""
    (_, line) = shown("x " * WIDTH + "RuntimeError: at last").splitlines()
    assert line.endswith("RuntimeError: at last")
    assert len(line) < WIDTH + 20
