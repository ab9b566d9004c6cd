"""Who uses what a stack has, and the Secrets that nobody uses any more."""

from typing import Any
from urllib.parse import unquote

import pytest

from infra.kubernetes_api import RefusedError
from tests.unit.tools.engine.fakes import FakeCluster
from tools.engine.sharing import drop_unused_secrets, take_over, users

API = "/apis/external-secrets.io/v1"
SECRETS = "/api/v1/namespaces/litellm-dev/secrets"
HELM = "/api/v1/namespaces/external-secrets/secrets"
OURS = {"labels": {"app.kubernetes.io/part-of": "litellm"}}
KEPT = {"metadata": {"annotations": {"helm.sh/resource-policy": "keep"}}}
CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/externalsecrets.external-secrets.io"


def named(name: str, namespace: str = "", **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": name} | ({"namespace": namespace} if namespace else {}) | more}


def cluster(**objects: Any) -> FakeCluster:
    return FakeCluster(objects=objects)


def test_users_are_named_with_their_stack_and_what_they_have():
    found = users(
        cluster(
            **{
                f"{API}/externalsecrets": [
                    named("own", "litellm-dev"),
                    named("a", "litellm-two"),
                    named("b", "team-a"),
                ],
                f"{API}/secretstores": [named("s", "litellm-two")],
                f"{API}/clustersecretstores": [named("all")],
                "/api/v1/namespaces": [named("litellm-two", labels={"app.kubernetes.io/instance": "litellm-two"})],
            }
        ),
        "litellm-dev",
    )
    assert [str(user) for user in found] == [
        "cluster-wide: ClusterSecretStore all",
        "namespace litellm-two (litellm-two): ExternalSecret a, SecretStore s",
        "namespace team-a: ExternalSecret b",
    ]


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("ExternalSecret", "v1/externalsecrets"),
        ("SecretStore", "v1/secretstores"),
        ("PushSecret", "v1alpha1/pushsecrets"),
        ("ClusterSecretStore", "v1/clustersecretstores"),
        ("ClusterExternalSecret", "v1/clusterexternalsecrets"),
        ("ClusterPushSecret", "v1alpha1/clusterpushsecrets"),
    ],
)
def test_whoever_has_anything_that_needs_the_operator_is_a_user(kind: str, path: str):
    (user,) = users(cluster(**{f"/apis/external-secrets.io/{path}": [named("x", "team-a")]}), "litellm-dev")
    assert user.objects == {kind: ["x"]}


@pytest.mark.parametrize("status", [403, 404])
def test_users_are_named_where_the_stacks_may_not_be_known(status: int):
    found = users(cluster(**{f"{API}/externalsecrets": [named("a", "two")], "/api/v1/namespaces": status}), None)
    assert [str(user) for user in found] == ["namespace two: ExternalSecret a"]


@pytest.mark.parametrize(("count", "more"), [(5, ""), (6, " and 1 more")])
def test_as_many_as_are_shown_are_not_counted(count: int, more: str):
    (user,) = users(cluster(**{f"{API}/externalsecrets": [named(str(n), "team-a") for n in range(count)]}), None)
    assert str(user) == f"namespace team-a: ExternalSecret 0, 1, 2, 3, 4{more}"


def test_many_are_counted():
    (user,) = users(cluster(**{f"{API}/externalsecrets": [named(str(n), "team-a") for n in range(9)]}), None)
    assert str(user) == "namespace team-a: ExternalSecret 0, 1, 2, 3, 4 and 4 more"


def test_a_cluster_without_its_crds_has_no_users():
    assert users(cluster(), None) == []


def test_a_list_without_anything_has_no_list():
    """So the API answers for metadata."""
    assert users(cluster(**{f"{API}/externalsecrets": {"items": None}}), None) == []


def test_who_may_not_look_is_not_told_that_there_is_nobody():
    with pytest.raises(RefusedError):
        users(cluster(**{f"{API}/externalsecrets": 403}), None)


def left_behind(**overrides: Any) -> FakeCluster:
    """An operator that a stack has left: of this program, and without a mark."""
    objects = {
        "/api/v1/namespaces/external-secrets": {"metadata": OURS},
        CRD: KEPT,
        HELM: [named("sh.helm.release.v1.external-secrets.v1")],
    }
    return cluster(**(objects | overrides))


def test_helm_forgets_the_release_that_a_stack_has_left():
    found, said = left_behind(), list[str]()
    take_over(found, "external-secrets", said.append)
    assert found.writes == [("delete", f"{HELM}/sh.helm.release.v1.external-secrets.v1", None)]
    assert "taking over External Secrets Operator in namespace external-secrets" in said[0]


@pytest.mark.parametrize(
    "differs",
    [
        {"/api/v1/namespaces/external-secrets": {"metadata": {"labels": {}}}},
        {"/api/v1/namespaces/external-secrets/configmaps/litellm-owner": named("litellm-owner")},
        {CRD: {"metadata": {"annotations": {}}}},
        {CRD: {"metadata": {}}},
        {CRD: 404},
        {CRD: 403},
        {"/api/v1/namespaces/external-secrets": 404},
        {"/api/v1/namespaces/external-secrets": 403},
        {HELM: 403},
        {HELM: []},
    ],
    ids=[
        "of somebody else",
        "of a stack",
        "of an earlier release, perhaps of a stack",
        "of an earlier release without annotations",
        "without CRDs",
        "CRDs that may not be read",
        "not there",
        "a namespace that may not be read",
        "releases that may not be listed",
        "without a release",
    ],
)
def test_nothing_else_is_taken_over(differs: dict[str, Any]):
    found = left_behind(**differs)
    said = list[str]()
    take_over(found, "external-secrets", said.append)
    assert found.writes == []
    assert said == []


