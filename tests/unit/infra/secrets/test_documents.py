import pytest

from components.gateway.files import key_of_file
from components.secrets.references import RemoteReference
from infra.secrets.documents import Contents, Generated, documents
from infra.servers import Servers
from tests.unit.infra.stacks import config

EXISTING = {"kind": "existing", "host": "db.example.com"}
GIVEN = EXISTING | {"credentials": {"document": "shared/db"}}


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


def test_what_is_generated_is_as_the_configuration_says():
    written = documents(config(keys={"master": {"length": 64, "rotation": 3}}, redis={"rotation": 2}))
    assert written["api-keys"] == {"master-key": Generated(64, "sk-", 3)}
    assert written["redis"] == {"password": Generated(40, "", 2)}
    assert written["database"] == {"username": "litellm", "password": Generated(40, "", 0)}
    assert written["database-admin"]["username"] == "postgres"


def test_the_gateway_gets_its_keys_and_the_password_of_redis_from_documents_of_the_stack():
    gateway = contents().gateway()
    assert gateway.values["LITELLM_MASTER_KEY"] == {"key": "dev/api-keys", "property": "master-key"}
    assert gateway.values["LITELLM_SALT_KEY"] == {"key": "dev/salt", "property": "salt-key"}
    assert gateway.values["REDIS_PASSWORD"] == {"key": "dev/redis", "property": "password"}
    assert set(gateway.template) == {"LITELLM_MASTER_KEY", "LITELLM_SALT_KEY", "REDIS_PASSWORD", "DATABASE_URL"}
    assert (gateway.type, gateway.extract) == ("Opaque", ())


def test_a_change_of_a_provider_key_changes_the_secret():
    assert contents(providerKeys={"OPENAI_API_KEY": "sk-1"}).gateway().documents[-1] == "providers"


SHARED = {name: {"document": "shared/keys", "property": name} for name in ("OPENAI_API_KEY", "GROQ_API_KEY")}


def test_a_document_whose_properties_are_called_like_the_variables_is_taken_as_a_whole():
    gateway = contents(providerDocuments=SHARED).gateway()
    assert gateway.extract == ("shared/keys",)
    assert not set(SHARED) & set(gateway.values), "not one by one as well"
    assert set(SHARED) <= set(gateway.template)


@pytest.mark.parametrize(
    "change",
    [
        {"GROQ_API_KEY": {"document": "shared/keys", "property": "groq"}},
        {"GROQ_API_KEY": {"document": "other", "property": "GROQ_API_KEY"}},
        {"GROQ_API_KEY": SHARED["GROQ_API_KEY"] | {"mount": "kv"}},
    ],
    ids=["called differently", "one of each", "of another mount"],
)
def test_any_other_document_is_taken_value_by_value(change: dict[str, dict[str, str]]):
    gateway = contents(providerDocuments=SHARED | change).gateway()
    assert gateway.extract == ()
    assert set(SHARED) <= set(gateway.values)


def test_files_of_litellm_have_aliases_in_the_template_and_their_own_names_in_the_secret():
    given = {"vertex.json": {"document": "gcp", "property": "a"}, "aws/key.pem": {"document": "aws", "property": "b"}}
    files = contents(gateway={"secretFiles": given}).files()
    assert files is not None
    assert files.values == {
        "FILE_0": {"key": "aws", "property": "b"},
        "FILE_1": {"key": "gcp", "property": "a"},
    }
    assert files.template == {key_of_file("aws/key.pem"): "{{ .FILE_0 }}", key_of_file("vertex.json"): "{{ .FILE_1 }}"}
    assert contents().files() is None


def test_a_certificate_in_the_store_becomes_a_secret_of_its_type():
    tls = {
        "certificate": {"document": "certs/one", "property": "crt"},
        "privateKey": {"document": "certs/one", "property": "key"},
    }
    made = contents(ingress={"host": "litellm.example.com", "tls": tls}).certificate()
    assert made is not None
    assert made.type == "kubernetes.io/tls"
    assert made.values == {
        "certificate": {"key": "certs/one", "property": "crt"},
        "key": {"key": "certs/one", "property": "key"},
    }
    assert made.template == {"tls.crt": "{{ .certificate }}", "tls.key": "{{ .key }}"}


@pytest.mark.parametrize("tls", [None, {"secretName": "there"}])
def test_a_certificate_that_is_elsewhere_is_no_secret_of_the_store(tls: dict[str, str] | None):
    assert contents(ingress={"host": "litellm.example.com", "tls": tls}).certificate() is None


def test_logins_to_registries_become_a_docker_config():
    made = contents(pods={"imagePullDocument": {"document": "registries", "property": "config"}}).image_pull()
    assert made is not None
    assert made.type == "kubernetes.io/dockerconfigjson"
    assert made.values == {"config": {"key": "registries", "property": "config"}}
    assert made.template == {".dockerconfigjson": "{{ .config }}"}
    assert contents().image_pull() is None


def test_the_redis_of_the_cluster_gets_its_password_and_its_file():
    made = contents().redis()
    assert made is not None
    assert made.values == {"password": {"key": "dev/redis", "property": "password"}}
    assert made.template["password"] == "{{ .password }}"
    assert "maxmemory " in str(made.template["redis.conf"])
    assert made.documents == ("redis",)
    assert contents(redis={"kind": "none"}).redis() is None


def test_the_job_that_makes_the_role_gets_user_and_password():
    made = contents().database_role()
    assert made is not None
    assert made.values == {name: {"key": "dev/database", "property": name} for name in ("username", "password")}
    assert made.template == {"username": "{{ .username }}", "password": "{{ .password }}"}


def test_the_admin_of_the_server_in_the_cluster_is_a_document_of_the_stack():
    made = contents().database_admin()
    assert made is not None
    assert made.values == {name: {"key": "dev/database-admin", "property": name} for name in ("username", "password")}
    assert made.template == {"username": "{{ .username }}", "password": "{{ .password }}"}
    assert made.documents == ("database-admin",)


def test_the_admin_that_aws_manages_is_read_where_aws_keeps_it():
    managed = Servers(database=("db", 5432), redis=("redis", 6379), managed_admin="arn:of:aws")
    made = Contents(config(database=GIVEN), managed, lambda _, name: {"key": "own", "property": name}).database_admin()
    assert made is not None
    assert made.values == {name: {"key": "arn:of:aws", "property": name} for name in ("username", "password")}


def test_without_an_admin_there_is_no_secret_for_one():
    assert contents(database=GIVEN).database_admin() is None


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
