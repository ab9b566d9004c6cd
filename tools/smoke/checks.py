"""What the gate asks a gateway, one check after the other.

It runs in a pod of LiteLLM's image, and reads what to ask from SMOKE (JSON) and LITELLM_MASTER_KEY. Exits with 0, or with 1
when a check failed; what became of each is the pod's last word.
"""

import json
import os
import re
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from components.gateway.api import Answer, Api, UnreachableError

LAST_WORD = "/dev/termination-log"
"""Where Kubernetes reads a container's last word, at most 4096 bytes of it."""

LONGEST = 250
PAUSE_SECONDS = 1.0
KEY_SECONDS = 600
"""How long a virtual key of the gate would live that nobody takes away."""

CANARY = "litellm-smoke-canary"
CANARY_VALUE = "this can be read with the salt key"
"""Name and value of a credential that stays in the database, and that only the salt key of its first day decrypts."""


class FailedError(Exception):
    """A check found something else than it should."""


class SkippedError(Exception):
    """A check has nothing to look at."""


@dataclass
class Gateway:
    """A gateway, what it should be, and what the checks learn of it on the way."""

    url: str
    master_key: str
    models: Sequence[str]
    """Names in its config.yaml."""
    aliases: Sequence[str] = ()
    """Other names that its settings have for models."""
    model: str | None = None
    """Whom to ask for a completion."""
    max_tokens: int = 5
    adds_models: bool = True
    """Whether models, and credentials, may be in the database, too."""
    keyless: bool = False
    """Whether it was told to answer without a key."""
    logs_spend: bool = True
    seconds: float = 120
    """How long a check may wait for what takes its time."""
    key: str = ""
    """A virtual key, made for the checks."""
    request: str = ""
    """The completion that has to be in the spend logs."""
    until: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        # A connection for each request: the next one may be answered by another pod.
        self.api = Api(self.url, self.master_key, headers={"Connection": "close"})

    def ask(self, path: str, body: Mapping[str, Any] | None = None, key: str | None = None) -> Answer:
        """One request, with the master key unless it is another one; an empty key is none at all."""
        try:
            return self.api.ask("GET" if body is None else "POST", path, body, key)
        except UnreachableError as error:
            raise FailedError(str(error)) from None

    def wanted(self, path: str, body: Mapping[str, Any] | None = None, key: str | None = None) -> Any:
        """The body of an answer that has to be 200."""
        answer = self.ask(path, body, key)
        if answer.status != 200:
            raise FailedError(f"{path.partition('?')[0]} answers {answer.status}: {self.shown(answer.reason)}")
        return answer.body

    def shown(self, text: str) -> str:
        """What the gateway says, on one line, without keys, and short enough for a last word."""
        return self.api.shown(text)[:LONGEST]

    def awaited(self, look: Callable[[], bool]) -> bool:
        """Whether something becomes true in time."""
        while not look():
            if time.monotonic() > self.until:
                return False
            time.sleep(PAUSE_SECONDS)
        return True


