"""What the Job runs: tell LiteLLM what the stack wants, and say what that changed.

    python3 -m components.access.reconcile URL WISHES_FILE SECRETS_FOLDER

Exits with 0, with 1 when trying again may help, and with 3 when only a person can go on. Run again, it does what is left to do:
each request is by itself, and what is there already is looked at first.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.access.objects import CREDENTIAL, KEYS, KINDS, MASTER_KEY, MCP_SERVER, OF_A_KEY, ORGANIZATION
from components.access.plan import Plan, Planner
from components.gateway.api import Api, Objects, RefusedError, UnreachableError, wait_until_ready

AGAIN, NEEDS_A_PERSON = 1, 3
RUNBOOK = "docs/runbooks/access.md"
NOT_EVERYWHERE = (ORGANIZATION, CREDENTIAL, MCP_SERVER)
"""What LiteLLM shows with a license only, or where it has been installed with it."""


def main(url: str, wishes_file: str, secrets: str) -> int:
    wishes: dict[str, Any] = json.loads(Path(wishes_file).read_text(encoding="utf-8"))
    values = {name: read(secrets, name) for name in files(wishes)}
    api = Api(url, values[MASTER_KEY], values.values())
    try:
        wait_until_ready(api)
        return reconcile(api, wishes, values)
    except UnreachableError as error:
        say(f"{error}. The Job tries again")
        return AGAIN
    except RefusedError as error:
        say(f"{error}. What was done before stays done, and another `make up` goes on from there: {RUNBOOK}")
        return NEEDS_A_PERSON


def reconcile(api: Api, wishes: Mapping[str, Any], values: Mapping[str, str]) -> int:
    keys = {name: values[OF_A_KEY + name] for name in wishes[KEYS]}
    wrong = [f"key {name}: its value does not begin with sk-" for name, value in keys.items() if value[:3] != "sk-"]
    plan = Planner(wishes, look(api, wishes), values).plan()
    if problems := wrong + plan.problems:
        say("\n".join(["nothing was changed:", *(f"  - {problem}" for problem in problems), f"See {RUNBOOK}"]))
        return NEEDS_A_PERSON
    apply(api, plan, values)
    return 0


def look(api: Api, wishes: Mapping[str, Any]) -> dict[str, Objects]:
    """What LiteLLM has. What it does not show it has none of that is this stack's."""
    found: dict[str, Objects] = {}
    for kind in KINDS:
        try:
            found[kind.section] = kind.listed(api)
        except RefusedError:
            if kind not in NOT_EVERYWHERE or wishes[kind.section]:
                raise
            found[kind.section] = []
    return found


def files(wishes: Mapping[str, Any]) -> list[str]:
    """Names of all values that are secrets."""
    of_others = [
        file for kind in KINDS for wish in wishes[kind.section].values() for file in wish.get("secrets", {}).values()
    ]
    return [MASTER_KEY, *(OF_A_KEY + name for name in wishes[KEYS]), *of_others]


def apply(api: Api, plan: Plan, values: Mapping[str, str]) -> None:
    for call in plan.calls:
        call.to(api, values)
        say(call.says)
    for note in plan.notes:
        say(note)
    say(f"done: {len(plan.calls) or 'no'} change{'' if len(plan.calls) == 1 else 's'}")


def read(folder: str, name: str) -> str:
    return Path(folder, name).read_text(encoding="utf-8").strip()


def say(text: str) -> None:
    print(f"access: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
