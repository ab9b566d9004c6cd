# hvac is untyped:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
"""What only the documents know of a stack whose state was lost: whose turn it is to log in. Passwords are not looked at."""

from collections.abc import Mapping
from typing import Any

import hvac.exceptions
import requests

from infra import turns
from infra.config.stack import StackConfig
from infra.secrets.documents import OTHER_USERNAME, USERNAME
from infra.secrets.vault import VaultStore
from infra.secrets.vault_check import open_client
from infra.turns import Turns

NAMES = (USERNAME, OTHER_USERNAME)


def turns_there(store: VaultStore, config: StackConfig) -> Turns:
    """Whose turn it is by the documents that a stack takes over. One that cannot be read, the preflight speaks of."""
    client = open_client(store)
    sections = (turns.DATABASE.section, turns.REDIS.section)
    return turns.there(config, {section: names_in(client, store, section) for section in sections})


def names_in(client: Any, store: VaultStore, document: str) -> Mapping[str, str]:
    try:
        found = client.secrets.kv.v2.read_secret_version(
            path=f"{store.prefix}/{document}", mount_point=store.mount, raise_on_deleted_version=False
        )["data"]["data"]
    except (requests.RequestException, hvac.exceptions.VaultError, ValueError):
        return {}
    return {name: str(value) for name, value in (found or {}).items() if name in NAMES}
