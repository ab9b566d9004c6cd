"""Names of objects."""

import hashlib

import pulumi

REPLACED_AS_A_WHOLE = ["spec"]
"""`replace_on_changes` of objects that are never updated: the new one gets a name of its own from Pulumi, is awaited, and what
refers to the old one moves over before that goes. See docs/adr/0002-new-names.md."""


def name_after(name: pulumi.Input[str], resource: pulumi.Resource) -> pulumi.Output[str]:
    """The name of an object, known already at preview, that makes whoever uses it wait for the object itself."""
    return pulumi.Output.all(name, resource.urn).apply(lambda known: str(known[0]))


def once_there(arn: pulumi.Input[str], *needed: pulumi.Resource) -> pulumi.Output[str]:
    """An ARN that makes whoever uses it wait for what the role needs to be of use."""
    return pulumi.Output.all(arn, *(resource.urn for resource in needed)).apply(lambda known: str(known[0]))


def given_name(resource: pulumi.CustomResource) -> pulumi.Output[str]:
    """The name that Pulumi gave to an object without one of its own. Unknown until the object is there."""
    return resource.id.apply(lambda known: known.rpartition("/")[2])


def short_hash(text: str) -> str:
    """Ten characters that change whenever `text` does."""
    return hashlib.sha256(text.encode()).hexdigest()[:10]
