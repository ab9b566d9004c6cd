"""The names of LiteLLM that the configuration is checked with are those of the pinned LiteLLM."""

import json
import re

from components.gateway.deployment import environment
from infra.config.load import load
from tests import litellm_env, litellm_names

APPLICATION = {"clientId": "litellm", "clientSecret": {"document": "shared/sso", "property": "client-secret"}}
LIMITED = {"allowedDomains": ["example.com"], "allowedGroup": {"name": "users"}, "autoRedirect": True}
CLAIMS = dict.fromkeys(("userId", "email", "displayName", "firstName", "lastName", "role"), "claim")
PAGES = (
    {"enabled": False},
    {"username": "root", "password": {}, "proxyAdmin": "ada"},
    {"sso": {"kind": "google", **APPLICATION}},
    {"sso": {"kind": "microsoft", "tenant": "common", **APPLICATION}, "passwordLogin": False},
    {"sso": {"kind": "okta", "domain": "a.okta.com", "pkce": True, "attributes": CLAIMS, **APPLICATION, **LIMITED}},
)


def test_the_names_are_those_of_the_pinned_litellm():
    assert litellm_names.MODULE.read_text(encoding="utf-8") == litellm_names.text(), (
        "run `python -m tests.litellm_names`"
    )


def test_litellm_fetches_nothing_that_its_image_has():
    """Each of these makes it take a list out of the image; in a closed network it would wait for the one of the internet."""
    sources = next(litellm_env.interpreter().parents[1].glob("lib/*/site-packages/litellm"))
    switches = {
        name for file in sources.rglob("*.py") for name in re.findall(r"\"(LITELLM_LOCAL_[A-Z_]+)\"", file.read_text())
    }
    assert len(switches) == 5
    assert dict.fromkeys(switches, "True").items() <= environment({}).items()


def test_what_the_page_is_told_is_what_litellm_reads():
    package = next(litellm_env.interpreter().parents[1].glob("lib/*/site-packages/litellm"))
    sources = "".join(file.read_text() for file in (package / "proxy").rglob("*.py"))
    for page in PAGES:
        ingress = json.dumps({"host": "litellm.example.com", "trustedProxyRanges": ["10.0.0.0/16"]})
        found = load({"litellm:ui": json.dumps(page), "litellm:ingress": ingress}, "dev")
        named = {*found.ui.variables, *found.ui.documents, *found.ui.general_settings, "trusted_proxy_ranges"}
        assert [name for name in sorted(named) if f'"{name}"' not in sources] == []
