"""What the look at the targets says, with answers like those of a real Vault and API server."""

import json
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import hvac
import hvac.exceptions
import kubernetes.client
import kubernetes.config
import pytest
import requests

from infra import preflight as module
from infra.config.secrets import ExternalSecretsConfig
from infra.preflight import PreflightError, preflight
from infra.secrets.documents import documents
from infra.target import Target
from tests.unit.infra.stacks import target

KV2 = {"type": "kv", "options": {"version": "2"}}


class FakeVault:
    """Enough of hvac's client."""

    def __init__(self) -> None:
        self.token = "a token"
        self.health: Any = {"initialized": True, "sealed": False}
        self.refuses = False
        self.metadata: dict[str, Any] = {}
        self.settings: dict[str, Any] = {}
        """Of a document, beside its custom metadata."""
        self.engine_settings: Any = {"cas_required": False, "delete_version_after": "0s"}
        self.subkeys: dict[str, Any] = {}
        self.mounts: dict[str, Any] = {"litellm": KV2}
        self.listed: Any = None
        """What `sys/mounts` says, where that is not what may be used."""
        self.roles: dict[str, Any] = {}
        self.auth_configs: dict[str, Any] = {"kubernetes": {}}
        self.asked: list[str] = []
        self.refusals: dict[str, Exception] = {}
        """What is raised instead of an answer, by a part of the URL."""
        self.sys = self.secrets = self.kv = self.v2 = self.adapter = self
        self.auth = SimpleNamespace(token=self)

    def read_health_status(self, method: str) -> Any:
        if isinstance(self.health, Exception):
            raise self.health
        return self.health

    def lookup_self(self) -> None:
        if self.refuses:
            raise hvac.exceptions.Forbidden("permission denied")

    def read_secret_metadata(self, path: str, mount_point: str) -> Any:
        path = path if mount_point == "litellm" else f"{mount_point}:{path}"
        if path not in self.metadata:
            raise hvac.exceptions.InvalidPath
        return {"data": {"custom_metadata": self.metadata[path], **self.settings.get(path, {})}}

    def list_mounted_secrets_engines(self) -> Any:
        if isinstance(self.listed, Exception):
            raise self.listed
        return {"data": self.listed or {}}

    def get(self, url: str) -> Any:
        assert url.startswith("/v1/")
        self.asked.append(url)
        if refusal := next((error for part, error in self.refusals.items() if part in url), None):
            raise refusal
        if "/internal/ui/mounts/" in url:
            name = url.partition("/mounts/")[2]
            if name not in self.mounts:
                raise hvac.exceptions.Forbidden
            return {"data": {"path": f"{name}/"} | self.mounts[name]}
        if url == "/v1/litellm/config":
            if isinstance(self.engine_settings, Exception):
                raise self.engine_settings
            return {"data": self.engine_settings}
        if "/role/" in url:
            name = url.rpartition("/")[2]
            if name not in self.roles:
                raise hvac.exceptions.InvalidPath
            return {"data": self.roles[name]}
        if url.startswith("/v1/auth/"):
            name = url.split("/")[3]
            if name not in self.auth_configs:
                raise hvac.exceptions.InvalidPath
            return {"data": self.auth_configs[name]}
        path = url.partition("/subkeys/")[2]
        if path not in self.subkeys:
            raise hvac.exceptions.InvalidPath
        return {"data": {"subkeys": self.subkeys[path]}}


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> FakeVault:
    fake = FakeVault()
    monkeypatch.setattr(hvac, "Client", lambda **_: fake)
    monkeypatch.setattr(module, "check_cluster", finds())
    return fake


def finds(*problems: str) -> Any:
    """A look at the cluster that finds these problems."""

    def check_cluster(of: Target) -> Generator[str, None, ExternalSecretsConfig]:
        yield from problems
        return of.config.external_secrets

    return check_cluster


def problems(of: Target) -> str:
    with pytest.raises(PreflightError) as caught:
        preflight(of, documents(of.config))
    return str(caught.value)


def test_a_healthy_vault_says_nothing(vault: FakeVault):
    preflight(target(), documents(target().config))


def test_a_wrong_address_is_named(vault: FakeVault):
    vault.health = requests.ConnectionError("Connection refused")
    assert "Vault at https://vault.invalid:8200 cannot be reached: Connection refused" in problems(target())


