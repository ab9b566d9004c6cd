"""What a stack has in AWS, and nothing else, as a program for the real engine: it needs no cluster."""

import os
from dataclasses import replace
from itertools import chain

import pulumi
import pulumi_random as random

from infra import changes, generation, salt
from infra.environment import Environment
from infra.own_state import granted, written
from infra.program import turns_of
from infra.secrets.aws import AwsStore
from infra.servers import Servers
from infra.watch import watch
from tests.unit.infra.stacks import target

ISSUER = "oidc.eks.eu-west-1.amazonaws.com/id/OFNOBODY"
PROVIDER = f"arn:aws:iam::123456789012:oidc-provider/{ISSUER}"


def main() -> None:
    """Variables: AWS_ENDPOINT_URL; PREFIX, ADOPT, GENERATION, LAYOUT, KMS, SALT, PROTECT; KIND for another store."""
    identity = {"kind": "irsa", "oidcProviderArn": PROVIDER, "oidcIssuer": f"https://{ISSUER}"}
    given = os.environ.get
    settings = {
        "prefix": os.environ["PREFIX"],
        "recoveryWindowDays": 0,
        "adopt": "ADOPT" in os.environ,
        "layout": given("LAYOUT", "documents"),
        "kms": given("KMS", "default"),
    }
    in_aws = {
        "secrets": {"kind": "aws", "aws": {"region": "eu-west-1", "identity": identity, **settings}},
        "access": {"keys": {"alice": {"readers": {"roles": ["somebody"]}}}},
    }
    sections = in_aws if given("KIND", "aws") == "aws" else {"secrets": {}}
    secrets = {"generation": given("GENERATION", "state")} | sections["secrets"]
    keys = {"salt": {"existing": {"document": given("SALT"), "property": "salt-key"}}} if given("SALT") else {}
    stack = target(**sections | {"protect": given("PROTECT", "false"), "secrets": secrets, "keys": keys})
    known = salt.state()
    stack = replace(stack, written=written(known), granted=granted(known), turns=turns_of(stack, known))
    problems = (salt.check(stack, salt.salts(known)), generation.check(stack, known), changes.check(stack, known))
    if said := [*chain(*problems)]:
        raise pulumi.RunError("\n".join(said))
    assert isinstance(stack.store, AwsStore)
    watch(stack)
    stack = salt.kept(stack, salt.salts(known))
    providers = [random.Provider("random"), stack.store.provider()]
    part = Environment.__new__(Environment)
    part.target, part.config, part.providers = stack, stack.config, providers
    values = part._values()  # pyright: ignore[reportPrivateUsage]
    nowhere = Servers(database=("postgres", 5432), redis=None)
    stack.store.open(stack, "litellm-dev", values, nowhere, None, pulumi.ResourceOptions(providers=providers))
