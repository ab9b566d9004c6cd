"""What a stack on AWS writes into Secrets Manager and KMS."""

import json
from dataclasses import replace
from typing import Any

import pulumi
import pytest

from infra.cluster import Cluster
from infra.config.load import ConfigError
from infra.environment import deploy
from infra.secrets.aws import AwsStore, connection_details, resolve
from infra.servers import Servers
from tests.unit.infra.stacks import config, target
from tools.offline.mock_engine import Recording, run

LAMBDA = "arn:aws:lambda:eu-west-1:123456789012:function:rotate-postgres"
PROVIDER = "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"
NETWORK = {
    "vpcId": "vpc-0123456789abcdef0",
    "subnetIds": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
    "clientSecurityGroupIds": ["sg-0123456789abcdef0"],
}
RDS = {"kind": "rds", **NETWORK, "instanceClass": "db.m7g.large"}
ROTATION = {"lambdaArn": LAMBDA, "scheduleDays": 30}
INITIAL, VERSION = "pulumi-python:dynamic/litellm:AwsInitialValue", "aws:secretsmanager/secretVersion:SecretVersion"


def secrets(**more: Any) -> dict[str, Any]:
    identity = {"kind": "irsa", "oidcProviderArn": PROVIDER}
    return {"kind": "aws", "aws": {"region": "eu-west-1", "identity": identity, **more}}


def recorded(**sections: Any) -> Recording:
    return run(lambda: deploy(target(**sections)), preview=False, stack="dev")


def rotated(**database: Any) -> dict[str, str]:
    recording = recorded(secrets=secrets(rotation=ROTATION), database=RDS | database)
    return json.loads(recording.one(INITIAL, "documents-database-initial").inputs["value"])


def test_a_rotated_document_says_where_its_server_is():
    """The functions of AWS connect with nothing but the document."""
    document = rotated(name="gateway")
    assert document["engine"] == "postgres"
    assert (document["host"], document["port"]) == ("postgres-instance.rds.invalid", "5432")
    assert document["dbname"] == "gateway"
    assert {"username", "password"} <= set(document)


def test_a_rotated_document_names_the_admin_that_makes_the_second_user():
    assert rotated()["masterarn"].startswith("arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds!db-")


def test_the_admin_of_an_existing_server_is_the_document_that_the_configuration_names():
    existing = {"kind": "existing", "host": "db.example.com", "admin": {"document": "shared/postgres"}}
    recording = recorded(secrets=secrets(rotation=ROTATION), database=existing)
    assert (
        json.loads(recording.one(INITIAL, "documents-database-initial").inputs["value"])["masterarn"]
        == "shared/postgres"
    )


def test_whoever_logs_in_takes_the_user_with_the_password():
    """A function that alternates writes both: the password of one with the name of the other would let nobody in."""
    recording = recorded(secrets=secrets(rotation=ROTATION), database=RDS)
    external = "kubernetes:external-secrets.io/v1:ExternalSecret"
    specs = {each.name: each.inputs["spec"] for each in recording.of(external)}
    passwords = {
        name: {
            each["remoteRef"]["property"] for each in spec["data"] if each["remoteRef"]["key"] == "litellm/dev/database"
        }
        for name, spec in specs.items()
    }
    assert {name for name, taken in passwords.items() if taken} >= {"litellm-env-secret", "litellm-migration-secret"}
    assert all(taken in (set(), {"username", "password"}) for taken in passwords.values())
    url = specs["litellm-env-secret"]["target"]["template"]["data"]["DATABASE_URL"]
    assert url.startswith("postgresql://{{ .DATABASE_USERNAME")


def test_a_document_that_nobody_rotates_has_user_and_password_only():
    recording = recorded(secrets=secrets(), database=RDS)
    written = json.loads(recording.one(VERSION, "documents-database-version").inputs["secretString"])
    assert set(written) == {"username", "password"}


def test_a_key_of_ones_own_encrypts_every_secret():
    recording = recorded(secrets=secrets(kms="create"))
    key = recording.one("pulumi-python:dynamic/litellm:AwsKey", "secrets-key")
    assert key.inputs["alias"] == "litellm/dev"
    keys = {resource.inputs["kmsKeyId"] for resource in recording.of("aws:secretsmanager/secret:Secret")}
    assert len(keys) == 1
    assert keys == {recording.one("pulumi-python:dynamic/litellm:AwsSaltKey", "salt-key").inputs["kms_key_id"]}


