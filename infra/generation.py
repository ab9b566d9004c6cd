"""Where a stack's values are made, now and by its state: a change of `secrets.generation` must cost none of them."""

import os
from collections.abc import Iterator, Mapping
from typing import Any

import pulumi

from components.secrets.generation import GeneratedValue
from infra.own_state import HANDED_OVER, made_in_the_store, rotations, written_by_pulumi
from infra.secrets import documents
from infra.target import Target
from infra.turns import took_turns

Wanted = Mapping[str, Mapping[str, GeneratedValue]]

KEY = "litellm:secrets.generation"


def check(target: Target, state: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Everything that keeps the values from being made where the configuration says."""
    wanted = documents.made_in_the_store(target.config)
    there = made_in_the_store(state)
    if target.config.secrets.generation == "state" and there:
        yield (
            f"{KEY} is state, but the values of {', '.join(there)} are made in the store, and Pulumi's state has none of "
            "them: it would generate others. Set it to store"
        )
        return
    aws = target.config.secrets.aws
    if aws and there and ("bundle" in there) != (aws.bundle_of(target.stack) is not None):
        yield (
            "litellm:secrets.aws.layout is another one than before, and with secrets.generation store nothing has the values "
            "but the secrets as they are: set it back"
        )
    if target.config.secrets.generation == "store":
        yield from with_turns(state)
    yield from unlike(target, wanted, rotations(state))
    yield from handed_over(target, wanted, state)


def with_turns(state: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Two users need the passwords of both, of which a store makes only the next one."""
    for users in took_turns(state):
        yield (
            f"{KEY} is store, but the users of litellm:{users.section} have taken turns by a rotation, and with values "
            "that are made in the store there is one user: set it to state"
        )


def unlike(target: Target, wanted: Wanted, before: Mapping[str, str]) -> Iterator[str]:
    """One thing at a time: values that Pulumi has generated are looked for where it has put them, as it has made them."""
    moving = [
        (document, name, value)
        for document, values in wanted.items()
        for name, value in values.items()
        if generator(document, name) in before
    ]
    for document, name, value in moving:
        place = target.store.place(target.store.locate(document, name)).partition("#")[0]
        if before[generator(document, name)] != str(value.get("rotation", 0)):
            yield (
                f"{KEY} is store, and the rotation of {document}/{name} is another one than before: move the values first "
                "(`make up` with the old rotation), and rotate then"
            )
        if target.written and place not in target.written:
            yield (
                f"{KEY} is store, and {place} is another place than before, where the value of {document}/{name} is not: move "
                "the values first (`make up` with the old place), and change the place then"
            )


def handed_over(target: Target, wanted: Wanted, state: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Vault's provider deletes the documents that it has written, once nothing asks for them any more."""
    left = sorted(place for place in written_by_pulumi(state) if place.endswith(tuple(f"/{name}" for name in wanted)))
    if not left or os.environ.get(HANDED_OVER) == "true":
        return
    if pulumi.runtime.is_dry_run():
        pulumi.log.info(
            f"{', '.join(left)} stay in Vault as they are: `make up` hands them over, and deletes none of them"
        )
        return
    yield (
        f"{KEY} is store, and a plain `pulumi up` would delete {', '.join(left)} in Vault, with the values in them: run `make "
        f"up STACK={target.stack}`, which hands them over first; an ephemeral environment has to be made anew"
    )


def generator(document: str, name: str) -> str:
    return f"{document.replace('/', '-')}-{name}-generator"
