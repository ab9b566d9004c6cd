# boto3 is untyped:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
"""What is in AWS of a stack whose state was lost: by which IDs the engine imports it, and whose turn it is to log in."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from components.secrets.aws_client import Properties, connect, describe, explained, tags_of
from components.secrets.aws_names import OWNER
from infra import turns
from infra.config.stack import StackConfig
from infra.secrets.aws import AwsStore
from infra.secrets.documents import OTHER_USERNAME, USERNAME
from infra.stack import NamedStack
from infra.turns import Turns

SECRET, ROLE, POLICY, ASSOCIATION = (
    "aws:secretsmanager/secret:Secret",
    "aws:iam/role:Role",
    "aws:iam/policy:Policy",
    "aws:eks/podIdentityAssociation:PodIdentityAssociation",
)
"""What has a name that AWS gives once. Everything else of a stack is written again as it is."""

AS_IT_IS: Mapping[str, list[str]] = {
    SECRET: ["description", "forceOverwriteReplicaSecret", "kmsKeyId", "recoveryWindowInDays", "replicas", "tags"],
    ROLE: [
        "assumeRolePolicy",
        "description",
        "forceDetachPolicies",
        "maxSessionDuration",
        "permissionsBoundary",
        "tags",
    ],
    POLICY: ["description", "policy", "tags"],
    ASSOCIATION: ["disableSessionTags", "roleArn", "tags"],
}
"""Settings that the engine leaves as they are when it imports: it takes nothing that differs. The `up` after it sets them."""


class Adoption:
    """Looks for what a stack would make; nothing is changed, and no value is read."""

    def __init__(self, store: AwsStore, target: NamedStack) -> None:
        self.store = store
        self.target = target
        self.ways: Mapping[str, Callable[[Mapping[str, Any]], str | None]] = {
            SECRET: self.secret,
            ROLE: self.role,
            POLICY: self.policy,
            ASSOCIATION: self.association,
        }

    def there(self, kind: str, inputs: Mapping[str, Any]) -> str | None:
        """The ID by which the engine imports a resource; None for one that is to be made, or that the state has."""
        if kind not in self.ways or inputs.get("name") in {*self.target.written, *self.target.granted}:
            return None
        props: Properties = {"connection": self.store.connection, "secret": f"the {kind} of the stack"}
        with explained(props):
            return self.ways[kind](inputs)

    def secret(self, inputs: Mapping[str, Any]) -> str | None:
        found = describe(self.client("secretsmanager"), {"secret": str(inputs["name"])})
        ours = found and not found.get("DeletedDate") and tags_of(found).get(OWNER) == self.target.owner
        return str(found["ARN"]) if found and ours else None

    def role(self, inputs: Mapping[str, Any]) -> str | None:
        client, name = self.client("iam"), str(inputs["name"])
        try:
            return str(client.get_role(RoleName=name)["Role"]["RoleName"])
        except client.exceptions.NoSuchEntityException:
            return None

    def policy(self, inputs: Mapping[str, Any]) -> str | None:
        pages = self.client("iam").get_paginator("list_policies").paginate(Scope="Local")
        found = [each["Arn"] for page in pages for each in page["Policies"] if each["PolicyName"] == inputs["name"]]
        return str(found[0]) if found else None

    def association(self, inputs: Mapping[str, Any]) -> str | None:
        cluster = str(inputs["cluster_name"])
        account = {"clusterName": cluster, "serviceAccount": str(inputs["service_account"])}
        client, places = self.client("eks"), (self.target.namespace, self.target.config.external_secrets.namespace)
        for namespace in places:
            for each in client.list_pod_identity_associations(**account, namespace=namespace)["associations"]:
                known = each["associationId"] in self.target.granted
                return None if known else f"{cluster},{each['associationId']}"
        return None

    def client(self, service: str) -> Any:
        return connect(self.store.connection, service)


def turns_there(store: AwsStore, config: StackConfig) -> Turns:
    """Whose turn it is by the documents that a stack takes over. One that cannot be read, the preflight speaks of."""
    client = connect(store.connection)
    sections = (turns.DATABASE.section, turns.REDIS.section)
    return turns.there(config, {section: names_in(client, store, section) for section in sections})


def names_in(client: Any, store: AwsStore, document: str) -> Mapping[str, str]:
    """The names of users in a document. Its passwords are not looked at."""
    places = {name: store.locate(document, name) for name in (USERNAME, OTHER_USERNAME)}
    try:
        found: Any = json.loads(client.get_secret_value(SecretId=places[USERNAME]["key"])["SecretString"])
    except (client.exceptions.ClientError, KeyError, ValueError):
        return {}
    properties = {name: place.get("property", name) for name, place in places.items()}
    return {name: str(found[key]) for name, key in properties.items() if key in found}
