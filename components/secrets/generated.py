"""A value that is generated once and changes only when somebody asks for it."""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_random as random


class GeneratedSecretArgs(TypedDict):
    """Arguments of `GeneratedSecret`."""

    length: pulumi.Input[int]
    """Required: number of random letters and digits. Has an effect only when a value is generated."""

    prefix: NotRequired[pulumi.Input[str]]
    """Optional: what the value starts with, such as `sk-`. Defaults to nothing."""

    rotation: NotRequired[pulumi.Input[int]]
    """Optional: raise it to generate a new value. Defaults to 0."""

    turn: NotRequired[int]
    """Optional: the turn of two users, of which each rotation takes the other one. Defaults to 0: there is one user."""


class GeneratedSecret(pulumi.ComponentResource):
    """Random letters and digits behind an optional prefix.

    **Type:** `litellm:index:GeneratedSecret`. **Produces:** `random.RandomPassword`.

    Letters and digits only: the value fits into a URL, a shell line and an HTTP header without quoting. The generator is
    blind to its own settings: a new length, or a provider that adds an option, does not replace a value in use.
    """

    value: pulumi.Output[str]
    """The value; a Pulumi secret."""

    def __init__(self, name: str, args: GeneratedSecretArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm:index:GeneratedSecret", name, None, opts)
        turn = args.get("turn", 0)
        password = random.RandomPassword(
            f"{name}-generator",
            length=args["length"],
            special=False,
            keepers={
                "rotation": pulumi.Output.from_input(args.get("rotation", 0)).apply(str),
                # The next `up` reads it in the state. A stack with one user has none, and so has its password as it is.
                **({"turn": str(turn)} if turn else {}),
            },
            opts=pulumi.ResourceOptions(
                parent=self,
                ignore_changes=[
                    "length",
                    "lower",
                    "minLower",
                    "minNumeric",
                    "minSpecial",
                    "minUpper",
                    "number",
                    "numeric",
                    "overrideSpecial",
                    "special",
                    "upper",
                ],
            ),
        )
        self.value = pulumi.Output.secret(pulumi.Output.concat(args.get("prefix", ""), password.result))
        self.register_outputs({"value": self.value})
