"""Config keys `secrets` and `externalSecrets`."""

from typing import Any

import pytest
from pydantic import ValidationError

from infra.config.load import ConfigError
from infra.config.secrets import ChartConfig
from tests.unit.infra.stacks import config
from tests.unit.infra.test_salt import AWS


@pytest.mark.parametrize("version", ["2.11.0", "2.11.0+mirrored"])
def test_the_release_of_the_operator_with_broken_image_names_is_refused(version: str):
    with pytest.raises(ValidationError, match=r"image names are broken.*use a later one"):
        ChartConfig(version=version)


@pytest.mark.parametrize("version", ["2.9.0", "2.10.1", "2.11.1", "2.12.0"])
def test_its_neighbours_are_taken(version: str):
    assert ChartConfig(version=version).version == version


def test_values_are_made_by_pulumi_unless_the_stack_file_says_otherwise():
    """Stacks that stand say nothing, and must find nothing changed."""
    assert config().secrets.generation == "state"


def test_a_password_that_aws_provider_keeps_in_the_state_is_refused_with_the_store():
    network: Any = {
        "subnetIds": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
        "vpcId": "vpc-0123456789abcdef0",
        "clientSecurityGroupIds": ["sg-0123456789abcdef0"],
    }
    redis: Any = {"kind": "elasticache", **network}
    with pytest.raises(ConfigError, match=r"secrets.generation.*elasticache in Pulumi's state: use state"):
        config(secrets=AWS | {"generation": "store"}, redis=redis)


CACHE: Any = {
    "kind": "elasticache",
    "subnetIds": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
    "vpcId": "vpc-0123456789abcdef0",
    "clientSecurityGroupIds": ["sg-0123456789abcdef0"],
    "rotationStrategy": "alternating-users",
}


def test_pods_that_get_the_newest_password_of_elasticache_have_no_users():
    with pytest.raises(ConfigError, match=r"redis.rotationStrategy: is alternating-users, but with secrets.delivery"):
        config(secrets=AWS | {"delivery": "init-container"}, redis=CACHE)


def test_argo_cd_does_not_know_whose_turn_it_is():
    with pytest.raises(ConfigError, match=r"redis.rotationStrategy: is alternating-users, and whose turn it is only"):
        config(secrets=AWS, redis=CACHE, gitops=True)


def test_a_store_that_is_only_read_generates_nothing():
    with pytest.raises(ConfigError, match="generation is store, but kind is existing"):
        config(secrets={"kind": "existing", "existing": {"name": "shared"}, "generation": "store"})


def test_values_that_are_adopted_in_the_store_rotate_by_their_counters():
    given = config(secrets={"generation": "store", "vault": {"adopt": True}}, keys={"master": {"rotation": 1}})
    assert given.keys.master.rotation == 1


def adopting(**others: Any) -> Any:
    return {"kind": "aws", "aws": {**AWS["aws"], "adopt": True}, **others}


def test_a_server_of_aws_is_not_taken_over():
    with pytest.raises(
        ConfigError, match=r"secrets.aws.adopt: does not take over the server of redis.kind elasticache"
    ):
        config(secrets=adopting(), redis=CACHE)


def test_values_that_are_adopted_in_aws_rotate_there():
    with pytest.raises(ConfigError, match=r"keys.master.rotation: has no effect with secrets.aws.adopt"):
        config(secrets=adopting(), keys={"master": {"rotation": 1}})
