"""What is wrong in AWS is said before anything is made."""

import datetime
from collections.abc import Iterator
from typing import Any

import boto3
import botocore.client
import pytest
from botocore import exceptions
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from moto import mock_aws

from components.secrets.aws_client import AwsConnection
from infra.secrets.aws import AwsStore
from infra.secrets.aws_check import check, check_aws, check_certificate, check_salt
from infra.secrets.documents import documents
from tests.unit.infra.stacks import target

CONNECTION: AwsConnection = {"region": "eu-west-1"}
OWNER = "litellm/prod"
OWN = "litellm/prod/database"


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws(config={"core": {"reset_boto3_session": False}}):
        yield boto3.client("secretsmanager", region_name="eu-west-1")


def problems(*references: tuple[str, str], connection: AwsConnection = CONNECTION) -> list[str]:
    return list(check_aws(connection, OWNER, [OWN, "litellm/prod/providers"], references))


def test_free_names_are_no_problem(secrets: Any):
    assert problems() == []


def test_what_the_stack_wrote_before_is_no_problem(secrets: Any):
    secrets.create_secret(Name=OWN, SecretString="{}", Tags=[{"Key": "managed-by", "Value": OWNER}])
    assert problems() == []


def test_a_secret_of_somebody_else_is_named(secrets: Any):
    secrets.create_secret(Name=OWN, SecretString="{}", Tags=[{"Key": "managed-by", "Value": "litellm/qa"}])
    assert [problem.partition(":")[0] for problem in problems()] == [
        f"{OWN} in AWS Secrets Manager was written by litellm/qa"
    ]


def test_a_name_that_is_scheduled_for_deletion_comes_with_a_date_and_a_way_out(secrets: Any):
    secrets.create_secret(Name=OWN, SecretString="{}")
    secrets.delete_secret(SecretId=OWN, RecoveryWindowInDays=7)
    (problem,) = problems()
    assert "is scheduled for deletion at 20" in problem
    assert f"restore-secret --region eu-west-1 --secret-id {OWN}`" in problem
    assert f"--secret-id {OWN} --force-delete-without-recovery" in problem


def test_a_secret_that_somebody_deleted_for_good_is_named(secrets: Any):
    (problem,) = check_aws(CONNECTION, OWNER, [OWN], (), {OWN})
    assert f"{OWN} is not in AWS Secrets Manager any more, and this stack wrote it" in problem


def test_a_salt_key_that_is_scheduled_for_deletion_is_said_before_anything_is_made(secrets: Any):
    secrets.create_secret(Name="litellm/prod/salt", SecretString="{}")
    assert list(check_salt(CONNECTION, "litellm/prod/salt")) == []
    secrets.delete_secret(SecretId="litellm/prod/salt", RecoveryWindowInDays=7)
    (problem,) = check_salt(CONNECTION, "litellm/prod/salt")
    assert "restore-secret --region eu-west-1 --secret-id litellm/prod/salt" in problem


def test_a_replica_is_named_with_its_primary_and_how_to_promote_it(secrets: Any):
    tags = [{"Key": "managed-by", "Value": OWNER}]
    secrets.create_secret(Name=OWN, SecretString="{}", Tags=tags, AddReplicaRegions=[{"Region": "eu-central-1"}])
    assert problems() == []
    (problem,) = [each for each in problems(connection={"region": "eu-central-1"}) if "replica" in each]
    assert f"{OWN} in eu-central-1 is a replica of the secret in eu-west-1, and takes no value" in problem
    assert f"stop-replication-to-replica --region eu-central-1 --secret-id {OWN}`" in problem


def test_a_reference_to_nothing_is_named_with_its_place(secrets: Any):
    (problem,) = problems(("keys.master.existing", "/ops/nothing"))
    assert problem.startswith("litellm:keys.master.existing: there is no secret /ops/nothing")
    assert "another region or account" in problem


def test_a_reference_to_what_is_being_deleted_can_be_restored(secrets: Any):
    secrets.create_secret(Name="/ops/shared", SecretString="{}")
    secrets.delete_secret(SecretId="/ops/shared")
    assert "restore-secret --region eu-west-1 --secret-id /ops/shared" in problems(("database.admin", "/ops/shared"))[0]


@pytest.mark.parametrize("by_arn", [False, True])
def test_a_reference_to_a_secret_that_is_there_is_no_problem(secrets: Any, by_arn: bool):
    arn = secrets.create_secret(Name="/ops/shared", SecretString="{}")["ARN"]
    assert problems(("database.admin", arn if by_arn else "/ops/shared")) == []


def test_every_problem_is_reported(secrets: Any):
    secrets.create_secret(Name=OWN, SecretString="{}")
    assert len(problems(("a", "/ops/a"), ("b", "/ops/b"))) == 3


def test_the_wrong_account_is_one_problem(secrets: Any):
    (problem,) = problems(("a", "/ops/a"), connection={"region": "eu-west-1", "account": "999999999999"})
    assert "this stack is for 999999999999" in problem


