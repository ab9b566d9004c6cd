"""IAM's OIDC provider of an EKS cluster: once for the cluster, and what all roles of its ServiceAccounts refer to."""

import pulumi
import pulumi_aws as aws

from infra.aws.identity import invoke_with
from infra.config.aws.identity import IrsaIdentity


def provider(identity: IrsaIdentity, opts: pulumi.ResourceOptions) -> None:
    """Make it. Roles of others refer to it as well, so it stays."""
    cluster = aws.eks.get_cluster_output(name=identity.cluster_name or "", opts=invoke_with(opts))
    aws.iam.OpenIdConnectProvider(
        "oidc-provider",
        url=cluster.identities.apply(lambda known: known[0].oidcs[0].issuer),
        client_id_lists=[identity.audience],
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(retain_on_delete=True)),
    )
