"""Config key `secrets.aws`."""

import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError

from infra.config.aws.identity import IrsaIdentity, PodIdentity, StaticKeys
from infra.config.aws.store import AwsConfig

ACCOUNT = "012345678901"
ISSUER = "oidc.eks.eu-west-1.amazonaws.com/id/0A1B2C"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}"
KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
LAMBDA = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:rotate"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/deployer"
BUNDLE = "/ops/litellm-prod-secrets"


def given(**others: Any) -> dict[str, Any]:
    return {"region": "eu-west-1", "identity": {"kind": "irsa", "clusterName": "ops"}} | others


def section(**others: Any) -> AwsConfig:
    return AwsConfig.model_validate(given(**others))


def problems(**others: Any) -> dict[str, str]:
    """Every message of a refused section, by the path it is about."""
    with pytest.raises(ValidationError) as caught:
        AwsConfig.model_validate(given(**others))
    return {".".join(str(part) for part in error["loc"]): error["msg"] for error in caught.value.errors()}


def test_a_region_and_an_identity_are_enough() -> None:
    aws = section()
    assert (aws.layout, aws.kms, aws.recovery_window_days, aws.resource_policy) == ("documents", "default", 30, True)
    assert (aws.partition, aws.kms_key_arn, aws.prefix_of("prod"), aws.bundle_of("prod")) == (
        "aws",
        None,
        "litellm/prod",
        None,
    )


def test_everything_at_once() -> None:
    aws = section(
        accountId=ACCOUNT,
        assumeRole={"roleArn": ROLE, "externalId": "gateway"},
        defaultTags={"team": "ai"},
        prefix="/ops/litellm",
        kms=KEY,
        decryptKeys=[KEY],
        recoveryWindowDays=0,
        replicaRegions={"eu-central-1": "default", "eu-west-2": KEY.replace("eu-west-1", "eu-west-2")},
        rotation={"lambdaArn": LAMBDA, "scheduleDays": 30},
    )
    assert aws.kms_key_arn == KEY
    assert aws.replica_keys == {"eu-central-1": "", "eu-west-2": KEY.replace("eu-west-1", "eu-west-2")}
    assert aws.prefix_of("prod") == "/ops/litellm"


def test_a_bundle_is_below_the_prefix_unless_it_has_a_name() -> None:
    assert section(layout="bundle").bundle_of("prod") == "litellm/prod/secrets"
    assert section(layout="bundle", bundleName=BUNDLE).bundle_of("prod") == BUNDLE


@pytest.mark.parametrize(
    ("region", "partition"), [("us-gov-west-1", "aws-us-gov"), ("cn-north-1", "aws-cn"), ("ap-southeast-2", "aws")]
)
def test_the_partition_follows_from_the_region(region: str, partition: str) -> None:
    assert section(region=region).partition == partition


def test_irsa_takes_a_provider_and_knows_its_issuer() -> None:
    identity = section(
        identity={"kind": "irsa", "oidcProviderArn": PROVIDER, "oidcIssuer": f"https://{ISSUER}"}
    ).identity
    assert isinstance(identity, IrsaIdentity)
    assert (identity.issuer, identity.audience) == (ISSUER, "sts.amazonaws.com")


def test_irsa_with_a_cluster_must_look_its_issuer_up() -> None:
    identity = section().identity
    assert isinstance(identity, IrsaIdentity)
    assert identity.issuer is None


def test_pod_identity_takes_a_cluster_or_the_role_of_the_operator() -> None:
    identity = section(identity={"kind": "pod-identity", "controllerRoleArn": ROLE}).identity
    assert isinstance(identity, PodIdentity)
    assert (identity.cluster_name, identity.controller_role_arn) == (None, ROLE)


def test_an_operator_with_a_role_may_be_in_a_cluster_whose_pods_get_one() -> None:
    identity = section(identity={"kind": "pod-identity", "controllerRoleArn": ROLE, "clusterName": "ops"}).identity
    assert isinstance(identity, PodIdentity)
    assert (identity.cluster_name, identity.controller_role_arn) == ("ops", ROLE)


def test_static_keys_are_taken_when_asked_for() -> None:
    identity = section(identity={"kind": "static-keys", "kubernetesSecret": "aws-keys"}).identity
    assert isinstance(identity, StaticKeys)
    assert (identity.access_key_id_key, identity.secret_access_key_key) == ("access-key-id", "secret-access-key")


@pytest.mark.parametrize("days", [0, 7, 30])
def test_recovery_windows_that_aws_takes(days: int) -> None:
    assert section(recoveryWindowDays=days).recovery_window_days == days


GOV_KEY = KEY.replace("arn:aws:", "arn:aws-us-gov:")


