"""Log in to Vault with the identity of a GitLab job, and print the token. At GitHub, Vault's own action does it.

    VAULT_TOKEN="$(python3 -m tools.ci.vault_login)"

VAULT_ADDR, VAULT_ROLE and VAULT_ID_TOKEN are set by the pipeline; VAULT_JWT_PATH where the auth method is not at `jwt`.
"""

import os
import sys
from collections.abc import Mapping

from tools.ci.api import Api, ApiError


def token(environment: Mapping[str, str]) -> str:
    """A token with the policies of the role."""
    namespace = environment.get("VAULT_NAMESPACE")
    api = Api(f"{environment['VAULT_ADDR']}/v1", {"X-Vault-Namespace": namespace} if namespace else {})
    identity = {"role": environment["VAULT_ROLE"], "jwt": environment["VAULT_ID_TOKEN"]}
    return api.call("POST", f"auth/{environment.get('VAULT_JWT_PATH', 'jwt')}/login", identity)["auth"]["client_token"]


def main() -> int:
    try:
        print(token(os.environ))
    except ApiError as error:
        sys.stderr.write(f"error: Vault refused role {os.environ['VAULT_ROLE']}: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
