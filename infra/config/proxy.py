"""Config key `proxy`: the way out of a corporate network."""

import re
from collections.abc import Iterator
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import model_validator

from infra.config.base import Checked, Section
from infra.config.references import PropertyReference
from infra.config.sources import given_too

NAMES = ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy")
"""Variables with the URL of a proxy. Some programs read those in capitals, some the others: gRPC, for instance."""

LONGEST = 253

EXCEPTIONS = ("NO_PROXY", "no_proxy")


def proxy_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise ValueError("must be a URL such as http://proxy.example.com:3128") from None
    if parts.username is not None or parts.password is not None:
        raise ValueError(
            "has a user or a password, which everybody could read: put the whole URL into the store, and name its place in "
            "proxy.document"
        )
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or port is None
        or parts.path.strip("/")
        or parts.query
    ):
        raise ValueError("must be a URL such as http://proxy.example.com:3128, with its port and nothing behind it")
    return value


DIRECT = r"^[A-Za-z0-9._:\[\]*/-]+$"


def direct(value: str) -> str:
    if not re.match(DIRECT, value) or len(value) > LONGEST:
        raise ValueError("must be a host name, a domain such as .example.com, or an address")
    return value


Direct = Annotated[str, Checked(direct, "a host name, a domain such as .example.com, or an address", DIRECT)]
ProxyUrl = Annotated[str, Checked(proxy_url, "a URL such as http://proxy.example.com:3128")]


class ProxyConfig(Section):
    """An HTTP proxy for what the gateway asks outside of the cluster: models, and other services over HTTP. Without `url` and
    `document` there is none.
    """

    url: ProxyUrl | None = None
    """URL of the proxy with its port, for http and https alike."""

    document: PropertyReference | None = None
    """In the place of `url`: where in the store the whole URL is, for a proxy that asks for a user and a password."""

    no_proxy: tuple[Direct, ...] = ()
    """What is asked directly, beside the cluster itself, the Kubernetes API, metadata endpoints, Postgres, Redis, and the
    Services that models are at: host names, domains (`.example.com`), addresses."""

    @model_validator(mode="after")
    def is_one(self) -> "ProxyConfig":
        if self.url and self.document:
            raise ValueError("has a url and a document: remove one of them")
        if self.no_proxy and not self.there:
            raise ValueError("noProxy is an exception of no proxy: give a url or a document, or remove it")
        return self

    @property
    def there(self) -> bool:
        """Whether there is one."""
        return bool(self.url or self.document)

    @property
    def documents(self) -> dict[str, PropertyReference]:
        """Where the variables are that are secrets."""
        return dict.fromkeys(NAMES, self.document) if self.document else {}


def proxy_is_said_once(
    proxy: Any, gateway: Any, provider_keys: Any, provider_documents: Any, secret_environment: Any
) -> Iterator[tuple[str, str]]:
    if not proxy.there:
        return
    names = {*NAMES, *EXCEPTIONS}
    for place, _ in given_too(names, gateway, provider_keys, provider_documents, secret_environment):
        yield place, "is set by proxy, too: remove one of them (noProxy takes more exceptions)"
