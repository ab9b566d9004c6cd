"""`Pulumi.prod.yaml` with the real engine, as far as an AWS without servers goes: what is made, and what refuses to go.

The stand-in of the tests has the API of RDS and ElastiCache and no server behind it, so nothing that connects to one is
deployed here: with `gitops` the stack leaves everything in the cluster, but its namespace, to others.
"""

import datetime
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.e2e.support import Project
from tools.engine.stack_file import merge

REGION = "eu-west-1"
STACK = "prod"
ISSUER = "https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"

pytestmark = pytest.mark.skipif(
    not os.environ.get("AWS_ENDPOINT_URL") or not shutil.which("pulumi-resource-aws"),
    reason="needs AWS_ENDPOINT_URL and a provider plugin for AWS that works with it",
)


def client(service: str) -> Any:
    return boto3.client(service, region_name=REGION)  # pyright: ignore[reportCallIssue, reportUnknownMemberType]


@pytest.fixture(scope="module")
def surroundings() -> Iterator[dict[str, Any]]:
    """What is there before the stack: a VPC, a cluster, a certificate, the provider keys."""
    ec2, acm, eks, manager = client("ec2"), client("acm"), client("eks"), client("secretsmanager")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{index}.0/24", AvailabilityZone=f"{REGION}{zone}")["Subnet"][
            "SubnetId"
        ]
        for index, zone in enumerate("ab")
    ]
    nodes = ec2.create_security_group(GroupName="nodes", Description="nodes", VpcId=vpc)["GroupId"]
    certificate = acm.import_certificate(**certificate_for("*.example.com"))["CertificateArn"]
    eks.create_cluster(name="production", roleArn="arn:aws:iam::123456789012:role/eks", resourcesVpcConfig={})
    manager.create_secret(Name="litellm/shared/providers", SecretString="{}")
    yield {"vpcId": vpc, "subnetIds": subnets, "clientSecurityGroupIds": [nodes]}
    manager.delete_secret(SecretId="litellm/shared/providers", ForceDeleteWithoutRecovery=True)
    eks.delete_cluster(name="production")
    acm.delete_certificate(CertificateArn=certificate)
    ec2.delete_security_group(GroupId=nodes)
    for subnet in subnets:
        ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_vpc(VpcId=vpc)


def certificate_for(domain: str) -> dict[str, bytes]:
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, domain)]),
    )
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(
            name, name, key.public_key(), x509.random_serial_number(), now, now + datetime.timedelta(1)
        )
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(domain)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return {"Certificate": made.public_bytes(pem), "PrivateKey": private}


def cluster_of(project: Project) -> dict[str, Any]:
    """What the cluster asks of every stack."""
    overlay = project.environment["OVERLAY"]
    config = yaml.safe_load(Path(overlay).read_text())["config"] if overlay else {}
    return {name.removeprefix("litellm:"): value for name, value in config.items()}