def test_a_sealed_vault_is_named(vault: FakeVault):
    vault.health = {"initialized": True, "sealed": True}
    assert "is sealed: unseal it first" in problems(target())


@pytest.mark.parametrize(
    ("health", "says"),
    [
        ({"initialized": False, "sealed": True}, "is not initialized"),
        ({"initialized": False}, "is not initialized"),
        (SimpleNamespace(json=lambda: {"initialized": True, "sealed": True}), "is sealed"),
    ],
    ids=["new", "new, and says no more", "a response as it came"],
)
def test_a_vault_that_cannot_be_asked_yet_is_named_and_nothing_else_is_said(vault: FakeVault, health: Any, says: str):
    vault.health, vault.token = health, ""
    assert says in problems(target())
    assert "no Vault token" not in problems(target())


@pytest.mark.parametrize("health", [{"initialized": True, "sealed": False, "standby": True}, {}])
def test_a_vault_that_stands_by_answers_as_well(vault: FakeVault, health: Any):
    vault.health = health
    preflight(target(), documents(target().config))


@pytest.mark.parametrize(
    "error",
    [hvac.exceptions.InternalServerError("disk full"), ValueError("no JSON"), requests.ReadTimeout("too slow")],
    ids=lambda error: type(error).__name__,
)
def test_a_vault_in_trouble_ends_in_a_sentence(vault: FakeVault, error: Exception):
    vault.refusals = {"/internal/ui/mounts/litellm": error}
    assert "`vault status` must work first" in problems(target())


