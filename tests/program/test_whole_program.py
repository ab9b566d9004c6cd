"""Rules that hold for every stack file: the project's own and all examples."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.config.versions import PINS
from infra.target import resolve_offline
from tests.program.conftest import recording_of, with_objects
from tests.program.stacks import EXAMPLES, FILES, ROOT, is_template, name_of, stack_of
from tools.offline.mock_engine import Recording, run
from tools.offline.plan import configuration, record

GOLDEN = ROOT / "tests" / "program" / "golden"

SECRETS_BELONG_HERE = {
    "kubernetes:core/v1:Secret",
    "vault:kv/secretV2:SecretV2",
    "aws:secretsmanager/secretVersion:SecretVersion",
    "aws:elasticache/replicationGroup:ReplicationGroup",
}
"""The store's own documents, and the one server that takes its password from us. All are encrypted in the state."""


def test_no_secret_is_outside_a_secret(known: Recording):
    """A secret input of a ConfigMap, a pod, a Helm release or a component would be plaintext in the cluster."""
    leaks = [
        f"{resource.type}::{resource.name}: {resource.secret_paths}"
        for resource in known.resources
        if [path for path in resource.secret_paths if path != "__provider"] and resource.type not in SECRETS_BELONG_HERE
    ]
    assert not leaks


def test_the_generated_values_are_there_to_leak(known: Recording):
    """Or the test above would prove nothing."""
    if "existingStore" in known.outputs:
        pytest.skip("nothing is generated for a store to which nothing is written")
    assert any(resource.secret_paths for resource in known.resources if resource.type in SECRETS_BELONG_HERE)


def test_no_output_of_a_stack_is_a_secret(known: Recording):
    assert known.outputs
    assert not known.secret_outputs


def test_every_resource_has_a_provider_of_the_stack(recording: Recording):
    """A default provider would go to whatever cluster the kubeconfig happens to name."""
    without = [
        resource.name
        for resource in recording.resources
        if resource.custom and not resource.provider and not resource.type.startswith(("pulumi:", "pulumi-python:"))
    ]
    assert not without


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_names_of_resources_are_as_they_were(path: Path):
    """Another name, type or parent replaces the resource, and with it the data of a database.

    After a change that is meant, with an alias where data is at stake: UPDATE_GOLDEN=1 make test.
    """
    names = sorted(resource.urn.split("::", 2)[2] for resource in recording_of(path).resources)
    golden = GOLDEN / f"{name_of(path)}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text("\n".join(names) + "\n")
    assert names == golden.read_text().splitlines()


EMPTY_IS_NONE = (":StatefulSet",)
"""Kinds for which the API server takes both for the same; to leave the list out would replace those that stand."""


def test_no_object_has_an_empty_list(recording: Recording):
    """Kubernetes stores it as none at all, so that whoever applies the same file again changes the object again."""
    objects = [resource for resource in recording.resources if resource.type.startswith("kubernetes:")]
    assert not [
        f"{resource.name}: {path}"
        for resource in objects
        if not resource.type.endswith((":Release", *EMPTY_IS_NONE))
        for path in empty_lists(resource.inputs)
    ]


def empty_lists(value: Any, path: str = "") -> list[str]:
    if isinstance(value, dict):
        return [found for key, item in value.items() for found in empty_lists(item, f"{path}.{key}")]
    if isinstance(value, list):
        return [path] if not value else [found for item in value for found in empty_lists(item, f"{path}[]")]
    return []


def test_stateful_things_are_protected_in_production():
    protected = {resource.name for resource in recording_of(ROOT / "Pulumi.prod.yaml").resources if resource.protect}
    assert {"namespace", "salt-key"} <= protected


@pytest.mark.parametrize("path", [path for path in FILES if not is_template(path)], ids=name_of)
def test_the_salt_key_is_protected_and_retained_everywhere(path: Path):
    for salt in [resource for resource in recording_of(path).resources if resource.name == "salt-key"]:
        assert salt.protect
        assert salt.retain_on_delete


OTHERS_MAY_USE = re.compile(
    "helm.sh/v3:Release|:CustomResourceDefinition|:IngressClass|:StorageClass|:PriorityClass|:GatewayClass|:ClusterIssuer|"
    ":ClusterSecretStore|openIdConnectProvider|vault:index/mount:Mount"
)


def test_what_others_may_use_is_never_deleted_with_a_stack(recording: Recording):
    """Also under a plain `pulumi destroy`, which asks nobody."""
    deleted = [
        each.name for each in recording.resources if OTHERS_MAY_USE.search(each.type) and not each.retain_on_delete
    ]
    assert not deleted


@pytest.mark.parametrize("path", [path for path in FILES if is_template(path)], ids=name_of)
def test_nothing_of_an_ephemeral_environment_is_protected_or_retained(path: Path):
    assert not [resource.name for resource in recording_of(path).resources if resource.protect]
    assert not [resource.name for resource in recording_of(path).resources if resource.retain_on_delete]


