"""Postgres on Amazon RDS: one instance that only its clients reach."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components.security_group import reachable, security_group

PORT = 5432

INSIGHTS_DAYS = 7
"""What Performance Insights keeps without extra cost."""


class RdsPostgresArgs(TypedDict):
    """Arguments of `RdsPostgres`."""

    vpc_id: pulumi.Input[str]
    """Required: VPC of the server."""

    subnet_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Required: private subnets of the VPC, in two availability zones or more."""

    client_security_group_ids: Sequence[str]
    """Required: security groups whose members reach the server; nobody else does."""

    instance_class: pulumi.Input[str]
    """Required: instance class, such as `db.t4g.medium`."""

    engine_version: NotRequired[str]
    """Optional: PostgreSQL's version. A major one (`16`) gets its minor releases in the maintenance window; with a minor one
    (`16.8`) nothing changes by itself. Defaults to `16`."""

    allow_major_version_upgrade: NotRequired[pulumi.Input[bool]]
    """Optional: let `engine_version` be another major version than the server's. Defaults to false."""

    admin_username: NotRequired[pulumi.Input[str]]
    """Optional: name of the admin. Another one replaces the server. Defaults to `postgres`."""

    allocated_storage: NotRequired[pulumi.Input[int]]
    """Optional: storage in GiB. Defaults to 20."""

    max_allocated_storage: NotRequired[pulumi.Input[int] | None]
    """Optional: GiB up to which the storage grows by itself. Defaults to none: it stays."""

    multi_az: NotRequired[pulumi.Input[bool]]
    """Optional: keep a standby in another availability zone. Defaults to false."""

    backup_retention_days: NotRequired[pulumi.Input[int]]
    """Optional: days for which backups are kept, 0 to 35. Defaults to 7."""

    deletion_protection: NotRequired[pulumi.Input[bool]]
    """Optional: let AWS refuse to delete the server. Defaults to true."""

    final_snapshot: NotRequired[bool]
    """Optional: take a snapshot when the server is deleted. Defaults to true."""

    parameters: NotRequired[Mapping[str, str]]
    """Optional: more parameters of the server; a change takes effect when it restarts. Defaults to none."""

    performance_insights: NotRequired[bool]
    """Optional: record which statements make the load. Defaults to false."""

    iam_authentication: NotRequired[pulumi.Input[bool]]
    """Optional: let roles that are granted `rds_iam` log in with IAM tokens. Defaults to false."""

    kms_key_id: NotRequired[pulumi.Input[str] | None]
    """Optional: ARN of the KMS key that encrypts the storage. Another one replaces the server. Defaults to AWS' own for RDS."""

    apply_immediately: NotRequired[pulumi.Input[bool]]
    """Optional: apply changes at once, not in the maintenance window. Defaults to true."""

    timeout: NotRequired[str]
    """Optional: how long to wait until the server is available, changed or gone, as a Go duration. Defaults to `60m`."""


class RdsPostgres(pulumi.ComponentResource):
    """An encrypted RDS instance that requires TLS, in private subnets, with an admin whose password RDS manages.

    **Type:** `litellm:index:RdsPostgres`. **Produces:** `rds.Instance`, `rds.SubnetGroup`, `rds.ParameterGroup`,
    `ec2.SecurityGroup` and its `vpc.SecurityGroupIngressRule`s.

    The admin's password is made, kept and rotated by RDS, in a secret of AWS Secrets Manager that goes with the server.
    """

    host: pulumi.Output[str]
    """Host name of the server. Known when its clients can reach it."""

    port: pulumi.Output[int]
    """Port of the server."""

    admin_secret_arn: pulumi.Output[str]
    """ARN of the secret with the admin's `username` and `password`."""

    resource_id: pulumi.Output[str]
    """The ID that IAM policies for `rds-db:connect` name: `arn:<partition>:rds-db:<region>:<account>:dbuser:<id>/<role>`."""

    security_group_id: pulumi.Output[str]
    """Security group of the server."""

    def __init__(self, name: str, args: RdsPostgresArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm:index:RdsPostgres", name, None, opts)
        around = pulumi.ResourceOptions(parent=self, protect=False)
        timeout = args.get("timeout", "60m")
        version = args.get("engine_version", "16")
        major, _, minor = version.partition(".")
        insights = args.get("performance_insights", False)

        self.security_group_id, rules = security_group(
            name, args["vpc_id"], PORT, args["client_security_group_ids"], parent=self
        )
        final_snapshot = snapshot_name(name, self.security_group_id) if args.get("final_snapshot", True) else None
        subnets = aws.rds.SubnetGroup(f"{name}-subnets", subnet_ids=args["subnet_ids"], opts=around)
        parameters = aws.rds.ParameterGroup(
            f"{name}-parameters",
            family=f"postgres{major}",
            parameters=server_parameters(args.get("parameters", {})),
            opts=around,
        )
        instance = aws.rds.Instance(
            f"{name}-instance",
            engine="postgres",
            engine_version=version,
            # RDS must not move away from a minor version that the program asks for.
            auto_minor_version_upgrade=not minor,
            allow_major_version_upgrade=args.get("allow_major_version_upgrade", False),
            instance_class=args["instance_class"],
            storage_type="gp3",
            allocated_storage=args.get("allocated_storage", 20),
            max_allocated_storage=args.get("max_allocated_storage"),
            storage_encrypted=True,
            kms_key_id=args.get("kms_key_id"),
            username=args.get("admin_username", "postgres"),
            manage_master_user_password=True,
            iam_database_authentication_enabled=args.get("iam_authentication", False),
            port=PORT,
            db_subnet_group_name=subnets.name,
            parameter_group_name=parameters.name,
            vpc_security_group_ids=[self.security_group_id],
            publicly_accessible=False,
            multi_az=args.get("multi_az", False),
            backup_retention_period=args.get("backup_retention_days", 7),
            copy_tags_to_snapshot=True,
            deletion_protection=args.get("deletion_protection", True),
            skip_final_snapshot=final_snapshot is None,
            final_snapshot_identifier=final_snapshot,
            performance_insights_enabled=insights,
            performance_insights_retention_period=INSIGHTS_DAYS if insights else None,
            apply_immediately=args.get("apply_immediately", True),
            opts=pulumi.ResourceOptions(
                parent=self, custom_timeouts=pulumi.CustomTimeouts(create=timeout, update=timeout, delete=timeout)
            ),
        )
        self.host = reachable(instance.address, rules)
        self.port = pulumi.Output.from_input(PORT)
        self.admin_secret_arn = instance.master_user_secrets.apply(admin_secret)
        self.resource_id = instance.resource_id
        self.register_outputs(
            {
                "host": self.host,
                "port": self.port,
                "admin_secret_arn": self.admin_secret_arn,
                "resource_id": self.resource_id,
                "security_group_id": self.security_group_id,
            }
        )


def server_parameters(given: Mapping[str, str]) -> list[aws.rds.ParameterGroupParameterArgs]:
    """All of them wait for a restart, which RDS allows for every parameter; a new server starts with them."""
    return [
        aws.rds.ParameterGroupParameterArgs(name=key, value=value, apply_method="pending-reboot")
        for key, value in sorted({**given, "rds.force_ssl": "1"}.items())
    ]


def snapshot_name(name: str, security_group_id: pulumi.Output[str]) -> pulumi.Output[str]:
    """A name of its own for every life of the server: the snapshot outlives it, and keeps its name."""
    return security_group_id.apply(lambda group: f"{name}-final-{group.removeprefix('sg-')}")


def admin_secret(secrets: Sequence[Any]) -> str:
    return str(secrets[0].secret_arn)