@pytest.mark.parametrize(
    ("others", "path", "message"),
    [
        ({"region": "eu-west"}, "region", "region such as eu-west-1"),
        ({"region": "eu-west-1a"}, "region", "region such as eu-west-1"),
        ({"accountId": 12345678901}, "accountId", "12 digits in quotes"),
        ({"accountId": "12345"}, "accountId", "12 digits in quotes"),
        ({"prefix": "ops/litellm/"}, "prefix", "parts joined by /"),
        ({"prefix": "ops//litellm"}, "prefix", "parts joined by /"),
        ({"prefix": "ops/*"}, "prefix", "parts joined by /"),
        ({"prefix": "p" * 500}, "prefix", "at most 497"),
        ({"kms": "alias/mine"}, "kms", "default, create, or the ARN of a key"),
        ({"kms": KEY.replace("key/1234abcd-12ab-34cd-56ef-1234567890ab", "alias/mine")}, "kms", "the ARN of a key"),
        ({"kms": f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/*"}, "kms", "the ARN of a key"),
        ({"kms": KEY.replace("eu-west-1", "eu-west-2")}, "", "kms is in another region than region says"),
        ({"kms": GOV_KEY}, "", "kms is in another partition than region, which is in aws"),
        ({"decryptKeys": ["default"]}, "decryptKeys.0", "an ARN such as arn:aws:kms"),
        ({"recoveryWindowDays": 3}, "recoveryWindowDays", "0 (gone at once), or 7 to 30"),
        ({"recoveryWindowDays": 31}, "recoveryWindowDays", "7 to 30"),
        ({"replicaRegions": {"eu-west-1": "default"}}, "", "replicaRegions has region itself"),
        ({"replicaRegions": {"cn-north-1": "default"}}, "", "has a region that is not in aws, the partition of region"),
        ({"replicaRegions": {"eu-west-2": KEY}}, "", "a copy needs a key of its own region"),
        ({"replicaRegions": {"eu-west-2": "create"}}, "replicaRegions.eu-west-2", "default, or the ARN of a key"),
        ({"tags": {"aws:x": "y"}}, "tags", "AWS keeps for itself"),
        ({"tags": {"k" * 129: "y"}}, "tags", "too long"),
        ({"layout": "single"}, "layout", "'documents' or 'bundle'"),
        ({"bundleName": BUNDLE}, "", "set layout to bundle"),
        ({"layout": "bundle", "bundleName": "rds!db-1"}, "", "of a secret that exists, and this one is written"),
        ({"layout": "bundle", "bundleName": "ops/litellm-bundle"}, "", "ends in - and six characters"),
        ({"layout": "bundle", "bundleName": "arn:aws:secretsmanager:x"}, "bundleName", "full ARN with the six random"),
        ({"rotation": {"lambdaArn": LAMBDA}}, "rotation", "exactly one of scheduleDays and scheduleExpression"),
        (
            {"rotation": {"lambdaArn": LAMBDA, "scheduleDays": 1001}},
            "rotation.scheduleDays",
            "less than or equal to 1000",
        ),
        (
            {"rotation": {"lambdaArn": LAMBDA, "scheduleExpression": "daily"}},
            "rotation.scheduleExpression",
            "rate(…) or cron",
        ),
        (
            {"rotation": {"lambdaArn": "rotate", "scheduleDays": 1}},
            "rotation.lambdaArn",
            "an ARN such as arn:aws:lambda",
        ),
        ({"layout": "bundle", "rotation": {"lambdaArn": LAMBDA, "scheduleDays": 1}}, "", "set layout to documents"),
        ({"assumeRole": {"roleArn": KEY}}, "assumeRole.roleArn", "an ARN such as arn:aws:iam"),
        (
            {"accountId": "999999999999", "assumeRole": {"roleArn": ROLE}},
            "",
            f"in account {ACCOUNT}, but accountId is 9999",
        ),
        ({"identity": {"kind": "token"}}, "identity", "irsa, pod-identity or static-keys"),
        ({"identity": {"kind": "irsa"}}, "identity.irsa", "exactly one of clusterName"),
        (
            {"identity": {"kind": "irsa", "clusterName": "a", "oidcProviderArn": PROVIDER}},
            "identity.irsa",
            "exactly one of",
        ),
        ({"identity": {"kind": "irsa", "clusterName": "a", "oidcIssuer": "https://x"}}, "identity.irsa", "give both"),
        (
            {"identity": {"kind": "irsa", "oidcProviderArn": PROVIDER, "oidcIssuer": "https://other"}},
            "identity.irsa",
            "oidcIssuer is another one",
        ),
        (
            {"accountId": "999999999999", "identity": {"kind": "irsa", "oidcProviderArn": PROVIDER}},
            "",
            "OIDC providers of its own account only",
        ),
        ({"identity": {"kind": "pod-identity"}}, "identity.pod-identity", "clusterName (this stack gives"),
        ({"identity": {"kind": "static-keys"}}, "identity.static-keys.kubernetesSecret", "required"),
        ({"identity": None}, "identity", "irsa, pod-identity or static-keys"),
    ],
)
def test_what_aws_would_refuse_is_refused_here(others: dict[str, Any], path: str, message: str) -> None:
    found = problems(**others)
    assert list(found) == [path]
    assert message in found[path]


def test_the_identity_must_be_chosen() -> None:
    with pytest.raises(ValidationError, match=r"identity\n.*Field required"):
        AwsConfig.model_validate({"region": "eu-west-1"})


def test_reading_the_configuration_takes_no_aws_module() -> None:
    """A stack that has its secrets in Vault must not need them, nor wait for them to load."""
    modules = "infra.config.aws.store, tools.offline.mock_aws, components.secrets.aws_names, components.secrets.names"
    program = f"import {modules}, sys; print({{'boto3', 'botocore', 'pulumi_aws'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
