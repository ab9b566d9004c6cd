from functools import cache
from pathlib import Path

import pytest

from infra.mock_engine import Recording
from infra.plan import record
from tests.program.stacks import FILES, name_of, stack_of


@cache
def recording_of(path: Path) -> Recording:
    return record(stack_of(path))


@pytest.fixture(params=FILES, ids=name_of)
def recording(request: pytest.FixtureRequest) -> Recording:
    """The whole program, as each stack file makes it."""
    return recording_of(request.param)
