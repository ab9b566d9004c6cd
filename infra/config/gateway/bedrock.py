"""Models of Bedrock, whichever provider's entry they are, and the roles that LiteLLM takes on for them: as the pinned LiteLLM
reads them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from components.gateway.aws_policy import BedrockModel
from components.secrets.aws_names import arn_field, is_arn
from infra.config.base import AWS_REGION
from infra.config.gateway.settings import GatewayConfig
from infra.config.plaintext import REFERENCE

ROLE = "aws_role_name"
ROLE_VARIABLE = "AWS_ROLE_NAME"
"""Variable with the role of every deployment that has no identity of its own."""

ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+")

REGIONS = ("AWS_REGION_NAME", "AWS_REGION")
"""Variables with the region of every deployment that names none, the first before the second."""

OTHER_IDENTITY = ("aws_web_identity_token", "aws_access_key_id", "aws_profile_name")
"""Parameters with which LiteLLM takes on a role as somebody else than the pods."""

OWN_CREDENTIALS = (*OTHER_IDENTITY, "api_key", "litellm_credential_name", ROLE)
"""Parameters by which a deployment calls Bedrock as somebody else than the pods."""

Finding = tuple[str, str]


def as_the_pods(gateway: GatewayConfig) -> dict[int, BedrockModel]:
    """Deployments that are called with the identity of the pods, by their place in the list: ID or ARN, and region, as they are
    written; the region is empty where none is named."""
    if gateway.environment.get(ROLE_VARIABLE):
        return {}
    entries = ((index, model.litellm_params()) for index, model in enumerate(gateway.models))
    found = (
        (index, named(params, gateway.environment))
        for index, params in entries
        if is_bedrock(params) and not given(OWN_CREDENTIALS, params)
    )
    return dict(found)


def is_bedrock(params: Mapping[str, Any]) -> bool:
    provider = params.get("custom_llm_provider") or str(params.get("model")).partition("/")[0]
    return provider == "bedrock"


def named(params: Mapping[str, Any], environment: Mapping[str, str]) -> BedrockModel:
    name = str(params.get("model")).removeprefix("bedrock/")
    in_front, _, behind = name.partition("/")
    region = in_front if re.fullmatch(AWS_REGION, in_front) else ""
    name = str(params.get("model_id") or (behind if region else name))
    arn = name[name.find("arn:") :] if "arn:" in name else ""
    elsewhere = (arn_field(arn, "region") if is_arn(arn) else "", *(environment.get(each) for each in REGIONS))
    return {"model": name, "region": str(params.get("aws_region_name") or region or next(filter(None, elsewhere), ""))}


def given(names: Sequence[str], params: Mapping[str, Any]) -> bool:
    return any(params.get(name) for name in names)


def roles_assumed(gateway: GatewayConfig) -> list[str]:
    """Roles that LiteLLM takes on with the identity of its pods."""
    return sorted({role for _, role in roles(gateway) if ROLE_ARN.fullmatch(role)})


def roles_without_a_name(gateway: GatewayConfig) -> Iterator[Finding]:
    """Where a role is named by a text that is no ARN."""
    for where, role in roles(gateway):
        if not ROLE_ARN.fullmatch(role) and not REFERENCE.fullmatch(role):
            yield where, f"{ROLE} must be the ARN of a role: arn:aws:iam::123456789012:role/name"


def roles_in_variables(gateway: GatewayConfig) -> list[str]:
    """Where a role is named by a variable whose value the program does not know."""
    return [where for where, role in roles(gateway) if REFERENCE.fullmatch(role)]


def roles(gateway: GatewayConfig) -> Iterator[Finding]:
    """Each place that names a role which the pods take on, and the name; that of a plain variable is looked up."""
    sections: dict[str, Any] = {
        **{f"gateway.models[{index}]": model.litellm_params() for index, model in enumerate(gateway.models)},
        "gateway.litellmSettings": gateway.litellm_settings,
        "gateway.routerSettings": gateway.router_settings,
        "gateway.generalSettings": gateway.general_settings,
        "gateway.config": gateway.config,
        "gateway.environment": {ROLE: gateway.environment.get(ROLE_VARIABLE)},
    }
    for where, section in sections.items():
        for role in roles_in(section):
            variable = REFERENCE.fullmatch(role)
            yield where, gateway.environment.get(variable[1], role) if variable else role


def roles_in(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        settings = cast("Mapping[str, Any]", value)
        role = settings.get(ROLE)
        if isinstance(role, str) and not given(OTHER_IDENTITY, settings):
            yield role
        for item in settings.values():
            yield from roles_in(item)
    elif isinstance(value, list | tuple):
        for item in cast("Sequence[Any]", value):
            yield from roles_in(item)
