"""Options that several benchmarks have."""

from pathlib import Path
from typing import Annotated

import typer

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
LogOption = Annotated[Path | None, typer.Option(help="Where to write what every command printed.")]
IngressAddressOption = Annotated[str, typer.Option(help="Where this machine reaches the ingress controller.")]
