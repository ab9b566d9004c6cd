"""What a stack is about to make in AWS Secrets Manager must not be there already. AWS refuses a name that is taken, but late,
and in its own words."""

from collections.abc import Mapping
from typing import Any

import pulumi

from components.secrets.aws_client import connect, describe, explained
from infra.secrets.aws import PROVIDER, AwsStore
from infra.secrets.aws_adopted import AS_IT_IS, SECRET, Adoption
from infra.secrets.claims import Claims, TakenError, nothing_is_there
from infra.stack import NamedStack

DOCUMENTS = "litellm:index:AwsDocuments"
"""The component whose children the secrets are."""


def claims(store: AwsStore, target: NamedStack) -> Claims:
    """The checks of everything that a stack makes in Secrets Manager, and that AWS does not adopt by itself."""

    def secret_is_free(news: Mapping[str, Any], _olds: Mapping[str, Any]) -> None:
        """A secret that the state does not know."""
        name, region = str(news["name"]), store.config.region
        props: dict[str, Any] = {"connection": store.connection, "secret": name}
        with explained(props):
            found = describe(connect(store.connection), props)
        if found is None or found.get("DeletedDate"):  # on its way out: the provider waits, and the preflight knows
            return
        raise TakenError(
            f"{name} is in AWS Secrets Manager in {region} already, and the state of stack {target.stack} does not know it. If "
            "that state was lost: bring it back, or set litellm:secrets.aws.adopt to true (docs/runbooks/lost-state.md). If an "
            f"`up` was killed that had just made it: {import_command(store, target, name, str(found['ARN']))}. If this is "
            "another stack: choose another litellm:secrets.aws.prefix. What is there can also be referred to "
            "(keys.master.existing, …)"
        )

    adopted = Adoption(store, target).there if store.config.adopt else nothing_is_there
    return Claims({SECRET: secret_is_free}, there=adopted, as_it_is=AS_IT_IS)


def import_command(store: AwsStore, target: NamedStack, name: str, arn: str) -> str:
    """How the engine takes one secret into a state that has the rest: below its parent, and with the stack's own provider."""
    urn, bundle = f"urn:pulumi:{target.stack}::{pulumi.get_project()}", store.config.bundle_of(store.stack)
    document = "bundle" if name == bundle else name.removeprefix(f"{store.prefix}/").replace("/", "-")
    return (
        f"`pulumi import --stack {target.stack} --protect=false --generate-code=false --parent "
        f"'documents={urn}::{DOCUMENTS}::documents' --provider '{PROVIDER}={urn}::pulumi:providers:{PROVIDER}::{PROVIDER}' "
        f"{SECRET} documents-{document} {arn}`"
    )
