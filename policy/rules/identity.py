"""Rules about who may read what: exactly what is needed, and nothing that matches more."""

import json
import re
from collections.abc import Iterator
from typing import Any, cast

from infra.config.detector import looks_secret
from policy.resource import Resource, known, mapping
from policy.rule import rule

HCL_PATH = re.compile(r'path\s+"([^"]*)"\s*\{(.*?)\}', re.DOTALL)
CAPABILITIES = re.compile(r"capabilities\s*=\s*\[(.*?)\]", re.DOTALL)
OWN_TOKEN = ("auth/token/renew-self", "auth/token/lookup-self", "auth/token/revoke-self")

RANDOM_END = "-??????"
"""How the ARN of a secret ends before AWS has made it: six characters that nobody can choose."""

SHARED = "VaultSharedAccess$"
"""In the URN of the policies of a whole cluster: those of docs/rights/, which tests try to break out of."""

IAM_POLICIES = ("aws:iam/rolePolicy:RolePolicy", "aws:iam/policy:Policy", "aws:iam/userPolicy:UserPolicy")


@rule(
    "vault-audience",
    reason="a role without audience takes any token of that ServiceAccount, also one that was made for another service",
    fix="set secrets.vault.kubernetesAuth.audience, or jwtAuth.audience",
)
def vault_audience(resource: Resource) -> Iterator[str]:
    if resource.type == "vault:kubernetes/authBackendRole:AuthBackendRole":
        if not resource.inputs.get("audience"):
            yield "the role has no audience"
        for field in ("boundServiceAccountNames", "boundServiceAccountNamespaces"):
            if "*" in (known(resource.inputs.get(field)) or ["*"]):
                yield f"{field} must name each one"
    if resource.type == "vault:jwt/authBackendRole:AuthBackendRole":
        if not resource.inputs.get("boundAudiences"):
            yield "the role has no audience"
        if not resource.inputs.get("boundSubject"):
            yield "boundSubject must name the ServiceAccount"


@rule(
    "exact-vault-paths",
    reason="a path with a wildcard also reads what somebody else puts there later",
    fix='name each document in a path of its own, with capabilities ["read"]',
)
def exact_vault_paths(resource: Resource) -> Iterator[str]:
    text = known(resource.inputs.get("policy"))
    if resource.type != "vault:index/policy:Policy" or not isinstance(text, str):
        return
    blocks = HCL_PATH.findall(text)
    if not blocks:
        yield "no path can be read in the policy"
    for path, body in [] if SHARED in resource.urn else blocks:
        if "*" in path or "+" in path.split("/"):
            yield f"path {path} has a wildcard"
        granted = set(re.findall(r'"([^"]+)"', " ".join(CAPABILITIES.findall(body))))
        if path not in OWN_TOKEN and granted - {"read"}:
            yield f"path {path} allows {', '.join(sorted(granted - {'read'}))}"


@rule(
    "exact-arns",
    reason="a policy with a wildcard also allows what is made later, and whatever AWS adds to a service",
    fix="name each action and each ARN; for a secret that is not there yet, its ARN with -?????? at the end",
)
def exact_arns(resource: Resource) -> Iterator[str]:
    text = known(resource.inputs.get("policy"))
    if resource.type not in IAM_POLICIES or not isinstance(text, str):
        return
    try:
        statements: Any = json.loads(text).get("Statement", [])
    except (ValueError, AttributeError):
        yield "the policy is no JSON object"
        return
    for statement in cast("list[Any]", statements) if isinstance(statements, list) else [statements]:
        yield from too_much(mapping(statement))


def too_much(statement: dict[str, Any]) -> Iterator[str]:
    if statement.get("Effect") != "Allow":
        return
    for field in ("NotAction", "NotResource"):
        if field in statement:
            yield f"{field} allows everything but what it names"
    for action in listed(statement.get("Action")):
        if "*" in action or "?" in action:
            yield f"action {action} has a wildcard"
    for arn in listed(statement.get("Resource")):
        if ":foundation-model/" in arn and through_profiles(statement):
            continue
        if {"*", "?"} & set(arn.removesuffix(RANDOM_END)):
            yield f"resource {arn} has a wildcard"


def through_profiles(statement: dict[str, Any]) -> bool:
    """Whether only calls through named inference profiles of Bedrock are meant: AWS chooses their regions, and adds to them."""
    profiles = listed(
        mapping(mapping(statement.get("Condition")).get("StringEquals")).get("bedrock:InferenceProfileArn")
    )
    return bool(profiles) and not any({"*", "?"} & set(arn) for arn in profiles)


def listed(value: Any) -> list[str]:
    values = cast("list[Any]", value) if isinstance(value, list) else [value]
    return [text for text in values if isinstance(text, str) and not looks_secret(text)]
