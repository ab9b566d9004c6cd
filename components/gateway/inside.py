"""Programs of this project in a pod of LiteLLM's image: modules that need Python's standard library alone, and each other."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

RESOURCES: dict[str, dict[str, str]] = {
    "requests": {"cpu": "50m", "memory": "64Mi", "ephemeral-storage": "16Mi"},
    "limits": {"memory": "256Mi", "ephemeral-storage": "64Mi"},
}
"""What such a program takes."""

LOADER = """\
import json, sys, types
for name, source in json.loads(sys.argv[1]).items():
    module = sys.modules[name] = types.ModuleType(name)
    exec(compile(source, name, "exec"), module.__dict__)
sys.exit(module.main())
"""


def source(module: str) -> str:
    return ROOT.joinpath(*module.split(".")).with_suffix(".py").read_text(encoding="utf-8")


def command(*modules: str) -> list[str]:
    """What runs `main()` of the last module; the ones that a module imports come before it. For a program of few words."""
    return ["python3", "-c", LOADER, json.dumps({module: source(module) for module in modules})]


def files(*modules: str) -> dict[str, str]:
    """The same as files of a ConfigMap, which the engine shows when they change."""
    return {f"{module}.py": source(module) for module in modules}


def mounted(*modules: str) -> Sequence[Mapping[str, Any]]:
    """Where a volume has these files, so that the modules find each other by the names that they have here."""
    return [{"key": f"{module}.py", "path": f"{module.replace('.', '/')}.py"} for module in modules]
