from typing import Any

import pytest

from components.sync.operator import ExternalSecretsOperator
from components.sync.secret import SyncedSecret, SyncedSecretArgs
from components.sync.store import SecretStore
from tests.recording import Recording, Registered, run

RELEASE = "kubernetes:helm.sh/v3:Release"
STORE = "kubernetes:external-secrets.io/v1:SecretStore"
EXTERNAL_SECRET = "kubernetes:external-secrets.io/v1:ExternalSecret"
ROLE = "kubernetes:rbac.authorization.k8s.io/v1:Role"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
CLUSTER_BINDING = "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding"


def operator(**overrides: Any) -> Recording:
    args: Any = {"namespace": "external-secrets", "service_account": "external-secrets", "chart": "external-secrets"}
    return run(lambda: ExternalSecretsOperator("external-secrets", args | overrides))


def store(**reader: Any) -> Recording:
    identity: Any = {
        "name": "secret-reader",
        "operator_namespace": "external-secrets",
        "operator_service_account": "external-secrets",
    }
    return run(
        lambda: SecretStore("secret-store", {"namespace": "gw", "provider": {"vault": {}}, "reader": identity | reader})
    )


def synced(**overrides: Any) -> Recording:
    args: Any = {
        "namespace": "gw",
        "store": "secret-store",
        "values": {"password": {"key": "dev/database", "property": "password"}},
        "template": {"PASSWORD": "{{ .password }}"},
        "revision": "1",
    }
    merged: SyncedSecretArgs = args | overrides
    return run(lambda: {"secret": SyncedSecret("env", merged).secret})


def test_the_controller_may_not_ask_for_tokens_of_every_service_account():
    assert operator().inputs(RELEASE)["values"]["rbac"] == {"serviceAccountTokenCreate": False}


def test_the_crds_come_with_the_chart_and_the_webhook_is_awaited():
    release = operator().inputs(RELEASE)
    assert release["values"]["installCRDs"] is True
    assert release["skipAwait"] is False
    assert release["atomic"] is True


def test_what_others_use_stays_when_the_stack_that_installed_it_goes():
    """Also under a plain `pulumi destroy`, which knows nothing of other stacks."""
    recorded = operator(owner="litellm-dev")
    kept = {resource.type for resource in recorded.resources if resource.retain_on_delete}
    assert kept == {RELEASE, "kubernetes:core/v1:Namespace"}


def test_helm_keeps_the_crds_whoever_uninstalls_the_release():
    assert operator().inputs(RELEASE)["values"]["crds"] == {"annotations": {"helm.sh/resource-policy": "keep"}}


def test_the_mark_of_the_owner_goes_with_the_stack_and_before_the_release():
    """So it says by its absence that the operator is nobody's, also after an `up` or a `destroy` that was killed."""
    recorded = operator(owner="litellm-dev")
    mark = recorded.one(CONFIG_MAP)
    assert mark.inputs["data"] == {"stack": "litellm-dev"}
    assert not mark.retain_on_delete
    assert recorded.one(RELEASE).urn in mark.dependencies


def test_an_operator_of_nobody_has_no_mark():
    assert not operator().of(CONFIG_MAP)


def test_a_private_image_is_used_by_all_three_deployments():
    values = operator(image="registry.example/eso", image_tag="v1").inputs(RELEASE)["values"]
    image = {"repository": "registry.example/eso", "tag": "v1"}
    assert values["image"] == values["webhook"]["image"] == values["certController"]["image"] == image


def test_the_namespace_of_the_operator_is_restricted():
    labels = operator().inputs("kubernetes:core/v1:Namespace")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_another_identity_restarts_the_controller():
    """It gets one at its start only; where it has none of its own, nothing is said."""
    assert operator(identity="arn").inputs(RELEASE)["values"]["podAnnotations"] == {"litellm/identity": "arn"}
    assert "podAnnotations" not in operator().inputs(RELEASE)["values"]


def test_the_controller_may_ask_for_tokens_of_the_reader_only():
    assert store().inputs(ROLE)["rules"] == [
        {
            "apiGroups": [""],
            "resources": ["serviceaccounts/token"],
            "resourceNames": ["secret-reader"],
            "verbs": ["create"],
        }
    ]