def pod(*secrets: str, **metadata: Any) -> dict[str, Any]:
    containers = [{"envFrom": [{"secretRef": {"name": name}}]} for name in secrets]
    return {"metadata": metadata, "spec": {"containers": containers, "volumes": []}}


def namespace(pods: list[Any], externals: list[Any]) -> FakeCluster:
    return cluster(
        **{
            SECRETS: [named("old"), named("new"), named("read")],
            "/api/v1/namespaces/litellm-dev/pods": pods,
            f"{API}/namespaces/litellm-dev/externalsecrets": externals,
        }
    )


def test_a_secret_goes_when_neither_external_secret_nor_pod_needs_it():
    found = namespace([pod("read")], [named("new") | {"spec": {}}])
    assert drop_unused_secrets(found, "litellm-dev") == ["old"]
    assert found.done("delete") == [f"{SECRETS}/old"]


def test_a_secret_of_another_name_than_its_external_secret_stays():
    externals = [named("x") | {"spec": {"target": {"name": name}}} for name in ("old", "new", "read")]
    assert drop_unused_secrets(namespace([], externals), "litellm-dev") == []


@pytest.mark.parametrize(
    "spec",
    [
        {"containers": [{"env": [{"valueFrom": {"secretKeyRef": {"name": "old", "key": "k"}}}]}]},
        {"volumes": [{"secret": {"secretName": "old"}}]},
        {"volumes": [{"projected": {"sources": [{"secret": {"name": "old"}}]}}]},
        {"initContainers": [{"envFrom": [{"secretRef": {"name": "old"}}]}]},
        {"imagePullSecrets": [{"name": "old"}]},
    ],
    ids=["variable", "volume", "projected", "init container", "image pull"],
)
def test_a_secret_that_a_pod_reads_in_whatever_way_stays(spec: dict[str, Any]):
    found = namespace([{"metadata": {}, "spec": spec}, pod("read", "new")], [])
    assert drop_unused_secrets(found, "litellm-dev") == []


def test_pods_on_their_way_out_keep_nothing():
    found = namespace([pod("old", deletionTimestamp="2026-01-01T00:00:00Z"), pod("read", "new")], [])
    assert drop_unused_secrets(found, "litellm-dev") == ["old"]


def test_without_crds_a_running_gateway_keeps_its_secret():
    found = namespace([pod("old", "new", "read")], [])
    found.objects[f"{API}/namespaces/litellm-dev/externalsecrets"] = 404
    assert drop_unused_secrets(found, "litellm-dev") == []


def test_only_secrets_of_the_operator_and_of_the_stack_are_asked_for():
    found = namespace([], [])
    drop_unused_secrets(found, "litellm-dev")
    asked = next(path for path in found.paths if path.startswith(SECRETS))
    assert unquote(asked.partition("?")[2]).split("=", 1) == [
        "labelSelector",
        "app.kubernetes.io/part-of=litellm,reconcile.external-secrets.io/managed=true",
    ]


def test_only_the_stacks_of_this_program_and_the_releases_of_helm_are_asked_for():
    found = left_behind(**{f"{API}/externalsecrets": [named("a", "two")]})
    users(found, None)
    take_over(found, "external-secrets", lambda _: None)
    selectors = {unquote(path.partition("?labelSelector=")[2]) for path in found.paths if "?" in path}
    assert selectors == {"app.kubernetes.io/part-of=litellm", "owner=helm,name=external-secrets"}


def test_no_value_of_a_secret_is_asked_for():
    found = namespace([], [])
    drop_unused_secrets(found, "litellm-dev")
    stayed = left_behind()
    take_over(stayed, "external-secrets", lambda _: None)
    asked = {SECRETS: found.accepted[SECRETS], HELM: stayed.accepted[HELM]}
    assert all("as=PartialObjectMetadataList" in accept for accept in asked.values())


def test_a_namespace_whose_secrets_may_not_be_listed_keeps_them():
    assert drop_unused_secrets(cluster(**{SECRETS: 403}), "litellm-dev") == []


@pytest.mark.parametrize(
    "spec",
    [
        {"containers": [{"envFrom": [{"configMapRef": {"name": "old"}}]}]},
        {"volumes": [{"csi": {"volumeAttributes": {"secret": "old"}}}]},
    ],
    ids=["ConfigMap", "text"],
)
def test_another_object_of_the_name_keeps_no_secret(spec: dict[str, Any]):
    found = namespace([{"metadata": {}, "spec": spec}, pod("read", "new")], [])
    assert drop_unused_secrets(found, "litellm-dev") == ["old"]


class Refusing(FakeCluster):
    """Lets nothing be deleted."""

    status = 404

    def delete(self, path: str) -> None:
        raise RefusedError(self.status, "")


def refusing(status: int) -> Refusing:
    found = Refusing(objects=namespace([pod("read", "new")], []).objects)
    found.status = status
    return found


def test_a_secret_that_somebody_else_has_deleted_meanwhile_is_gone():
    assert drop_unused_secrets(refusing(404), "litellm-dev") == ["old"]


def test_a_secret_that_may_not_be_deleted_is_an_error():
    with pytest.raises(RefusedError):
        drop_unused_secrets(refusing(403), "litellm-dev")


def test_a_namespace_that_is_gone_has_no_secrets():
    assert drop_unused_secrets(cluster(), "litellm-dev") == []