def test_vault_is_asked_where_and_how_the_configuration_says(
    vault: FakeVault, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """Documents in the namespace of the stack, logins in the one above; the certificate is checked."""
    opened: list[dict[str, Any]] = []
    monkeypatch.setattr(hvac, "Client", lambda **given: opened.append(given) or vault)
    ca = tmp_path / "ca.pem"
    ca.write_text("PEM")
    settings = {"namespace": "admin/team", "authNamespace": "admin", "caCertFile": str(ca)}
    preflight(target(secrets={"vault": settings}), documents(target().config))
    assert {given["namespace"] for given in opened} == {"admin/team", "admin"}
    assert {given["verify"] for given in opened} == {str(ca)}
    assert {given["url"] for given in opened} == {"https://vault.invalid:8200"}
    assert all(0 < given["timeout"] <= 30 for given in opened)
    opened.clear()
    preflight(target(), documents(target().config))
    assert {(given["namespace"], given["verify"]) for given in opened} == {(None, True)}


FORBIDDEN = hvac.exceptions.Forbidden("permission denied")


def test_what_a_token_may_not_look_at_is_left_to_the_up(vault: FakeVault):
    """The rights that are documented suffice for an `up`, and not for every look."""
    vault.refusals = {"/subkeys/": FORBIDDEN, "/auth/": FORBIDDEN}
    preflight(target(**SHARED_AUTH), documents(target().config))
    preflight(target(**ONE_ROLE), documents(target().config))
    preflight(referring(), documents(target().config))


def test_an_engine_without_settings_of_its_own_has_those_of_vault(vault: FakeVault):
    vault.engine_settings = hvac.exceptions.InvalidPath()
    preflight(target(), documents(target().config))


def test_a_missing_token_is_named(vault: FakeVault):
    vault.token = ""
    assert "run `vault login`, or set VAULT_TOKEN" in problems(target())


def test_a_refused_token_is_named_with_its_namespace(vault: FakeVault):
    vault.refuses = True
    assert "refuses the token: is VAULT_TOKEN for this Vault and its namespace team" in problems(
        target(secrets={"vault": {"namespace": "team"}})
    )


def test_a_document_of_somebody_else_is_not_overwritten(vault: FakeVault):
    vault.metadata = {"dev/api-keys": None, "dev/redis": {"managed-by": "litellm/prod"}}
    said = problems(target())
    assert "litellm/dev/api-keys in Vault was written by somebody else" in said
    assert "litellm/dev/redis in Vault was written by litellm/prod" in said


@pytest.mark.parametrize("mark", ["litellm/dev", "litellm/dev/0a1b2c3d/4e5f6071"])
def test_a_document_of_this_stack_is_its_own(vault: FakeVault, mark: str):
    """Which state of it made it, the engine asks."""
    vault.metadata = {"dev/api-keys": {"managed-by": mark}}
    preflight(target(), documents(target().config))


def test_what_a_stack_adopts_must_be_there(vault: FakeVault):
    vault.subkeys = {"dev/database": {"username": None}, "dev/api-keys": {"master-key": None}}
    said = problems(target(secrets={"vault": {"adopt": True}}))
    assert "the document litellm/dev/database has no password" in said
    assert "the document litellm/dev/redis has no password" in said
    assert "api-keys" not in said


def test_a_referenced_document_must_be_there_with_its_property(vault: FakeVault):
    vault.subkeys = {"shared": {"other": None}}
    said = problems(
        target(
            keys={"master": {"existing": {"document": "nowhere", "property": "a"}}},
            providerDocuments={"OPENAI_API_KEY": {"document": "shared", "property": "openai"}},
        )
    )
    assert "litellm:keys.master.existing: there is no document litellm/nowhere in Vault" in said
    assert "litellm:providerDocuments.OPENAI_API_KEY: the document litellm/shared has no property 'openai'" in said
    assert "it has other" in said


@pytest.mark.parametrize("create", [True, False])
@pytest.mark.parametrize(
    "engine",
    [
        {"type": "kv", "options": {"version": "1"}},
        {"type": "kv", "options": None},
        {"type": "pki", "options": None},
        {"type": "plugin", "options": {"version": "2"}},
    ],
)
def test_an_engine_that_is_there_must_be_kv_version_2(vault: FakeVault, engine: dict[str, Any], create: bool):
    """Also where the stack may make one: it would notice when documents, policy and role are there."""
    vault.mounts["litellm"] = engine
    assert "is not KV version 2" in problems(target(secrets={"vault": {"mount": {"create": create}}}))


def test_an_engine_that_is_of_no_use_is_not_looked_into(vault: FakeVault):
    """Its answers would be of another kind, and their problems none of the user's."""
    vault.mounts["litellm"] = {"type": "kv", "options": {"version": "1"}}
    vault.metadata = {"dev/api-keys": {"managed-by": "somebody"}}
    assert "written by" not in problems(target())
    assert not [url for url in vault.asked if url.startswith("/v1/litellm/")]


@pytest.mark.parametrize("error", [hvac.exceptions.Forbidden, hvac.exceptions.UnsupportedOperation])
def test_documents_that_a_token_may_not_look_at_are_left_to_the_up(
    vault: FakeVault, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
):
    def refuse(**_: str) -> Any:
        raise error

    monkeypatch.setattr(vault, "read_secret_metadata", refuse)
    preflight(target(), documents(target().config))


def test_an_engine_that_must_exist_is_named_when_it_does_not(vault: FakeVault):
    vault.mounts = {}
    assert "no secrets engine at litellm/" in problems(target(secrets={"vault": {"mount": {"create": False}}}))


def test_an_engine_that_is_to_be_made_may_be_missing(vault: FakeVault):
    vault.mounts = {}
    preflight(target(), documents(target().config))


def test_an_engine_that_the_token_may_not_use_is_not_made_again(vault: FakeVault):
    vault.mounts, vault.listed = {}, {"litellm/": KV2}
    assert "no secrets engine at litellm/ that this token may use" in problems(target())


def test_a_token_that_can_see_no_engine_is_told_which_right_it_lacks(vault: FakeVault):
    vault.mounts, vault.listed = {}, hvac.exceptions.Forbidden()
    assert "may not look at `sys/mounts`" in problems(target())


def test_engines_elsewhere_are_in_nobodys_way(vault: FakeVault):
    vault.mounts, vault.listed = {}, {"secret/": KV2, "litellm-two/": KV2}
    preflight(target(), documents(target().config))


@pytest.mark.parametrize("near", ["litellm/team/", "lit/"])
def test_an_engine_cannot_be_made_around_another_or_inside_it(vault: FakeVault, near: str):
    vault.mounts, vault.listed = {}, {near: KV2}
    path = {"secrets": {"vault": {"mount": {"path": "lit/dev" if near == "lit/" else "litellm"}}}}
    assert f"a secrets engine at {near}" in problems(target(**path))


def test_the_path_of_an_engine_is_not_one_inside_another(vault: FakeVault):
    vault.mounts["litellm/dev"] = KV2 | {"path": "litellm/"}
    assert "a secrets engine at litellm/" in problems(target(secrets={"vault": {"mount": {"path": "litellm/dev"}}}))


def test_an_engine_that_deletes_what_it_holds_is_refused(vault: FakeVault):
    """The salt key would go after that time without a word."""
    vault.engine_settings = {"cas_required": False, "delete_version_after": "720h0m0s"}
    assert "`vault write litellm/config delete_version_after=0s`" in problems(target())


def test_an_engine_that_wants_check_and_set_is_refused(vault: FakeVault):
    """The salt key would be written, and everything after it would fail."""
    vault.engine_settings = {"cas_required": True, "delete_version_after": "0s"}
    assert "`vault write litellm/config cas_required=false`" in problems(target())


def test_a_new_stack_must_know_whether_its_salt_key_will_stay(vault: FakeVault):
    vault.engine_settings = hvac.exceptions.Forbidden()
    assert 'path "litellm/config" { capabilities = ["read"] }' in problems(target())


def test_a_salt_key_that_stands_shows_by_itself_that_it_stays(vault: FakeVault):
    """Tokens of stacks that stand may lack the right to read the engine's settings."""
    vault.engine_settings = hvac.exceptions.Forbidden()
    vault.metadata = {"dev/salt": None}
    preflight(target(), documents(target().config))


OWN = {"managed-by": "litellm/dev"}


@pytest.mark.parametrize("document", ["dev/salt", "dev/api-keys"])
@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"cas_required": True}, "`vault kv metadata patch -mount=litellm -cas-required=false {}`"),
        (
            {"delete_version_after": "1h0m0s"},
            "`vault kv metadata patch -mount=litellm -delete-version-after=0s {}`",
        ),
        (
            {"current_version": 2, "versions": {"2": {"deletion_time": "2030-01-01T00:00:00Z", "destroyed": False}}},
            "`vault kv undelete -mount=litellm -versions=2 {}`",
        ),
        (
            {"current_version": 1, "versions": {"1": {"deletion_time": "", "destroyed": True}}},
            "litellm/{} in Vault was",
        ),
    ],
)
def test_a_document_that_will_not_stay_or_cannot_change_is_refused(
    vault: FakeVault, document: str, settings: dict[str, Any], says: str
):
    vault.metadata, vault.settings = {document: OWN}, {document: settings}
    assert says.format(document) in problems(target())


