"""A stack keeps the salt key that it has, and another one is refused before anything is registered."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pulumi
import pytest

from infra import preflight, salt
from infra.environment import deploy
from infra.program import program
from infra.salt import Salt
from infra.target import Target
from tests.recording import Recording, run
from tests.unit.infra.stacks import target

AWS = {
    "kind": "aws",
    "aws": {
        "region": "eu-west-1",
        "identity": {"kind": "irsa", "oidcProviderArn": "arn:aws:iam::123456789012:oidc-provider/oidc.example.com"},
    },
}
ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:litellm/dev/salt-AbCdEf"
VAULT_KEY = {"mount": "litellm", "path": "dev/salt", "property": "salt-key"}
AWS_KEY = {"secret": "litellm/dev/salt", "property": "salt-key", "arn": ARN}


def resource(type_: str, name: str, **outputs: Any) -> tuple[str, dict[str, Any]]:
    return f"urn:pulumi:dev::litellm::{type_}::{name}", {"type": type_, "outputs": outputs}


def state(*entries: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    return dict(entries)


def made(kind: str) -> tuple[str, dict[str, Any]]:
    name, outputs = ("VaultSaltKey", VAULT_KEY) if kind == "vault" else ("AwsSaltKey", AWS_KEY)
    return resource(f"pulumi-python:dynamic/litellm:{name}", "salt-key", **outputs)


def outputs(place: str, **more: Any) -> tuple[str, dict[str, Any]]:
    """Of a stack whose objects Argo CD makes, unless `more` says that it has a Secret in the cluster."""
    places = {"saltKey": place, "masterKey": "litellm/dev/api-keys#master-key"}
    return resource(
        "pulumi:pulumi:Stack", "litellm-dev", secretPlaces=places, saltDocument=place.partition("#")[0], **more
    )


def provider(kind: str) -> tuple[str, dict[str, Any]]:
    return resource(f"pulumi:providers:{kind}", kind)


SYNCED = resource("kubernetes:external-secrets.io/v1:ExternalSecret", "litellm-env")
AGENT = resource("kubernetes:core/v1:ConfigMap", "litellm-agent-config")


def existing(document: str, name: str = "salt-key") -> dict[str, Any]:
    return {"salt": {"existing": {"document": document, "property": name}}}


def problems(wanted: Target, *entries: tuple[str, dict[str, Any]]) -> list[str]:
    return [*salt.check(wanted, salt.salts(state(*entries)))]


def test_a_stack_that_has_never_been_up_may_have_any():
    assert not problems(target())
    assert not problems(target(), provider("vault"), resource("pulumi:pulumi:Stack", "litellm-dev"))


def test_the_outputs_of_a_first_up_that_failed_bind_nobody():
    """It got as far as the outputs, but no gateway has ever had that salt key: a wrong store can be corrected."""
    failed = outputs("litellm/ops/salt#salt-key", kubernetesSecrets={})
    assert not problems(target(), failed, provider("vault"))
    assert problems(target(), failed, provider("vault"), SYNCED)
    assert problems(target(), failed, provider("vault"), AGENT)


@pytest.mark.parametrize(
    ("sections", "entries"),
    [
        ({}, [made("vault")]),
        ({}, [outputs("litellm/dev/salt#salt-key"), provider("vault"), made("vault")]),
        ({"keys": existing("dev/salt")}, [made("vault")]),
        ({"keys": existing("dev/salt"), "secrets": {"vault": {"prefix": "moved"}}}, [made("vault")]),
        ({"keys": existing("ops/salt")}, [outputs("litellm/ops/salt#salt-key"), provider("vault")]),
        ({}, [outputs("litellm/dev/salt#salt-key"), provider("vault")]),
        ({"secrets": AWS}, [made("aws")]),
        ({"secrets": AWS, "keys": existing("litellm/dev/salt")}, [made("aws")]),
        ({"secrets": AWS, "keys": existing(ARN)}, [made("aws")]),
        ({"secrets": AWS, "keys": existing(ARN)}, [outputs("litellm/dev/salt#salt-key"), provider("aws")]),
        (
            {"secrets": AWS, "keys": existing("ops")},
            [outputs(f"{ARN.replace('litellm/dev/salt', 'ops')}#salt-key"), provider("aws")],
        ),
    ],
    ids=[
        "made by the stack",
        "made, with outputs",
        "its own, by name",
        "its own, by name, after the prefix moved",
        "somebody else's, as before",
        "somebody else's before, its own path now",
        "made in AWS",
        "its own in AWS, by name",
        "its own in AWS, by ARN",
        "somebody else's, first by name and then by ARN",
        "somebody else's, first by ARN and then by name",
    ],
)
def test_the_same_salt_key_is_no_problem(sections: dict[str, Any], entries: list[tuple[str, dict[str, Any]]]):
    assert not problems(target(**sections), *entries)


@pytest.mark.parametrize(
    ("sections", "entries", "says"),
    [
        ({"secrets": AWS}, [made("vault")], "Set litellm:secrets.kind back to vault"),
        (
            {"secrets": AWS},
            [outputs("litellm/dev/salt#salt-key"), provider("vault")],
            "Set litellm:secrets.kind back to vault",
        ),
        ({}, [made("aws")], "Set litellm:secrets.kind back to aws"),
        (
            {"keys": existing("ops/salt")},
            [made("vault")],
            "keys.salt.existing: {document: dev/salt, property: salt-key}",
        ),
        ({"keys": existing("dev/salt", "other")}, [made("vault")], "{document: dev/salt, property: salt-key}"),
        (
            {"keys": existing("dev/other")},
            [outputs("litellm/ops/salt#key"), provider("vault")],
            "{document: ops/salt, property: key}",
        ),
        ({}, [outputs("litellm/ops/salt#key"), provider("vault")], "{document: ops/salt, property: key}"),
        (
            {"secrets": {"vault": {"prefix": "moved"}}},
            [made("vault")],
            "Set the prefix in litellm:secrets.vault back, or write",
        ),
        (
            {"secrets": {"vault": {"mount": {"path": "other"}}}},
            [made("vault")],
            "Set litellm:secrets.vault.mount.path back",
        ),
        (
            {"secrets": AWS, "keys": existing(ARN.replace("123456789012", "999999999999"))},
            [made("aws")],
            "document: litellm/dev/salt",
        ),
        ({"secrets": AWS, "keys": existing("ops")}, [made("aws")], "document: litellm/dev/salt"),
        (
            {"secrets": AWS, "keys": existing("other")},
            [outputs(f"{ARN.replace('litellm/dev/salt', 'ops')}#salt-key"), provider("aws")],
            "document: arn:aws:secretsmanager:",
        ),
    ],
    ids=[
        "from Vault to AWS",
        "from Vault to AWS, where the place is called the same",
        "from AWS to Vault",
        "another document",
        "another property",
        "from one document of somebody else to another",
        "from somebody else's to its own",
        "another prefix",
        "another mount",
        "the same name in another account",
        "another secret",
        "from somebody else's by its ARN to another by its name",
    ],
)
def test_another_salt_key_is_refused_with_the_way_back(
    sections: dict[str, Any], entries: list[tuple[str, dict[str, Any]]], says: str
):
    (problem,) = problems(target(**sections), *entries)
    assert "Another salt key would make every credential in LiteLLM's database unreadable" in problem
    assert says in problem


@pytest.mark.parametrize(
    ("kind", "sections"),
    [
        ("vault", {"secrets": {"vault": {"prefix": "moved"}}}),
        ("vault", {"keys": existing("ops/salt")}),
        ("aws", {"secrets": AWS, "keys": existing("ops")}),
    ],
)
def test_the_way_back_that_the_message_gives_is_one(kind: str, sections: dict[str, Any]):
    (problem,) = problems(target(**sections), made(kind))
    document = problem.partition("{document: ")[2].partition(",")[0]
    assert not problems(target(**{**sections, "keys": existing(document)}), made(kind))


@pytest.mark.parametrize(
    ("sections", "where"),
    [
        ({"keys": existing("ops/salt")}, "litellm:keys.salt.existing"),
        ({"secrets": {"vault": {"prefix": "moved"}}}, "litellm:secrets.vault"),
        ({"secrets": AWS}, "litellm:secrets.aws"),
    ],
)
def test_the_key_that_asks_for_another_one_is_named(sections: dict[str, Any], where: str):
    (problem,) = problems(target(**sections), made("vault"))
    assert problem.startswith(f"{where} asks for another salt key")


def test_a_message_does_not_repeat_what_somebody_wrote_where_a_document_belongs():
    (problem,) = problems(target(keys=existing("sk-not-a-document")), made("vault"))
    assert "sk-not" not in problem


def test_a_state_with_two_accepts_either():
    """An earlier release got so far, and the engine refused to delete the first one. Both ways out are somebody's to choose."""
    both = [made("vault"), made("aws")]
    assert not problems(target(), *both)
    assert not problems(target(secrets=AWS), *both)


