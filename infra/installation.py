"""External Secrets Operator, where a stack installs it."""

import pulumi

from components.sync.operator import ExternalSecretsOperator
from components.sync.shared import OPERATOR
from infra.pods import placed
from infra.secrets.store import OperatorIdentity
from infra.target import Target


def installed(target: Target, identity: OperatorIdentity | None, opts: pulumi.ResourceOptions) -> list[pulumi.Resource]:
    """The operator; nothing where the stack uses the one that is there."""
    operator = target.config.external_secrets
    if not operator.installs:
        return []
    chart = operator.chart
    remote = not chart.is_folder
    return [
        ExternalSecretsOperator(
            OPERATOR,
            {
                "namespace": operator.namespace,
                "service_account": operator.service_account,
                "chart": chart.source,
                "repository": chart.repository if remote and not chart.is_oci else None,
                "version": chart.version if remote else None,
                "image": operator.image,
                "image_tag": operator.image_tag,
                "environment": operator.environment,
                "identity": identity.arn if identity else None,
                "owner": target.instance,
                "pod": placed(target.config.placement_of_all),
            },
            opts,
        )
    ]
