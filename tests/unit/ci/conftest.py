from collections.abc import Iterator

import pytest

from tests.unit.ci import server
from tests.unit.ci.server import Server


@pytest.fixture
def github() -> Iterator[Server]:
    with server.running() as made:
        yield made
