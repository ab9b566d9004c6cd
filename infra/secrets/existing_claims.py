"""A store of somebody else needs no watch: nothing is written to it."""

from infra.secrets.claims import Claims
from infra.secrets.existing import ExistingStore
from infra.stack import NamedStack


def claims(store: ExistingStore, target: NamedStack) -> Claims:
    """None."""
    del store, target
    return Claims({})
