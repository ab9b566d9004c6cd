from typing import Any

import pytest

from components.secrets.references import unspelled
from components.sync.operator import ExternalSecretsOperator
from components.sync.secret import SyncedSecret, SyncedSecretArgs
from components.sync.store import SecretStore
from tests.recording import Recording, Registered, run

RELEASE = "kubernetes:helm.sh/v3:Release"
STORE = "kubernetes:external-secrets.io/v1:SecretStore"
EXTERNAL_SECRET = "kubernetes:external-secrets.io/v1:ExternalSecret"
ROLE = "kubernetes:rbac.authorization.k8s.io/v1:Role"
ROLE_BINDING = "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding"
SERVICE_ACCOUNT = "kubernetes:core/v1:ServiceAccount"
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


def test_an_installation_that_fails_ends_and_leaves_nothing():
    release = operator().inputs(RELEASE)
    assert release["cleanupOnFail"] is True
    assert release["timeout"] == 300


def test_the_release_is_the_chart_that_was_given():
    release = operator(version="1.2.3", repository="https://charts.example").inputs(RELEASE)
    assert release["chart"] == "external-secrets"
    assert release["version"] == "1.2.3"
    assert release["repositoryOpts"] == {"repo": "https://charts.example"}


def test_a_chart_of_a_registry_has_no_repository():
    release = operator(chart="oci://registry.example/external-secrets").inputs(RELEASE)
    assert not {"repositoryOpts", "version"} & set(release)


def test_release_namespace_and_account_are_called_what_the_stores_expect():
    """The stores bind the controller's ServiceAccount by name, and the next stack finds the release by its own."""
    recorded = operator(namespace="eso", service_account="eso-controller")
    release = recorded.inputs(RELEASE)
    assert recorded.inputs("kubernetes:core/v1:Namespace")["metadata"]["name"] == release["namespace"] == "eso"
    assert release["name"] == release["values"]["fullnameOverride"] == "external-secrets"
    assert release["values"]["serviceAccount"] == {"name": "eso-controller"}


def test_the_release_waits_for_its_namespace():
    recorded = operator()
    assert recorded.one("kubernetes:core/v1:Namespace").urn in recorded.one(RELEASE).dependencies


def test_the_controller_gets_the_environment_that_was_given():
    values = operator(environment={"NO_PROXY": "vault", "HTTPS_PROXY": "proxy"}).inputs(RELEASE)["values"]
    assert values["extraEnv"] == [{"name": "HTTPS_PROXY", "value": "proxy"}, {"name": "NO_PROXY", "value": "vault"}]


def test_the_images_of_the_chart_are_used_unless_others_are_given():
    assert not {"image", "webhook", "certController"} & set(operator().inputs(RELEASE)["values"])
    assert operator(image_tag="v1").inputs(RELEASE)["values"]["image"] == {"tag": "v1"}


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
    assert mark.inputs["metadata"]["name"] == "litellm-owner"
    assert mark.inputs["metadata"]["namespace"] == "external-secrets"
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


@pytest.mark.parametrize("name", ["external-secrets-namespace", "external-secrets-owner"])
def test_what_stands_beside_the_release_carries_its_labels(name: str):
    labelled = operator(owner="litellm-dev").named(name).inputs["metadata"]["labels"]
    assert labelled["app.kubernetes.io/name"] == "external-secrets"


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


def test_the_right_is_the_controllers_and_nobody_elses():
    binding = store(operator_namespace="eso", operator_service_account="eso-controller").inputs(ROLE_BINDING)
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "eso-controller", "namespace": "eso"}]
    assert binding["roleRef"] == {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": "Role",
        "name": "secret-store-token-requests",
    }


def test_role_and_binding_are_in_the_namespace_of_the_reader():
    recorded = store()
    assert recorded.inputs(ROLE)["metadata"]["namespace"] == "gw"
    assert recorded.inputs(ROLE)["metadata"]["name"] == "secret-store-token-requests"
    assert recorded.inputs(ROLE_BINDING)["metadata"]["namespace"] == "gw"
    assert recorded.inputs(ROLE_BINDING)["metadata"]["name"] == "secret-store-token-requests"
    assert recorded.one(ROLE).urn in recorded.one(ROLE_BINDING).dependencies


def test_the_reader_is_the_account_that_the_store_names_and_no_pod_gets_its_token():
    account = store(annotations={"eks.amazonaws.com/role-arn": "arn"}).inputs(SERVICE_ACCOUNT)
    assert account["metadata"]["name"] == "secret-reader"
    assert account["metadata"]["namespace"] == "gw"
    assert account["metadata"]["annotations"] == {"eks.amazonaws.com/role-arn": "arn"}
    assert account["automountServiceAccountToken"] is False


def test_the_right_to_review_tokens_is_the_readers_and_named_after_its_namespace():
    """It belongs to the cluster: two stacks of one cluster must not take it from each other."""
    binding = store(token_review=True).inputs(CLUSTER_BINDING)
    assert binding["metadata"]["name"] == "gw-secret-store-token-review"
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "secret-reader", "namespace": "gw"}]
    assert binding["roleRef"] == {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": "ClusterRole",
        "name": "system:auth-delegator",
    }