def test_a_salt_key_that_is_there_already_must_stay_as_well(vault: FakeVault):
    vault.subkeys, vault.metadata = {"old/keys": {"salt": None}}, {"old/keys": None}
    vault.settings = {"old/keys": {"delete_version_after": "1h0m0s"}}
    existing = {"salt": {"existing": {"document": "old/keys", "property": "salt"}}}
    assert "-delete-version-after=0s old/keys" in problems(target(keys=existing))


def test_a_salt_key_in_another_engine_must_stay_there_as_well(vault: FakeVault):
    vault.mounts["kv"], vault.subkeys = KV2, {"old/keys": {"salt": None}}
    vault.metadata = {"kv:old/keys": None}
    vault.settings = {"kv:old/keys": {"delete_version_after": "1h0m0s"}}
    existing = {"salt": {"existing": {"document": "old/keys", "property": "salt", "mount": "kv"}}}
    said = problems(target(keys=existing))
    assert "kv/old/keys in Vault deletes its versions" in said
    assert "`vault kv metadata patch -mount=kv -delete-version-after=0s old/keys`" in said


def test_an_engine_of_a_reference_that_the_token_may_not_see_is_left_to_the_operator(vault: FakeVault):
    vault.refusals = {"/v1/kv/subkeys/": FORBIDDEN}
    preflight(referring(mount="kv"), documents(target().config))


def referring(**reference: Any) -> Target:
    return target(secretEnvironment={"OPENAI_API_KEY": {"document": "shared/keys", "property": "a"} | reference})


NESTED = {"shared/keys": {"openai": {"prod": None, "dotted.name": None}, "list": None, "a.b": None}}


@pytest.mark.parametrize("name", ["openai.prod", "openai", "list.0", "a.b", "list.#.name"])
def test_a_property_below_others_is_found(vault: FakeVault, name: str):
    vault.subkeys = NESTED
    preflight(referring(property=name), documents(target().config))


@pytest.mark.parametrize("name", ["openai.dev", "list.name", "other.prod"])
def test_a_property_below_others_that_is_not_there_is_named_with_those_that_are(vault: FakeVault, name: str):
    vault.subkeys = NESTED
    assert f"has no property {name!r}; it has a.b, list, openai.dotted.name, openai.prod" in problems(
        referring(property=name)
    )


