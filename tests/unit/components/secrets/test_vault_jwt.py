from components.secrets.vault_jwt import VaultJwtAuth, VaultJwtAuthArgs
from tests.recording import run

ROLE = "vault:jwt/authBackendRole:AuthBackendRole"


def args(**overrides: object) -> VaultJwtAuthArgs:
    defaults = {
        "path": "jwt",
        "role": "litellm-dev",
        "service_account": "secret-reader",
        "namespace": "litellm-dev",
        "audience": "vault",
        "policies": ["litellm-dev"],
    }
    return defaults | overrides  # type: ignore[return-value]


def test_the_role_is_bound_to_one_service_account_one_namespace_and_an_audience():
    role = run(lambda: VaultJwtAuth("auth", args())).inputs(ROLE)
    assert role["boundSubject"] == "system:serviceaccount:litellm-dev:secret-reader"
    assert role["boundAudiences"] == ["vault"]
    assert (role["tokenTtl"], role["tokenMaxTtl"]) == (600, 600)


def test_only_whole_tokens_of_that_kind_log_in_and_get_the_policies_that_were_given():
    role = run(lambda: VaultJwtAuth("auth", args(token_ttl_seconds=60))).inputs(ROLE)
    assert (role["backend"], role["roleName"]) == ("jwt", "litellm-dev")
    assert (role["roleType"], role["userClaim"]) == ("jwt", "sub")
    assert role["tokenPolicies"] == ["litellm-dev"]
    assert (role["tokenTtl"], role["tokenMaxTtl"]) == (60, 60)


def test_a_role_of_an_administrator_is_not_written():
    recorded = run(lambda: {"auth": VaultJwtAuth("auth", args(create_role=False, role="litellm")).eso_auth})
    assert not recorded.of(ROLE)
    assert recorded.outputs["auth"]["jwt"]["role"] == "litellm"


def test_the_operator_logs_in_with_a_token_of_the_reader_for_that_audience():
    recorded = run(lambda: {"auth": VaultJwtAuth("auth", args()).eso_auth})
    assert recorded.outputs["auth"]["jwt"] == {
        "path": "jwt",
        "role": "litellm-dev",
        "kubernetesServiceAccountToken": {"serviceAccountRef": {"name": "secret-reader"}, "audiences": ["vault"]},
    }


def test_its_resources_are_called_as_they_were():
    """By type, name and parent the engine knows what stands: another one is deleted, and made again."""
    recorded = run(lambda: VaultJwtAuth("auth", args()))
    whole = recorded.one("litellm:index:VaultJwtAuth", "auth")
    assert [(each.type, each.name) for each in recorded.resources if each.parent == whole.urn] == [(ROLE, "auth-role")]
