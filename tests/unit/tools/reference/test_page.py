"""docs/configuration.md, made from the models."""

import re
from collections.abc import Iterator
from typing import Any

from infra.config.load import models_in
from infra.config.stack import StackConfig
from tools.reference.__main__ import outdated
from tools.reference.page import anchor, configuration_page

PAGE = configuration_page()


def section(title: str) -> str:
    """The text below a heading, up to the next one of any level."""
    return re.split(r"^#+ ", PAGE.partition(f"# {title}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def test_the_files_in_docs_are_current():
    assert [path.name for path in outdated()] == [], (
        "the models have changed: run `make docs`, and commit what it writes"
    )


def keys_of(model: Any) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield field.alias or name
        for inner in models_in(field.annotation):
            yield from keys_of(inner)


def test_every_key_of_every_model_is_there():
    written = {part for path in re.findall(r"^\| `([^`]+)`", PAGE, re.MULTILINE) for part in re.split(r"\.|\[\]", path)}
    sections = {field.alias or name for name, field in StackConfig.model_fields.items()}
    assert set(keys_of(StackConfig)) - sections <= written
    assert all(f"## `litellm:{key}`" in PAGE for key in sections)


def test_every_key_says_what_it_does():
    rows = [line for line in PAGE.splitlines() if line.startswith("| `")]
    plain = (
        "| `namespace` |",
        "| `namespaceLabels` |",
        "| `createNamespace` |",
        "| `protect` |",
        "| `gitops` |",
        "| `context` |",
        "| `providerKeys` |",
        "| `providerDocuments",
        "| `allowPlaintext` |",
        "| `secretEnvironment` |",
    )
    assert len(rows) > 150
    assert [row for row in rows if row.endswith("| — |") and not row.startswith(plain)] == []


def test_a_row_has_type_default_limits_and_description():
    row = next(line for line in section("`litellm:gateway`").splitlines() if line.startswith("| `replicas`"))
    assert row == "| `replicas` | number | `1` | 1 to 1000 | Number of pods. More than one needs Redis. |"


def test_what_must_be_given_says_so():
    rows = section("`litellm:database` with `kind: rds`")
    assert "| `vpcId` | text | **required** |" in rows


def test_the_default_is_that_of_the_place():
    """`resources` is the same model in many places, each with defaults of its own."""
    assert '| `resources.memory` | text | `"512Mi"` |' in section("`litellm:database` with `kind: in-cluster`")
    assert '| `resources.memory` | text | `"4Gi"` |' in section("`litellm:gateway`")


def test_the_alternatives_of_a_union_are_shown_side_by_side():
    kinds = re.findall(r"^### `litellm:redis` with `kind: ([a-z-]+)`", PAGE, re.MULTILINE)
    assert kinds == ["none", "in-cluster", "existing", "elasticache"]


def test_what_all_alternatives_share_is_written_once():
    assert "| `params` |" in section("`litellm:gateway.models[]`")
    assert "| `params` |" not in section("`litellm:gateway.models[]` with `provider: azure`")


def test_every_link_leads_to_a_heading():
    headings = {anchor(line.lstrip("# ")) for line in PAGE.splitlines() if line.startswith("#")}
    assert set(re.findall(r"\(#([^)]+)\)", PAGE)) <= headings


def test_a_cell_does_not_break_its_table():
    rows = [line for line in PAGE.splitlines() if line.startswith("| `")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} <= {6, 3}
