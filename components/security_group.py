"""Who reaches a server in a VPC."""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws


def security_group(
    name: str, vpc_id: pulumi.Input[str], port: int, clients: Sequence[str], parent: pulumi.Resource
) -> tuple[pulumi.Output[str], list[pulumi.Resource]]:
    """A security group that admits members of the groups `clients` to one TCP port, and nothing else in or out.

    Returns its ID, and the rules: a client reaches the server once they are there.
    """
    around = pulumi.ResourceOptions(parent=parent, protect=False)
    group = aws.ec2.SecurityGroup(
        f"{name}-security-group", description=f"{name} of LiteLLM: its clients only", vpc_id=vpc_id, opts=around
    )
    rules: list[pulumi.Resource] = [
        # Named after the client, so that a changed list adds and removes rules, and never rewrites one into a duplicate.
        aws.vpc.SecurityGroupIngressRule(
            f"{name}-from-{client}",
            security_group_id=group.id,
            referenced_security_group_id=client,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            opts=around,
        )
        for client in clients
    ]
    return group.id, rules


def reachable(host: pulumi.Input[str], rules: Sequence[pulumi.Resource]) -> pulumi.Output[str]:
    """A host name that is known when the rules are there."""
    return pulumi.Output.all(host, *(rule.urn for rule in rules)).apply(lambda known: str(known[0]))