def test_a_document_of_another_mount_is_looked_for_there(vault: FakeVault):
    vault.mounts["kv"] = KV2
    vault.subkeys = {"shared/keys": {"a": None}}
    preflight(referring(mount="kv"), documents(target().config))
    assert "/v1/kv/subkeys/shared/keys" in vault.asked
    assert "there is no document kv/other in Vault" in problems(referring(mount="kv", document="other"))


def test_another_mount_is_of_kv_version_2(vault: FakeVault):
    vault.mounts["kv"] = {"type": "kv", "options": {"version": "1"}}
    vault.subkeys = {"shared/keys": {"a": None}}
    assert "no secrets engine of KV version 2 at kv/" in problems(referring(mount="kv"))


def test_the_path_of_another_mount_is_not_one_inside_an_engine(vault: FakeVault):
    vault.mounts["kv/team"] = KV2 | {"path": "kv/"}
    vault.subkeys = {"shared/keys": {"a": None}}
    assert "no secrets engine of KV version 2 at kv/team/" in problems(referring(mount="kv/team"))


def test_what_is_in_a_list_far_below_cannot_be_seen(vault: FakeVault):
    vault.subkeys = {"shared/keys": {"deep": {"list": None}}}
    preflight(referring(property="deep.list.0"), documents(target().config))
    assert "has no property 'deep.list.name'; it has deep.list" in problems(referring(property="deep.list.name"))


def test_a_path_with_the_mount_of_another_engine_is_said_to_be_one(vault: FakeVault):
    said = problems(referring(document="kv/data/team/keys"))
    assert "If kv/ is a secrets engine: write mount kv and document team/keys" in said


ONE_ROLE = {"secrets": {"vault": {"kubernetesAuth": {"create": False, "createRole": False, "role": "litellm"}}}}
BOUND = {"bound_service_account_names": ["secret-reader"], "bound_service_account_namespaces": ["litellm-*"]}


def test_a_role_of_an_administrator_must_be_there(vault: FakeVault):
    assert "there is no role litellm of auth/kubernetes/" in problems(target(**ONE_ROLE))


def test_a_role_for_one_name_that_is_no_list_admits_it(vault: FakeVault):
    vault.roles = {"litellm": {key: names[0] for key, names in BOUND.items()}}
    preflight(target(**ONE_ROLE), documents(target().config))


@pytest.mark.parametrize(
    "change", [{"bound_service_account_names": ["x"]}, {"bound_service_account_namespaces": ["y-*"]}]
)
def test_a_role_of_an_administrator_must_admit_the_reader(vault: FakeVault, change: dict[str, list[str]]):
    vault.roles = {"litellm": BOUND | change}
    assert "does not admit" in problems(target(**ONE_ROLE))


def test_a_role_that_is_bound_to_nobody_admits_nobody(vault: FakeVault):
    vault.roles = {"litellm": {"bound_service_account_names": None}}
    said = problems(target(**ONE_ROLE))
    assert "does not admit secret-reader (bound_service_account_names)" in said
    assert "does not admit litellm-dev (bound_service_account_namespaces)" in said


def test_a_role_for_many_namespaces_admits_the_reader_of_one(vault: FakeVault):
    vault.roles = {"litellm": BOUND}
    preflight(target(**ONE_ROLE), documents(target().config))


APP_ROLE = {"auth": "approle", "appRole": {"kubernetesSecret": "vault-approle"}}


def test_a_jwt_method_must_be_there_for_a_role_of_the_stack(vault: FakeVault):
    jwt = {"secrets": {"vault": {"auth": "jwt"}}}
    assert "no auth method at auth/jwt/" in problems(target(**jwt))
    assert "litellm:secrets.vault.jwtAuth.path" in problems(target(**jwt))
    vault.mounts["auth/jwt"] = {"type": "jwt"}
    preflight(target(**jwt), documents(target().config))


@pytest.mark.parametrize(
    ("settings", "path"), [({"auth": "jwt"}, "auth/jwt"), (APP_ROLE, "auth/approle")], ids=["jwt", "approle"]
)
def test_a_method_of_another_kind_is_said(vault: FakeVault, settings: dict[str, Any], path: str):
    vault.mounts[path] = {"type": "userpass"}
    assert f"{path}/ is not " in problems(target(secrets={"vault": settings}))


