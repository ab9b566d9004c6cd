"""What was read offline is a mask, and a real target never hands one on."""

from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from infra.environment import deploy
from infra.provider_keys import EngineKeys, OfflineKeys
from infra.target import resolve, resolve_offline
from tests.recording import run
from tests.unit.infra.stacks import config
from tools.engine.stack_file import Stack
from tools.ephemeral.template import must_open
from tools.problem import Problem

MASK = "[secret abcdef]"


def masked() -> Any:
    return config(providerKeys={"OPENAI_API_KEY": MASK})


def written(target: Any) -> str:
    decrypted = {"litellm:providerKeys": {"OPENAI_API_KEY": "decrypted-by-the-engine"}}
    recorded = run(lambda: deploy(target), stack="dev", config=decrypted, secret_keys=("litellm:providerKeys",))
    document = recorded.named("documents-providers")
    assert "dataJson" in document.secret_paths
    return str(document.inputs["dataJson"])


def test_a_real_target_writes_what_the_engine_decrypted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The template of an environment was read without a key: what its configuration has is a mask."""
    cluster = {"server": "https://10.0.0.1:6443", "certificate-authority-data": "UEVN"}
    contexts = [{"name": "here", "context": {"cluster": "here"}}]
    content = {"current-context": "here", "contexts": contexts, "clusters": [{"name": "here", "cluster": cluster}]}
    (tmp_path / "config").write_text(yaml.safe_dump(content))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("VAULT_ADDR", "https://vault.example.com:8200")
    target = resolve(masked(), "dev")
    assert isinstance(target.provider_keys, EngineKeys)
    assert "decrypted-by-the-engine" in written(target)
    assert MASK not in written(target)


def test_an_offline_target_shows_masks_and_nothing_of_the_engine():
    target = resolve_offline(masked(), "dev")
    assert isinstance(target.provider_keys, OfflineKeys)
    assert MASK in written(target)


def test_a_value_of_the_engine_is_a_secret():
    seen: list[bool] = []

    async def note(value: pulumi.Output[str]) -> None:
        seen.append(await value.is_secret())

    def program() -> None:
        pulumi.Output.from_input(note(EngineKeys().value("A"))).apply(lambda _: None)

    run(program, config={"litellm:providerKeys": {"A": "a"}}, secret_keys=("litellm:providerKeys",))
    assert seen == [True]


ENCRYPTED = {"config": {"litellm:providerKeys": {"OPENAI_API_KEY": {"secure": "v1:abc"}}}}


def test_an_encrypted_template_without_its_key_is_refused_with_the_way_to_do_it():
    with pytest.raises(Problem, match="name their documents in litellm:providerDocuments; or set them again"):
        must_open(Stack("env-pr-1", ENCRYPTED), "Pulumi.ephemeral.yaml")


@pytest.mark.parametrize("key", [{"encryptionsalt": "v1:salt"}, {"secretsprovider": "awskms://x", "encryptedkey": "k"}])
def test_an_encrypted_template_with_its_key_is_taken(key: dict[str, str]):
    must_open(Stack("env-pr-1", ENCRYPTED | key), "Pulumi.ephemeral.yaml")
