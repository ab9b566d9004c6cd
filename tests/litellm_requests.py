# pyright: basic
# Runs in LiteLLM's own environment, not in the project's.
"""Print what LiteLLM's own models of requests say to each request: fields that they do not know, and why they refuse it.

Standard input: a JSON list of [path, body]. Prints a JSON object: `wrong`, texts; `shown`, the fields of each kind's answers.
"""

import json
import sys

from litellm.models import credentials  # pyright: ignore[reportMissingImports]
from litellm.proxy import _types as types  # pyright: ignore[reportMissingImports]
from litellm.types.proxy.management_endpoints import customer_endpoints, team_endpoints  # pyright: ignore[reportMissingImports]

REQUESTS = {
    "/budget/new": types.BudgetNewRequest,
    "/budget/update": types.BudgetNewRequest,
    "/budget/delete": types.BudgetDeleteRequest,
    "/organization/new": types.NewOrganizationRequest,
    "/organization/update": types.LiteLLM_OrganizationTableUpdate,
    "/organization/delete": types.DeleteOrganizationRequest,
    "/user/new": types.NewUserRequest,
    "/user/update": types.UpdateUserRequest,
    "/user/delete": types.DeleteUserRequest,
    "/team/new": types.NewTeamRequest,
    "/team/update": types.UpdateTeamRequest,
    "/team/delete": types.DeleteTeamRequest,
    "/team/member_add": types.TeamMemberAddRequest,
    "/team/member_update": types.TeamMemberUpdateRequest,
    "/team/member_delete": types.TeamMemberDeleteRequest,
    "/customer/new": types.NewCustomerRequest,
    "/customer/update": types.UpdateCustomerRequest,
    "/customer/delete": types.DeleteCustomerRequest,
    "/key/generate": types.GenerateKeyRequest,
    "/key/update": types.UpdateKeyRequest,
    "/key/delete": types.KeyRequest,
    "POST /credentials": credentials.CreateCredentialItem,
    "PATCH /credentials": credentials.UpdateCredentialItem,
    "POST /v1/mcp/server": types.NewMCPServerRequest,
    "PUT /v1/mcp/server": types.UpdateMCPServerRequest,
}
SHOWN = {
    "budgets": types.LiteLLM_BudgetTableFull,
    "organizations": types.LiteLLM_OrganizationTableWithMembers,
    "users": types.LiteLLM_UserTable,
    "teams": team_endpoints.TeamListItem,
    "customers": customer_endpoints.CustomerResponse,
    "credentials": credentials.CredentialView,
    "mcpServers": types.LiteLLM_MCPServerTable,
    "keys": types.UserAPIKeyAuth,
}


def wrong(asked, body):
    method, _, path = asked.partition(" ")
    if method == "DELETE" and not body:
        return  # the path says what
    name = "/credentials" if path.startswith("/credentials/") else path
    request = REQUESTS.get(name) or REQUESTS[f"{method} {name}"]
    yield from (f"{path}: {field} is unknown" for field in body if field not in request.model_fields)
    try:
        request(**body)
    except Exception as error:
        yield f"{path}: {error}"


if __name__ == "__main__":
    requests = json.load(sys.stdin)
    found = [text for path, body in requests for text in wrong(path, dict(body))]
    print(json.dumps({"wrong": found, "shown": {name: [*model.model_fields] for name, model in SHOWN.items()}}))