def registered(wanted: Target, *entries: tuple[str, dict[str, Any]]) -> Any:
    known = salt.salts(state(*entries))
    recorded = run(lambda: deploy(salt.kept(wanted, known)), stack="dev")
    return [each for each in recorded.resources if each.name == "salt-key"]


@pytest.mark.parametrize("document", ["litellm/dev/salt", ARN])
def test_its_own_secret_stays_its_own_under_another_prefix(document: str):
    moved = {**AWS, "aws": {**AWS["aws"], "prefix": "moved"}}
    (key,) = registered(target(secrets=moved, keys=existing(document)), made("aws"))
    assert (key.inputs["secret"], key.protect, key.retain_on_delete) == ("litellm/dev/salt", True, True)


def test_its_own_document_stays_its_own_when_the_configuration_names_it():
    """Left out, the engine would delete it, which its protection refuses for ever."""
    moved = target(secrets={"vault": {"prefix": "moved"}}, keys=existing("dev/salt"))
    (key,) = registered(moved, made("vault"))
    assert {name: key.inputs[name] for name in VAULT_KEY} == VAULT_KEY
    assert (key.protect, key.retain_on_delete) == (True, True)


def test_its_own_document_stays_in_its_engine_when_the_others_move_to_another():
    """What the refusal says to write. The key itself refuses to be anywhere else, which came in the middle of an `up`."""
    named = {"salt": {"existing": {"document": "dev/salt", "property": "salt-key", "mount": "litellm"}}}
    moved = target(secrets={"vault": {"mount": {"path": "kv"}}}, keys=named)
    assert not [*salt.check(moved, salt.salts(state(made("vault"))))]
    (key,) = registered(moved, made("vault"))
    assert {name: key.inputs[name] for name in VAULT_KEY} == VAULT_KEY