def test_a_jwt_role_without_a_subject_admits_by_its_claims(vault: FakeVault):
    jwt = target(secrets={"vault": {"auth": "jwt", "jwtAuth": {"createRole": False, "role": "litellm"}}})
    vault.mounts["auth/jwt"] = {"type": "jwt"}
    vault.roles = {"litellm": {"bound_claims": {"kubernetes.io": "…"}}}
    preflight(jwt, documents(target().config))


def test_a_jwt_method_that_an_administrator_keeps_to_himself_is_left_to_the_login(vault: FakeVault):
    vault.roles = {"litellm": {}}
    vault.mounts.pop("auth/jwt", None)
    jwt = target(secrets={"vault": {"auth": "jwt", "jwtAuth": {"createRole": False, "role": "litellm"}}})
    preflight(jwt, documents(target().config))


def test_an_app_role_whose_method_nobody_may_see_is_left_to_the_login(vault: FakeVault):
    preflight(target(secrets={"vault": APP_ROLE}), documents(target().config))


def test_a_jwt_role_of_an_administrator_must_admit_the_reader(vault: FakeVault):
    jwt = target(secrets={"vault": {"auth": "jwt", "jwtAuth": {"createRole": False, "role": "litellm"}}})
    vault.mounts["auth/jwt"] = {"type": "jwt"}
    assert "there is no role litellm of auth/jwt/" in problems(jwt)
    vault.roles = {"litellm": {"bound_subject": "system:serviceaccount:other:secret-reader"}}
    assert "does not admit system:serviceaccount:litellm-dev:secret-reader" in problems(jwt)
    vault.roles = {"litellm": {"bound_subject": "system:serviceaccount:litellm-dev:secret-reader"}}
    preflight(jwt, documents(target().config))


def test_an_auth_method_of_another_kind_is_not_taken_for_kubernetes(vault: FakeVault):
    vault.mounts["auth/kubernetes-dev"] = {"type": "userpass"}
    assert "auth/kubernetes-dev/ is not for Kubernetes" in problems(target())


def test_an_auth_method_that_an_earlier_up_has_made_is_its_own(vault: FakeVault):
    vault.mounts["auth/kubernetes-dev"] = {"type": "kubernetes"}
    preflight(target(), documents(target().config))


def test_problems_of_cluster_and_vault_are_reported_together(vault: FakeVault, monkeypatch: pytest.MonkeyPatch):
    vault.token = ""
    monkeypatch.setattr(module, "check_cluster", finds("no cluster"))
    said = problems(target())
    assert "nothing was changed" in said
    assert "no cluster" in said
    assert "no Vault token" in said


def test_an_unreachable_cluster_is_named(monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: Any, **__: Any) -> None:
        raise kubernetes.config.ConfigException("Service host/port is not set.")

    monkeypatch.setattr(kubernetes.config, "new_client_from_config", refuse)
    (said,) = module.check_cluster(target())
    assert "the Kubernetes API cannot be reached" in said
    assert "`kubectl version` must work first" in said


class FakeApi:
    """Answers of an API server by the end of the path: a status, or an object."""

    def __init__(self) -> None:
        self.configuration = SimpleNamespace()
        self.answers: dict[str, Any] = {
            "namespaces/litellm-dev": 404,
            "/apis/external-secrets.io": {"versions": [{"version": "v1"}]},
        }
        self.accepted: dict[str, str] = {}

    def param_serialize(
        self, method: str, path: str, header_params: dict[str, str], auth_settings: list[str]
    ) -> tuple[str, str]:
        self.accepted[path] = header_params["Accept"]
        return method, path

    def call_api(self, method: str, path: str, _request_timeout: float) -> Any:
        found = next((answer for end, answer in self.answers.items() if path.partition("?")[0].endswith(end)), {})
        status = found if isinstance(found, int) else 200
        return SimpleNamespace(status=status, reason="", read=lambda: json.dumps(found))


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> FakeApi:
    fake = FakeApi()
    monkeypatch.setattr(kubernetes.config, "new_client_from_config", lambda *_, **__: fake)
    return fake


def test_a_missing_operator_is_named_with_what_to_set(api: FakeApi):
    api.answers["/apis/external-secrets.io"] = 404
    (said,) = module.check_cluster(target(externalSecrets={"install": False}))
    assert "set litellm:externalSecrets.install to true" in said


def test_an_operator_under_another_account_is_named(api: FakeApi):
    api.answers["serviceaccounts/external-secrets"] = 404
    (said,) = module.check_cluster(target())
    assert "no ServiceAccount external-secrets in namespace external-secrets" in said


