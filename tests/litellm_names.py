"""Names that LiteLLM knows, for the checks of the configuration: written anew with `python -m tests.litellm_names`."""

import json
from pathlib import Path
from typing import Any

from tests.litellm_env import CACHE, environment, interpreter, run

TESTS = Path(__file__).parent
MODULE = TESTS.parent / "infra" / "config" / "gateway" / "litellm_names.py"


def text() -> str:
    """The module as the pinned LiteLLM makes it."""
    finished = run([str(interpreter()), str(TESTS / "litellm_asked.py")], environment([]))
    assert finished.returncode == 0, finished.stderr
    names: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
    lines = [f'"""Names that LiteLLM {names["version"][0]} knows. Generated: `python -m tests.litellm_names`."""', ""]
    for constant, meaning in (
        ("PROVIDERS", "What may stand in front of the `/` of a model."),
        ("SECTIONS", "Sections at the top of config.yaml."),
    ):
        lines += [
            f"{constant} = frozenset(",
            "    {",
            *(f'        "{name}",' for name in names[constant]),
            "    }",
            ")",
        ]
        lines += [f'"""{meaning}"""', ""]
    lines += ["KEY_VARIABLES: dict[str, tuple[str, ...]] = {"]
    lines += [f'    "{name}": {tuple_of(keys)},' for name, keys in names["KEY_VARIABLES"].items()]
    lines += ["}", '"""Variables with the key of a provider, for deployments that name none; one of them is enough."""']
    return "\n".join(lines) + "\n"


def tuple_of(texts: list[str]) -> str:
    return f"({', '.join(map(json.dumps, texts))}{',' if len(texts) == 1 else ''})"


if __name__ == "__main__":
    CACHE.mkdir(exist_ok=True)
    MODULE.write_text(text(), encoding="utf-8")
