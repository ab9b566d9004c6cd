"""The stack files that tests run the program with: those of the project, and every example."""

from pathlib import Path

from tools.engine.stack_file import Stack

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"

SHARED = ROOT / "Pulumi.shared.yaml"
"""What belongs to a cluster: no gateway, so that few rules of the others hold for it."""

FILES = sorted({*ROOT.glob("Pulumi.*.yaml"), *EXAMPLES.glob("Pulumi.*.yaml")} - {SHARED})


def name_of(path: Path) -> str:
    return path.name.removeprefix("Pulumi.").removesuffix(".yaml")


def stack_of(path: Path) -> Stack:
    return Stack.read(path.parent, name_of(path))


def is_template(path: Path) -> bool:
    """Whether the stack file is one that ephemeral environments are made of."""
    return "litellm:ephemeral" in stack_of(path).config