def production(project: Project, surroundings: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The committed file, with the network of this AWS."""
    committed = yaml.safe_load((project.folder / "Pulumi.prod.yaml.committed").read_text())["config"]
    config = {name.removeprefix("litellm:"): value for name, value in committed.items()}
    ours = {
        # The authorities of Amazon RDS come from a host of AWS.
        "database": surroundings | {"sslmode": "require"},
        "redis": surroundings | {"parameterGroup": "default.valkey8"},
        "gitops": True,
        "externalSecrets": cluster_of(project).get("externalSecrets", {}) | {"install": True},
    }
    return merge(merge(config, ours), more)


@pytest.fixture(scope="module")
def prod(project: Project, surroundings: dict[str, Any]) -> Iterator[dict[str, Any]]:
    shutil.copy(project.folder / "Pulumi.prod.yaml", project.folder / "Pulumi.prod.yaml.committed")
    config = production(project, surroundings)
    project.write_stack(STACK, config)
    try:
        project.make("up", STACK, OVERLAY="")
        yield config
    finally:
        project.write_stack(STACK, production(project, surroundings, protect=False))
        project.make("up", STACK, OVERLAY="", check=False)
        project.make("destroy", STACK, OVERLAY="", check=False)
        purge()
        shutil.copy(project.folder / "Pulumi.prod.yaml.committed", project.folder / "Pulumi.prod.yaml")


def purge() -> None:
    """What a production stack leaves on purpose: names that are taken for 30 days, the salt key, the key."""
    manager, kms = client("secretsmanager"), client("kms")
    for secret in manager.list_secrets(IncludePlannedDeletion=True)["SecretList"]:
        if secret["Name"].startswith("litellm/prod/"):
            manager.delete_secret(SecretId=secret["Name"], ForceDeleteWithoutRecovery=True)
    for alias in kms.list_aliases()["Aliases"]:
        if alias["AliasName"] == "alias/litellm/prod":
            kms.delete_alias(AliasName=alias["AliasName"])


def server() -> dict[str, Any]:
    (found,) = client("rds").describe_db_instances()["DBInstances"]
    return found


def cache() -> dict[str, Any]:
    (found,) = client("elasticache").describe_replication_groups()["ReplicationGroups"]
    return found


def resources(exported: str) -> list[dict[str, Any]]:
    """The state, but for the notes that a failed run leaves about itself."""
    ignored = ("modified", "created", "sequenceNumber")
    found = json.loads(exported)["deployment"]["resources"]
    return [{key: value for key, value in resource.items() if key not in ignored} for resource in found]


def test_the_whole_stack_can_be_previewed(project: Project, surroundings: dict[str, Any], prod: dict[str, Any]):
    project.write_stack(STACK, prod | {"gitops": False})
    done = project.make("preview", STACK, OVERLAY="")
    project.write_stack(STACK, prod)
    assert "litellm-deployment" in done.stdout


def test_the_server_is_encrypted_private_and_in_two_zones(prod: dict[str, Any]):
    found = server()
    assert found["StorageEncrypted"]
    assert found["MultiAZ"]
    assert not found["PubliclyAccessible"]
    assert found["BackupRetentionPeriod"] >= 7


def test_the_password_of_its_admin_is_kept_by_rds(project: Project, prod: dict[str, Any]):
    assert server()["MasterUserSecret"]["SecretArn"]
    assert "masterUserPassword" not in project.pulumi("stack", "export", "--stack", STACK)


def test_the_server_refuses_connections_without_tls(prod: dict[str, Any]):
    group = server()["DBParameterGroups"][0]["DBParameterGroupName"]
    parameters = client("rds").describe_db_parameters(DBParameterGroupName=group)["Parameters"]
    assert {"rds.force_ssl": "1"}.items() <= {
        each["ParameterName"]: each.get("ParameterValue") for each in parameters
    }.items()


def test_only_the_nodes_reach_the_servers(surroundings: dict[str, Any], prod: dict[str, Any]):
    groups = client("ec2").describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [surroundings["vpcId"]]}])[
        "SecurityGroups"
    ]
    admitted = {
        (rule["FromPort"], pair["GroupId"])
        for group in groups
        for rule in group["IpPermissions"]
        for pair in rule["UserIdGroupPairs"]
        if group["GroupName"] != "default"
    }
    nodes = surroundings["clientSecurityGroupIds"][0]
    assert admitted == {(5432, nodes), (6379, nodes)}
    assert not [range_ for group in groups for rule in group["IpPermissions"] for range_ in rule["IpRanges"]]


def test_the_cache_wants_tls_and_a_token(prod: dict[str, Any]):
    found = cache()
    assert found["TransitEncryptionEnabled"]
    assert found["AtRestEncryptionEnabled"]
    assert found["AuthTokenEnabled"]


def test_the_key_of_the_secrets_has_a_name_and_an_owner(prod: dict[str, Any]):
    key = client("kms").describe_key(KeyId="alias/litellm/prod")["KeyMetadata"]
    tags = client("kms").list_resource_tags(KeyId=key["KeyId"])["Tags"]
    assert {"TagKey": "managed-by", "TagValue": "litellm/prod"} in tags


def values_of_secrets() -> dict[str, dict[str, str]]:
    manager = client("secretsmanager")
    names = [secret["Name"] for secret in manager.list_secrets()["SecretList"]]
    ours = [name for name in names if name.startswith("litellm/prod/")]
    return {name: json.loads(manager.get_secret_value(SecretId=name)["SecretString"]) for name in ours}


def test_every_credential_rotates_under_protection(
    project: Project, surroundings: dict[str, Any], prod: dict[str, Any]
):
    """A key that leaked must not cost the protection of the database."""
    before, protected = values_of_secrets(), protected_in(project)
    once_more = {"database": {"rotation": 1}, "redis": {"rotation": 1}, "keys": {"master": {"rotation": 1}}}
    project.write_stack(STACK, production(project, surroundings, **once_more))
    project.make("up", STACK, OVERLAY="")
    after = values_of_secrets()
    rotated = {("api-keys", "master-key"), ("database", "password"), ("redis", "password")}
    same = {
        (name, key) for name, values in before.items() for key, value in values.items() if after[name][key] == value
    }
    assert not {(f"litellm/prod/{document}", key) for document, key in rotated} & same
    assert ("litellm/prod/salt", "salt-key") in same
    assert protected_in(project) == protected
    assert server()["DeletionProtection"]


def protected_in(project: Project) -> set[str]:
    """What the state protects, with the identity of each: nothing was replaced."""
    exported = json.loads(project.pulumi("stack", "export", "--stack", STACK))["deployment"]["resources"]
    return {f"{resource['urn']} {resource.get('id')}" for resource in exported if resource.get("protect")}


def test_a_protected_stack_refuses_to_be_destroyed(project: Project, prod: dict[str, Any]):
    done = project.make("destroy", STACK, OVERLAY="", check=False)
    assert done.returncode != 0
    assert "stack prod is protected" in done.stdout + done.stderr
    assert server()["DeletionProtection"]


def test_an_edit_of_the_file_alone_does_not_lift_the_protection(
    project: Project, surroundings: dict[str, Any], prod: dict[str, Any]
):
    project.write_stack(STACK, production(project, surroundings, protect=False))
    done = project.make("destroy", STACK, OVERLAY="", check=False)
    project.write_stack(STACK, prod)
    assert done.returncode != 0
    assert "was deployed with protection of" in done.stdout + done.stderr
    assert "postgres-instance" in done.stdout + done.stderr
    assert server()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"secrets": {"aws": {"accountId": "999999999999"}}}, "the AWS credentials are of account 123456789012"),
        ({"ingress": {"host": "litellm.example.org"}}, "is a domain whose certificate is not for ingress.host"),
        ({"secrets": {"aws": {"region": "eu-central-1"}}}, "there is no secret litellm/shared/providers"),
    ],
    ids=["another account", "a certificate of another host", "another region"],
)
def test_what_is_elsewhere_is_named_before_anything_changes(
    project: Project, surroundings: dict[str, Any], prod: dict[str, Any], change: dict[str, Any], message: str
):
    before = project.pulumi("stack", "export", "--stack", STACK)
    project.write_stack(STACK, production(project, surroundings, **change))
    done = project.make("up", STACK, OVERLAY="", check=False)
    project.write_stack(STACK, prod)
    assert done.returncode != 0
    assert message in done.stdout + done.stderr
    assert resources(project.pulumi("stack", "export", "--stack", STACK)) == resources(before)


def test_a_certificate_that_is_not_there_is_named(project: Project, surroundings: dict[str, Any], prod: dict[str, Any]):
    ingress = {"alb": {"certificateDomain": "litellm.example.com"}}
    project.write_stack(STACK, production(project, surroundings, gitops=False, ingress=ingress))
    done = project.make("preview", STACK, OVERLAY="", check=False)
    project.write_stack(STACK, prod)
    assert done.returncode != 0
    assert "litellm.example.com" in done.stdout + done.stderr


def test_when_the_protection_is_lifted_it_goes_but_for_its_key(
    project: Project, surroundings: dict[str, Any], prod: dict[str, Any]
):
    key = client("kms").describe_key(KeyId="alias/litellm/prod")["KeyMetadata"]["KeyId"]
    # The names of its secrets would be taken for 30 days.
    at_once = {"aws": {"recoveryWindowDays": 0}}
    project.write_stack(STACK, production(project, surroundings, protect=False, secrets=at_once))
    project.make("up", STACK, OVERLAY="")
    project.make("destroy", STACK, OVERLAY="")
    assert not client("rds").describe_db_instances()["DBInstances"]
    assert not client("elasticache").describe_replication_groups()["ReplicationGroups"]
    assert client("kms").describe_key(KeyId="alias/litellm/prod")["KeyMetadata"]["KeyState"] == "Enabled"
    project.make("up", STACK, OVERLAY="")
    assert client("kms").describe_key(KeyId="alias/litellm/prod")["KeyMetadata"]["KeyId"] == key
