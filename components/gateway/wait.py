"""A container beside LiteLLM that lets it wait for a Postgres that restarts, where LiteLLM would answer 503."""

from collections.abc import Mapping
from typing import Any, TypedDict

import pulumi

from components.gateway.inside import command
from components.gateway.pod import container, variables

NAME = "database-relay"
MODULE = "components.gateway.relay"

RESOURCES: dict[str, dict[str, str]] = {
    "requests": {"cpu": "10m", "memory": "32Mi", "ephemeral-storage": "16Mi"},
    "limits": {"memory": "128Mi", "ephemeral-storage": "64Mi"},
}


class AwaitedServer(TypedDict):
    """A server whose restarts are waited for."""

    host: pulumi.Input[str]
    """Required: its name in the URL that LiteLLM has, which then is the relay's in these pods."""

    address: pulumi.Input[str]
    """Required: another name of it, for the relay."""

    port: pulumi.Input[int]
    """Required: its port, and the relay's."""

    seconds: int
    """Required: seconds that a connection waits for it at most."""


def relay(image: pulumi.Input[str], server: AwaitedServer) -> dict[str, Any]:
    """A sidecar of Kubernetes: it is there before LiteLLM, and ends after it. The same image: no other has to be pulled."""
    return container(
        NAME,
        image,
        {
            "restartPolicy": "Always",
            "command": command(MODULE),
            "env": variables(
                {
                    "SERVER_HOST": server["address"],
                    "SERVER_PORT": pulumi.Output.from_input(server["port"]).apply(lambda known: str(int(known))),
                    "WAIT_SECONDS": str(server["seconds"]),
                }
            ),
            "resources": RESOURCES,
        },
    )


def alias(server: AwaitedServer) -> Mapping[str, Any]:
    """The line of `/etc/hosts` that leads LiteLLM to the relay: its URL, and what TLS checks, stay as they are."""
    return {"ip": "127.0.0.1", "hostnames": [server["host"]]}