@pytest.mark.parametrize("kinds", [("aws", "vault"), ("vault", "aws")])
def test_of_two_in_a_state_the_one_of_the_configuration_stays(kinds: tuple[str, str]):
    """By the name of the other one, the engine would look for the salt key in another place, and make a new one."""
    known = salt.salts(state(*(made(kind) for kind in kinds)))
    assert salt.kept(target(), known).own_salt == "dev/salt"
    assert salt.kept(target(secrets=AWS), known).own_salt == "litellm/dev/salt"


def test_one_that_is_at_another_place_is_not_kept_for_this_one():
    moved = target(keys=existing("ops/salt"))
    assert salt.kept(moved, salt.salts(state(made("vault")))) is moved


THERE = "onepassword/LiteLLM keys#salt"


def test_of_a_store_that_is_there_the_outputs_say_where_the_salt_key_is():
    (found,) = salt.salts(state(outputs(THERE, existingStore="onepassword")))
    assert (found.kind, found.place, found.made) == ("existing", THERE, None)


@pytest.mark.parametrize(
    ("name", "document", "said"),
    [("onepassword", "Other", "document: LiteLLM keys, property: salt"), ("gcp", "LiteLLM keys", "existing.name back")],
)
def test_another_salt_key_of_a_store_that_is_there_is_refused(name: str, document: str, said: str):
    sections = {
        "secrets": {"kind": "existing", "existing": {"name": name}},
        "keys": {
            "master": {"existing": {"document": "master"}},
            "salt": {"existing": {"document": document, "property": "salt"}},
        },
        "database": {"kind": "existing", "host": "db", "credentials": {"document": "db"}},
        "redis": {"kind": "none"},
    }
    known = salt.salts(state(outputs(THERE, existingStore="onepassword")))
    (problem,) = salt.check(target(**sections), known)
    assert said in problem


def test_the_way_back_to_a_whole_document_names_no_property():
    whole = outputs("litellm/ops/salt", existingStore="litellm")
    sections: dict[str, Any] = {
        "secrets": {"kind": "existing", "existing": {"name": "litellm"}},
        "keys": {
            "master": {"existing": {"document": "master"}},
            "salt": {"existing": {"document": "other"}},
        },
        "database": {"kind": "existing", "host": "db", "credentials": {"document": "db"}},
        "redis": {"kind": "none"},
    }
    (problem,) = salt.check(target(**sections), salt.salts(state(whole)))
    assert "{document: ops/salt}" in problem


def test_a_resource_that_has_no_outputs_yet_says_nothing():
    assert (
        salt.salts({"urn:pulumi:dev::litellm::pulumi:pulumi:Stack::litellm-dev": {"type": "pulumi:pulumi:Stack"}}) == ()
    )


