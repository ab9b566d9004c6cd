"""Stacks that stand, and whose values are to be somewhere else: docs/runbooks/changes.md, for another prefix, engine and store.

The tests build on each other. The stacks only write documents, which is quick: one has its values in Pulumi's state, the
other in Vault alone.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml

from tests.e2e.support import Project, Vault, tail

ENGINE, ANOTHER = "litellm", "moved-engine"
AWS: dict[str, Any] = {
    "kind": "aws",
    "aws": {
        "region": "eu-west-1",
        "identity": {
            "kind": "irsa",
            "oidcProviderArn": "arn:aws:iam::123456789012:oidc-provider/oidc.example.com",
            "oidcIssuer": "https://oidc.example.com",
        },
    },
}

Documents = dict[str, dict[str, str]]


class Moving:
    """A stack, and what it has in Vault."""

    def __init__(self, project: Project, vault: Vault, generation: str) -> None:
        self.project, self.vault, self.generation = project, vault, generation
        self.stack = f"moved-{generation}"
        self.mount, self.prefix = ENGINE, self.stack
        self.salt_is: dict[str, str] = {}
        self.write()

    def write(self, **secrets: Any) -> None:
        """The stack file; `secrets` in the place of those that it has."""
        vault = {"mount": {"path": self.mount}, "prefix": self.prefix}
        keys = {"keys": {"salt": {"existing": self.salt_is}}} if self.salt_is else {}
        config: dict[str, Any] = {
            "gitops": True,
            "protect": False,
            "secrets": {"generation": self.generation, "vault": vault} | secrets,
            "gateway": {"models": [{"name": "mock", "provider": "mock", "response": "Hello."}]},
            "ingress": {"host": "moved.localhost"},
        }
        self.project.write_stack(self.stack, config | keys)

    def documents(self, mount: str, prefix: str) -> Documents:
        return {name: self.vault.read(mount, f"{prefix}/{name}") for name in self.vault.list(mount, prefix)}

    def refused(self) -> str:
        """What `preview` and `up` say, which write nothing."""
        before, there = self.documents(ENGINE, self.stack), self.vault.everything()
        preview, up = (self.project.make(verb, self.stack, check=False) for verb in ("preview", "up"))
        assert (preview.returncode != 0, up.returncode != 0) == (True, True), tail(preview) + tail(up)
        assert (self.documents(ENGINE, self.stack), self.vault.everything()) == (before, there)
        said = preview.stdout + preview.stderr
        assert "asks for another salt key than this stack has" in said, tail(preview)
        return said

    def moves(self, before: Documents) -> None:
        """By one `up`, with all values; the salt key stays where it was first."""
        self.write()
        self.project.make("up", self.stack)
        assert self.documents(self.mount, self.prefix) == without_salt(before)
        assert self.vault.list(ENGINE, self.stack) == ["salt"]
        assert self.vault.read(ENGINE, f"{self.stack}/salt") == before["salt"]
        self.is_in_order()

    def is_in_order(self) -> None:
        assert self.project.changes(self.stack, "--refresh") == []


@pytest.fixture(scope="module", params=["state", "store"])
def moving(project: Project, vault: Vault, request: pytest.FixtureRequest) -> Iterator[Moving]:
    made = Moving(project, vault, request.param)
    project.make("up", made.stack)
    yield made
    project.make("destroy", made.stack, check=False)


@pytest.fixture(scope="module")
def before(moving: Moving) -> Mapping[str, Mapping[str, str]]:
    """What the stack has had from the beginning."""
    found = moving.documents(ENGINE, moving.stack)
    assert {"salt", "api-keys", "database", "redis"} <= set(found)
    return found


def without_salt(found: Mapping[str, Mapping[str, str]]) -> dict[str, Mapping[str, str]]:
    return {name: each for name, each in found.items() if name != "salt"}


def test_another_prefix_is_refused_with_what_to_write(moving: Moving, before: Documents):
    moving.prefix = f"{moving.stack}-elsewhere"
    moving.write()
    found = re.search(r"write `litellm:keys\.salt\.existing: (\{[^`]*\})`", moving.refused())
    assert found
    moving.salt_is = yaml.safe_load(found[1])
    assert moving.salt_is == {"document": f"{moving.stack}/salt", "property": "salt-key"}


def test_with_that_the_values_move_and_the_salt_key_stays(moving: Moving, before: Documents):
    moving.moves(before)


def test_another_engine_is_refused(moving: Moving, before: Documents):
    moving.mount = ANOTHER
    moving.write()
    assert "keys.salt.existing.mount" in moving.refused()


def test_with_its_mount_the_salt_key_stays_where_it_is(moving: Moving, before: Documents):
    moving.salt_is = moving.salt_is | {"mount": ENGINE}
    moving.moves(before)


def test_the_operator_may_read_the_salt_key_where_it_is(moving: Moving):
    policy = moving.vault.client.sys.read_policy(f"litellm-{moving.stack}")["data"]["rules"]
    assert f'path "{ENGINE}/data/{moving.stack}/salt"' in policy


def test_a_rotation_goes_on_there(moving: Moving, before: Documents):
    moving.write()
    config = moving.project.config(moving.stack)
    config["keys"]["master"] = {"rotation": 1}
    moving.project.write_stack(moving.stack, config)
    moving.project.make("up", moving.stack)
    after = moving.documents(ANOTHER, moving.prefix)
    assert [name for name, each in after.items() if each != before[name]] == ["api-keys"]
    moving.is_in_order()


def test_another_store_is_refused_with_the_steps(moving: Moving):
    moving.salt_is, there = {}, moving.salt_is
    moving.write(**AWS)
    assert "docs/runbooks/changes.md" in moving.refused()
    moving.salt_is = there
    moving.write()


def test_a_stack_that_moved_goes_and_leaves_its_salt_key(moving: Moving, before: Documents):
    moving.project.make("destroy", moving.stack)
    assert moving.vault.list(ANOTHER, moving.prefix) == []
    assert moving.vault.read(ENGINE, f"{moving.stack}/salt") == before["salt"]
