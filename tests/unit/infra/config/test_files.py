"""Files that belong to the gateway: read with the configuration, and named by settings that need them."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.infra.config.test_litellm_entries import KEYS
from tests.unit.infra.config.test_sweep import config, refusal

CALLBACKS = {"litellmSettings": {"callbacks": ["custom_callbacks.handler"]}}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    from infra.config.gateway import beside

    monkeypatch.setattr(beside.with_files, "__defaults__", (tmp_path,))
    (tmp_path / "litellm").mkdir()
    (tmp_path / "litellm" / "callbacks.py").write_text("handler = None\n")
    return tmp_path


@pytest.mark.usefixtures("project")
def test_a_file_is_read_with_the_configuration() -> None:
    loaded = config(gateway={"files": {"custom_callbacks.py": "litellm/callbacks.py"}, **CALLBACKS})
    assert loaded.gateway.files == {"custom_callbacks.py": "handler = None\n"}


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"a.py": "litellm/another.py"}, "gateway.files.a.py: cannot be read"),
        ({"a.py": "a\0.py"}, "gateway.files.a.py: must be the path of a file of this project"),
        ({"Hunter2": "nowhere.py"}, "gateway.files.…: cannot be read"),
        ({"a.py": "../a.py"}, "gateway.files.a.py: must be the path of a file of this project"),
        ({"/app/a.py": "litellm/callbacks.py"}, "the name of a file, or a path such as"),
        ({"config.yaml": "litellm/callbacks.py"}, "lay one under it with configFile"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(files: dict[str, str], says: str) -> None:
    assert says in refusal(gateway={"files": files})


def test_files_hold_no_secrets(project: Path) -> None:
    key = "sk-" + "proj-" + "a1B2c3D4" * 4
    (project / "litellm" / "callbacks.py").write_text(f"KEY = '{key}'\n")
    message = refusal(gateway={"files": {"a.py": "litellm/callbacks.py"}})
    assert "gateway.files.a.py: looks like a secret" in message
    assert key not in message


def test_files_fit_into_a_config_map(project: Path) -> None:
    (project / "large.json").write_text("x" * 600_000)
    assert "a ConfigMap takes 1000000" in refusal(gateway={"files": {"a.json": "large.json", "b.json": "large.json"}})


@pytest.mark.parametrize(
    "gateway",
    [
        CALLBACKS,
        {"litellmSettings": {"custom_provider_map": [{"provider": "a", "custom_handler": "handlers.a"}]}},
        {"generalSettings": {"custom_auth": "custom_auth.user_api_key_auth"}},
        {"generalSettings": {"litellm_jwtauth": {"custom_validate": "custom_jwt.validate"}}},
        {
            "config": {
                "guardrails": [{"guardrail_name": "a", "litellm_params": {"guardrail": "guardrails.pii.Guardrail"}}]
            }
        },
    ],
)
def test_a_setting_that_names_a_module_which_nobody_supplies_is_refused(gateway: dict[str, Any]) -> None:
    assert "names a Python module that nobody supplies" in refusal(gateway=gateway)


@pytest.mark.parametrize(
    "gateway",
    [
        {"litellmSettings": {"callbacks": ["prometheus", "langfuse_otel", "litellm.integrations.custom.handler"]}},
        {"litellmSettings": {"callbacks": "prometheus"}},
        {"generalSettings": {"custom_auth": "s3://bucket/custom_auth.user_api_key_auth"}},
        {"config": {"guardrails": [{"guardrail_name": "a", "litellm_params": {"guardrail": "presidio"}}]}},
    ],
)
def test_what_litellm_has_itself_needs_no_file(gateway: dict[str, Any]) -> None:
    config(gateway=gateway)


@pytest.mark.usefixtures("project")
def test_a_module_in_a_folder_is_a_file_in_that_folder() -> None:
    guardrail = {"guardrail_name": "a", "litellm_params": {"guardrail": "guardrails.pii.Guardrail"}}
    config(gateway={"files": {"guardrails/pii.py": "litellm/callbacks.py"}, "config": {"guardrails": [guardrail]}})


def test_secret_variables_have_two_names_for_their_section() -> None:
    both = config(secretEnvironment={"OTEL_HEADERS": KEYS["GEMINI_API_KEY"]}, providerDocuments=KEYS)
    assert set(both.documents_by_variable) == {"OTEL_HEADERS", "GEMINI_API_KEY"}
    assert {where for where, _ in both.references()} == {
        "secretEnvironment.OTEL_HEADERS",
        "providerDocuments.GEMINI_API_KEY",
    }


def test_a_variable_has_one_source() -> None:
    assert "secretEnvironment.GEMINI_API_KEY" in refusal(secretEnvironment=KEYS, providerDocuments=KEYS)
    assert "secretEnvironment.DATABASE_URL" in refusal(secretEnvironment={"DATABASE_URL": KEYS["GEMINI_API_KEY"]})


def test_a_secret_file_is_a_document_that_the_store_must_have() -> None:
    loaded = config(gateway={"secretFiles": {"vertex.json": KEYS["GEMINI_API_KEY"]}})
    assert [where for where, _ in loaded.references()] == ["gateway.secretFiles.vertex.json"]
