"""Print, as JSON, with which URL LiteLLM logs in to its database at its start, and when the token in it runs out."""

import json
import os
import sys
from types import ModuleType

# Generated at build time, and in LiteLLM's image only: the URL is made without it.
errors = ModuleType("prisma.errors")
errors.ClientNotConnectedError = RuntimeError  # pyright: ignore[reportAttributeAccessIssue]
sys.modules |= {"prisma": ModuleType("prisma"), "prisma.errors": errors}

from litellm.proxy.db.db_url_settings import (  # noqa: E402 # pyright: ignore[reportMissingImports]
    DatabaseURLSettings,
)
from litellm.proxy.db.prisma_client import PrismaWrapper  # noqa: E402 # pyright: ignore[reportMissingImports]

DatabaseURLSettings.from_env().apply_writer_url_to_env()
first = os.environ["DATABASE_URL"]
later = PrismaWrapper(original_prisma=object(), iam_token_db_auth=True).get_rds_iam_token()
print(json.dumps({"at its start": first, "when the token runs out": later}))
