"""What a stack is about to make in AWS Secrets Manager must not be there already. AWS refuses a name that is taken, but late,
and in its own words."""

from collections.abc import Mapping
from typing import Any

from components.secrets.aws_client import connect, describe, explained
from infra.secrets.aws import AwsStore
from infra.secrets.claims import Claims, TakenError
from infra.stack import NamedStack


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
            "that state was lost: bring it back, or import the secret (`pulumi import "
            f"aws:secretsmanager/secret:Secret`); an `up` that was killed can have left it as well. If this is another stack: "
            "choose another litellm:secrets.aws.prefix. What is there can also be referred to (keys.master.existing, …)"
        )

    return Claims({"aws:secretsmanager/secret:Secret": secret_is_free})
