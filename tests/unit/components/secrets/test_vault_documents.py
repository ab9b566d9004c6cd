import json

import pulumi
import pytest

from components.secrets.vault_documents import VaultDocuments, VaultDocumentsArgs, read_only_policy
from tests.recording import Recording, run

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
