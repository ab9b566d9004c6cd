"""Config keys `secrets` and `externalSecrets`."""

import pytest
from pydantic import ValidationError

from infra.config.secrets import ChartConfig


@pytest.mark.parametrize("version", ["2.11.0", "2.11.0+mirrored"])
def test_the_release_of_the_operator_with_broken_image_names_is_refused(version: str):
    with pytest.raises(ValidationError, match=r"image names are broken.*use a later one"):
        ChartConfig(version=version)


@pytest.mark.parametrize("version", ["2.9.0", "2.10.1", "2.11.1", "2.12.0"])
def test_its_neighbours_are_taken(version: str):
    assert ChartConfig(version=version).version == version
