"""What `pulumi up` runs: read the configuration, look at the targets, register everything."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib import import_module
from itertools import chain
from typing import Any

import pulumi
from pulumi.runtime import get_config_env, get_config_secret_keys_env

from infra import changes, generation, ingress_class, salt
from infra import turns as users
from infra.config.load import ConfigError, load
from infra.config.stack_yaml import StackFileError, of_stack
from infra.own_state import granted, has_operator, is_empty, written
from infra.secrets.documents import Documents, documents
from infra.target import Target, resolve
from infra.watch import watch


def program() -> Mapping[str, pulumi.Input[Any]]:
    """Deploy the stack that Pulumi names; returns its outputs.

    Raises:
        pulumi.RunError: with every problem of the configuration, or of the targets, before anything is registered.
    """
    stack = pulumi.get_stack()
    try:
        config = load(get_config_env(), stack, get_config_secret_keys_env(), of_stack(stack))
        target = resolve(config, stack)
    except (ConfigError, StackFileError) as error:
        raise pulumi.RunError(str(error)) from None
    with ThreadPoolExecutor(1) as pool:
        # Clients, components and their SDKs take about as long to import as the engine and the targets take to answer.
        pool.submit(import_module, "infra.preflight")
        environment = pool.submit(import_module, "infra.environment")
        state = salt.state()
        turns, known = turns_of(target, state), salt.salts(state)
        target = replace(
            target,
            has_state=not is_empty(state),
            has_operator=has_operator(state),
            written=written(state),
            granted=granted(state),
            turns=turns,
        )
        problems = (
            salt.check(target, known),
            generation.check(target, state),
            users.check(config, state),
            changes.check(target, state),
        )
        found = look(target, [*chain(*problems), *ingress_class.check(target)])
        deploy = environment.result().deploy
    operator = found.config.external_secrets
    if not target.config.secrets.by_pods and target.config.external_secrets.install == "auto" and not operator.install:
        pulumi.log.info(
            f"External Secrets Operator in namespace {operator.namespace} (ServiceAccount {operator.service_account}) is used: "
            "it is there already"
        )
    watch(found)
    return deploy(salt.kept(found, known))


def turns_of(target: Target, state: users.State) -> users.Turns:
    """Whose turn it is to log in: by the state, or by the documents that are taken over, as then no state knows."""
    secrets = target.config.secrets
    if secrets.adopts and secrets.generation == "state":
        return import_module(f"infra.secrets.{secrets.kind}_adopted").turns_there(target.store, target.config)
    return users.turns(target.config, state)


def look(target: Target, found_already: Sequence[str]) -> Target:
    """The target after a look at it. The clients that this takes are imported only here: the offline plan needs none."""
    written: Documents = {} if target.config.shared else documents(target.config)
    return import_module("infra.preflight").preflight(target, written, found_already)
