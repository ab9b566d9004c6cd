"""What a stack has in AWS, and nothing else, as a program for the real engine: it needs no cluster."""

import os
from dataclasses import replace

import pulumi
import pulumi_random as random

from infra.environment import Environment
from infra.own_state import granted, written
from infra.program import turns_of
from infra.salt import kept, salts, state
from infra.secrets.aws import AwsStore
from infra.servers import Servers
from infra.watch import watch
from tests.unit.infra.stacks import target

ISSUER = "oidc.eks.eu-west-1.amazonaws.com/id/OFNOBODY"
PROVIDER = f"arn:aws:iam::123456789012:oidc-provider/{ISSUER}"


def main() -> None:
    """Variables: AWS_ENDPOINT_URL; PREFIX, ADOPT, GENERATION."""
    identity = {"kind": "irsa", "oidcProviderArn": PROVIDER, "oidcIssuer": f"https://{ISSUER}"}
    settings = {"prefix": os.environ["PREFIX"], "recoveryWindowDays": 0, "adopt": "ADOPT" in os.environ}
    made_by = os.environ.get("GENERATION", "state")
    aws = {"kind": "aws", "generation": made_by, "aws": {"region": "eu-west-1", "identity": identity, **settings}}
    readers = {"roles": ["somebody"]}
    stack = target(secrets=aws, access={"keys": {"alice": {"readers": readers}}})
    assert isinstance(stack.store, AwsStore)
    known = state()
    stack = replace(stack, written=written(known), granted=granted(known), turns=turns_of(stack, known))
    watch(stack)
    stack = kept(stack, salts(known))
    providers = [random.Provider("random"), stack.store.provider()]
    part = Environment.__new__(Environment)
    part.target, part.config, part.providers = stack, stack.config, providers
    values = part._values()  # pyright: ignore[reportPrivateUsage]
    nowhere = Servers(database=("postgres", 5432), redis=None)
    stack.store.open(stack, "litellm-dev", values, nowhere, None, pulumi.ResourceOptions(providers=providers))
