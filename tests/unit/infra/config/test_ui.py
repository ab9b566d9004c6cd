"""Config key `ui`: the admin page, and who logs in to it."""

from typing import Any

import pytest
import yaml

from infra.config.load import ConfigError
from infra.secrets.documents import Contents, documents
from infra.servers import Servers
from infra.workloads import config_file, page_settings
from tests.unit.infra.stacks import config

SECRET = {"document": "shared/sso", "property": "client-secret"}
APPLICATION = {"clientId": "litellm", "clientSecret": SECRET}
GOOGLE = {"kind": "google", **APPLICATION}
MICROSOFT = {"kind": "microsoft", "tenant": "11111111-2222-3333-4444-555555555555", **APPLICATION}
OKTA = {"kind": "okta", "domain": "example.okta.com", **APPLICATION}
KEYCLOAK = {
    "kind": "generic",
    "authorizationEndpoint": "https://login.example.com/auth",
    "tokenEndpoint": "https://login.example.com/token",
    "userinfoEndpoint": "https://login.example.com/userinfo",
    **APPLICATION,
}


def variables(**ui: Any) -> dict[str, str]:
    return config(ui=ui).ui.variables


def values(**ui: Any) -> dict[str, Any]:
    def locate(document: str, name: str) -> Any:
        return {"key": document, "property": name}

    return dict(Contents(config(ui=ui), Servers(("", 0), None), locate).gateway().values)


def refusal(**sections: Any) -> str:
    with pytest.raises(ConfigError) as refused:
        config(**sections)
    return str(refused.value)


def test_an_older_file_changes_nothing():
    found = config()
    assert found.ui.variables == {}
    assert found.ui.documents == {}
    assert page_settings(found) == {}
    assert "ui" not in documents(found)
    assert "UI_PASSWORD" not in values()


def test_a_page_may_be_off():
    assert variables(enabled=False) == {"DISABLE_ADMIN_UI": "True"}


def test_who_logs_in_to_a_page_that_is_off_is_refused():
    assert "ui: enabled is false" in refusal(ui={"enabled": False, "username": "root"})


def test_a_password_is_generated_into_the_store():
    found = documents(config(ui={"password": {"rotation": 2}}))["ui"]["password"]
    assert (getattr(found, "length"), getattr(found, "rotation")) == (32, 2)  # noqa: B009 - a union
    assert values(password={})["UI_PASSWORD"] == {"key": "ui", "property": "password"}


def test_a_password_that_is_there_is_taken_by_reference():
    ui = {"password": {"existing": {"document": "shared/ui", "property": "pw"}}}
    assert "ui" not in documents(config(ui=ui))
    assert values(**ui)["UI_PASSWORD"] == {"key": "shared/ui", "property": "pw"}


def test_a_new_document_rolls_the_pods():
    def locate(document: str, name: str) -> Any:
        return {"key": document, "property": name}

    assert "ui" in Contents(config(ui={"password": {}}), Servers(("", 0), None), locate).gateway().documents


def test_nothing_is_written_to_a_store_of_somebody_else():
    assert "ui.password.existing: is required" in refusal(
        secrets={"kind": "existing", "existing": {"name": "corporate", "kind": "ClusterSecretStore"}},
        ui={"password": {}},
    )


@pytest.mark.parametrize(
    ("sso", "expected", "secret"),
    [
        (GOOGLE, {"GOOGLE_CLIENT_ID": "litellm"}, "GOOGLE_CLIENT_SECRET"),
        (
            MICROSOFT,
            {"MICROSOFT_CLIENT_ID": "litellm", "MICROSOFT_TENANT": MICROSOFT["tenant"]},
            "MICROSOFT_CLIENT_SECRET",
        ),
        (
            OKTA,
            {
                "GENERIC_CLIENT_ID": "litellm",
                "GENERIC_AUTHORIZATION_ENDPOINT": "https://example.okta.com/oauth2/v1/authorize",
                "GENERIC_TOKEN_ENDPOINT": "https://example.okta.com/oauth2/v1/token",
                "GENERIC_USERINFO_ENDPOINT": "https://example.okta.com/oauth2/v1/userinfo",
                "GENERIC_SCOPE": "openid email profile",
            },
            "GENERIC_CLIENT_SECRET",
        ),
        (
            KEYCLOAK,
            {
                "GENERIC_CLIENT_ID": "litellm",
                "GENERIC_AUTHORIZATION_ENDPOINT": "https://login.example.com/auth",
                "GENERIC_TOKEN_ENDPOINT": "https://login.example.com/token",
                "GENERIC_USERINFO_ENDPOINT": "https://login.example.com/userinfo",
                "GENERIC_SCOPE": "openid email profile",
            },
            "GENERIC_CLIENT_SECRET",
        ),
    ],
)
def test_a_provider_is_what_litellm_reads(sso: dict[str, Any], expected: dict[str, str], secret: str):
    assert variables(sso=sso) == expected
    assert values(sso=sso)[secret] == {"key": "shared/sso", "property": "client-secret"}


