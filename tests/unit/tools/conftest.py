from pathlib import Path

import pytest

from tests.unit.tools.engine import fakes
from tests.unit.tools.engine.fakes import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return fakes.machine(tmp_path)
