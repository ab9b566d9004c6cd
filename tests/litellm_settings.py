# pyright: basic
# Runs in LiteLLM's own environment, not in the project's.
"""Print what LiteLLM makes of each file: the deployments of its router, and its settings, with every variable read.

Arguments: the files. Prints a JSON list of {models, settings}, in the order of the files.
"""

import asyncio
import json
import sys

from litellm import Router  # pyright: ignore[reportMissingImports]
from litellm.proxy.proxy_server import ProxyConfig  # pyright: ignore[reportMissingImports]
from litellm.secret_managers.main import get_secret  # pyright: ignore[reportMissingImports]

DERIVED = ("id", "db_model", "updated_at", "updated_by", "created_at", "created_by")
"""What the router adds to `model_info`, a name made of all parameters among it."""


def read(value):
    if isinstance(value, dict):
        return {key: read(item) for key, item in value.items()}
    if isinstance(value, list):
        return [read(item) for item in value]
    return get_secret(value) if isinstance(value, str) and value.startswith("os.environ/") else value


def plain(deployment):
    info = {key: value for key, value in (deployment.get("model_info") or {}).items() if key not in DERIVED}
    return {**deployment, "model_info": info}


async def loaded(file):
    config = await ProxyConfig().get_config(config_file_path=file)
    models = Router(model_list=config.get("model_list") or []).get_model_list() or []
    settings = {name: read(section) for name, section in config.items() if name != "model_list"}
    return {"models": [plain(read(dict(model))) for model in models], "settings": settings}


if __name__ == "__main__":
    print(json.dumps([asyncio.run(loaded(file)) for file in sys.argv[1:]], default=str))