def test_a_namespace_of_somebody_else_is_not_taken_over(api: FakeApi):
    """It would be deleted with the stack."""
    api.answers["namespaces/litellm-dev"] = {"metadata": {"labels": {}}}
    assert any("does not belong to stack dev" in said for said in module.check_cluster(target()))


def test_refused_credentials_are_named(api: FakeApi):
    api.answers["/version"] = 401
    (said,) = module.check_cluster(target())
    assert "refuses the credentials" in said


def test_an_interrupted_installation_is_named_with_its_record(api: FakeApi):
    api.answers["external-secrets/secrets"] = {"items": [{"metadata": {"name": "sh.helm.release.v1.x.v1"}}]}
    (said,) = module.check_cluster(target(externalSecrets={"install": True}))
    assert "kubectl delete secret sh.helm.release.v1.x.v1 -n external-secrets" in said


ADMIN = {"kind": "existing", "host": "db.example.com", "admin": {"kubernetesSecret": "admin", "passwordKey": "pw"}}
STATIC_KEYS = {
    "kind": "aws",
    "aws": {"region": "eu-west-1", "identity": {"kind": "static-keys", "kubernetesSecret": "aws-keys"}},
}


def test_a_missing_secret_of_somebody_else_is_named_with_the_commands_that_make_it(api: FakeApi):
    """The namespace is the stack's own: without being told, nobody could make the Secret before the first `up`."""
    api.answers |= {"secrets/admin": 404, "secrets/aws-keys": 404}
    keys, admin = module.check_cluster(target(database=ADMIN, secrets=STATIC_KEYS))
    assert "litellm:secrets.aws.identity.kubernetesSecret: there is no Secret aws-keys in namespace litellm-dev" in keys
    assert "-n litellm-dev --from-literal=access-key-id=… --from-literal=secret-access-key=…" in keys
    assert "`kubectl label namespace litellm-dev app.kubernetes.io/instance=litellm-dev`" in keys
    assert "kubectl create secret generic admin -n litellm-dev --from-literal=username=… --from-literal=pw=…" in admin


def test_a_secret_of_somebody_else_is_looked_for_without_its_values(api: FakeApi):
    assert not list(module.check_cluster(target(database=ADMIN)))
    (accepted,) = [accept for path, accept in api.accepted.items() if "/secrets/" in path]
    assert "as=PartialObjectMetadata" in accepted


def test_who_may_not_look_for_a_secret_is_not_told_that_it_is_missing(api: FakeApi):
    api.answers["secrets/admin"] = 403
    assert not list(module.check_cluster(target(database=ADMIN)))


SHARED_AUTH = {"secrets": {"vault": {"address": "https://vault.example.com", "kubernetesAuth": {"create": False}}}}


def test_a_shared_auth_method_that_is_not_there_is_named(vault: FakeVault):
    vault.auth_configs.clear()
    assert "no configured Kubernetes auth method at auth/kubernetes/" in problems(target(**SHARED_AUTH))


@pytest.mark.parametrize(
    "error", [hvac.exceptions.InvalidPath, hvac.exceptions.InvalidRequest, hvac.exceptions.UnsupportedOperation]
)
def test_whatever_vault_says_of_a_method_without_configuration_it_is_named(vault: FakeVault, error: type[Exception]):
    vault.refusals = {"/auth/kubernetes/config": error()}
    assert "no configured Kubernetes auth method at auth/kubernetes/" in problems(target(**SHARED_AUTH))


@pytest.mark.parametrize(
    "config",
    [
        {"disable_local_ca_jwt": False, "token_reviewer_jwt_set": False},
        {"disable_local_ca_jwt": True},
        {},
    ],
    ids=["with its own token", "of a Vault that does not say", "of an older Vault"],
)
def test_a_shared_auth_method_that_may_review_by_itself_is_fine(vault: FakeVault, config: dict[str, Any]):
    vault.auth_configs["kubernetes"] = config
    preflight(target(**SHARED_AUTH), documents(target().config))


def test_a_shared_auth_method_must_review_tokens_by_itself(vault: FakeVault):
    vault.auth_configs["kubernetes"] = {"disable_local_ca_jwt": True, "token_reviewer_jwt_set": False}
    assert "give it a token_reviewer_jwt" in problems(target(**SHARED_AUTH))


