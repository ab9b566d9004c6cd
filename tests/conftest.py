import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from infra.aws.authorities import NOT_READ
from tests import programs

# An output that is put into a string by mistake must fail in a test, not ship its warning text to a cluster.
os.environ.setdefault("PULUMI_ERROR_OUTPUT_STRING", "1")

# What a property takes depends on what else the machine does.
settings.register_profile("untimed", settings(), deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session", autouse=True)
def authorities_of_rds_are_at_hand() -> Iterator[None]:
    """No test reads from AWS; those of the reading itself have a file in its place."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("infra.target.of_rds", lambda: NOT_READ)
        yield


@pytest.fixture(scope="session", autouse=True)
def path_of_a_new_machine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing on PATH that a new machine may lack, but for end-to-end tests, which say what they need."""
    if all(item.get_closest_marker("e2e") for item in request.session.items):
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(programs.fill(tmp_path_factory.mktemp("path"))))
        yield
