"""Ties the store's claims to the engine: what is about to be written is looked at first."""

from collections.abc import Mapping
from importlib import import_module

import pulumi

from infra.secrets.claims import Check, Claims
from infra.target import Target


def watch(target: Target) -> None:
    """Have the engine ask before it creates or changes what the stack has in its store. Call it before `deploy`."""
    claims: Claims = import_module(f"infra.secrets.{target.config.secrets.kind}_claims").claims(target.store, target)

    def ask(checks: Mapping[str, Check], args: pulumi.ResourceHookArgs) -> None:
        checks[args.type](args.new_inputs or {}, args.old_inputs or {})

    options = pulumi.ResourceHookOptions(on_dry_run=True)
    create = pulumi.ResourceHook("is-free", lambda args: ask(claims.before_create, args), options)
    update = pulumi.ResourceHook("is-ours", lambda args: ask(claims.before_update, args), options)

    def bind(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        hooks = pulumi.ResourceHookBinding(
            before_create=[create] if args.type_ in claims.before_create else [],
            before_update=[update] if args.type_ in claims.before_update else [],
        )
        found = claims.there(args.type_, args.props)
        if found is None and args.type_ not in {*claims.before_create, *claims.before_update}:
            return None
        as_it_is = claims.as_it_is.get(args.type_, []) if found else None
        taken = pulumi.ResourceOptions(hooks=hooks, import_=found, ignore_changes=as_it_is)
        bound = pulumi.ResourceOptions.merge(args.opts, taken)
        return pulumi.ResourceTransformationResult(args.props, bound)

    pulumi.runtime.register_stack_transformation(bind)