def test_a_shared_auth_method_with_a_reviewer_is_fine(vault: FakeVault):
    vault.auth_configs["kubernetes"] = {"disable_local_ca_jwt": True, "token_reviewer_jwt_set": True}
    of = target(**SHARED_AUTH)
    preflight(of, documents(of.config))


WROTE = "litellm/dev/api-keys"


def standing(**known: Any) -> Target:
    return replace(target(), **known)


def document(vault: FakeVault, path: str, version: int, **custom: str) -> None:
    vault.metadata[path] = {"managed-by": "litellm/dev", **custom}
    versions = {str(version): {"destroyed": False, "deletion_time": ""}}
    vault.settings[path] = {"current_version": version, "versions": versions}


def test_a_vault_that_was_restored_from_a_snapshot_is_recognised(vault: FakeVault):
    document(vault, "dev/api-keys", 3)
    said = problems(standing(written={WROTE: 5}))
    assert "litellm/dev/api-keys in Vault has version 3, and this stack wrote version 5" in said
    assert "`make recover STACK=dev`, and `make up STACK=dev`" in said


@pytest.mark.parametrize("version", [5, 6])
def test_a_document_that_is_as_new_as_the_state_or_newer_is_no_problem(vault: FakeVault, version: int):
    document(vault, "dev/api-keys", version)
    of = standing(written={WROTE: 5})
    preflight(of, documents(of.config))


def test_a_document_that_somebody_deleted_is_named_before_anything_is_made(vault: FakeVault):
    assert "litellm/dev/api-keys is not in Vault any more, and this stack wrote it" in problems(
        standing(written={WROTE: 1})
    )


@pytest.mark.parametrize(("generation", "says"), [("state", "with the same values"), ("store", "nowhere else")])
def test_whether_a_deleted_document_can_be_written_again_depends_on_where_its_values_are(
    vault: FakeVault, generation: str, says: str
):
    of = target(secrets={"generation": generation})
    assert says in problems(replace(of, written={WROTE: 1}))


@pytest.mark.parametrize(("generation", "says"), [("state", "values of the state over"), ("store", "goes on with")])
def test_which_values_follow_a_snapshot_depends_on_where_they_are_made(vault: FakeVault, generation: str, says: str):
    document(vault, "dev/api-keys", 3)
    of = target(secrets={"generation": generation})
    assert says in problems(replace(of, written={WROTE: 5}))


SALT = "litellm/dev/salt"


def test_a_salt_key_that_was_written_over_is_refused_with_the_way_back(vault: FakeVault):
    document(vault, "dev/salt", 2)
    vault.settings["dev/salt"]["versions"]["1"] = {"destroyed": False}
    said = problems(standing(written={SALT: 1}))
    assert "litellm/dev/salt in Vault, the salt key, was written over since this stack made it (version 2)" in said
    assert "`vault kv rollback -mount=litellm -version=1 dev/salt`" in said


@pytest.mark.parametrize("first", [{}, {"1": {"destroyed": True}}], ids=["rolled over", "destroyed"])
def test_a_salt_key_whose_first_version_is_gone_needs_a_backup(vault: FakeVault, first: dict[str, Any]):
    document(vault, "dev/salt", 11)
    vault.settings["dev/salt"]["versions"] |= first
    said = problems(standing(written={SALT: 1}))
    assert "its first version is gone (max_versions): bring the key back from a backup" in said


def test_a_salt_key_is_right_when_somebody_says_which_version_is(vault: FakeVault):
    document(vault, "dev/salt", 3, **{"salt-version": "3"})
    of = standing(written={SALT: 1})
    preflight(of, documents(of.config))
    document(vault, "dev/salt", 4, **{"salt-version": "3"})
    assert "was written over" in problems(of)


def test_a_salt_key_that_the_stack_found_may_have_any_version(vault: FakeVault):
    document(vault, "dev/salt", 3)
    preflight(target(), documents(target().config))


@pytest.mark.parametrize("path", ["sys/policies/acl/litellm-dev", "auth/kubernetes-dev/role/litellm-dev"])
def test_a_policy_or_role_that_was_taken_away_is_named(vault: FakeVault, path: str):
    said = problems(standing(granted=(path,)))
    assert f"{path} is not in Vault any more" in said
    vault.refusals = {path: hvac.exceptions.Forbidden()}
    of = standing(granted=(path,))
    preflight(of, documents(of.config))
