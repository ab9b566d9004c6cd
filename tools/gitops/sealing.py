"""Encryption for a Sealed Secrets controller: only the holder of its private key can read the value."""

import base64
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tools.problem import Problem

Scope = Literal["strict", "namespace-wide", "cluster-wide"]
"""Where a sealed value may be used: under one name in one namespace, in one namespace, or anywhere in the cluster."""

SESSION_KEY_BITS = 256
NONCE = bytes(12)
"""Each session key encrypts one value only, so that the nonce need not be random; the controller expects it so."""

FETCH = "get the current one with `kubeseal --fetch-cert`"


def read_certificate(path: Path) -> rsa.RSAPublicKey:
    """The public key of the controller's certificate.

    Raises:
        Problem: for what is no certificate, is not valid today, or has no RSA key.
    """
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except OSError as error:
        raise Problem(f"cannot read the certificate {path}: {error.strerror}") from None
    except ValueError:
        raise Problem(f"{path} is not a certificate in PEM form: {FETCH}") from None
    now = datetime.now(UTC)
    if certificate.not_valid_after_utc < now:
        raise Problem(f"the certificate {path} expired on {certificate.not_valid_after_utc:%Y-%m-%d}: {FETCH}")
    if certificate.not_valid_before_utc > now:
        raise Problem(f"the certificate {path} is valid from {certificate.not_valid_before_utc:%Y-%m-%d} only: {FETCH}")
    try:
        key = certificate.public_key()
    except ValueError:
        key = None
    if not isinstance(key, rsa.RSAPublicKey):
        raise Problem(f"the certificate {path} has no RSA key, and Sealed Secrets takes no other: {FETCH}")
    return key


def label(scope: Scope, namespace: str, name: str) -> bytes:
    """What a value is bound to: the controller decrypts it under no other name."""
    bound_to = {"strict": f"{namespace}/{name}", "namespace-wide": namespace, "cluster-wide": ""}
    return bound_to[scope].encode()


def seal(value: str, key: rsa.RSAPublicKey, bound_to: bytes) -> str:
    """One value of `encryptedData`: a session key for the controller, then the value under that key."""
    session_key = AESGCM.generate_key(SESSION_KEY_BITS)
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), bound_to)
    for_controller = key.encrypt(session_key, oaep)
    length = len(for_controller).to_bytes(2, "big")
    return base64.b64encode(length + for_controller + AESGCM(session_key).encrypt(NONCE, value.encode(), None)).decode()
