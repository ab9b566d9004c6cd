"""Configurations for tests of the composition."""

import json
from typing import Any

from infra.config.load import load
from infra.config.stack import StackConfig
from infra.target import Target, resolve_offline


def config(**sections: Any) -> StackConfig:
    merged = {"ingress": {"host": "litellm.example.com"}} | sections
    texts = {f"litellm:{key}": value if isinstance(value, str) else json.dumps(value) for key, value in merged.items()}
    return load(texts, "dev", ["litellm:providerKeys"])


def target(**sections: Any) -> Target:
    return resolve_offline(config(**sections), "dev")
