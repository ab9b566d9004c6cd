"""What a stack has by its own state, which the program asks the engine for."""

from collections.abc import Mapping
from typing import Any

RELEASE, COMPONENT = "kubernetes:helm.sh/v3:Release", "litellm:index:ExternalSecretsOperator$"


def has_operator(state: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether the stack has External Secrets Operator: the mark in the cluster says only what a stack is called."""
    return any(each["type"] == RELEASE and COMPONENT in urn for urn, each in state.items())