def test_okta_may_have_a_server_of_its_own():
    found = variables(sso={**OKTA, "authorizationServer": "default"})
    assert found["GENERIC_TOKEN_ENDPOINT"] == "https://example.okta.com/oauth2/default/v1/token"


def test_claims_may_have_other_names():
    found = variables(sso={**KEYCLOAK, "pkce": True, "attributes": {"userId": "sub", "role": "litellm_role"}})
    assert found["GENERIC_CLIENT_USE_PKCE"] == "true"
    assert found["GENERIC_USER_ID_ATTRIBUTE"] == "sub"
    assert found["GENERIC_USER_ROLE_ATTRIBUTE"] == "litellm_role"


def test_who_may_log_in_can_be_limited():
    sso = {**OKTA, "allowedDomains": ["example.com", "example.org"], "allowedGroup": {"name": "litellm-users"}}
    found = config(ui={"sso": sso, "proxyAdmin": "ada@example.com", "passwordLogin": False})
    assert found.ui.variables["ALLOWED_EMAIL_DOMAINS"] == "example.com,example.org"
    assert found.ui.variables["PROXY_ADMIN_ID"] == "ada@example.com"
    general = yaml.safe_load(config_file(found))["general_settings"]
    assert general["disable_password_login_when_sso_enabled"] is True
    assert general["ui_access_mode"] == {
        "type": "restricted_sso_group",
        "restricted_sso_group": "litellm-users",
        "sso_group_jwt_field": "groups",
    }


def test_google_knows_no_groups():
    assert "Google says nothing of groups" in refusal(ui={"sso": {**GOOGLE, "allowedGroup": {"name": "a"}}})


def test_somebody_must_be_able_to_log_in():
    assert "nobody could log in" in refusal(ui={"passwordLogin": False})


@pytest.mark.parametrize("ingress", [{"closed": ["admin"]}, {"paths": ["/v1"]}])
def test_a_login_must_come_back(ingress: dict[str, Any]):
    given = {"host": "litellm.example.com", "className": "traefik", **ingress}
    assert "litellm:ui.sso: comes back to /sso/callback" in refusal(ui={"sso": OKTA}, ingress=given)
    config(ui={"sso": OKTA}, ingress={**given, "private": {"host": "litellm.internal.example.com"}})


def test_a_login_needs_a_url_to_come_back_to():
    assert "litellm:ui.sso: needs a URL" in refusal(ui={"sso": OKTA}, ingress={"enabled": False})


@pytest.mark.parametrize(
    ("section", "given"),
    [
        ("gateway", {"environment": {"GENERIC_CLIENT_ID": "other"}}),
        ("secretEnvironment", {"GENERIC_CLIENT_SECRET": SECRET}),
        ("secretEnvironment", {"UI_PASSWORD": SECRET}),
        ("gateway", {"generalSettings": {"ui_access_mode": {"type": "all"}}}),
    ],
)
def test_the_page_is_described_once(section: str, given: dict[str, Any]):
    ui = {"password": {}, "sso": {**OKTA, "allowedGroup": {"name": "a"}}}
    assert "is set by ui, too" in refusal(ui=ui, **{section: given})


def test_a_client_secret_in_the_file_is_refused_without_its_text():
    said = refusal(ui={"sso": {**OKTA, "clientSecret": "not-" + "a-real-one"}})
    assert "ui.sso.clientSecret" in said
    assert "a-real-one" not in said


def ranges(**sections: Any) -> Any:
    return yaml.safe_load(config_file(config(**sections)))["general_settings"].get("trusted_proxy_ranges")


def test_what_stands_in_front_is_trusted_where_somebody_says_where_it_is():
    ingress = {"host": "litellm.example.com", "trustedProxyRanges": ["10.244.0.0/16"]}
    assert ranges(ingress=ingress) == ["10.244.0.0/16"]
    assert ranges(ingress={**ingress, "trustedProxyRanges": []}) == []


def test_a_guess_would_shut_out_everybody_at_once():
    """With a network that clients are in, too, all of them would have the address of the proxy."""
    assert ranges(networkPolicy={"gateway": [{"cidr": "10.0.0.0/16"}]}) is None


def test_the_stack_file_may_say_it_in_litellms_words():
    ingress = {"host": "litellm.example.com", "trustedProxyRanges": ["10.244.0.0/16"]}
    assert ranges(ingress=ingress, gateway={"generalSettings": {"trusted_proxy_ranges": ["10.9.0.0/24"]}}) == [
        "10.9.0.0/24"
    ]