def mapping(value: Any) -> dict[str, Any]:
    """An object of JSON; of everything else one without keys."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def is_ready(gateway: Gateway) -> str:
    said: list[str] = []

    def look() -> bool:
        try:
            answer = gateway.ask("/health/readiness", key="")
        except FailedError as error:
            said[:] = [str(error)]
            return False
        database = mapping(answer.body).get("db")
        said[:] = [f"/health/readiness answers {answer.status}, and of its database {gateway.shown(str(database))}"]
        return answer.status == 200 and database == "connected"

    if not gateway.awaited(look):
        raise FailedError(said[0])
    return "ready, and connected to its database"


def has_its_models(gateway: Gateway) -> str:
    # Of a pattern such as `openai/*` LiteLLM lists what it knows to fit, and the pattern itself when asked.
    served = {str(model["id"]) for model in gateway.wanted("/v1/models?return_wildcard_routes=true")["data"]}
    lacking = [index for index, name in enumerate(gateway.models) if name not in served]
    if lacking:
        places = ", ".join(f"gateway.models[{index}]" for index in lacking)
        raise FailedError(f"{places} of the stack file: not in /v1/models")
    added = in_the_database(gateway) if gateway.adds_models else set[str]()
    named = {*gateway.models, *gateway.aliases, *added}
    patterns = [re.compile(".*".join(map(re.escape, name.split("*")))) for name in named if "*" in name]
    unknown = [name for name in served - named if not any(pattern.fullmatch(name) for pattern in patterns)]
    if unknown:
        raise FailedError(f"/v1/models has {len(unknown)} that neither the stack file nor the database has")
    of_database = f", and {len(added)} of the database" if added else ""
    return f"/v1/models has the {len(set(gateway.models))} of the stack file{of_database}"


def in_the_database(gateway: Gateway) -> set[str]:
    models = gateway.wanted("/v1/model/info")["data"]
    return {str(model["model_name"]) for model in models if mapping(model.get("model_info")).get("db_model")}


def refuses_others(gateway: Gateway) -> str:
    if gateway.keyless:
        raise SkippedError("gateway.allowRequestsWithoutKey is set")
    for what, key in (("a wrong key", f"sk-{secrets.token_hex(16)}"), ("no key", "")):
        status = gateway.ask("/v1/models", key=key).status
        if status != 401:
            raise FailedError(f"{what} gets {status}, and not 401")
    return "401 for a wrong key, and for none"


def takes_virtual_keys(gateway: Gateway) -> str:
    asked = {
        "duration": f"{KEY_SECONDS}s",
        "key_alias": f"litellm-smoke-{secrets.token_hex(6)}",
        "metadata": {"made-by": "litellm-smoke"},
        **({"models": [gateway.model]} if gateway.model else {}),
    }
    gateway.key = str(gateway.wanted("/key/generate", asked)["key"])
    gateway.api.hide(gateway.key)
    gateway.wanted("/v1/models", key=gateway.key)
    return "made one, and it is accepted"


def completes(gateway: Gateway) -> str:
    if gateway.model is None:
        raise SkippedError("no mock model, and no litellm:smoke.model")
    if not gateway.key:
        raise SkippedError("there is no virtual key")
    body = {
        "model": gateway.model,
        "max_tokens": gateway.max_tokens,
        "messages": [{"role": "user", "content": "Answer with one word."}],
    }
    answer = gateway.wanted("/v1/chat/completions", body, gateway.key)
    if not answer.get("choices"):
        raise FailedError("the answer has no choices")
    gateway.request = str(answer["id"])
    return "a completion, with the virtual key"


def writes_spend(gateway: Gateway) -> str:
    if not gateway.logs_spend:
        raise SkippedError("generalSettings.disable_spend_logs is set")
    if not gateway.request:
        raise SkippedError("there was no completion")
    path = f"/spend/logs?request_id={quote(gateway.request)}"

    def look() -> bool:
        return any(mapping(row).get("request_id") == gateway.request for row in gateway.wanted(path))

    if not gateway.awaited(look):
        raise FailedError(f"no row of the completion within {gateway.seconds:.0f} s")
    return "a row of the completion in the database"


def decrypts(gateway: Gateway) -> str:
    """The first time the credential is written. From then on it is what the pods read from their database when they start."""
    if not gateway.adds_models:
        raise SkippedError("gateway.storeModelInDb is false: LiteLLM reads no credentials from its database")
    path = f"/credentials/by_name/{CANARY}"
    answer = gateway.ask(path)
    made = answer.status == 404 and write_canary(gateway)

    def look() -> bool:
        found = gateway.ask(path)
        # What cannot be decrypted LiteLLM gives as it is stored.
        return found.status == 200 and found.body["credential_values"].get("canary") == CANARY_VALUE

    # A pod reads the database every half a minute; one that cannot decrypt will not learn it.
    if answer.status == 200 and not look():
        raise FailedError("the credential of an earlier gate cannot be decrypted")
    if not gateway.awaited(look):
        raise FailedError("a credential that was written cannot be read")
    return "wrote a credential, for the next time" if made else "the credential of an earlier gate can be decrypted"


def write_canary(gateway: Gateway) -> bool:
    """Whether it was written; another pod may have it already, and this one not yet."""
    body = {"credential_name": CANARY, "credential_values": {"canary": CANARY_VALUE}, "credential_info": {}}
    answer = gateway.ask("/credentials", body)
    if answer.status not in (200, 409):
        raise FailedError(f"/credentials answers {answer.status}: {gateway.shown(answer.reason)}")
    return answer.status == 200


CHECKS: Mapping[str, Callable[[Gateway], str]] = {
    "readiness": is_ready,
    "models": has_its_models,
    "refusal": refuses_others,
    "key": takes_virtual_keys,
    "completion": completes,
    "spend": writes_spend,
    "salt": decrypts,
}


def run(gateway: Gateway, checks: Mapping[str, Callable[[Gateway], str]] = CHECKS) -> list[dict[str, Any]]:
    """What became of each check: `ok`, `failed` or `skipped`, how long it took, and what there is to say."""
    found: list[dict[str, Any]] = []
    for name, check in checks.items():
        began = time.monotonic()
        gateway.until = began + gateway.seconds
        try:
            state, said = "ok", check(gateway)
        except SkippedError as reason:
            state, said = "skipped", str(reason)
        except FailedError as reason:
            state, said = "failed", str(reason)
        except (LookupError, TypeError, AttributeError, ValueError):
            state, said = "failed", "LiteLLM answers in another form than this version of the gate knows"
        found.append({"check": name, "state": state, "seconds": round(time.monotonic() - began, 1), "said": said})
    tidy(gateway)
    return found


def tidy(gateway: Gateway) -> None:
    """Take the virtual key away. One that stays ends by itself."""
    if gateway.key:
        try:
            gateway.ask("/key/delete", {"keys": [gateway.key]})
        except FailedError:
            return


def main() -> int:
    found = run(Gateway(master_key=os.environ["LITELLM_MASTER_KEY"], **json.loads(os.environ["SMOKE"])))
    for each in found:
        print("{check}: {state} ({seconds} s): {said}".format(**each), flush=True)
    Path(LAST_WORD).write_text(json.dumps(found))
    return int(any(each["state"] == "failed" for each in found))