def test_outputs_of_a_state_without_a_provider_say_of_no_store():
    assert salt.salts(state(outputs("litellm/ops/salt#salt-key"))) == ()


def test_a_document_of_somebody_else_is_not_made_our_own():
    assert not registered(target(keys=existing("ops/salt")), outputs("litellm/ops/salt#salt-key"), provider("vault"))


def test_the_program_refuses_before_it_registers_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Also under a plain `pulumi up`, together with whatever else is wrong."""
    kubeconfig = tmp_path / "config"
    cluster = {"server": "https://10.0.0.1:6443", "certificate-authority-data": "UEVN"}
    contexts = [{"name": "here", "context": {"cluster": "here"}}]
    content = {"current-context": "here", "contexts": contexts, "clusters": [{"name": "here", "cluster": cluster}]}
    kubeconfig.write_text(json.dumps(content))
    settings = {
        "litellm:ingress": json.dumps({"host": "litellm.example.com"}),
        "litellm:keys": json.dumps(existing("ops/salt")),
    }
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    monkeypatch.setenv("VAULT_ADDR", "https://vault.example.com:8200")
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps(settings))
    monkeypatch.setattr(preflight, "check_cluster", lambda _: iter(["the cluster is on fire"]))
    monkeypatch.setattr(preflight, "check_store", lambda *_: iter([]))
    recorded: list[Recording] = []

    def run_it() -> None:
        monkeypatch.setattr("infra.environment.deploy", lambda _: recorded.append(Recording()))
        program()

    with pytest.raises(pulumi.RunError) as raised:
        run(run_it, stack="dev", calls={salt.READ_STATE: {"outputs": state(made("vault"))}})
    assert "asks for another salt key than this stack has" in str(raised.value)
    assert "the cluster is on fire" in str(raised.value)
    assert not recorded


def test_the_state_is_that_of_this_stack_and_nothing_of_its_values_is_kept():
    entries = state(made("vault"), resource("random:index/randomPassword:RandomPassword", "key", result="a value"))
    found: list[Salt] = []

    def program() -> None:
        found.extend(salt.before())

    run(program, stack="dev", calls={salt.READ_STATE: {"outputs": entries}})
    assert found == [Salt("vault", "litellm/dev/salt#salt-key", "dev/salt")]


@pytest.mark.parametrize(("organization", "asked"), [("organization", "dev"), ("acme", "acme/litellm/dev")])
def test_the_stack_is_asked_for_by_the_name_that_its_backend_knows(
    monkeypatch: pytest.MonkeyPatch, organization: str, asked: str
):
    """A bucket or a folder knows no organizations, and older ones refuse a name with one."""
    names: list[str] = []
    monkeypatch.setattr("pulumi.get_organization", lambda: organization)
    monkeypatch.setattr("pulumi.get_project", lambda: "litellm")
    monkeypatch.setattr("pulumi.get_stack", lambda: "dev")
    monkeypatch.setattr(salt, "read_state", lambda name: names.append(name) or {"outputs": {}})
    assert salt.before() == ()
    assert names == [asked]


class Engine:
    """An engine that is writing the state of the stack for its first few answers."""

    def __init__(self, busy: int) -> None:
        self.busy = busy

    def invoke(self, function: str, arguments: dict[str, str]) -> Any:
        assert (function, arguments) == ("pulumi:pulumi:readStackResourceOutputs", {"stackName": "dev"})
        self.busy -= 1
        if self.busy >= 0:
            raise Exception("invoke of a function failed: failed to load checkpoint: EOF")  # noqa: TRY002 - as the SDK does
        return SimpleNamespace(value={"outputs": {}})


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    found: list[float] = []
    monkeypatch.setattr("time.sleep", found.append)
    return found


def test_a_state_that_is_being_written_is_read_again(monkeypatch: pytest.MonkeyPatch, pauses: list[float]):
    monkeypatch.setattr("pulumi.runtime.invoke", Engine(busy=2).invoke)
    assert salt.read_state("dev") == {"outputs": {}}
    assert len(pauses) == 2


def test_a_state_that_cannot_be_read_ends_in_a_sentence(monkeypatch: pytest.MonkeyPatch, pauses: list[float]):
    monkeypatch.setattr("pulumi.runtime.invoke", Engine(busy=100).invoke)
    with pytest.raises(pulumi.RunError, match="the state of stack dev cannot be read, and nothing was changed: EOF"):
        salt.read_state("dev")
    assert sum(pauses) < 10
