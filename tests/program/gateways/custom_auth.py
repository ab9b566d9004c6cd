# pyright: reportMissingImports=false, reportUntypedFunctionDecorator=false
# Runs in LiteLLM, not here.
"""Who may call the gateway: whoever brings a key that begins with the name of a team."""

from fastapi import HTTPException, Request
from litellm.proxy._types import UserAPIKeyAuth

TEAMS = ("research-", "support-")


async def user_api_key_auth(_request: Request, api_key: str) -> UserAPIKeyAuth:
    if not api_key.startswith(TEAMS):
        raise HTTPException(status_code=401, detail="unknown team")
    return UserAPIKeyAuth(api_key=api_key, team_id=api_key.partition("-")[0])