def test_a_key_of_ones_own_is_kept_as_long_as_the_salt_key():
    """The salt key is encrypted with it."""
    key = recorded(secrets=secrets(kms="create")).one("pulumi-python:dynamic/litellm:AwsKey", "secrets-key")
    assert key.protect
    assert key.retain_on_delete


ROLE = "arn:aws:iam::222222222222:role/deployer"
KEY = "arn:aws:kms:eu-west-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab"
OTHER_KEY = KEY.replace("1234abcd", "99999999")
COPIES = {"eu-central-1": KEY.replace("eu-west-1", "eu-central-1"), "eu-west-2": "default"}
SECRET, SALT = "aws:secretsmanager/secret:Secret", "pulumi-python:dynamic/litellm:AwsSaltKey"


@pytest.fixture(scope="module")
def settled() -> Recording:
    """A stack whose every setting of AWS is another one than the default."""
    everything = secrets(
        accountId="222222222222",
        assumeRole={"roleArn": ROLE, "externalId": "gateway"},
        defaultTags={"team": "ai"},
        tags={"cost": "one"},
        prefix="/ops/litellm",
        kms=KEY,
        decryptKeys=[OTHER_KEY],
        recoveryWindowDays=7,
        replicaRegions=COPIES,
        resourcePolicy=False,
    )
    everything["aws"]["identity"]["oidcProviderArn"] = PROVIDER.replace("123456789012", "222222222222")
    existing = {"OPENAI_API_KEY": {"document": "shared/openai", "property": "key"}}
    return recorded(secrets=everything, secretEnvironment=existing, keys={"salt": {"length": 64}})


def test_the_program_works_in_the_account_and_as_the_role_that_were_given(settled: Recording):
    inputs = settled.inputs("pulumi:providers:aws")
    assert inputs["region"] == "eu-west-1"
    assert json.loads(inputs["allowedAccountIds"]) == ["222222222222"]
    assert json.loads(inputs["assumeRoles"]) == [{"roleArn": ROLE, "externalId": "gateway"}]
    assert json.loads(inputs["defaultTags"]) == {"tags": {"team": "ai"}}


def test_without_such_settings_the_program_works_as_whoever_runs_it():
    inputs = recorded(secrets=secrets()).inputs("pulumi:providers:aws")
    assert not {"allowedAccountIds", "assumeRoles", "defaultTags"} & set(inputs)


def test_the_salt_key_is_made_with_the_same_settings_as_every_secret(settled: Recording):
    """It is made past the provider, so it gets the provider's tags as well."""
    salt = settled.one(SALT).inputs
    connection = {"region": "eu-west-1", "account": "222222222222", "role_arn": ROLE, "external_id": "gateway"}
    assert salt["connection"] == connection
    assert salt["secret"] == "/ops/litellm/salt"
    assert salt["length"] == 64
    assert salt["kms_key_id"] == KEY
    assert salt["recovery_window_days"] == 7
    assert salt["replica_regions"] == {"eu-central-1": COPIES["eu-central-1"], "eu-west-2": ""}
    assert salt["own_account_only"] is False
    assert salt["tags"] == {"team": "ai", "cost": "one", "managed-by": "litellm/dev"}


def test_every_secret_has_the_settings_that_were_given(settled: Recording):
    made = settled.of(SECRET)
    assert {secret.inputs["name"].rpartition("/")[0] for secret in made} == {"/ops/litellm"}
    for secret in made:
        assert secret.inputs["kmsKeyId"] == KEY
        assert secret.inputs["recoveryWindowInDays"] == 7
        assert {replica["region"] for replica in secret.inputs["replicas"]} == set(COPIES)
        assert secret.inputs["tags"] == {"cost": "one", "managed-by": "litellm/dev"}
    assert not settled.of("aws:secretsmanager/secretPolicy:SecretPolicy")


def test_the_reader_may_read_what_the_stack_writes_and_refers_to_and_decrypt_with_the_keys(settled: Recording):
    read, decrypt = json.loads(settled.inputs("aws:iam/rolePolicy:RolePolicy", "reader-policy")["policy"])["Statement"]
    names = {arn.partition(":secret:")[2].rpartition("-")[0] for arn in read["Resource"]}
    assert names == {f"/ops/litellm/{name}" for name in ("api-keys", "database", "database-admin", "redis", "salt")} | {
        "shared/openai"
    }
    assert decrypt["Resource"] == sorted([KEY, OTHER_KEY])