def test_a_store_waits_for_the_right_to_review_tokens():
    recorded = store(token_review=True)
    assert recorded.one(CLUSTER_BINDING).urn in recorded.one(STORE).dependencies


def test_the_store_has_the_provider_that_was_given_in_the_namespace_that_was_given():
    recorded = store()
    assert recorded.inputs(STORE)["spec"] == {"provider": {"vault": {}}}
    assert recorded.inputs(STORE)["metadata"]["namespace"] == "gw"


@pytest.mark.parametrize("type_", ["reader", "token-requests", "token-requests-binding", "token-review", "store"])
def test_the_objects_of_a_store_carry_its_labels(type_: str):
    labelled = store(token_review=True).named(f"secret-store-{type_}").inputs["metadata"]["labels"]
    assert labelled["app.kubernetes.io/name"] == "secret-store"


def test_a_store_or_a_secret_that_does_not_come_is_given_up():
    """Left to the provider it is ten minutes for each."""
    assert store().one(STORE).create_timeout == synced().one(EXTERNAL_SECRET).create_timeout == "2m"


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


def test_the_secret_says_which_versions_it_was_made_from():
    template = synced(revision="7").inputs(EXTERNAL_SECRET)["spec"]["target"]["template"]
    assert template["metadata"]["annotations"] == {"litellm/revision": "7"}
    assert template["metadata"]["labels"]["app.kubernetes.io/name"] == "env"
    assert (template["type"], template["engineVersion"]) == ("Opaque", "v2")


def test_a_steady_secret_is_synced_in_place_when_a_document_changes():
    """The operator syncs when an annotation of the ExternalSecret changes; its spec is what makes another Secret."""
    before, after = (synced(steady=True, revision=revision).inputs(EXTERNAL_SECRET) for revision in ("7", "8"))
    assert before["spec"] == after["spec"]
    assert after["metadata"]["annotations"]["litellm/revision"] == "8"
    assert "litellm/revision" not in synced(revision="8").inputs(EXTERNAL_SECRET)["metadata"]["annotations"]


def test_the_secret_is_read_from_the_store_of_its_own_namespace():
    inputs = synced().inputs(EXTERNAL_SECRET)
    assert inputs["metadata"]["namespace"] == "gw"
    assert inputs["spec"]["secretStoreRef"] == {"kind": "SecretStore", "name": "secret-store"}
    assert inputs["metadata"]["labels"]["app.kubernetes.io/name"] == "env"


def test_a_document_is_taken_as_a_whole_only_when_asked_for():
    assert synced(extract=["dev/providers"]).inputs(EXTERNAL_SECRET)["spec"]["dataFrom"] == [
        {"extract": {"key": "dev/providers"}}
    ]
    assert "dataFrom" not in synced().inputs(EXTERNAL_SECRET)["spec"]


@pytest.mark.parametrize("mount", ["secret", "team/kv", "data"])
@pytest.mark.parametrize("below", ["{mount}/database", "{mount}/data/database", "data/database", "other/database"])
def test_the_operator_reads_every_path_below_its_mount(mount: str, below: str):
    path = below.format(mount=mount)
    made = synced(values={"password": {"key": path, "property": "p"}}, extract=[path], mount=mount).inputs(
        EXTERNAL_SECRET
    )
    keys = [made["spec"]["data"][0]["remoteRef"]["key"], made["spec"]["dataFrom"][0]["extract"]["key"]]
    assert [asked_of_vault(mount, key) for key in keys] == [f"{mount}/data/{path}"] * 2
    assert [unspelled(mount, key) for key in keys] == [path] * 2


def test_the_operator_reads_every_path_below_another_mount():
    reference = {"key": "kv/database", "property": "p", "mount": "kv"}
    made = synced(values={"password": reference}, stores={"kv": "other"}, mount="secret").inputs(EXTERNAL_SECRET)
    assert asked_of_vault("kv", made["spec"]["data"][0]["remoteRef"]["key"]) == "kv/data/kv/database"


def test_a_key_is_as_a_store_without_mounts_takes_it():
    made = synced(values={"password": {"key": "/ops/litellm"}}, extract=["/ops/litellm"]).inputs(EXTERNAL_SECRET)
    assert (
        made["spec"]["data"][0]["remoteRef"]["key"] == made["spec"]["dataFrom"][0]["extract"]["key"] == "/ops/litellm"
    )


def asked_of_vault(mount: str, key: str) -> str:
    """The path that External Secrets Operator asks for: the mount is taken off the front, and then `data/`."""
    path = key
    if key.startswith(f"{mount}/"):
        path = key.partition(f"{mount}/")[2]
        if path.startswith("data/"):
            path = path.partition("data/")[2]
    return f"{mount}/data/{path}"


def test_the_store_is_read_once_an_hour_unless_said_otherwise():
    assert synced().inputs(EXTERNAL_SECRET)["spec"]["refreshInterval"] == "1h0m0s"


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


def test_a_secret_that_changes_in_place_keeps_its_name():
    """A server that has it must not restart for a user that it can be told of."""
    assert synced().one(EXTERNAL_SECRET).replace_on_changes
    assert not synced(in_place=True).one(EXTERNAL_SECRET).replace_on_changes
