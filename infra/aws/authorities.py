"""The authorities of Amazon RDS: what its servers' certificates are signed by. No image and no system has them.

AWS publishes them as one file for all regions. It is read once, compared with the checksum that is pinned here, and kept beside
the project, as command lines are. The offline plan does not need it, and never reads it from the network.
"""

import hashlib
import urllib.request
from pathlib import Path

URL = "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"
SHA256 = "e5bb2084ccf45087bda1c9bffdea0eb15ee67f0b91646106e466714f9de3c7e3"
"""108 roots of all commercial regions. AWS adds to the file when it opens a region: docs/database.md says what to do then."""

KEPT = Path(__file__).resolve().parents[2] / ".cache" / "rds-authorities"

NOT_READ = f"-----BEGIN CERTIFICATE-----\n(offline: the file with SHA-256 {SHA256[:12]}…)\n-----END CERTIFICATE-----\n"
"""What stands for the file where it is not there, and must not be read from the network."""

SECONDS = 30

REMEDY = (
    "give the authorities of your region in litellm:database.caCertFile (docs/database.md says where they are), or accept any "
    "certificate with litellm:database.sslmode: require"
)


class AuthoritiesError(Exception):
    """The file cannot be had; the message says why, and what to do."""


def kept(folder: Path = KEPT) -> str | None:
    """The file that was read before; None when there is none, or another one."""
    file = folder / f"{SHA256}.pem"
    content = file.read_bytes() if file.is_file() else b""
    return content.decode() if hashlib.sha256(content).hexdigest() == SHA256 else None


def of_rds(url: str = URL, folder: Path = KEPT) -> str:
    """The authorities of Amazon RDS in PEM, from the network when they are not here yet.

    Raises:
        AuthoritiesError: when they cannot be read, or are not the ones whose checksum is pinned.
    """
    if found := kept(folder):
        return found
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as answer:  # noqa: S310 - ours
            content: bytes = answer.read()
    except OSError as error:
        raise AuthoritiesError(
            f"the authorities of Amazon RDS could not be read from {url} ({error}): {REMEDY}"
        ) from None
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise AuthoritiesError(f"{url} is not the file whose checksum is pinned, and was not used: {REMEDY}")
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{SHA256}.new"
    temporary.write_bytes(content)
    temporary.replace(folder / f"{SHA256}.pem")
    return content.decode()
