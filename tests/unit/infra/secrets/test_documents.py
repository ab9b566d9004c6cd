from components.secrets.references import RemoteReference
from infra.secrets.documents import Contents, Generated, documents
from infra.servers import Servers
from tests.unit.infra.stacks import config

EXISTING = {"kind": "existing", "host": "db.example.com"}


def contents(**sections: object) -> Contents:
    servers = Servers(database=("db", 5432), redis=("redis", 6379))
    return Contents(config(**sections), servers, lambda document, name: {"key": f"dev/{document}", "property": name})


def test_a_stack_writes_one_document_for_each_purpose():
    assert list(documents(config())) == ["api-keys", "database", "database-admin", "redis"]


def test_the_salt_key_is_in_none_of_the_documents_that_are_written_again():
    assert "salt" not in documents(config())


def test_an_existing_master_key_is_not_written():
    existing = {"master": {"existing": {"document": "shared", "property": "key"}}}
    assert "api-keys" not in documents(config(keys=existing))
    assert contents(keys=existing).gateway().values["LITELLM_MASTER_KEY"] == {"key": "shared", "property": "key"}


def test_a_rotation_counter_reaches_its_document_and_no_other():
    written = documents(config(database={"rotation": 2}))
    assert written["database"]["password"] == Generated(40, rotation=2)
    assert written["database-admin"]["password"] == Generated(40)
    assert written["redis"]["password"] == Generated(40)


def test_the_superuser_of_postgres_never_rotates():
    """The server reads it once, on an empty volume."""
    password = documents(config(database={"rotation": 5}))["database-admin"]["password"]
    assert isinstance(password, Generated)
    assert password.rotation == 0


def test_the_gateway_never_gets_the_superuser():
    assert "dev/database-admin" not in str(contents().gateway().values)


def test_credentials_that_somebody_else_wrote_are_referenced():
    database = EXISTING | {"credentials": {"document": "shared/db", "passwordProperty": "pw"}}
    values = contents(database=database).gateway().values
    assert values["DATABASE_USERNAME"] == {"key": "shared/db", "property": "username"}
    assert values["DATABASE_PASSWORD"] == {"key": "shared/db", "property": "pw"}
    assert "database" not in documents(config(database=database))


def test_an_admin_in_a_kubernetes_secret_is_not_synced():
    assert contents(database=EXISTING | {"admin": {"kubernetesSecret": "admin"}}).database_admin() is None


def test_an_admin_in_the_store_is_synced():
    content = contents(database=EXISTING | {"admin": {"document": "shared/admin"}}).database_admin()
    assert content is not None
    assert content.values["password"] == {"key": "shared/admin", "property": "password"}


def test_without_redis_the_gateway_has_no_password_for_it():
    assert "REDIS_PASSWORD" not in contents(redis={"kind": "none"}).gateway().template


def test_provider_keys_come_from_the_stack_or_from_the_store():
    gateway = contents(
        providerKeys={"OPENAI_API_KEY": "sk-1"},
        providerDocuments={"ANTHROPIC_API_KEY": {"document": "shared/keys", "property": "anthropic"}},
    ).gateway()
    assert gateway.values["OPENAI_API_KEY"] == {"key": "dev/providers", "property": "OPENAI_API_KEY"}
    assert gateway.values["ANTHROPIC_API_KEY"] == {"key": "shared/keys", "property": "anthropic"}
    assert gateway.template["OPENAI_API_KEY"] == "{{ .OPENAI_API_KEY }}"


def test_a_secret_changes_with_the_documents_it_is_made_of():
    assert contents().gateway().documents == ("api-keys", "database", "redis")
    role = contents().database_role()
    assert role
    assert role.documents == ("database",)


def test_with_iam_tokens_there_is_no_password_of_the_database_anywhere():
    tokens = {
        "database": {"kind": "existing", "host": "a.b.eu-west-1.rds.amazonaws.com", "iamAuthentication": True},
        "gateway": {"serviceAccountAnnotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/own"}},
    }
    assert "database" not in documents(config(**tokens))
    assert contents(**tokens).database_role() is None
    assert not [name for name in contents(**tokens).gateway().template if name.startswith("DATABASE")]


def test_a_whole_secret_of_aws_has_no_property():
    store = {"kind": "aws", "aws": {"region": "eu-west-1", "identity": {"kind": "irsa", "clusterName": "one"}}}
    whole = contents(secrets=store, secretEnvironment={"OPENAI_API_KEY": {"document": "ops/openai"}})
    assert whole.gateway().values["OPENAI_API_KEY"] == {"key": "ops/openai"}


def database_url(credentials: dict[str, str], **others: object) -> tuple[dict[str, RemoteReference], str]:
    """What the Secret of the gateway is made of with a login that somebody else wrote."""
    found = contents(database={"kind": "existing", "credentials": credentials, **others})
    return dict(found.gateway().values), found.url(found.servers.database)


def test_a_whole_url_goes_to_the_gateway_as_it_stands():
    values, url = database_url({"document": "shared/db", "urlProperty": "uri"})
    assert values["DATABASE_URL"] == {"key": "shared/db", "property": "uri"}
    assert url == "{{ .DATABASE_URL }}"
    assert "DATABASE_USERNAME" not in values


def test_host_port_and_database_may_come_from_the_same_document():
    parts = {"hostProperty": "host", "portProperty": "port", "databaseProperty": "dbname"}
    values, url = database_url({"document": "shared/db", **parts})
    assert values["DATABASE_HOST"] == {"key": "shared/db", "property": "host"}
    assert values["DATABASE_NAME"] == {"key": "shared/db", "property": "dbname"}
    assert url == (
        'postgresql://{{ .DATABASE_USERNAME | urlquery | replace "+" "%20" }}:'
        '{{ .DATABASE_PASSWORD | urlquery | replace "+" "%20" }}@'
        '{{ if contains ":" .DATABASE_HOST }}[{{ .DATABASE_HOST }}]{{ else }}{{ .DATABASE_HOST }}{{ end }}:'
        '{{ .DATABASE_PORT }}/{{ .DATABASE_NAME | urlquery | replace "+" "%20" }}?sslmode=require'
    )


def test_a_kubernetes_secret_is_read_from_a_store_of_the_namespace():
    values, url = database_url({"kubernetesSecret": "db-app", "hostKey": "host"}, name="app")
    assert values["DATABASE_PASSWORD"] == {"key": "db-app", "property": "password", "store": "namespace:secrets"}
    assert url.endswith("{{ end }}:5432/app?sslmode=require")


def test_a_kubernetes_secret_is_never_taken_as_a_whole_document():
    names = {"usernameKey": "DATABASE_USERNAME", "passwordKey": "DATABASE_PASSWORD"}
    found = contents(database=EXISTING | {"credentials": {"kubernetesSecret": "db-app", **names}}).gateway()
    assert found.extract == ()
    assert found.values["DATABASE_USERNAME"]["key"] == "db-app"


def test_a_login_of_somebody_else_is_not_written():
    database = EXISTING | {"credentials": {"kubernetesSecret": "db-app"}}
    assert "database" not in documents(config(database=database))


def test_a_read_replica_has_the_same_login():
    replica = {"readReplica": {"host": "fd00::2", "port": 5433}}
    template = contents(database=EXISTING | replica | {"credentials": {"document": "shared/db"}}).gateway().template
    url = template["DATABASE_URL_READ_REPLICA"]
    assert isinstance(url, str)
    assert url.endswith("@[fd00::2]:5433/litellm?sslmode=require")
    assert url.startswith('postgresql://{{ .DATABASE_USERNAME | urlquery | replace "+" "%20" }}:')
