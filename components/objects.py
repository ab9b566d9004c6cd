"""Names of objects."""

import pulumi


def name_after(name: pulumi.Input[str], resource: pulumi.Resource) -> pulumi.Output[str]:
    """The name of an object, known already at preview, that makes whoever uses it wait for the object itself."""
    return pulumi.Output.all(name, resource.urn).apply(lambda known: str(known[0]))
