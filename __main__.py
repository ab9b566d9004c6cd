"""LiteLLM on Kubernetes: one stack per environment. What a stack has is decided in `infra/environment.py`."""

import pulumi

from infra.ending import explained
from infra.program import program

with explained():
    for name, value in program().items():
        pulumi.export(name, value)