def test_the_store_is_awaited_until_it_is_ready():
    """Pulumi counts a custom resource as created at once, unless it is told what ready means."""
    assert store().inputs(STORE)["metadata"]["annotations"] == {"pulumi.com/waitFor": "condition=Ready"}


def test_the_store_waits_for_the_identity_it_reads_with():
    recorded = store()
    depended_on = {urn.rpartition("::")[2] for urn in recorded.one(STORE).dependencies}
    assert {"secret-store-reader", "secret-store-token-requests-binding"} <= depended_on


@pytest.mark.parametrize(("reviews", "bindings"), [(True, 1), (False, 0)])
def test_only_a_reader_whose_own_token_is_reviewed_may_review(reviews: bool, bindings: int):
    assert len(store(token_review=reviews).of(CLUSTER_BINDING)) == bindings


def test_a_store_without_reader_has_no_identity():
    recorded = run(lambda: SecretStore("secret-store", {"namespace": "gw", "provider": {"vault": {}}}))
    assert [resource.type for resource in recorded.resources if resource.custom] == [STORE]


def test_the_secret_stays_when_the_store_loses_the_document():
    """A credential that vanishes takes the gateway down; an old one is at worst refused."""
    target = synced().inputs(EXTERNAL_SECRET)["spec"]["target"]
    assert target["deletionPolicy"] == "Retain"


def test_the_secret_outlives_its_external_secret():
    """With an owner, Kubernetes collects it: an operator that somebody uninstalled would take the gateway down."""
    assert synced().inputs(EXTERNAL_SECRET)["spec"]["target"]["creationPolicy"] == "Orphan"


def test_another_policy_is_no_other_secret():
    """A stack of an earlier release gets it in place, and no pod of it restarts."""
    replaced = synced().one(EXTERNAL_SECRET).replace_on_changes
    spec = synced(extract=["a"]).inputs(EXTERNAL_SECRET)["spec"]
    policies = {"spec.target.creationPolicy", "spec.target.deletionPolicy"}
    assert not [path for path in replaced for policy in policies if policy.startswith(path)]
    assert set(replaced) == {f"spec.{key}" for key in spec if key != "target"} | {"spec.target.template"}


def test_the_template_makes_the_keys():
    spec = synced().inputs(EXTERNAL_SECRET)["spec"]
    assert spec["target"]["template"]["data"] == {"PASSWORD": "{{ .password }}"}
    assert spec["data"] == [{"secretKey": "password", "remoteRef": {"key": "dev/database", "property": "password"}}]


def test_the_secret_is_awaited_until_it_is_ready():
    assert synced().inputs(EXTERNAL_SECRET)["metadata"]["annotations"] == {"pulumi.com/waitFor": "condition=Ready"}


@pytest.mark.parametrize("change", [{"revision": "2"}, {"template": {"OTHER": "{{ .password }}"}}])
def test_another_content_is_another_secret(change: dict[str, Any]):
    """So that pods roll over to it, and the old one stays until they have."""
    changed = synced(**change).one(EXTERNAL_SECRET)
    assert changed.inputs["spec"] != synced().inputs(EXTERNAL_SECRET)["spec"]
    assert {"spec.target.template", "spec.data"} <= set(changed.replace_on_changes)


def test_the_same_content_is_the_same_secret():
    assert synced().inputs(EXTERNAL_SECRET) == synced().inputs(EXTERNAL_SECRET)


@pytest.mark.parametrize("resource", [synced().one(EXTERNAL_SECRET), store().one(STORE)], ids=["secret", "store"])
def test_names_are_given_by_pulumi(resource: Registered):
    """After A, a failed B, and A again, Pulumi would delete the first A under the name of the third. See ADR 0002."""
    assert "name" not in resource.inputs["metadata"]


def test_another_store_is_a_new_one():
    assert store().one(STORE).replace_on_changes == ("spec",)


@pytest.mark.parametrize(
    ("given", "written"),
    [("1h", "1h0m0s"), ("15s", "15s"), ("90s", "1m30s"), ("30m", "30m0s"), ("1h30m", "1h30m0s"), ("0s", "0s")],
)
def test_the_interval_is_written_as_the_operator_writes_it(given: str, written: str):
    """The operator rewrites the field in Go's form, and then owns it: the next `up` would be refused as a conflict."""
    assert synced(refresh_interval=given).inputs(EXTERNAL_SECRET)["spec"]["refreshInterval"] == written