@pytest.mark.parametrize(("window", "days"), [(0, 7), (7, 7), (30, 30)])
def test_a_key_of_ones_own_outlives_every_secret_that_can_be_restored(window: int, days: int):
    """A restored secret is worth nothing without it; of a key, AWS takes seven days at least."""
    given = {"kms": "create", "recoveryWindowDays": window, "defaultTags": {"team": "ai"}, "tags": {"cost": "one"}}
    key = recorded(secrets=secrets(**given)).inputs("pulumi-python:dynamic/litellm:AwsKey", "secrets-key")
    assert key["deletion_window_days"] == days
    assert key["tags"] == {"team": "ai", "cost": "one", "managed-by": "litellm/dev"}


def test_the_key_of_a_short_lived_stack_goes_with_it():
    given = {"secrets": secrets(kms="create"), "keys": {"salt": {"retain": False}}, "protect": "false"}
    key = recorded(**given).one("pulumi-python:dynamic/litellm:AwsKey", "secrets-key")
    assert (key.protect, key.retain_on_delete) == (False, False)


@pytest.mark.parametrize("retain", [True, False])
def test_the_salt_key_is_kept_as_the_configuration_says(retain: bool):
    salt = recorded(secrets=secrets(), keys={"salt": {"retain": retain}}, protect="false").one(SALT)
    assert (salt.protect, salt.retain_on_delete) == (retain, retain)


@pytest.mark.parametrize("protect", [True, False])
def test_documents_are_protected_as_the_configuration_says(protect: bool):
    made = recorded(secrets=secrets(), protect=json.dumps(protect)).one("litellm:index:AwsDocuments")
    assert made.protect is protect


def test_the_salt_key_stays_where_a_state_has_it():
    moved = replace(target(secrets=secrets(prefix="moved")), own_salt="litellm/dev/salt")
    recording = run(lambda: deploy(moved), stack="dev")
    assert recording.inputs(SALT)["secret"] == "litellm/dev/salt"


def test_a_salt_key_that_is_there_already_is_only_read():
    existing = {"salt": {"existing": {"document": "shared/keys", "property": "salt"}}}
    recording = recorded(secrets=secrets(), keys=existing)
    assert not recording.of(SALT)
    assert ":secret:shared/keys-??????" in recording.inputs("aws:iam/rolePolicy:RolePolicy", "reader-policy")["policy"]


def test_the_reader_may_read_the_admin_that_aws_made():
    recording = recorded(secrets=secrets(), database=RDS)
    assert ":secret:rds!db-" in recording.inputs("aws:iam/rolePolicy:RolePolicy", "reader-policy")["policy"]


def test_the_store_waits_for_documents_salt_key_and_reader():
    """It must not become Ready, and pods must not be made, before there is something to read."""
    needed = recorded(secrets=secrets()).one("litellm:index:SecretStore").dependencies
    names = {urn.rpartition("::")[2] for urn in needed}
    assert {"documents-api-keys-version", "salt-key", "reader-policy"} <= names


def test_values_of_a_bundle_are_in_one_secret_and_the_salt_key_in_another():
    recording = recorded(secrets=secrets(layout="bundle"))
    assert [each.inputs["name"] for each in recording.of(SECRET)] == ["litellm/dev/secrets"]
    assert recording.outputs["secretPlaces"] == {
        "masterKey": "litellm/dev/secrets#LITELLM_MASTER_KEY",
        "saltKey": "litellm/dev/salt#salt-key",
    }


def store_of(**sections: Any) -> AwsStore:
    store = target(**sections).store
    assert isinstance(store, AwsStore)
    return store


def test_documents_of_a_bundle_are_one_secret():
    names = {"redis": {}, "database": {}, "salt": {}}
    assert store_of(secrets=secrets()).secrets_of(names) == [
        "litellm/dev/database",
        "litellm/dev/redis",
        "litellm/dev/salt",
    ]
    assert store_of(secrets=secrets(layout="bundle")).secrets_of(names) == ["litellm/dev/salt", "litellm/dev/secrets"]


