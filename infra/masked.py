"""Texts that others wrote, as anybody may read them."""

from infra.config.detector import secrets_in

MASK = "[secret]"


def masked(text: str) -> str:
    """A text with a mask over everything that looks like a secret."""
    for found in sorted(set(secrets_in(text)), key=len, reverse=True):
        text = text.replace(found, MASK)
    return text
