"""One credential: its value in the store and its copies, as fingerprints, and whether they agree."""

import hashlib
import hmac
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from tools.credentials.copies import Copy, Pod

DIGITS = 12
"""Of a fingerprint: enough to tell values apart, which is all that it is for."""

Fingerprint = Callable[[str], str]


def fingerprints(key: bytes) -> Fingerprint:
    """Fingerprints under a key: without it nobody can try which value has one."""
    return lambda value: hmac.new(key, value.encode(), hashlib.sha256).hexdigest()[:DIGITS]


@dataclass(frozen=True)
class InStore:
    """A value as the store has it."""

    fingerprint: str | None
    """None where the store has no such value, or it could not be read."""

    version: str = ""
    written: datetime | None = None

    unknown: str = ""
    """Why it could not be read; empty where it could."""


@dataclass(frozen=True)
class InSecret:
    """A value as a Secret has it, and the pods that read it there."""

    secret: str
    key: str
    fingerprint: str | None
    current: bool
    pods: tuple[Pod, ...]
    older: tuple[Pod, ...]
    """Pods that started before the Secret got this value: they have the one before."""


@dataclass(frozen=True)
class Credential:
    """A credential with everything that is known of it."""

    place: str
    store: InStore
    secrets: tuple[InSecret, ...]

    pods: tuple[Pod, ...] = ()
    """Pods that have fetched it into their memory, where no Secret has it."""

    @property
    def older(self) -> tuple[Pod, ...]:
        """Those of them that started before the store got this value: they have the one before."""
        written = self.store.written
        return tuple(pod for pod in self.pods if written is not None and pod.started < written)

    @property
    def differences(self) -> list[str]:
        """What does not agree, in sentences."""
        return [*self._differences()]

    @property
    def agrees(self) -> bool | None:
        """Whether all have the same value; None when that is not known."""
        if self.differences:
            return False
        return None if self.store.unknown else True

    def _differences(self) -> Iterator[str]:
        if self.store.fingerprint is None and not self.store.unknown:
            yield "the store has no such value"
        reference = self.store.fingerprint or next((each.fingerprint for each in self.secrets if each.current), None)
        for each in self.secrets:
            where = f"Secret {each.secret}, key {each.key}"
            if each.fingerprint is None and each.current:
                yield f"{where}: there is none"
            elif each.fingerprint != reference and each.current:
                yield f"{where}: another value" + (" than the store" if self.store.fingerprint else "")
            elif each.fingerprint != reference:
                yield f"{names(each.pods)} read another value, in Secret {each.secret} of before"
            if each.older:
                yield f"{names(each.older)} started before {where} got this value"
        if self.older:
            yield f"{names(self.older)} started before the store got this value"


def names(pods: Sequence[Pod]) -> str:
    return "pods " + ", ".join(pod.name for pod in pods)


def in_secret(copy: Copy, fingerprint: Fingerprint) -> InSecret:
    older = [pod for pod in copy.pods if copy.written is not None and pod.started < copy.written]
    value = fingerprint(copy.value) if copy.value is not None else None
    return InSecret(copy.secret, copy.key, value, copy.current, copy.pods, tuple(older))
