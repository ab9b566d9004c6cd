"""What a stack makes of `access`: documents, policies of their readers, and the Job after the gateway."""

import json
from typing import Any

import pytest

from infra.access import ACCESS
from infra.egress import exits
from infra.environment import deploy
from infra.network import openings
from infra.servers import Servers
from infra.target import resolve_offline
from infra.workloads import SMOKE
from tests.unit.infra.stacks import config, target
from tools.offline.mock_engine import Recording, run

PROVIDER = "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"
AWS = {"kind": "aws", "aws": {"region": "eu-west-1", "identity": {"kind": "irsa", "oidcProviderArn": PROVIDER}}}
KEY_NAME = {"ci": {}}
JOB, SECRET = "kubernetes:batch/v1:Job", "aws:secretsmanager/secret:Secret"
POLICY, ROLE = "vault:index/policy:Policy", "vault:kubernetes/authBackendRole:AuthBackendRole"


def of_vault(**access: Any) -> Recording:
    return run(lambda: deploy(resolve_offline(config(access=access), "dev")), stack="dev")


def of_aws(access: dict[str, Any], **more: Any) -> Recording:
    secrets = {"kind": "aws", "aws": {**AWS["aws"], **more}}
    return run(lambda: deploy(target(secrets=secrets, access=access)), preview=False, stack="dev")


def names(recording: Recording, kind: str) -> set[str]:
    return {str(each.inputs["name"]) for each in recording.resources if each.type == kind}


def test_without_the_section_there_is_no_job_and_no_secret_of_it():
    recording = run(lambda: deploy(resolve_offline(config(), "dev")), stack="dev")
    assert not [each.name for each in recording.resources if each.name.startswith(ACCESS)]


def test_the_value_of_a_key_is_in_its_document_and_in_no_object_of_the_cluster():
    recording = run(
        lambda: deploy(resolve_offline(config(access={"keys": KEY_NAME}), "dev")), preview=False, stack="dev"
    )
    document = recording.one("vault:kv/secretV2:SecretV2", "documents-keys-ci").inputs
    assert document["name"] == "dev/keys/ci"
    value = json.loads(document["dataJson"])["key"]
    assert value.startswith("sk-")
    cluster = [each for each in recording.resources if each.type.startswith("kubernetes:")]
    assert not [each.name for each in cluster if value in json.dumps(each.inputs, default=str)]


def test_outputs_say_where_a_key_is():
    assert of_vault(keys=KEY_NAME).outputs["keyPlaces"] == {"ci": "litellm/dev/keys/ci#key"}


def test_a_policy_in_vault_reads_the_document_of_one_key_alone():
    recording = of_vault(keys={"ci": {"readers": {}}, "web": {}})
    policy = recording.one(POLICY, "key-ci-reader-policy").inputs["policy"]
    assert policy.count("path ") == 1
    assert 'path "litellm/data/dev/keys/ci" {' in policy
    assert recording.outputs["keyReaders"] == {"ci": "litellm-dev-key-ci"}


def test_a_service_account_logs_in_to_vault_with_that_policy_alone():
    readers = {"serviceAccounts": [{"namespace": "ci", "name": "runner"}, {"namespace": "web"}]}
    recording = of_vault(keys={"ci": {"readers": readers}})
    role = recording.one(ROLE, "key-ci-reader-role-ci-runner").inputs
    assert (role["boundServiceAccountNames"], role["boundServiceAccountNamespaces"]) == (["runner"], ["ci"])
    assert (role["tokenPolicies"], role["audience"]) == (["litellm-dev-key-ci"], "vault")
    assert recording.one(ROLE, "key-ci-reader-role-web-default").inputs["boundServiceAccountNames"] == ["default"]


def test_keys_are_secrets_of_their_own_beside_a_bundle():
    recording = of_aws({"keys": KEY_NAME}, layout="bundle")
    assert names(recording, SECRET) == {"litellm/dev/secrets", "litellm/dev/keys/ci"}
    bundle = recording.one("aws:secretsmanager/secretVersion:SecretVersion", "documents-bundle-version").inputs
    assert "LITELLM_MASTER_KEY" in json.loads(bundle["secretString"])
    assert not [name for name in json.loads(bundle["secretString"]) if "CI" in name]


@pytest.mark.parametrize("layout", ["bundle", "documents"])
def test_an_iam_policy_reads_the_secret_of_one_key_alone(layout: str):
    recording = of_aws({"keys": {"ci": {"readers": {"roles": ["runner"]}}}}, layout=layout)
    policy = json.loads(recording.one("aws:iam/policy:Policy", "key-ci-reader-policy").inputs["policy"])
    (statement,) = policy["Statement"]
    (arn,) = statement["Resource"]
    assert "litellm/dev/keys/ci" in arn
    attached = recording.one("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "key-ci-reader-runner").inputs
    assert attached["role"] == "runner"


def test_the_job_goes_to_the_service_of_the_gateway():
    (main,) = of_vault(keys=KEY_NAME).one(JOB, f"{ACCESS}-job").inputs["spec"]["template"]["spec"]["containers"]
    assert main["command"][3] == "http://litellm.litellm-dev.svc:4000"


def test_a_closed_gateway_is_open_to_the_job():
    given = config(access={"keys": KEY_NAME}, networkPolicy={"gateway": [{"namespace": "ingress"}]})
    assert {"workloads": [ACCESS, SMOKE]} in openings(given)["litellm"]["clients"]


def test_the_job_reaches_the_gateway_and_nothing_else():
    found = exits(config(access={"keys": KEY_NAME}), Servers(("postgres", 5432), None), "litellm-dev")[ACCESS]
    assert [each["to"] for each in found] == [[], [{"workload": "litellm"}]]


def test_a_rotation_makes_another_value_and_another_job():
    def value(rotation: int) -> Any:
        return of_vault(keys={"ci": {"rotation": rotation}}).named("keys-ci-key-generator").inputs["keepers"]

    assert value(0) != value(1)


def test_argo_cd_runs_the_job_as_a_hook_after_the_gateway():
    from tools.gitops.manifests import JOB_HOOK, SYNC_WAVE, WAVE_OF, WAVES, rendered

    job = of_vault(keys=KEY_NAME).one(JOB, f"{ACCESS}-job")
    annotations = rendered(job, WAVE_OF["Access"], "litellm-access-job-1")["metadata"]["annotations"]
    assert JOB_HOOK.items() <= annotations.items()
    assert int(annotations[SYNC_WAVE]) > WAVES.index("gateway")
