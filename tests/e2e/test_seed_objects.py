"""docs/seeds: objects of kinds that are not Kubernetes' own, held by the API server to the schema of whoever reads them.

No controller has to run: the CRDs of its project are enough (`kubectl apply --server-side -f`), and a kind without is skipped.
Nothing is made of what the seeds and `make render` write; an unknown field, a wrong type or a value out of bounds is refused.
"""

import json
from collections.abc import Iterator, Sequence
from copy import deepcopy
from subprocess import CompletedProcess
from typing import Any

import pytest

from tests.e2e.support import kubectl, objects
from tests.program.foreign import KINDS, foreign

NAMESPACE = "litellm-seed-objects"


@pytest.fixture(scope="module")
def namespace() -> Iterator[str]:
    kubectl("create", "namespace", NAMESPACE)
    yield NAMESPACE
    kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", "--wait=false")


@pytest.fixture(scope="module")
def described() -> dict[str, bool]:
    """Every kind that the cluster has a CRD of, and whether that says what a spec is: those of some tests take anything."""
    return {
        f"{spec['names']['kind']}.{spec['group']}": all(
            "spec" in version["schema"]["openAPIV3Schema"].get("properties", {}) for version in spec["versions"]
        )
        for spec in (each["spec"] for each in objects("customresourcedefinitions"))
    }


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest, described: dict[str, bool]) -> str:
    """A kind whose schema this cluster knows."""
    if not described.get(request.param):
        pytest.skip(f"needs the CRD of {request.param}")
    return request.param


def asked(contents: Sequence[dict[str, Any]]) -> CompletedProcess[str]:
    """What the API server says to these objects, of which it keeps none."""
    items = deepcopy(list(contents))
    for each in items:
        if "namespace" in each["metadata"]:
            each["metadata"]["namespace"] = NAMESPACE
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    return kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", check=False, stdin=text)


def test_its_own_schema_takes_every_object(namespace: str, kind: str):
    done = asked(foreign()[kind])
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(foreign()[kind])


def test_a_field_that_it_does_not_know_is_refused(namespace: str, kind: str):
    """Or the test above would prove nothing."""
    wrong = deepcopy(foreign()[kind][0])
    wrong["spec"]["nowhereDescribed"] = 1
    done = asked([wrong])
    assert done.returncode == 1
    assert "unknown field" in done.stderr
    assert "nowhereDescribed" in done.stderr
