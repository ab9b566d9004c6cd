"""The class of an Ingress, which a stack file names: asked of the configuration and the state, not of the cluster."""

from collections.abc import Iterator

import pulumi

from infra.config.ingress.settings import CLASS_OF_OLD
from infra.salt import state
from infra.stack import NamedStack

UNNAMED = (
    f"litellm:ingress.className is missing: a stack that is up keeps {CLASS_OF_OLD}, which was the default, and a new one is "
    "refused by `up`. Name the class"
)
KEPT = (
    f"litellm:ingress.className is missing: the stack keeps the class {CLASS_OF_OLD}, which was the default when it was made. "
    f"Write className: {CLASS_OF_OLD} into its file, and nothing changes"
)
MISSING = (
    "litellm:ingress.className is missing: name the Ingress class of your controller (`kubectl get ingressclass`), or "
    "the Gateway "
    f"in litellm:ingress.gateway. It was {CLASS_OF_OLD} once, whose controller is retired"
)


def check(target: NamedStack) -> Iterator[str]:
    """A problem when a new stack names no class. One that is up keeps what it has, with a warning."""
    if not target.config.ingress.names_no_class:
        return
    if any("kubernetes:core/v1:Namespace" in str(each.get("type")) for each in state().values()):
        pulumi.log.warn(KEPT)
    else:
        yield MISSING
