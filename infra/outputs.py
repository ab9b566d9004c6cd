"""What a stack says of itself: names and places, never a secret."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

import pulumi

from infra.documents import API_KEYS, MASTER_KEY, SALT, SALT_KEY
from infra.target import Target


def outputs(
    target: Target, url: pulumi.Input[str], kubernetes_secrets: Mapping[str, pulumi.Input[str]]
) -> dict[str, pulumi.Input[Any]]:
    """The outputs of the stack."""
    places = store_places(target)
    return {
        "url": url,
        "namespace": target.namespace,
        "curl": pulumi.Output.from_input(url).apply(lambda known: curl(target, known, places["masterKey"])),
        "secretPlaces": places,
        "saltDocument": places["saltKey"].partition("#")[0],
        "kubernetesSecrets": dict(kubernetes_secrets),
    }


def store_places(target: Target) -> dict[str, str]:
    """Where the gateway's own keys are, as `mount/path#property`."""
    keys, vault = target.config.keys, target.vault
    master, salt = keys.master.existing, keys.salt.existing
    return {
        "masterKey": f"{vault.mount}/{master.document}#{master.property}"
        if master
        else f"{vault.mount}/{vault.prefix}/{API_KEYS}#{MASTER_KEY}",
        "saltKey": f"{vault.mount}/{salt.document}#{salt.property}"
        if salt
        else f"{vault.mount}/{vault.prefix}/{SALT}#{SALT_KEY}",
    }


def curl(target: Target, url: str, master_key: str) -> str:
    """A shell line that asks the first model for a completion, with the master key taken from Vault."""
    path, _, name = master_key.partition("#")
    document = path.removeprefix(f"{target.vault.mount}/")
    namespace = f" -namespace={shlex.quote(target.vault.namespace)}" if target.vault.namespace else ""
    read = f"vault kv get{namespace} -mount={target.vault.mount} -field={name} {document}"
    models = target.config.gateway.models
    body = {
        "model": models[0].name if models else "<model>",
        "messages": [{"role": "user", "content": "Hello"}],
    }
    return (
        f'curl {url}/v1/chat/completions -H "Authorization: Bearer $({read})" '
        f"-H 'Content-Type: application/json' -d {shlex.quote(json.dumps(body))}"
    )
