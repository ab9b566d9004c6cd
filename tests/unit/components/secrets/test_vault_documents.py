import json
from typing import Any

import pulumi
import pytest
from pulumi.runtime.mocks import MockResourceArgs

from components.secrets.vault_documents import VaultDocuments, VaultDocumentsArgs, read_only_policy
from tests.recording import Recording, run
from tools.offline.mock_engine import RecordingMocks

DOCUMENT = "vault:kv/secretV2:SecretV2"
POLICY = "vault:index/policy:Policy"


def args(**overrides: object) -> VaultDocumentsArgs:
    defaults = {
        "mount": "litellm",
        "prefix": "dev",
        "documents": {
            "api-keys": {"master-key": pulumi.Output.secret("sk-1")},
            "database": {"username": "litellm", "password": pulumi.Output.secret("p")},
        },
        "owner": "litellm/dev",
        "policy": "litellm-dev",
    }
    return defaults | overrides  # type: ignore[return-value]


@pytest.fixture
def recorded() -> Recording:
    def program() -> dict[str, object]:
        documents = VaultDocuments("documents", args())
        return {"revision": documents.revision, "reference": documents.reference("database", "password")}

    return run(program)


def test_each_document_is_written_below_the_prefix(recorded: Recording):
    assert [document.inputs["name"] for document in recorded.of(DOCUMENT)] == ["dev/api-keys", "dev/database"]


def test_a_document_says_who_manages_it(recorded: Recording):
    assert recorded.of(DOCUMENT)[0].inputs["customMetadata"] == {"data": {"managed-by": "litellm/dev"}}


def test_all_versions_of_a_document_go_with_the_stack(recorded: Recording):
    """A soft delete would leave the old values readable in Vault."""
    assert all(document.inputs["deleteAllVersions"] for document in recorded.of(DOCUMENT))


def test_the_content_is_a_secret_even_when_no_property_is(recorded: Recording):
    def program() -> None:
        VaultDocuments("documents", args(documents={"plain": {"username": "litellm"}}))

    assert "dataJson" in run(program).one(DOCUMENT).secret_paths


def test_the_policy_allows_reading_exactly_the_documents(recorded: Recording):
    assert recorded.inputs(POLICY)["policy"] == read_only_policy("litellm", ["dev/api-keys", "dev/database"])


def test_documents_of_somebody_else_are_readable_when_named():
    def program() -> None:
        VaultDocuments("documents", args(documents={}, also_readable=["shared/openai"]))

    assert run(program).inputs(POLICY)["policy"] == read_only_policy("litellm", ["shared/openai"])


def test_documents_of_other_engines_are_readable_when_named():
    given = args(documents={}, elsewhere={"kv": ["team/a", "team/b"]})
    written = run(lambda: VaultDocuments("documents", given)).inputs(POLICY)["policy"]
    assert written == read_only_policy("kv", ["team/a", "team/b"])


def test_a_policy_grants_read_on_data_paths_only():
    assert read_only_policy("kv", ["dev/a"]) == 'path "kv/data/dev/a" {\n  capabilities = ["read"]\n}\n'


def test_the_revision_is_made_of_versions_and_is_no_secret(recorded: Recording):
    """It ends up in the names of Kubernetes objects."""
    assert recorded.outputs["revision"] == "1.1"
    assert "revision" not in recorded.secret_outputs


def test_a_reference_names_path_and_property(recorded: Recording):
    assert recorded.outputs["reference"] == {"key": "dev/database", "property": "password"}


def test_properties_are_stored_as_json(recorded: Recording):
    assert json.loads(recorded.of(DOCUMENT)[1].inputs["dataJson"]) == {"password": "p", "username": "litellm"}


def test_documents_and_policy_are_known_to_states_that_stand_by_their_urns(recorded: Recording):
    """By another one they would be others to the engine: it deletes what is there, with all versions."""
    urns = {"::".join(each.urn.split("::")[2:]) for each in recorded.resources}
    assert urns >= {
        f"litellm:index:VaultDocuments${DOCUMENT}::documents-api-keys",
        f"litellm:index:VaultDocuments${DOCUMENT}::documents-database",
        f"litellm:index:VaultDocuments${POLICY}::documents-policy",
    }


