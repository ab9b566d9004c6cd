# boto3 is untyped:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
"""Look before anything is created in AWS: do the credentials work, and are the names of the stack's secrets free?

Every problem is reported, not only the first one. Values are never read: the program asks for descriptions only.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from botocore import exceptions

from components.secrets.aws_client import (
    AwsConnection,
    AwsRefusalError,
    code_of,
    connect,
    describe,
    explained,
    tags_of,
)
from components.secrets.aws_names import OWNER, is_arn
from components.secrets.aws_once import still_scheduled
from infra.config.ingress.alb import certificate_covers
from infra.secrets.aws import AwsStore
from infra.secrets.documents import SALT
from infra.stack import NamedStack


def check(store: AwsStore, target: NamedStack, documents: Mapping[str, object]) -> Iterator[str]:
    """Look at the real AWS before `documents` are written to it; every problem is a sentence."""
    references = [(where, reference.document) for where, reference in target.config.references()]
    known = frozenset(target.written)
    yield from check_aws(store.connection, target.owner, store.secrets_of(documents), references, known)
    if store.config.adopt:
        salt = [] if target.config.keys.salt.existing else [f"{store.prefix}/{SALT}"]
        yield from check_adopted(store.connection, [*store.secrets_of(documents), *salt], known)
    if not target.config.keys.salt.existing:
        yield from check_salt(store.connection, f"{store.prefix}/{SALT}")
    ingress = target.config.ingress
    if ingress.used_controller == "alb" and (arn := ingress.load_balancer.certificate_arn):
        yield from check_certificate(store.connection, arn, ingress.all_hosts)


def check_aws(
    connection: AwsConnection,
    owner: str,
    written: Sequence[str],
    references: Iterable[tuple[str, str]] = (),
    known: Collection[str] = (),
) -> Iterator[str]:
    """Problems with AWS for a stack that is about to write the secrets `written`, and to read what `references` name.

    A reference is a place in the configuration and the secret (name or ARN) that it names; `known` are the secrets that the
    state has.
    """
    props: dict[str, Any] = {"connection": connection, "secret": "its secrets"}
    try:
        with explained(props):
            client = connect(connection)
    except AwsRefusalError as error:
        yield str(error)
        return
    asked = [(name, own_secret, owner) for name in written]
    asked += [(name, referenced_secret, where) for where, name in references]
    for name, check, context in asked:
        try:
            with explained(props | {"secret": name}):
                found = describe(client, {"secret": name})
        except AwsRefusalError as error:
            yield str(error)
            continue
        if found is None and name in known:
            yield (
                f"{name} is not in AWS Secrets Manager any more, and this stack wrote it: `make recover`, and `make up` "
                "writes it again with the same value"
            )
        yield from check(name, found, context, connection["region"])
        yield from replica(name, found, connection["region"])


def check_adopted(connection: AwsConnection, names: Iterable[str], known: Collection[str]) -> Iterator[str]:
    """What is taken over has to be there: a value that is made anew would be another one."""
    for name in names:
        try:
            with explained({"connection": connection, "secret": name}):
                found = describe(connect(connection), {"secret": name})
        except AwsRefusalError:
            continue  # said already
        if found is None and name not in known:
            yield (
                f"litellm:secrets.aws.adopt: there is no secret {name} in AWS Secrets Manager in {connection['region']}: bring "
                "it back from a backup, look at secrets.aws.prefix, or remove adopt"
            )


def check_salt(connection: AwsConnection, name: str) -> Iterator[str]:
    """The salt key must be there to stay, before anything is made that needs it."""
    props: dict[str, Any] = {"connection": connection, "secret": name}
    try:
        with explained(props):
            found = describe(connect(connection), props)
    except AwsRefusalError:
        return  # said already, of the other secrets
    if found and found.get("DeletedDate"):
        yield still_scheduled(props)
    yield from replica(name, found, connection["region"])


def replica(name: str, found: Mapping[str, Any] | None, region: str) -> Iterator[str]:
    """A copy in another region takes no value, until it is promoted."""
    primary = (found or {}).get("PrimaryRegion")
    if primary not in (None, "", region):
        yield (
            f"{name} in {region} is a replica of the secret in {primary}, and takes no value. Set litellm:secrets.aws.region "
            f"back, or, when {primary} is lost, promote it: `aws secretsmanager stop-replication-to-replica --region {region} "
            f"--secret-id {name}` (docs/runbooks/aws-deletion.md)"
        )


def own_secret(name: str, found: dict[str, Any] | None, owner: str, region: str) -> Iterator[str]:
    if found is None:
        return
    if found.get("DeletedDate"):
        yield (
            f"{name} in AWS Secrets Manager is scheduled for deletion at {found['DeletedDate']:%Y-%m-%d %H:%M %Z}, and its "
            f"name is taken until then. Bring it back: `aws secretsmanager restore-secret --region {region} --secret-id "
            f"{name}`. Or choose another litellm:secrets.aws.prefix, or give the old value up for good: "
            f"`aws secretsmanager delete-secret --region {region} --secret-id {name} --force-delete-without-recovery`"
        )
    elif (writer := tags_of(found).get(OWNER)) != owner:
        yield (
            f"{name} in AWS Secrets Manager was written by {writer or 'somebody else'}: choose another "
            "litellm:secrets.aws.prefix, or, to read what is there, refer to it (keys.master.existing, providerDocuments, …)"
        )


def referenced_secret(name: str, found: dict[str, Any] | None, where: str, region: str) -> Iterator[str]:
    if found is None:
        hint = (
            "" if is_arn(name) else ". Is it in another region or account? Another account's has to be named by its ARN"
        )
        yield f"litellm:{where}: there is no secret {name} in AWS Secrets Manager in {region}{hint}"
    elif found.get("DeletedDate"):
        yield (
            f"litellm:{where}: {name} in AWS Secrets Manager is scheduled for deletion: bring it back with `aws secretsmanager "
            f"restore-secret --region {region} --secret-id {name}`"
        )


def check_certificate(connection: AwsConnection, arn: str, hosts: Iterable[str]) -> Iterator[str]:
    """Problems with a certificate that is given by its ARN. Clients would find them, and the load balancer would not."""
    where = f"litellm:ingress.alb.certificateArn: {arn}"
    try:
        with explained({"connection": connection, "secret": arn}):
            client = connect(connection, "acm")
            try:
                found = client.describe_certificate(CertificateArn=arn)["Certificate"]
            except exceptions.ClientError as error:
                if code_of(error) != "ResourceNotFoundException":
                    raise
                yield f"{where} is not in AWS Certificate Manager: `aws acm list-certificates --region {connection['region']}`"
                return
    except AwsRefusalError as error:
        yield str(error)
        return
    names = found.get("SubjectAlternativeNames") or [found["DomainName"]]
    if found["Status"] != "ISSUED":
        yield f"{where} is {found['Status']}, and a load balancer takes certificates that are ISSUED only"
    for host in (host for host in hosts if not certificate_covers(names, host)):
        yield f"{where} is for {', '.join(names)}, and not for host {host}: clients would refuse it"
