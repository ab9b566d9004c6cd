"""LiteLLM on Kubernetes: one stack per environment. What a stack has is decided in `infra/environment.py`."""

import gc

# Classes and resources, which live until the end, are nearly all that a run makes: the search for garbage among them finds
# none, and takes a tenth of the time before the first resource.
gc.disable()

import pulumi  # noqa: E402

from infra.ending import explained  # noqa: E402
from infra.program import program  # noqa: E402

with explained():
    for name, value in program().items():
        pulumi.export(name, value)
