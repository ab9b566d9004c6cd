"""A Sealed Secrets controller for tests: a key with its certificate, and decryption written from the format alone."""

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SIXTEEN_BYTES = 16


class Controller:
    """The private key, and the files that a user has of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = rsa.generate_private_key(65537, 2048)

    @property
    def certificate(self) -> Path:
        return self.certify(self.key)

    def certify(self, key: Any, starts: int = -1, ends: int = 30) -> Path:
        """A certificate that is valid between two days from now."""
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sealed-secrets")])
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(now + timedelta(days=starts))
            .not_valid_after(now + timedelta(days=ends))
            .sign(key, hashes.SHA256())
        )
        path = self.folder / "cert.pem"
        path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        return path

    @property
    def private_key(self) -> Path:
        path = self.folder / "key.pem"
        pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        path.write_bytes(self.key.private_bytes(pem, form, serialization.NoEncryption()))
        return path

    def unseal(self, sealed: str, label: bytes) -> str:
        """RSA length (2 bytes), session key under RSA-OAEP with a label, value under AES-256-GCM with nonce 0 and its tag."""
        data = base64.b64decode(sealed, validate=True)
        end = 2 + int.from_bytes(data[:2], "big")
        oaep = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=label)
        session_key = self.key.decrypt(data[2:end], oaep)
        assert len(session_key) == 2 * SIXTEEN_BYTES
        assert len(data) >= end + SIXTEEN_BYTES
        return AESGCM(session_key).decrypt(bytes(12), data[end:], None).decode()
