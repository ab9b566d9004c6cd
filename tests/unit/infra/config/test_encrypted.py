"""Encrypted values stay secret, or are refused: for every place of the schema."""

import json
from typing import Any

import pytest

from infra.config.load import ConfigError, load
from infra.config.places import ANY_KEY, KNOWN, Place, keys_of, places, takes_a_secret

HOST: dict[str, Any] = {"ingress": {"host": "litellm.example.com"}}
CIPHERTEXT = {"secure": "v1:nonce:ciphertext"}
DECRYPTED = "correct-horse-battery"

PLACES = sorted({tuple("SOME_KEY" if part == ANY_KEY else part for part in place) for place, _ in places()}, key=str)


def at(place: Place, value: object) -> Any:
    """A configuration with nothing but this value."""
    for part in reversed(place):
        value = [value] if isinstance(part, int) else {part: value}
    return value


def messages(written: dict[str, Any], secret: list[str], *, file_is_known: bool) -> str:
    """What the program says to a stack file, decrypted as Pulumi does it."""
    texts = {
        f"litellm:{key}": text if isinstance(text := decrypted(value), str) else json.dumps(text)
        for key, value in written.items()
    }
    file = {f"litellm:{key}": value for key, value in written.items()}
    with pytest.raises(ConfigError) as caught:
        load(texts, "dev", [f"litellm:{key}" for key in secret], file if file_is_known else None)
    return str(caught.value)


def decrypted(value: Any) -> Any:
    if value == CIPHERTEXT:
        return DECRYPTED
    if isinstance(value, dict):
        return {key: decrypted(item) for key, item in value.items()}
    return [decrypted(item) for item in value] if isinstance(value, list) else value


def test_the_schema_has_places_to_look_at():
    assert len(PLACES) > 200
    assert ("gateway", "environment", "SOME_KEY") in PLACES
    assert ("gateway", "models", 0, "apiBase") in PLACES


@pytest.mark.parametrize("file_is_known", [True, False], ids=["known file", "any file"])
def test_an_encrypted_value_where_no_secret_belongs_is_refused_and_not_repeated(file_is_known: bool):
    for place in [place for place in PLACES if not takes_a_secret(place)]:
        text = messages(at(place, CIPHERTEXT), [str(place[0])], file_is_known=file_is_known)
        assert "is encrypted, but would come out in plain text here" in text, place
        assert DECRYPTED not in text, place


@pytest.mark.parametrize(
    ("place", "named"),
    [
        (("gateway", "environment", "FOO"), "litellm:gateway.environment.FOO: is encrypted"),
        (
            ("gateway", "generalSettings", "alerting_args", "daily_report"),
            "generalSettings.alerting_args.daily_report: is",
        ),
        (("gateway", "models", 0, "params", "api_key"), "litellm:gateway.models[0].params.api_key: is encrypted"),
        (("ingress", "annotations", "example.com/auth"), "litellm:ingress.annotations.example.com/auth: is encrypted"),
        (("externalSecrets", "environment", "HTTPS_PROXY"), "litellm:externalSecrets.environment.HTTPS_PROXY: is"),
        (("redis", "password"), "litellm:redis.password: is encrypted"),
        (("context",), "litellm:context: is encrypted"),
    ],
)
def test_an_encrypted_value_is_named_by_its_place_with_the_way_to_do_it(place: Place, named: str):
    text = messages(HOST | at(place, CIPHERTEXT), [str(place[0])], file_is_known=True)
    assert named in text
    assert "litellm:providerKeys.NAME" in text


def test_without_the_file_the_key_with_something_encrypted_in_it_is_named():
    """As with `pulumi up --config-file`: Pulumi says of the whole key that it is secret."""
    text = messages(HOST | at(("gateway", "environment", "FOO"), CIPHERTEXT), ["gateway"], file_is_known=False)
    assert "litellm:gateway: is encrypted" in text


def test_encrypted_provider_keys_are_taken():
    loaded = load(
        {"litellm:ingress": json.dumps(HOST["ingress"]), "litellm:providerKeys": json.dumps({"A": DECRYPTED})},
        "dev",
        ["litellm:providerKeys"],
        {"litellm:ingress": HOST["ingress"], "litellm:providerKeys": {"A": CIPHERTEXT}},
    )
    assert loaded.provider_keys["A"].get_secret_value() == DECRYPTED


def test_a_plain_key_beside_an_encrypted_one_is_refused():
    keys = {"OPENAI_API_KEY": CIPHERTEXT, "OTHER_API_KEY": "plain-and-leaked"}
    text = messages(HOST | {"providerKeys": keys}, ["providerKeys"], file_is_known=True)
    assert "litellm:providerKeys.OTHER_API_KEY: is plain text in the stack file" in text
    assert "providerKeys.OPENAI_API_KEY" not in text
    assert "plain-and-leaked" not in text


def test_plain_keys_alone_are_refused_whoever_knows_the_file():
    for known in (True, False):
        text = messages(HOST | {"providerKeys": {"A_KEY": "plain-and-leaked"}}, [], file_is_known=known)
        assert "litellm:providerKeys: is plain text in the stack file" in text


def test_a_file_that_says_something_else_than_pulumi_is_not_believed():
    """It is not the one that Pulumi read: `--config-file` names another."""
    with pytest.raises(ConfigError, match="litellm:gateway: is encrypted"):
        load(
            {"litellm:ingress": json.dumps(HOST["ingress"]), "litellm:gateway": '{"environment": {"FOO": "x"}}'},
            "dev",
            ["litellm:gateway"],
            {"litellm:ingress": HOST["ingress"], "litellm:gateway": {"environment": {"FOO": "x"}}},
        )


@pytest.mark.parametrize("value", [12345, True, ["a"], {"a": "b"}])
def test_nothing_is_said_of_a_value_in_a_secret_place_but_what_is_allowed(value: object):
    text = messages(HOST | {"providerKeys": {"A_KEY": value}}, ["providerKeys"], file_is_known=False)
    assert "litellm:providerKeys.A_KEY: must be text" in text
    assert "(got" not in text


@pytest.mark.parametrize("key", ["gateway", "redis", "database"])
def test_nothing_is_said_of_a_value_in_a_key_with_something_encrypted_in_it(key: str):
    text = messages(HOST | {key: {"rotation": -12345, "replicas": -12345}}, [key], file_is_known=False)
    assert "12345" not in text


CANARY = "Hunter2xCanary"


@pytest.mark.parametrize(
    "canary", [CANARY, {CANARY: None}, {CANARY: {CANARY: [1]}}, [CANARY], [[CANARY]], [{CANARY: 1}]], ids=repr
)
def test_no_message_repeats_what_stands_at_any_place_of_the_schema(canary: object):
    """Keys neither, but for those above a text that looks like a secret: `allowPlaintext` takes their path."""
    for place in PLACES:
        assert CANARY.lower() not in said(HOST | at(place, canary)).lower(), place


def said(written: dict[str, Any]) -> str:
    texts = {f"litellm:{key}": v if isinstance(v, str) else json.dumps(v) for key, v in written.items()}
    try:
        load(texts, "dev", [], {f"litellm:{key}": value for key, value in written.items()})
    except ConfigError as error:
        return str(error)
    return ""


def test_a_known_key_in_the_wrong_place_is_named():
    for key in sorted(set(KNOWN) - set(keys_of(("quota",)))):
        assert f"litellm:quota.{key}: unknown key" in said(HOST | {"quota": {key: "x"}})