def test_nothing_is_protected_in_development_but_the_salt_key():
    protected = [resource.name for resource in recording_of(ROOT / "Pulumi.dev.yaml").resources if resource.protect]
    assert protected == ["salt-key"]


def test_images_are_pinned(recording: Recording):
    for image in images(recording):
        assert re.search(r":v?\d[\w.-]*$|@sha256:", image), image


def images(recording: Recording) -> set[str]:
    found: set[str] = set()
    for resource in recording.resources:
        collect(resource.inputs, found)
    return found


def collect(value: Any, found: set[str]) -> None:
    if isinstance(value, dict):
        if isinstance(value.get("image"), str) and "containerPort" not in value:
            found.add(value["image"])
        for item in value.values():
            collect(item, found)
    elif isinstance(value, list):
        for item in value:
            collect(item, found)


def test_pods_are_restricted_and_have_no_token(recording: Recording):
    templates = [
        resource.inputs["spec"]["template"]["spec"]
        for resource in recording.resources
        if resource.type.rpartition(":")[2] in ("Deployment", "StatefulSet", "Job")
    ]
    assert templates
    for pod in templates:
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        for container in [*pod["containers"], *pod.get("initContainers", [])]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert container["resources"]["limits"]["memory"]


def documents_read(recording: Recording) -> set[str]:
    specs = [resource.inputs["spec"] for resource in recording.resources if resource.type.endswith(":ExternalSecret")]
    items = [item for spec in specs for item in spec["data"] if "kubernetes-store" not in str(item.get("sourceRef"))]
    single = {item["remoteRef"]["key"] for item in items}
    whole = {item["extract"]["key"] for spec in specs for item in spec.get("dataFrom", [])}
    return single | whole | read_by_agents(recording) | fetched(recording)


def read_by_agents(recording: Recording) -> set[str]:
    """Documents of the templates of Vault Agent."""
    maps = [each.inputs.get("data", {}) for each in recording.of("kubernetes:core/v1:ConfigMap")]
    configurations = [json.loads(data["config.hcl"]) for data in maps if "config.hcl" in data]
    texts = [template["contents"] for each in configurations for template in each["template"]]
    return {path for text in texts for path in re.findall(r'secret "[^"]+/data/([^"?]+)', text)}


def fetched(recording: Recording) -> set[str]:
    """Documents that init containers fetch with the AWS CLI."""
    maps = [each.inputs.get("data", {}) for each in recording.of("kubernetes:core/v1:ConfigMap")]
    return {document for data in maps if "plan.json" in data for document in json.loads(data["plan.json"])["documents"]}


def test_the_policy_names_every_document_that_is_read_and_no_other(known: Recording):
    read = documents_read(known)
    if "existingStore" in known.outputs:
        pytest.skip("the identity of a store that is there is its own business")
    if vault := known.of("vault:index/policy:Policy"):
        allowed = re.findall(r'path "([^"]+)"', vault[0].inputs["policy"])
        assert {path.partition("/data/")[2] for path in allowed} == read
        assert "*" not in vault[0].inputs["policy"]
        return
    if known.of("vault:kv/secretV2:SecretV2"):
        pytest.skip("the policy is an administrator's: tests/unit/infra/secrets/test_vault_rights.py")
    policy = known.named("reader-policy")
    (secrets,) = [
        statement
        for statement in json.loads(policy.inputs["policy"])["Statement"]
        if "secretsmanager:GetSecretValue" in statement["Action"]
    ]
    assert sorted(secrets["Action"]) == ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]
    # An ARN ends in six characters that only AWS knows beforehand; a name of somebody else's secret allows just those.
    allowed = {re.sub(r"-(\?{6}|AbCdEf)$", "", arn).partition(":secret:")[2] for arn in secrets["Resource"]}
    assert allowed == {re.sub(r"-AbCdEf$", "", key.partition(":secret:")[2] or key) for key in read}
    assert "*" not in "".join(secrets["Resource"])


def test_every_pod_that_logs_in_with_tokens_has_the_account_that_aws_knows(known: Recording):
    """Otherwise it has no credentials to make a token of."""
    for workload in ("litellm-migration-job", "litellm-deployment"):
        pod = known.named(workload).inputs["spec"]["template"]["spec"]
        variables = {each["name"] for container in pod["containers"] for each in container["env"]}
        if "IAM_TOKEN_DB_AUTH" in variables:
            assert pod["serviceAccountName"] == known.named("litellm-aws-account").inputs["metadata"]["name"]
            assert {"DATABASE_HOST", "DATABASE_PORT", "DATABASE_USER", "DATABASE_NAME", "AWS_REGION"} <= variables
            assert not {"DATABASE_URL", "DATABASE_PASSWORD"} & variables


def test_what_needs_the_operator_goes_before_it():
    """Or it would be refused for want of its kind."""
    recording = recording_of(EXAMPLES / "Pulumi.aws-iam.yaml")
    store = recording.named("secret-store")
    assert any(urn.endswith("::external-secrets") or "external-secrets-release" in urn for urn in store.dependencies)