def test_a_missing_permission_is_named_per_secret(secrets: Any, monkeypatch: pytest.MonkeyPatch):
    def call(client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        raise exceptions.ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no policy"}}, operation)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)
    assert problems()[0] == f"these AWS credentials may not call DescribeSecret for {OWN} in eu-west-1: no policy"
    assert len(problems()) == 2


def test_an_account_that_may_not_be_asked_for_is_a_right_that_is_missing(secrets: Any, monkeypatch: pytest.MonkeyPatch):
    def call(client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        raise exceptions.ClientError({"Error": {"Code": "AccessDenied", "Message": "no policy"}}, operation)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)
    (problem,) = problems(connection={"region": "eu-west-1", "account": "123456789012"})
    assert problem == "these AWS credentials may not call GetCallerIdentity for its secrets in eu-west-1: no policy"


def test_values_are_never_read(secrets: Any, monkeypatch: pytest.MonkeyPatch):
    secrets.create_secret(Name="/ops/shared", SecretString="{}")
    calls: set[str] = set()
    original = botocore.client.BaseClient._make_api_call

    def call(client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        calls.add(operation)
        return original(client, operation, arguments)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)
    problems(("a", "/ops/shared"))
    assert calls == {"DescribeSecret"}


IDENTITY = {"kind": "irsa", "oidcProviderArn": "arn:aws:iam::123456789012:oidc-provider/oidc.example.com"}


def looked(**sections: Any) -> list[str]:
    stack = target(secrets={"kind": "aws", "aws": {"region": "eu-west-1", "identity": IDENTITY}}, **sections)
    assert isinstance(stack.store, AwsStore)
    return [*check(stack.store, stack, documents(stack.config))]


def test_a_stack_looks_at_every_secret_that_it_writes(secrets: Any):
    for document in ("api-keys", "database"):
        secrets.create_secret(Name=f"litellm/dev/{document}", SecretString="{}")
    secrets.create_secret(Name="litellm/dev/unrelated", SecretString="{}")
    assert {problem.partition(" ")[0] for problem in looked()} == {"litellm/dev/api-keys", "litellm/dev/database"}


def test_a_stack_looks_at_every_secret_that_it_refers_to(secrets: Any):
    (problem,) = looked(providerDocuments={"OPENAI_API_KEY": {"document": "shared/openai", "property": "key"}})
    assert problem.startswith("litellm:providerDocuments.OPENAI_API_KEY: there is no secret shared/openai")


@pytest.mark.parametrize("in_front", ["alb", "nginx"])
def test_a_stack_looks_at_the_certificate_of_its_load_balancer(certificates: Any, in_front: str):
    arn = certificate(certificates, "other.example.com")
    ingress = {"className": in_front, "host": HOST}
    said = looked(ingress=ingress | ({"alb": {"certificateArn": arn}} if in_front == "alb" else {}))
    assert [HOST in problem for problem in said] == ([True] if in_front == "alb" else [])


def test_a_certificate_that_may_not_be_looked_at_is_a_right_that_is_missing(
    certificates: Any, monkeypatch: pytest.MonkeyPatch
):
    def call(client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        raise exceptions.ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no policy"}}, operation)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)
    (problem,) = check_certificate(CONNECTION, "arn:of:one", [HOST])
    assert "may not call DescribeCertificate for arn:of:one" in problem


def test_a_certificate_of_one_name_alone_is_for_that_name(monkeypatch: pytest.MonkeyPatch):
    class Acm:
        def describe_certificate(self, CertificateArn: str) -> Any:  # noqa: N803 - the API's word
            return {"Certificate": {"DomainName": HOST, "Status": "ISSUED"}}

    monkeypatch.setattr("infra.secrets.aws_check.connect", lambda *_: Acm())
    assert not list(check_certificate(CONNECTION, "arn:of:one", [HOST]))
    assert list(check_certificate(CONNECTION, "arn:of:one", ["other.example.com"]))


def test_every_host_that_a_certificate_is_not_for_is_named(certificates: Any):
    arn = certificate(certificates, HOST)
    said = list(check_certificate(CONNECTION, arn, ["a.example.com", HOST, "b.example.com"]))
    assert [name in problem for problem, name in zip(said, ("a.example.com", "b.example.com"), strict=True)] == [
        True
    ] * 2


HOST = "litellm.example.com"


@pytest.fixture
def certificates(secrets: Any) -> Any:
    return boto3.client("acm", region_name="eu-west-1")


def certificate(certificates: Any, *names: str) -> str:
    key, common = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])]),
    )
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(common, common, key.public_key(), 1, now, now + datetime.timedelta(1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificates.import_certificate(Certificate=made, PrivateKey=private)["CertificateArn"]


@pytest.mark.parametrize("names", [(HOST,), ("*.example.com",), ("example.com", HOST)])
def test_a_certificate_for_the_host_is_no_problem(certificates: Any, names: tuple[str, ...]):
    assert not list(check_certificate(CONNECTION, certificate(certificates, *names), [HOST]))


def test_a_certificate_for_another_host_is_named_with_its_names(certificates: Any):
    arn = certificate(certificates, "litellm.example.org", "*.ops.example.com")
    (problem,) = check_certificate(CONNECTION, arn, [HOST])
    assert f"{arn} is for litellm.example.org, *.ops.example.com, and not for host {HOST}" in problem


def test_a_certificate_that_is_not_there_is_named_with_where_to_look(certificates: Any):
    arn = "arn:aws:acm:eu-west-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"
    (problem,) = check_certificate(CONNECTION, arn, [HOST])
    assert f"{arn} is not in AWS Certificate Manager" in problem
    assert "aws acm list-certificates --region eu-west-1" in problem


def test_a_certificate_that_was_never_validated_is_named(certificates: Any):
    arn = certificates.request_certificate(DomainName=HOST, ValidationMethod="DNS")["CertificateArn"]
    (problem,) = check_certificate(CONNECTION, arn, [HOST])
    assert "is PENDING_VALIDATION, and a load balancer takes certificates that are ISSUED only" in problem
