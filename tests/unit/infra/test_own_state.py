"""What a stack knows of its documents, policies and roles by its own state."""

from typing import Any

import pytest

from infra.own_state import granted, is_empty, written


def entry(kind: str, **outputs: Any) -> dict[str, Any]:
    return {"type": kind, "outputs": outputs}


STATE: dict[str, dict[str, Any]] = {
    "1": entry("vault:kv/secretV2:SecretV2", mount="litellm", name="dev/redis", metadata={"version": "4"}),
    "2": entry("vault:kv/secretV2:SecretV2", mount="litellm", name="dev/half"),
    "3": entry("aws:secretsmanager/secret:Secret", name="litellm/prod/redis"),
    "4": entry("pulumi-python:dynamic/litellm:VaultSaltKey", mount="litellm", path="dev/salt"),
    "5": entry("pulumi-python:dynamic/litellm:VaultSaltKey", mount="kv", path="found", adopted=True),
    "6": entry("vault:index/policy:Policy", name="litellm-dev"),
    "7": entry("vault:kubernetes/authBackendRole:AuthBackendRole", backend="kubernetes-dev", roleName="litellm-dev"),
    "8": {"type": "pulumi:pulumi:Stack"},
}


def test_documents_have_the_version_that_was_written_last():
    assert written(STATE) == {"litellm/dev/redis": 4, "litellm/prod/redis": 1, "litellm/dev/salt": 1}


def test_a_salt_key_that_was_found_is_not_the_stacks():
    assert "kv/found" not in written(STATE)


def test_policies_and_roles_are_known_by_their_paths():
    assert granted(STATE) == ("sys/policies/acl/litellm-dev", "auth/kubernetes-dev/role/litellm-dev")


@pytest.mark.parametrize(
    ("types", "empty"),
    [
        ((), True),
        (("pulumi:pulumi:Stack", "pulumi:providers:vault"), True),
        (("pulumi:pulumi:Stack", "kubernetes:core/v1:Namespace"), False),
    ],
)
def test_a_state_without_anything_of_the_stack_is_empty(types: tuple[str, ...], empty: bool):
    assert is_empty({f"urn::{number}": {"type": each} for number, each in enumerate(types)}) is empty
