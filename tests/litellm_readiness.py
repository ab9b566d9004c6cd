"""Print, as JSON, what LiteLLM's readiness answers: its database there, away, and away while it may answer without."""

import asyncio
import json
from datetime import datetime
from types import SimpleNamespace

from fastapi import Response  # pyright: ignore[reportMissingImports]
from litellm.proxy import proxy_server  # pyright: ignore[reportMissingImports]
from litellm.proxy.health_endpoints import _health_endpoints as health  # pyright: ignore[reportMissingImports]
from litellm.proxy.proxy_cli import resolve_v2_migration_resolver  # pyright: ignore[reportMissingImports]


async def there() -> None:
    """What a database that can be asked says."""


async def away() -> None:
    raise RuntimeError("nobody there")


def status(database, **settings) -> int:
    proxy_server.prisma_client = SimpleNamespace(health_check=database)
    proxy_server.general_settings = settings
    health.PrismaDBExceptionHandler.is_database_transport_error = staticmethod(lambda _: False)
    health.db_health_cache = {"status": "unknown", "last_updated": datetime.now()}
    response = Response()
    asyncio.run(health.health_readiness(response))
    return response.status_code


print(
    json.dumps(
        {
            "there": status(there),
            "away": status(away),
            "away, and may answer": status(away, allow_requests_on_db_unavailable=True),
            "v2": resolve_v2_migration_resolver(use_legacy_flag=False, env_value="true"),
        }
    )
)
# pyright: basic
# Runs in LiteLLM's own environment, not in the project's.
