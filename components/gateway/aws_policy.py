"""What LiteLLM's pods may do in AWS, as IAM policies. Plain text in and out: no AWS module, no call.

Bedrock authorizes a call of an inference profile twice: for the profile, and for the foundation model in whichever region
the profile sends it to. `bedrock:InferenceProfileArn` limits the second to calls that came through that profile.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, TypedDict

from components.secrets.aws_names import arn_field, is_arn, partition_of
from components.secrets.aws_policies import exact, policy_document

INVOKE = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]
"""The Converse API is authorized by the same two."""

GEOGRAPHIES = ("apac", "au", "ca", "eu", "global", "jp", "us", "us-gov")
"""What AWS puts in front of a model's ID to name an inference profile over several regions: `eu.anthropic.…`."""

ROUTES = ("converse", "invoke", "chat_completions", "converse_like")
"""How LiteLLM is told which API of Bedrock to use, in front of the model: https://docs.litellm.ai/docs/providers/bedrock."""

FAMILIES = ("deepseek_r1", "llama", "moonshot", "nova", "nova-2", "openai", "qwen2", "qwen3", "stability")
"""How LiteLLM is told what an ARN is a model of."""

MODEL_ID = re.compile(r"[a-z0-9-]+(\.[A-Za-z0-9-]+)+(:[A-Za-z0-9]+)*")
MODEL_ARN = re.compile(
    r"(foundation-model/[A-Za-z0-9.:-]+"
    r"|(inference-profile|application-inference-profile|provisioned-model|custom-model-deployment|imported-model)"
    r"/[A-Za-z0-9.:-]+)"
)

POLICY_LENGTH = 10240
"""Characters that IAM allows for all inline policies of a role; whitespace does not count."""


class BedrockModel(TypedDict):
    """One model of Bedrock."""

    model: str
    """Required: ID or ARN of a model or of an inference profile."""

    region: str
    """Required: region in which it is called. An ARN has its own."""


def bedrock_id(name: str) -> str | None:
    """What Bedrock itself calls a model, without LiteLLM's routes; None for what is not one model that can be invoked.

    Agents, asynchronous calls and patterns such as `*` are none: they need other permissions, or all of them.
    """
    while "/" in name and (parts := name.partition("/"))[0] in (*ROUTES, *FAMILIES):
        name = parts[2]
    if is_arn(name):
        known = arn_field(name, "service") == "bedrock" and MODEL_ARN.fullmatch(arn_field(name, "resource"))
        return name if known else None
    return name if MODEL_ID.fullmatch(name) else None


def use_policy(
    models: Sequence[BedrockModel], account: str, databases: Iterable[str] = (), roles: Iterable[str] = ()
) -> str:
    """An IAM policy that allows invoking exactly these models, logging in to exactly these databases, and assuming exactly
    these roles.

    `databases` are ARNs of `database_user`, `roles` ARNs of IAM.
    """
    profiles: dict[str, set[str]] = {}
    direct: set[str] = set()
    for model in models:
        arn = model_arn(model["model"], model["region"], account)
        direct.add(arn)
        if behind := foundation_models(arn):
            profiles.setdefault(behind, set()).add(arn)
    statements: list[dict[str, Any]] = []
    if direct:
        statements.append(
            {"Sid": "InvokeModels", "Effect": "Allow", "Action": INVOKE, "Resource": sorted(map(exact, direct))}
        )
    statements += [
        {
            "Effect": "Allow",
            "Action": INVOKE,
            "Resource": behind,
            "Condition": {"StringEquals": {"bedrock:InferenceProfileArn": sorted(arns)}},
        }
        for behind, arns in sorted(profiles.items())
    ]
    if users := sorted(map(exact, databases)):
        statements.append(
            {"Sid": "ConnectToDatabase", "Effect": "Allow", "Action": "rds-db:connect", "Resource": users}
        )
    if assumed := sorted(map(exact, roles)):
        statements.append({"Sid": "AssumeRoles", "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": assumed})
    return policy_document(*statements)


def model_arn(model: str, region: str, account: str) -> str:
    """ARN of a foundation model, which belongs to nobody, or of an inference profile, which belongs to the account."""
    if is_arn(model):
        return model
    start = f"arn:{partition_of(region)}:bedrock:{region}"
    is_profile = model.partition(".")[0] in GEOGRAPHIES
    return f"{start}:{account}:inference-profile/{model}" if is_profile else f"{start}::foundation-model/{model}"


def foundation_models(arn: str) -> str | None:
    """What an inference profile may invoke in its turn; None for what is no profile.

    Only AWS knows the regions of a profile, and adds to them; a global one names none in the ARN. What an application's own
    profile is made of only AWS knows as well.
    """
    kind, _, name = arn_field(arn, "resource").partition("/")
    behind = {"inference-profile": exact(name).partition(".")[2], "application-inference-profile": "*"}.get(kind)
    return f"arn:{arn_field(arn, 'partition')}:bedrock:*::foundation-model/{behind}" if behind else None


def database_user(resource_id: str, username: str, region: str, account: str) -> str:
    """ARN of one user of one RDS server, by the server's resource ID."""
    return f"arn:{partition_of(region)}:rds-db:{region}:{account}:dbuser:{resource_id}/{username}"


def fits(policy: str) -> bool:
    """Whether IAM takes a policy of this length."""
    return len(re.sub(r"\s", "", policy)) <= POLICY_LENGTH
