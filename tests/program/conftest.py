from functools import cache
from pathlib import Path

import pytest

from tests.program.stacks import FILES, name_of, stack_of
from tools.engine.stack_file import Stack, merge
from tools.offline.mock_engine import Recording
from tools.offline.plan import record


@cache
def recording_of(path: Path, *, preview: bool = True) -> Recording:
    return record(with_objects(stack_of(path)), preview=preview)


def with_objects(stack: Stack) -> Stack:
    """A stack whose objects Argo CD makes, with them: what it would get is held to the same."""
    if "litellm:gitops" not in stack.config:
        return stack
    return Stack(stack.name, merge(stack.document, {"config": {"litellm:gitops": False}}))


@pytest.fixture(params=FILES, ids=name_of)
def recording(request: pytest.FixtureRequest) -> Recording:
    """The whole program, as each stack file makes it."""
    return recording_of(request.param)


@pytest.fixture(params=FILES, ids=name_of)
def known(request: pytest.FixtureRequest) -> Recording:
    """The same with every value known, as after an `up`: only then are generated values there to leak."""
    return recording_of(request.param, preview=False)
