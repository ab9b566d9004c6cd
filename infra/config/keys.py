"""Config key `keys`: LiteLLM's master key and salt key."""

from typing import Annotated

from pydantic import Field

from infra.config.base import Section
from infra.config.references import PropertyReference


class MasterKey(Section):
    """`LITELLM_MASTER_KEY`: the administrator's key of the gateway."""

    length: Annotated[int, Field(ge=32, le=256)] = 48
    """Number of random letters and digits behind `sk-`. Changing it alone changes nothing: see `rotation`."""

    rotation: Annotated[int, Field(ge=0)] = 0
    """Raise it to generate a new master key. Pods roll, and the old key stops working."""

    existing: PropertyReference | None = None
    """Use the key of a document that is in the store already, instead of generating one."""


class SaltKey(Section):
    """`LITELLM_SALT_KEY`: encrypts the credentials that LiteLLM keeps in its database. It can never be changed."""

    length: Annotated[int, Field(ge=32, le=256)] = 48
    """Number of random letters and digits behind `sk-`, when the key is made. Without effect afterwards."""

    retain: bool = True
    """Keep the document when the stack is destroyed. Only an environment whose database dies with it may say false."""

    existing: PropertyReference | None = None
    """Use the key of a document that is in the store already, instead of creating one. Once a stack has a salt key, it is that
    one and no other; it may be named here when `secrets.vault.prefix` or `secrets.aws.prefix` changes."""


class KeysConfig(Section):
    """The keys of the gateway itself."""

    master: MasterKey = MasterKey.model_construct()

    salt: SaltKey = SaltKey.model_construct()
