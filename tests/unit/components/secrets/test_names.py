import pytest

from components.secrets.names import variable


@pytest.mark.parametrize(
    ("document", "name", "expected"),
    [
        ("api-keys", "master-key", "LITELLM_MASTER_KEY"),
        ("salt", "salt-key", "LITELLM_SALT_KEY"),
        ("database", "username", "DATABASE_USERNAME"),
        ("database", "password", "DATABASE_PASSWORD"),
        ("database-admin", "username", "DATABASE_ADMIN_USERNAME"),
        ("database-admin", "password", "DATABASE_ADMIN_PASSWORD"),
        ("redis", "password", "REDIS_PASSWORD"),
        ("providers", "OPENAI_API_KEY", "OPENAI_API_KEY"),
    ],
)
def test_a_value_is_called_like_the_environment_variable_it_becomes(document: str, name: str, expected: str):
    assert variable(document, name) == expected
