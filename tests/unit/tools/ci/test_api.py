"""Requests to GitHub and GitLab."""

import pytest

from tests.unit.tools.ci.server import Server
from tools.ci.api import ApiError
from tools.ci.vault_login import token


def test_sends_and_reads_json_with_its_headers(github: Server):
    github.answer("POST things", {"id": 7})
    assert github.api.call("POST", "things", {"name": "é"}) == {"id": 7}
    asked = github.asked[0]
    assert asked.body == {"name": "é"}
    assert asked.headers["Authorization"] == "Bearer a-token"


def test_an_answer_without_content_is_none(github: Server):
    github.answer("DELETE things/7")
    assert github.api.call("DELETE", "things/7") is None


def test_reads_every_page_of_a_list(github: Server):
    github.answer("GET list", [1, 2], Link=f'<{github.base}/list?page=2>; rel="next", <{github.base}/list>; rel="last"')
    github.answer("GET list?page=2", [3])
    assert list(github.api.pages("list")) == [1, 2, 3]


def test_follows_no_link_to_another_host(github: Server):
    """The request would carry the token there."""
    github.answer("GET list", [1], Link='<http://127.0.0.2:9/list>; rel="next"')
    assert list(github.api.pages("list")) == [1]


def test_a_refusal_says_what_was_asked_and_shows_no_token(github: Server):
    with pytest.raises(ApiError, match=r"GET .*/nothing: 404") as caught:
        github.api.call("GET", "nothing")
    assert "a-token" not in str(caught.value)


@pytest.mark.parametrize("body", [{"message": "not for you"}, {"errors": ["not for you"]}])
def test_a_refusal_gives_the_reason_of_the_api(github: Server, body: dict[str, object]):
    github.answer("GET secret", body, status="403")
    with pytest.raises(ApiError, match="403 not for you"):
        github.api.call("GET", "secret")


def test_logs_in_to_vault_with_the_identity_of_the_job(github: Server):
    github.answer("POST v1/auth/jwt/login", {"auth": {"client_token": "a-vault-token"}})
    environment = {"VAULT_ADDR": github.base, "VAULT_ROLE": "litellm-prod", "VAULT_ID_TOKEN": "j.w.t"}
    assert token(environment | {"VAULT_NAMESPACE": "team"}) == "a-vault-token"
    [asked] = github.asked
    assert asked.body == {"role": "litellm-prod", "jwt": "j.w.t"}
    assert asked.headers["X-Vault-Namespace"] == "team"
