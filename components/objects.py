"""Names of objects."""

import hashlib
import json

import pulumi


def name_after(name: pulumi.Input[str], resource: pulumi.Resource) -> pulumi.Output[str]:
    """The name of an object, known already at preview, that makes whoever uses it wait for the object itself."""
    return pulumi.Output.all(name, resource.urn).apply(lambda known: str(known[0]))


def short_hash(content: object) -> str:
    """Ten characters that change whenever `content` does: the end of the name of an object that is never changed."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:10]
