"""What config key `access` becomes: the documents of its keys, the Secret of its Job, and the Job's arguments."""

from collections.abc import Callable, Mapping
from operator import itemgetter

import pulumi

from components.access.access import AccessArgs
from components.access.objects import MASTER_KEY, OF_A_KEY
from components.pods import PodSettings
from components.secrets.references import RemoteReference
from infra.config.access_wishes import wishes
from infra.secrets.documents import API_KEYS, Contents, SecretContent, document_of_key, to_remote
from infra.stack import NamedStack

ACCESS = "litellm-access"


def secret(contents: Contents) -> SecretContent:
    """The master key, and each value that the Job gives to LiteLLM. Names of keys are no names in a template."""
    keys = contents.config.access.keys
    values: dict[str, RemoteReference] = {"MASTER": contents.master_key()}
    template: dict[str, pulumi.Input[str]] = {MASTER_KEY: "{{ .MASTER }}"}
    for number, name in enumerate(sorted(keys)):
        values[f"KEY_{number}"] = contents.virtual_key(name)
        template[OF_A_KEY + name] = f"{{{{ .KEY_{number} }}}}"
    for number, (_, file, reference) in enumerate(sorted(contents.config.access.secrets(), key=itemgetter(1))):
        values[f"VALUE_{number}"] = to_remote(reference)
        template[file] = f"{{{{ .VALUE_{number} }}}}"
    written = [document_of_key(name) for name, key in keys.items() if key.existing is None]
    return contents.content(values, template, API_KEYS, *sorted(written))


def arguments(
    target: NamedStack,
    namespace: pulumi.Input[str],
    service: pulumi.Input[str],
    secret: pulumi.Input[str],
    pod: PodSettings,
) -> AccessArgs:
    config = target.config
    path = config.ingress.root_path or config.gateway.root_path
    return {
        "namespace": namespace,
        "image": config.gateway.image,
        "url": pulumi.Output.concat("http://", service, ".", namespace, f".svc:4000{path}"),
        "wishes": wishes(config.access, target.owner),
        "secret": secret,
        "revision": str(config.access.revision or ""),
        "pod": pod,
        "timeout": config.access.timeout,
    }


def key_places(contents: Contents, place: Callable[[RemoteReference], str]) -> Mapping[str, str]:
    """Where each key is in the store, for people: never what it is."""
    return {name: place(contents.virtual_key(name)) for name in sorted(contents.config.access.keys)}
