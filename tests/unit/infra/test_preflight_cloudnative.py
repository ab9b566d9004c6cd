"""Operators that must be there before a `Cluster` of CloudNativePG is made."""

from typing import Any, cast

import pytest

from infra.kubernetes_api import KubernetesApi, RefusedError
from infra.preflight import check_cloudnative
from tests.unit.infra.stacks import target


class Cluster:
    def __init__(self, *served: str) -> None:
        self.served = served

    def get(self, path: str) -> dict[str, Any]:
        if path.removeprefix("/apis/") not in self.served:
            raise RefusedError(404, "not found")
        return {}


BACKUP = {"destination": "s3://backups/litellm"}
CLUSTERS, STORES = "postgresql.cnpg.io/v1", "barmancloud.cnpg.io/v1"


def found(database: dict[str, Any], *served: str) -> list[str]:
    return [*check_cloudnative(cast("KubernetesApi", Cluster(*served)), target(database=database))]


def test_a_missing_operator_is_named() -> None:
    (problem,) = found({"kind": "cloudnative-pg"})
    assert problem.startswith("litellm:database.kind: CloudNativePG is not in this cluster")


def test_a_missing_plugin_is_named_when_backups_are_wanted() -> None:
    (problem,) = found({"kind": "cloudnative-pg", "backup": BACKUP}, CLUSTERS)
    assert problem.startswith("litellm:database.backup: CloudNativePG's Barman Cloud plugin")


@pytest.mark.parametrize("database", [{"kind": "cloudnative-pg"}, {}])
def test_what_is_served_or_not_needed_is_no_problem(database: dict[str, Any]) -> None:
    assert not found(database, CLUSTERS, STORES)