@pytest.mark.parametrize("name", ["namespace", "secret-store"])
def test_the_operator_goes_after_what_it_must_let_go(name: str):
    """What it has a finalizer on would hang for ever; what a stack takes away goes before what it depends on."""
    assert goes_before(name, "external-secrets-release")


def test_secrets_go_before_the_store_that_they_are_read_from():
    """And nothing is ever pushed into a store, which would need that store to be let go (external-secrets#5426)."""
    recording = recording_of(EXAMPLES / "Pulumi.aws-iam.yaml")
    kinds = {each.type.rpartition(":")[2]: each.name for each in recording.resources if "external-secrets" in each.type}
    assert sorted(kinds) == ["ExternalSecret", "SecretStore"]
    secrets = [each.name for each in recording.resources if each.type.endswith(":ExternalSecret")]
    assert all(goes_before(secret, "secret-store-store") for secret in secrets)


def goes_before(name: str, other: str) -> bool:
    """Whether a resource, or what it is part of, depends on another one."""
    recording = recording_of(EXAMPLES / "Pulumi.aws-iam.yaml")
    resource = recording.named(name)
    above = [each for each in recording.resources if each.urn == resource.parent]
    return any(urn.endswith(f"::{other}") for each in (resource, *above) for urn in each.dependencies)


def test_the_gateway_waits_for_its_migration():
    """New pods that roll before the schema has migrated answer with errors (BerriAI/litellm#36938)."""
    gateway = recording_of(ROOT / "Pulumi.dev.yaml").named("litellm")
    assert any("litellm-migration" in urn for urn in gateway.dependencies)


@pytest.mark.parametrize(
    ("file", "first", "then"),
    [
        ("Pulumi.dev.yaml", "postgres-server", "litellm:index:DatabaseBootstrap"),
        ("Pulumi.dev.yaml", "database-bootstrap-job", "litellm:index:Migration"),
        ("Pulumi.prod.yaml", "database-bootstrap-job", "litellm:index:Migration"),
    ],
)
def test_the_migration_waits_for_what_makes_the_database(file: str, first: str, then: str):
    """On a first install there is nothing to migrate before the server answers (BerriAI/litellm#9204)."""
    waits_for = recording_of(ROOT / file).one(then).dependencies
    assert any(urn.endswith(f"::{first}") for urn in waits_for)


@pytest.mark.parametrize("file", ["Pulumi.dev.yaml", "Pulumi.prod.yaml", "Pulumi.ephemeral.yaml"])
def test_images_are_those_that_their_makers_publish(file: str):
    """Others go away, as those of Bitnami did (BerriAI/litellm#26169)."""
    sources = {PINS[name].source for name in ("litellm", "postgres", "redis")}
    assert {image.rpartition(":")[0] for image in images(recording_of(ROOT / file))} <= sources


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_known_value_gives_the_same_program(path: Path):
    """Logic that hides in `apply` runs only when values are known: as after the first `up`."""
    stack = with_objects(stack_of(path))
    config = configuration(stack)
    from infra.environment import deploy

    known = run(lambda: deploy(resolve_offline(config, stack.name)), stack=stack.name)
    assert sorted(r.urn for r in known.resources) == sorted(r.urn for r in record(stack).resources)
    assert {"url", "namespace", "curl", "saltDocument"} <= set(known.outputs)
    assert not known.secret_outputs


@pytest.mark.parametrize(
    ("file", "key"),
    [
        ("Pulumi.dev.yaml", "make -s key STACK=dev"),
        ("Pulumi.prod.yaml", "make -s key STACK=prod"),
        ("Pulumi.ephemeral.yaml", "make -s env-key NAME=pr-1"),
    ],
)
def test_the_curl_line_asks_make_for_the_key_and_has_none(file: str, key: str):
    from infra.environment import deploy

    stack = stack_of(ROOT / file)
    config = configuration(stack)
    if config.ephemeral.wanted:
        named = config.ephemeral.model_copy(update={"name": "pr-1"})
        config = config.model_copy(update={"ephemeral": named})
    curl = run(lambda: deploy(resolve_offline(config, stack.name)), stack=stack.name).outputs["curl"]
    assert f'"Authorization: Bearer $({key})"' in curl
    assert "sk-" not in curl


def test_every_example_says_what_it_is_for():
    for path in EXAMPLES.glob("Pulumi.*.yaml"):
        assert path.read_text().startswith("# "), path.name
        assert yaml.safe_load(path.read_text())["config"]


def test_the_config_file_of_the_gateway_has_no_key(recording: Recording):
    text = json.dumps([each.inputs for each in recording.of("kubernetes:core/v1:ConfigMap")])
    assert not re.search(r"sk-[A-Za-z0-9]{8}", text)
    assert "os.environ/LITELLM_MASTER_KEY" in text
