"""URL and paths of a way in."""

from collections.abc import Mapping
from typing import Any

import pulumi


def url_of(scheme: str, args: Mapping[str, Any]) -> pulumi.Output[str]:
    """URL for clients, without a slash at the end: `url` of the arguments, or one made of `host`, `public_port` and `path`."""
    port = f":{args['public_port']}" if args.get("public_port") else ""
    path = args.get("path", "")
    return pulumi.Output.from_input(args["host"]).apply(
        lambda host: str(args.get("url") or f"{scheme}://{host}{port}{path}")
    )


WELL_KNOWN = ("oauth-protected-resource", "oauth-authorization-server")
"""What clients of MCP servers ask the host for, with the path of the gateway behind it (RFC 9728, RFC 8414)."""


def open_paths(args: Mapping[str, Any]) -> list[str]:
    """The prefixes that lead to the gateway: the paths that are named, or all below its path."""
    path = args.get("path", "")
    if given := args.get("paths"):
        return [f"{path}{each}" for each in given]
    return [path, *(f"/.well-known/{name}{path}" for name in WELL_KNOWN)] if path else ["/"]