def test_the_policy_has_the_name_that_was_asked_for(recorded: Recording):
    assert recorded.inputs(POLICY)["name"] == "litellm-dev"


def test_without_a_policy_of_its_own_there_is_none():
    def program() -> dict[str, object]:
        given = args()
        del given["policy"]
        return {"policy": VaultDocuments("documents", given).policy}

    recorded = run(program)
    assert not recorded.of(POLICY)
    assert recorded.outputs["policy"] == ""


def test_a_policy_begins_with_its_mark():
    def program() -> None:
        VaultDocuments("documents", args(policy_mark="litellm/dev"))

    rules = read_only_policy("litellm", ["dev/api-keys", "dev/database"])
    first, *others = run(program).inputs(POLICY)["policy"].split("\n\n", 1)
    assert first == "# managed-by: litellm/dev"
    assert others == [rules]


def test_the_provider_does_not_write_values_again_because_the_mark_changed(recorded: Recording):
    assert {document.ignore_changes for document in recorded.of(DOCUMENT)} == {("customMetadata",)}


def test_the_order_of_properties_is_no_change():
    def written(*names: str) -> str:
        documents = {"plain": dict.fromkeys(names, "x")}
        return run(lambda: VaultDocuments("documents", args(documents=documents))).inputs(DOCUMENT)["dataJson"]

    assert written("b", "a") == written("a", "b")


def test_the_revision_of_some_documents_is_made_of_their_versions_alone(monkeypatch: pytest.MonkeyPatch):
    original = RecordingMocks.new_resource

    def new_resource(self: RecordingMocks, given: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        id_, outputs = original(self, given)
        return id_, outputs | {"metadata": {"version": given.name.removeprefix("documents-")}}

    def program() -> dict[str, object]:
        documents = VaultDocuments("documents", args())
        both = documents.revision_of("database", "api-keys")
        return {"all": documents.revision, "one": documents.revision_of("database"), "both": both}

    monkeypatch.setattr(RecordingMocks, "new_resource", new_resource)
    assert run(program).outputs == {"all": "api-keys.database", "one": "database", "both": "database.api-keys"}


@pytest.mark.parametrize("metadata", [{}, {"version": ""}], ids=["none", "empty"])
def test_a_document_whose_version_is_not_known_adds_nothing_to_the_revision(
    monkeypatch: pytest.MonkeyPatch, metadata: dict[str, str]
):
    """Or the names of Secrets would have a word in them that no version is."""
    original = RecordingMocks.new_resource

    def new_resource(self: RecordingMocks, given: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        id_, outputs = original(self, given)
        return id_, outputs | {"metadata": metadata}

    monkeypatch.setattr(RecordingMocks, "new_resource", new_resource)
    one = args(documents={"plain": {"username": "litellm"}})
    assert run(lambda: {"revision": VaultDocuments("documents", one).revision}).outputs == {"revision": ""}


GENERATED = "pulumi-python:dynamic/litellm:VaultGenerated"
MADE: dict[str, object] = {
    "documents": {"api-keys": {}, "database": {"username": "litellm"}, "plain": {"username": "litellm"}},
    "generated": {
        "api-keys": {"master-key": {"length": 32, "prefix": "sk-", "rotation": 2}},
        "database": {"password": {"length": 40}},
    },
    "connection": {"address": "https://v"},
}


def test_a_document_with_generated_values_is_written_by_vaults_client():
    def program() -> dict[str, object]:
        return {"revision": VaultDocuments("documents", args(**MADE)).revision}

    made = run(program)
    assert made.one(DOCUMENT).name == "documents-plain"
    database = made.inputs(GENERATED, "documents-database-generated")
    assert database["given"] == {"username": "litellm"}
    assert database["generated"] == {"password": {"length": 40}}
    assert (database["mount"], database["path"], database["owner"]) == ("litellm", "dev/database", "litellm/dev")
    assert made.outputs["revision"] == "1.1.1"
    policy = made.inputs(POLICY)["policy"]
    assert policy == read_only_policy("litellm", ["dev/api-keys", "dev/database", "dev/plain"])


def test_who_has_values_generated_says_how_vault_is_reached():
    def without() -> None:
        given = args(**MADE)
        del given["connection"]
        VaultDocuments("documents", given)

    with pytest.raises(ValueError, match="give its connection"):
        run(without)
