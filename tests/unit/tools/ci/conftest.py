from collections.abc import Iterator

import pytest

from tests.unit.tools.ci import server
from tests.unit.tools.ci.server import Server


@pytest.fixture
def github() -> Iterator[Server]:
    with server.running() as made:
        yield made
