"""Requests and limits of a container, as the configuration has them and as Kubernetes gets them."""

import pytest
from pydantic import ValidationError

from infra.config.base import Compute, Disk, bytes_of
from infra.config.gateway.settings import GatewayConfig

DISK = Disk("512Mi", "2Gi")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ("512Mi", "2Gi")),
        ({"ephemeralStorage": "1Gi"}, ("1Gi", "2Gi")),
        ({"ephemeralStorage": "3Gi"}, ("3Gi", "3Gi")),
        ({"ephemeralStorageLimit": "4Gi"}, ("512Mi", "4Gi")),
        ({"ephemeralStorageLimit": "256Mi"}, ("256Mi", "256Mi")),
        ({"ephemeralStorage": "1Gi", "ephemeralStorageLimit": "8Gi"}, ("1Gi", "8Gi")),
    ],
)
def test_what_is_not_said_about_the_disk_fits_what_is(given: dict[str, str], expected: tuple[str, str]) -> None:
    resources = Compute.model_validate(given).as_kubernetes(DISK)
    assert tuple(resources[kind]["ephemeral-storage"] for kind in ("requests", "limits")) == expected


def test_a_request_above_its_limit_is_refused() -> None:
    with pytest.raises(ValidationError, match="more than ephemeralStorageLimit"):
        Compute.model_validate({"ephemeralStorage": "2Gi", "ephemeralStorageLimit": "1Gi"})


def test_a_limit_below_tmp_is_refused() -> None:
    given = {"storeModelInDb": True, "resources": {"ephemeralStorageLimit": "512Mi"}}
    with pytest.raises(ValidationError, match="/tmp counts as ephemeral storage"):
        GatewayConfig.model_validate(given)
    GatewayConfig.model_validate({**given, "tmpSize": "256Mi"})


@pytest.mark.parametrize(("quantity", "expected"), [("512Ki", 512 * 1024), ("1k", 1000), ("2Gi", 2 * 1024**3)])
def test_every_unit_of_a_quantity_is_known(quantity: str, expected: int) -> None:
    assert bytes_of(quantity) == expected
