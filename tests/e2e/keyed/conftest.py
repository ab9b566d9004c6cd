"""The gateway that the modules of this folder share."""

from collections.abc import Iterator

import pytest

from tests.e2e.keyed.gateway import Gateway, gateway
from tests.e2e.support import Project, Vault


@pytest.fixture(scope="package")
def keyed(project: Project, vault: Vault, cluster_is_as_before: None) -> Iterator[Gateway]:
    with gateway(project, vault) as made:
        yield made
