"""Files with certificates of authorities beside the stack file, read once, when the configuration is parsed."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, cast

from infra.config.base import Checked
from infra.config.project_files import PROJECT, Finding, UnusableError, text_of

CERTIFICATE = re.compile(
    r"-----BEGIN (?:TRUSTED )?CERTIFICATE-----\s[A-Za-z0-9+/=\s]+-----END (?:TRUSTED )?CERTIFICATE-----"
)
PRIVATE = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")


def certificates(text: str) -> str:
    if PRIVATE.search(text):
        raise ValueError(
            "has a private key, which everybody could read then: keep only the certificates of the authorities"
        )
    if not CERTIFICATE.search(text):
        raise ValueError("has no certificate in PEM (-----BEGIN CERTIFICATE-----)")
    return text


CaCertFile = Annotated[str, Checked(certificates, "the path of a file in PEM, from the folder of the stack files")]
"""A file with the certificates of authorities. Its text is what the configuration has once it is parsed."""


def with_certificates(section: Any, name: str, folder: Path = PROJECT) -> tuple[Any, list[Finding]]:
    """A section of the configuration with the text of its `caCertFile` in place of the path."""
    given = dict(cast("Mapping[str, Any]", section)) if isinstance(section, Mapping) else {}
    if not isinstance(given.get("caCertFile"), str):
        return cast("Any", section), []
    try:
        return given | {"caCertFile": text_of(given["caCertFile"], folder)}, []
    except UnusableError as error:
        return {key: value for key, value in given.items() if key != "caCertFile"}, [(f"{name}.caCertFile", str(error))]
