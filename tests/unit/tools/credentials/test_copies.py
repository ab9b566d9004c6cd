"""What a cluster has of a stack's credentials."""

import pytest

from infra.kubernetes_api import RefusedError
from tests.unit.tools.credentials.cluster import (
    EARLY,
    LATE,
    NAMESPACE,
    URL,
    entry,
    external,
    namespace,
    pod,
    secret,
)
from tests.unit.tools.engine.fakes import FakeCluster
from tools.credentials.copies import Copy, look, moment, secret_reader, values_in
from tools.problem import Problem

KEY, PASSWORD = "sk-" + "k" * 8, "p+/ @:%ä"
VALUES = {
    "LITELLM_MASTER_KEY": KEY,
    "DATABASE_URL": "postgresql://lite%20llm:p%2B%2F%20%40%3A%25%C3%A4@postgres:5432/litellm?sslmode=disable",
}


def found(cluster: FakeCluster) -> dict[tuple[str, str | None], Copy]:
    return {(copy.secret, copy.source.property): copy for copy in look(cluster, NAMESPACE)}


def test_a_value_is_found_as_it_is_and_out_of_a_url():
    copies = found(namespace([external()], [secret(VALUES)]))
    assert {name: copy.value for (_, name), copy in copies.items()} == {
        "master-key": KEY,
        "username": "lite llm",
        "password": PASSWORD,
    }
    master = copies["litellm-env-1", "master-key"]
    assert (master.source.document, master.source.mount, master.key) == (
        "dev/api-keys",
        "litellm",
        "LITELLM_MASTER_KEY",
    )


def test_a_value_that_became_something_else_is_not_told():
    assert dict(values_in("user default #{{ .password | sha256sum }}\n", "user default #abc\n")) == {}


def test_parts_that_depend_on_a_condition_are_passed_over():
    template = 'x://{{ if contains ":" .HOST }}[{{ .HOST }}]{{ else }}{{ .HOST }}{{ end }}:{{ .PORT | urlquery }}/'
    assert dict(values_in(template, "x://[::1]:54/")) == {"PORT": "54"}


def test_a_secret_that_does_not_look_like_its_template_has_no_values():
    assert dict(values_in(URL, "mysql://elsewhere")) == {"DATABASE_USERNAME": None, "DATABASE_PASSWORD": None}


def test_values_of_a_document_that_is_taken_as_a_whole_are_named_like_the_variables():
    given = external(
        data=[entry("OTHER", "mine", "other")],
        dataFrom=[{"extract": {"key": "litellm/dev"}}],
        target={"template": {"data": {"LITELLM_MASTER_KEY": "{{ .LITELLM_MASTER_KEY }}", "OTHER": "{{ .OTHER }}"}}},
    )
    copies = found(namespace([given], [secret(VALUES)], provider={"aws": {"service": "SecretsManager"}}))
    sources = {name: (copy.source.document, copy.source.mount) for (_, name), copy in copies.items()}
    assert sources == {"LITELLM_MASTER_KEY": ("litellm/dev", None), "other": ("mine", None)}


def test_a_secret_that_is_gone_has_no_value():
    (master, *_) = [copy for copy in look(namespace([external()], []), NAMESPACE) if copy.key == "LITELLM_MASTER_KEY"]
    assert (master.value, master.written) == (None, None)


def test_pods_that_run_and_read_the_secret_are_its_readers():
    pods = [pod("a", "litellm-env-1"), pod("b", "another"), pod("done", "litellm-env-1", phase="Succeeded")]
    copies = found(namespace([external()], [secret(VALUES)], pods))
    (reader,) = copies["litellm-env-1", "master-key"].pods
    assert (reader.name, reader.workload, reader.started) == ("a", "litellm", moment(LATE))


def test_a_mounted_secret_is_read_by_the_pod():
    mounting = pod("a")
    mounting["spec"]["volumes"] = [{"name": "files", "secret": {"secretName": "litellm-env-1"}}]
    copies = found(namespace([external()], [secret(VALUES)], [mounting]))
    assert [each.started for each in copies["litellm-env-1", "master-key"].pods] == [moment(EARLY)]


def test_the_secret_of_before_is_seen_as_long_as_a_pod_reads_it():
    secrets = [secret(VALUES), secret(VALUES, "litellm-env-0")]
    assert ("litellm-env-0", "master-key") not in found(namespace([external()], secrets))
    copies = found(namespace([external()], secrets, [pod("a", "litellm-env-0")]))
    assert not copies["litellm-env-0", "master-key"].current


def test_the_time_of_a_secret_is_that_of_its_values():
    copies = found(namespace([external()], [secret(VALUES, written=LATE)]))
    assert copies["litellm-env-1", "master-key"].written == moment(LATE)


def test_a_value_does_not_show_in_what_python_prints():
    copy = found(namespace([external()], [secret(VALUES)]))["litellm-env-1", "master-key"]
    assert KEY not in repr(copy)


def test_only_secrets_that_the_operator_made_for_the_stack_are_asked_for():
    cluster = namespace([external()], [secret(VALUES)])
    look(cluster, NAMESPACE)
    (path,) = [path for path in cluster.paths if "/secrets?" in path]
    assert "part-of%3Dlitellm,reconcile.external-secrets.io" in path


def test_who_may_not_look_is_told():
    cluster = namespace([external()], [])
    cluster.objects[f"/api/v1/namespaces/{NAMESPACE}/secrets"] = 403
    with pytest.raises(RefusedError):
        look(cluster, NAMESPACE)


def test_a_secret_of_somebody_else_is_a_document():
    path = f"/api/v1/namespaces/{NAMESPACE}/secrets"
    read = secret_reader(
        FakeCluster(objects={f"{path}/app": secret({"password": PASSWORD}), f"{path}/no": 403}), NAMESPACE
    )
    stored = read("app", None)
    assert stored is not None
    assert stored.values == {"password": PASSWORD}
    assert read("gone", None) is None
    with pytest.raises(Problem, match=r"Secret no of namespace litellm-dev may not be read: 403"):
        read("no", None)
