"""What a stack says of itself: names and places, never a secret."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

import pulumi

from infra.access import key_places
from infra.secrets.documents import Contents
from infra.target import Target


def outputs(
    target: Target, contents: Contents, url: pulumi.Input[str], kubernetes_secrets: Mapping[str, pulumi.Input[str]]
) -> dict[str, pulumi.Input[Any]]:
    """The outputs of the stack."""
    return places(target, contents) | {
        "url": url,
        "curl": pulumi.Output.from_input(url).apply(lambda known: curl(target, known)),
        "kubernetesSecrets": dict(kubernetes_secrets),
    }


def places(target: Target, contents: Contents) -> dict[str, pulumi.Input[Any]]:
    """Where things are: all that Pulumi knows of a stack whose objects Argo CD makes."""
    store, master, salt = target.store, contents.master_key(), contents.salt_key()
    return {
        "namespace": target.namespace,
        "secretPlaces": {"masterKey": store.place(master), "saltKey": store.place(salt)},
        "saltDocument": store.place(salt).partition("#")[0],
        **({"keyPlaces": keys} if (keys := key_places(contents, store.place)) else {}),
        **({"existingStore": given.name} if (given := target.config.secrets.existing) else {}),
    }


def curl(target: Target, url: str) -> str:
    """A shell line that asks the first model for a completion; `make` takes the master key from the store."""
    models = target.config.gateway.models
    body = {
        "model": models[0].name if models else "<model>",
        "messages": [{"role": "user", "content": "Hello"}],
    }
    environment = target.config.ephemeral.name
    key = f"env-key NAME={environment}" if environment else f"key STACK={target.stack}"
    return (
        f'curl {url}/v1/chat/completions -H "Authorization: Bearer $(make -s {key})" '
        f"-H 'Content-Type: application/json' -d {shlex.quote(json.dumps(body))}"
    )
