"""The authorities whose certificates LiteLLM accepts: those of its image, and others beside them."""

from typing import Any

import pulumi

from components.certificate_files import PROVIDERS, path_of
from components.gateway.pod import container

BUNDLE = "/tmp/litellm-authorities.pem"  # noqa: S108 - the pod's own folder
LISTS = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH")
"""Python's ssl and httpx, requests, boto3 and gRPC each have a list of their own, and a variable for another one."""

VARIABLES = dict.fromkeys(LISTS, BUNDLE)

PROGRAM = (
    "import certifi, pathlib, sys; "
    "read = [pathlib.Path(name).read_text() for name in (certifi.where(), sys.argv[1])]; "
    "pathlib.Path(sys.argv[2]).write_text('\\n'.join(read))"
)
"""The list of the image is as old as the image, and nobody has to carry it through the state of Pulumi."""


def bundler(image: pulumi.Input[str]) -> dict[str, Any]:
    """An init container that makes one list of both, in the pod's own folder."""
    disk = {"ephemeral-storage": "64Mi"}
    return container(
        "authorities",
        image,
        {
            "command": ["python", "-c", PROGRAM, path_of(PROVIDERS), BUNDLE],
            "resources": {
                "requests": {"cpu": "50m", "memory": "128Mi", **disk},
                "limits": {"cpu": "1", "memory": "128Mi", **disk},
            },
        },
    )
