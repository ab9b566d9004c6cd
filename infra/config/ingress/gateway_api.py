"""The Gateway that a route is attached to."""

from typing import Annotated

from pydantic import StringConstraints

from infra.config.base import DnsLabel, ObjectName, Section


class GatewayApiConfig(Section):
    """A Gateway (Gateway API) that is there already: the stack makes an HTTPRoute, and leaves the Gateway alone."""

    name: ObjectName
    """Name of the Gateway."""

    namespace: DnsLabel
    """Namespace of the Gateway. Its listener must allow routes of the gateway's namespace (`allowedRoutes`)."""

    section_name: Annotated[str, StringConstraints(min_length=1, max_length=253)] | None = None
    """Listener of the Gateway: `websecure`. Without one, all of its listeners that fit the host, plain HTTP included."""
