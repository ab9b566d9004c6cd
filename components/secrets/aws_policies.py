"""The IAM policies of an environment, as JSON. Plain text in and out: no AWS module, no call."""

import json
from collections.abc import Iterable
from typing import Any

from components.secrets.aws_names import RANDOM_END, arn_field, service_domain, without_scheme


def policy_document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, sort_keys=True)


def read_only_policy(secrets: Iterable[str], keys: Iterable[str], region: str) -> str:
    """An IAM policy that allows reading exactly these secrets, and decrypting exactly them with these keys.

    `secrets` are ARNs, or patterns of `secret_pattern`. A key decrypts only what Secrets Manager asks it to, in this
    region, for one of the secrets: the ARN of the secret is in the encryption context of every value.
    """
    readable, decrypting = sorted(set(map(exact, secrets))), sorted(set(map(exact, keys)))
    statements: list[dict[str, Any]] = [
        {
            "Sid": "ReadSecrets",
            "Effect": "Allow",
            "Action": ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"],
            "Resource": readable,
        }
    ]
    if decrypting:
        statements.append(
            {
                "Sid": "DecryptSecrets",
                "Effect": "Allow",
                "Action": "kms:Decrypt",
                "Resource": decrypting,
                "Condition": {
                    "StringEquals": {"kms:ViaService": service_domain("secretsmanager", region)},
                    "StringLike": {"kms:EncryptionContext:SecretARN": readable},
                },
            }
        )
    return policy_document(*statements)


def exact(arn: str) -> str:
    """Refuse what IAM would take for a wildcard or a variable; no name in AWS has such characters."""
    if found := set("*?$") & set(arn.removesuffix(RANDOM_END)):
        raise ValueError(
            f"{arn} has {' '.join(sorted(found))} in it, which would match more than one ARN: name each one"
        )
    return arn


def service_account_trust(provider_arn: str, issuer: str, namespace: str, service_account: str, audience: str) -> str:
    """Trust in the tokens of one Kubernetes ServiceAccount, from one issuer, for one audience (IRSA)."""
    claims = without_scheme(issuer)
    return policy_document(
        {
            "Sid": "TrustServiceAccount",
            "Effect": "Allow",
            "Principal": {"Federated": provider_arn},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": {
                    f"{claims}:aud": audience,
                    f"{claims}:sub": f"system:serviceaccount:{namespace}:{service_account}",
                }
            },
        }
    )


def pod_identity_trust(cluster: str, namespace: str, service_account: str) -> str:
    """Trust in EKS Pod Identity, for the pods of one ServiceAccount in one cluster.

    The conditions read the session tags that EKS sets; without them, any association in the account could use the role.
    """
    return policy_document(
        {
            "Sid": "TrustPodIdentity",
            "Effect": "Allow",
            "Principal": {"Service": "pods.eks.amazonaws.com"},
            "Action": ["sts:AssumeRole", "sts:TagSession"],
            "Condition": {
                "StringEquals": {
                    "aws:RequestTag/eks-cluster-name": cluster,
                    "aws:RequestTag/kubernetes-namespace": namespace,
                    "aws:RequestTag/kubernetes-service-account": service_account,
                }
            },
        }
    )


def role_trust(role_arn: str) -> str:
    """Trust in a role that somebody else made. Session tags of Pod Identity travel along, hence `sts:TagSession`."""
    return policy_document(
        {
            "Sid": "TrustRole",
            "Effect": "Allow",
            "Principal": {"AWS": role_arn},
            "Action": ["sts:AssumeRole", "sts:TagSession"],
        }
    )


def own_account_only(secret_arn: str) -> str:
    """A resource policy that denies a secret to every other account, and leaves the own one to IAM.

    It says nothing about principals of its own account, so it cannot lock anybody out: the account is that of the
    secret's ARN. AWS services that act for themselves, such as replication, carry no account and are exempt.
    """
    return policy_document(
        {
            "Sid": "DenyOtherAccounts",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "secretsmanager:*",
            "Resource": "*",
            "Condition": {
                "StringNotEquals": {"aws:PrincipalAccount": arn_field(secret_arn, "account")},
                "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
            },
        }
    )
