"""What the migration Job runs in LiteLLM's image: LiteLLM's own migration, and what it means when that fails.

It needs the standard library, and what LiteLLM brings. Exits with 0, with 3 when only a person can go on, or as LiteLLM did.
"""

import importlib
import os
import re
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

NEEDS_A_PERSON = 3
RUNBOOK = "docs/runbooks/migration.md"
MIGRATION = re.compile(r"\b\d{8,}_\w+")
KEPT_LINES = 500


def main(command: Sequence[str]) -> int:
    # Kubernetes asks this process only. LiteLLM goes on for as long as the pod has: a migration that is cut is a person's work.
    signal.signal(signal.SIGTERM, asked_to_stop)
    code, output = run(command)
    if code and "P3009" in output:
        return unfinished(output)
    if code and "P3018" in output:
        say(f"{named(output)} failed, and Prisma applies no other one until somebody has looked at it: {RUNBOOK}.")
        return go_on_with_the_old_one()
    return code


def asked_to_stop(_number: int, _frame: object) -> None:
    # Not by print: it may have been interrupted in the middle of itself.
    os.write(1, b"migration: asked to stop: the migration that runs may still end\n")


def run(command: Sequence[str]) -> tuple[int, str]:
    """The exit code and the last lines of a command, which are shown as they come."""
    last = deque[str](maxlen=KEPT_LINES)
    with subprocess.Popen(  # noqa: S603 - the Job's own command
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            last.append(line)
    return process.returncode, "".join(last)


def unfinished(output: str) -> int:
    """Prisma found a migration that began and did not end. That one may be of a newer version, which is of no concern here."""
    lacking = lacking_migrations()
    if lacking is not None and not lacking:
        say(
            f"{named(output)} of another version did not end, but the database has all that this version needs, which goes "
            f"on. Before the next upgrade: {RUNBOOK}"
        )
        return 0
    say(
        f"P3009: {named(output)} began and did not end: its pod was killed (gateway.migrationTimeout, a node that went), or "
        f"its SQL failed. Whether its changes are there has to be looked at, and told to Prisma: {RUNBOOK}."
    )
    return go_on_with_the_old_one()


def go_on_with_the_old_one() -> int:
    say("The pods that run go on. With the image before, `make up` works.")
    return NEEDS_A_PERSON


def lacking_migrations() -> set[str] | None:
    """Migrations of this image that the database does not have, by Prisma's ledger; None when that cannot be read."""
    try:
        extras: Any = importlib.import_module("litellm_proxy_extras.utils")
        urls: Any = importlib.import_module("litellm.proxy.db.db_url_settings")
        psycopg: Any = importlib.import_module("psycopg")
        urls.DatabaseURLSettings.from_env().apply_to_env()
        url = os.environ["DATABASE_URL"]
        schema = dict(parse_qsl(urlsplit(url).query)).get("schema", "public")
        table = psycopg.sql.Identifier(schema, "_prisma_migrations")
        ledger = psycopg.sql.SQL(
            "SELECT migration_name FROM {} WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL"
        ).format(table)
        with psycopg.connect(extras.ProxyExtrasDBManager._strip_prisma_query_params(url)) as connection:
            applied = {str(row[0]) for row in connection.execute(ledger).fetchall()}
        shipped = {file.parent.name for file in Path(extras.__file__).parent.glob("migrations/*/migration.sql")}
    except Exception as error:
        say(f"the migrations that the database has could not be compared ({type(error).__name__})")
        return None
    return shipped - applied if shipped else None


def named(output: str) -> str:
    """The migration that Prisma names last."""
    found = MIGRATION.findall(output[max(output.rfind("P3009"), output.rfind("P3018"), 0) :])
    return f"migration {found[0]}" if found else "a migration"


def say(text: str) -> None:
    print(f"migration: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
