"""From the template, and what an environment is called, to the stack file of that environment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from infra.config.stack import StackConfig
from tools.engine.stack_file import Stack, merge, read
from tools.ephemeral.mark import Mark
from tools.ephemeral.names import VAULT_FOLDER, Name, folder
from tools.ephemeral.ttl import parse_ttl
from tools.offline.plan import checked, secret_keys
from tools.problem import Problem

TEMPLATE = "Pulumi.ephemeral.yaml"
BUDGET_DURATION = "30d"
"""LiteLLM begins to count anew after it: longer than any environment lives."""

ENVIRONMENT_KEY = "environment"
"""The virtual key of a template that is handed to whoever uses an environment, instead of the master key."""


@dataclass(frozen=True)
class Template:
    """A stack file that says what environments are like, with the overlays of this cluster."""

    document: dict[str, Any]
    file: str
    config: StackConfig

    @property
    def default_ttl(self) -> timedelta:
        return parse_ttl(self.config.ephemeral.default_ttl)

    @property
    def maximum_ttl(self) -> timedelta:
        return parse_ttl(self.config.ephemeral.maximum_ttl)

    def ttl(self, text: str | None) -> timedelta:
        return parse_ttl(text, self.maximum_ttl) if text else self.default_ttl

    def stack(self, name: Name, mark: Mark, budget: float | None = None) -> Stack:
        """The stack file of one environment. What tells environments apart is not for an overlay to say."""
        layer = {f"litellm:{key}": value for key, value in self._layer(name, mark, budget).items()}
        return Stack(name.stack, merge(self.document, {"config": layer}))

    def _layer(self, name: Name, mark: Mark, budget: float | None) -> dict[str, Any]:
        config = self.config
        layer: dict[str, Any] = {
            "namespace": name.namespace,
            "ephemeral": {"name": name.safe, "mark": str(mark)},
            "ingress": {"host": f"{name.safe}.{config.ephemeral.domain}"},
        }
        if config.secrets.kind == "vault":
            own_role = config.secrets.vault.kubernetes_auth.create_role
            vault: dict[str, Any] = {"prefix": f"{VAULT_FOLDER}/{folder(name, own_role=own_role)}"}
            if own_role:
                vault["kubernetesAuth"] = {"role": name.namespace}
            layer["secrets"] = {"vault": vault}
        else:
            # The tag is that of the secrets, for the IAM role as well.
            layer["secrets"] = {
                "aws": {"prefix": f"litellm/{VAULT_FOLDER}/{name.safe}", "tags": {"managed-by": str(mark)}}
            }
        if config.database.kind == "existing":
            layer["database"] = {"name": name.database, "username": name.database}
        if config.redis.kind == "existing":
            layer["redis"] = {"keyPrefix": name.safe}
        if budget is not None:
            settings = {"max_budget": budget, "budget_duration": BUDGET_DURATION}
            layer["gateway"] = {"litellmSettings": settings}
        if budget is not None and ENVIRONMENT_KEY in config.access.keys:
            own = {"budget": budget, "budgetDuration": BUDGET_DURATION}
            layer["access"] = {"keys": {ENVIRONMENT_KEY: own}}
        return layer


def read_template(project: Path, file: Path | None, overlays: Sequence[Path], budget: float | None = None) -> Template:
    """Read a template, and check it before anything is named after it.

    Raises:
        Problem: when it is not there, is no template, or is wrong.
    """
    path = project / file if file else project / TEMPLATE
    document = read(path)
    for overlay in overlays:
        document = merge(document, read(overlay))
    budgeted = document
    if budget is not None:
        capped = {"max_budget": budget, "budget_duration": BUDGET_DURATION}
        budgeted = merge(document, {"config": {"litellm:gateway": {"litellmSettings": capped}}})
    config = checked(Stack(path.name.removeprefix("Pulumi.").removesuffix(".yaml"), budgeted))
    if not config.ephemeral.wanted:
        raise Problem(f"{path.name} is no template for environments: set litellm:ephemeral.domain")
    return Template(document, path.name, config)


def must_open(stack: Stack, file: str) -> None:
    """Refuse encrypted values that the stack of an environment could not decrypt.

    Raises:
        Problem: when the file does not say what encrypts them. Then that is a key which the backend keeps for one stack only.
    """
    if secret_keys(stack) and not stack.encrypted:
        raise Problem(
            f"{file} has encrypted values, and does not say what encrypts them (encryptionsalt, or encryptedkey with "
            "secretsprovider): an environment is a stack of its own, and cannot decrypt those of another. Put the values into "
            "the store and name their documents in litellm:providerDocuments; or set them again with a backend that encrypts "
            "with a passphrase, or with a key of your cloud: `make config STACK=ephemeral ARGS='set --secret --path "
            "litellm:providerKeys.NAME'`"
        )
