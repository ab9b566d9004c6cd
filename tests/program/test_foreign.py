"""Objects that only a controller of others understands: the list of their kinds, and what annotations say."""

from pathlib import Path

import pytest

from tests.program.annotations import annotations_in, names_in, undocumented
from tests.program.foreign import KINDS, everything, foreign, kind_of
from tests.program.stacks import EXAMPLES, FILES, ROOT, name_of
from tests.program.test_rendering import rendering_of

CONTROLLERS = {
    "alb.ingress.kubernetes.io",
    "argocd.argoproj.io",
    "nginx.ingress.kubernetes.io",
    "reloader.stakater.com",
    "scaledobject.keda.sh",
    "secret.reloader.stakater.com",
    "traefik.ingress.kubernetes.io",
    "vault.hashicorp.com",
}

TEXTS = sorted(
    path
    for folder, pattern in ((ROOT / "docs", "**/*.md"), (EXAMPLES, "*.yaml"), (ROOT / "components", "**/*.py"))
    for path in folder.glob(pattern)
    if names_in(path.read_text())
)
"""Whatever spells such a name out."""


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_kind_of_others_that_a_stack_has_is_held_to_its_schema(path: Path):
    kinds = {kind_of(each.content) for each in rendering_of(path).objects}
    assert {kind for kind in kinds if "." in kind} <= set(KINDS)


def test_there_is_an_object_of_each_kind():
    """Of which tests/e2e/test_seed_objects.py asks the API server."""
    assert sorted(foreign()) == sorted(KINDS)


def test_annotations_of_controllers_have_documented_names():
    names = set(annotations_in(everything()))
    assert not undocumented(names)
    assert {name.partition("/")[0] for name in names} >= CONTROLLERS


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_annotations_that_a_stack_file_gives_have_documented_names(path: Path):
    contents = [each.content for each in rendering_of(path).objects]
    assert not undocumented(annotations_in(contents))


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_annotations_that_a_page_tells_to_write_have_documented_names(path: Path):
    assert not undocumented(names_in(path.read_text()))


@pytest.mark.parametrize(
    "name",
    [
        "alb.ingress.kubernetes.io/group-name",
        "traefik.ingress.kubernetes.io/router.entryPoints",
        "secret.reloader.stakater.com/match",
        "pods.reloader.stakater.com/auto",
        "argocd.argoproj.io/wave",
        "vault.hashicorp.com/agent-limit-cpu",
    ],
)
def test_a_name_that_no_controller_documents_is_found(name: str):
    content = {"spec": {"template": {"metadata": {"annotations": {name: "true"}}}}}
    assert undocumented(annotations_in([content])) == undocumented(names_in(f"`{name}: true`")) == {name}