def test_nothing_is_adopted_from_aws():
    assert store_of(secrets=secrets()).adopted("redis", "password", pulumi.InvokeOptions()) is None


def block(recording: Recording) -> dict[str, Any]:
    return recording.inputs("kubernetes:external-secrets.io/v1:SecretStore")["spec"]["provider"]["aws"]


def test_with_tokens_of_its_own_the_reader_has_its_role_in_an_annotation():
    recording = recorded(secrets=secrets())
    assert block(recording)["auth"] == {"jwt": {"serviceAccountRef": {"name": "secret-reader"}}}
    assert "role" not in block(recording)
    (account,) = [
        each
        for each in recording.of("kubernetes:core/v1:ServiceAccount")
        if each.inputs["metadata"]["name"] == "secret-reader"
    ]
    assert account.inputs["metadata"]["annotations"]["eks.amazonaws.com/role-arn"].startswith("arn:aws:iam::")


def test_the_operator_may_ask_for_tokens_of_the_reader():
    recording = recorded(secrets=secrets(), externalSecrets={"namespace": "eso", "serviceAccount": "controller"})
    subjects = [each.inputs["subjects"] for each in recording.of("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding")]
    assert [{"kind": "ServiceAccount", "name": "controller", "namespace": "eso"}] in subjects


def test_the_reader_asks_with_the_audience_that_the_configuration_names():
    given = secrets()
    given["aws"]["identity"]["audience"] = "sts.amazonaws.com.cn"
    annotations = [
        each.inputs["metadata"].get("annotations", {})
        for each in recorded(secrets=given).of("kubernetes:core/v1:ServiceAccount")
        if each.inputs["metadata"]["name"] == "secret-reader"
    ]
    assert [each["eks.amazonaws.com/audience"] for each in annotations] == ["sts.amazonaws.com.cn"]


POD_IDENTITY = {"kind": "pod-identity", "clusterName": "ops"}
CONTROLLER = "arn:aws:iam::123456789012:role/operator"


@pytest.mark.parametrize(
    ("more", "assumes"), [({}, False), ({"controllerRoleArn": CONTROLLER}, True)], ids=["of the operator", "assumed"]
)
def test_a_pod_identity_reads_as_itself_or_assumes_the_role_of_the_reader(more: dict[str, str], assumes: bool):
    given = {"kind": "aws", "aws": {"region": "eu-west-1", "identity": POD_IDENTITY | more}}
    recording = recorded(secrets=given)
    assert ("role" in block(recording)) is assumes
    assert "auth" not in block(recording)
    assert "secret-reader" not in [
        each.inputs["metadata"]["name"] for each in recording.of("kubernetes:core/v1:ServiceAccount")
    ]


def test_an_alias_has_the_characters_that_aws_takes():
    key = recorded(secrets=secrets(kms="create", prefix="/ops/lite.llm")).one(
        "pulumi-python:dynamic/litellm:AwsKey", "secrets-key"
    )
    assert key.inputs["alias"] == "ops/lite-llm"


def test_a_rotation_is_as_the_configuration_says():
    given = {"lambdaArn": LAMBDA, "scheduleExpression": "rate(10 days)", "rotateImmediately": True}
    inputs = recorded(secrets=secrets(rotation=given), database=RDS).inputs(
        "aws:secretsmanager/secretRotation:SecretRotation"
    )
    assert inputs["rotationLambdaArn"] == LAMBDA
    assert inputs["rotationRules"] == {"scheduleExpression": "rate(10 days)"}
    assert inputs["rotateImmediately"] is True


def test_a_rotation_of_so_many_days_is_one():
    recording = recorded(secrets=secrets(rotation=ROTATION), database=RDS)
    rotation = recording.inputs("aws:secretsmanager/secretRotation:SecretRotation")
    assert rotation["rotationRules"] == {"automaticallyAfterDays": 30}


def test_a_port_is_written_as_people_write_it():
    """The engine hands every number on as one with a fraction."""
    port: Any = pulumi.Output.from_input(5432.0)
    servers = Servers(("db.example.com", port), None)
    details = run(lambda: connection_details(config(), servers)).outputs
    assert (details["port"], "masterarn" in details) == ("5432", False)


def test_a_store_that_is_not_described_cannot_be_resolved():
    with pytest.raises(ValueError, match=r"without secrets\.aws"):
        resolve(config(), "dev", Cluster("here", "https://10.0.0.1:6443", ""), offline=True)


