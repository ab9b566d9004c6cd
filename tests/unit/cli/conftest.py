from pathlib import Path

import pytest

from tests.unit.cli import fakes
from tests.unit.cli.fakes import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return fakes.machine(tmp_path)