def test_with_long_lived_keys_there_is_no_role_and_no_reader():
    fields = {"accessKeyIdKey": "id", "secretAccessKeyKey": "access"}
    keys = {"kind": "static-keys", "kubernetesSecret": "aws-keys", **fields}
    recording = recorded(secrets={"kind": "aws", "aws": {"region": "eu-west-1", "identity": keys}})
    block = recording.inputs("kubernetes:external-secrets.io/v1:SecretStore")["spec"]["provider"]["aws"]
    assert block["auth"]["secretRef"] == {
        "accessKeyIDSecretRef": {"name": "aws-keys", "key": "id"},
        "secretAccessKeySecretRef": {"name": "aws-keys", "key": "access"},
    }
    assert not recording.of("aws:iam/role:Role")
    assert "secret-store-reader" not in {each.name for each in recording.resources}


@pytest.mark.parametrize(
    ("database", "problem"),
    [
        (
            {"kind": "existing", "host": "db.example.com", "credentials": {"document": "shared/litellm"}},
            "database.credentials refers to one that somebody else writes",
        ),
        ({"kind": "in-cluster"}, "needs a Postgres that the Lambda function reaches"),
    ],
    ids=["a document of somebody else", "a server in the cluster"],
)
def test_a_rotation_that_could_never_work_is_refused(database: dict[str, Any], problem: str):
    with pytest.raises(ConfigError, match=problem):
        config(secrets=secrets(rotation=ROTATION), database=database)


ALB = {"className": "alb", "host": "litellm.example.com"}
CERTIFICATE = "arn:aws:acm:{}:123456789012:certificate/5fe4cb67-5af5-49d6-99e0-eb2145b66390"


def test_pods_behind_a_load_balancer_are_ready_when_it_says_so():
    """Or a rollout takes the old pods away before the load balancer sends anything to the new ones."""
    ingress = ALB | {"alb": {"certificateArn": CERTIFICATE.format("eu-west-1")}}
    labels = recorded(secrets=secrets(), ingress=ingress).inputs("kubernetes:core/v1:Namespace")["metadata"]["labels"]
    assert labels["elbv2.k8s.aws/pod-readiness-gate-inject"] == "enabled"


def test_pods_behind_another_ingress_have_no_such_label():
    labels = recorded(secrets=secrets()).inputs("kubernetes:core/v1:Namespace")["metadata"]["labels"]
    assert not [label for label in labels if label.startswith("elbv2")]


def test_a_certificate_of_another_region_is_refused():
    ingress = ALB | {"alb": {"certificateArn": CERTIFICATE.format("us-east-1")}}
    with pytest.raises(ConfigError, match=r"is in another region than the stack"):
        config(secrets=secrets(), ingress=ingress)


def many_keys(count: int, **more: Any) -> list[str]:
    """What is wrong with a stack of so many keys, whose names are of a usual length."""
    access = {"keys": {f"an-application-{number:04}": {} for number in range(count)}}
    found = config(access=access, secrets=secrets(**more))
    return [f"{each.path}: {each.message}" for each in resolve(found, "dev", Cluster("", "", ""), offline=True)[1]]


def test_more_keys_than_a_policy_of_iam_can_name_are_refused():
    """Each is a secret of its own, which the operator's role has to name."""
    (problem,) = many_keys(500)
    assert problem.startswith("access.keys: ")
    assert "IAM takes 10240" in problem
    assert "Divide the keys among stacks" in problem


def test_as_many_keys_as_fit_are_taken():
    assert many_keys(90) == []


def test_a_key_of_kms_names_each_secret_once_more():
    assert many_keys(40, kms="create") == []
    assert len(many_keys(90, kms="create")) == 1


def test_with_long_lived_keys_of_the_operator_there_is_no_policy_to_fit():
    static = {"kind": "static-keys", "kubernetesSecret": "aws-keys"}
    assert many_keys(500, identity=static) == []


def test_a_policy_that_is_let_through_is_one_that_iam_takes():
    sections: dict[str, Any] = {"access": {"keys": {f"an-application-{number:04}": {} for number in range(90)}}}
    recording = recorded(secrets=secrets(), **sections)
    policy = recording.named("reader-policy").inputs["policy"]
    assert policy.count("an-application-") == 90
    assert len("".join(policy.split())) <= 10_240
