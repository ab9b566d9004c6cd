"""LiteLLM itself logs in to RDS with the variables that we give, and the identity that EKS gives to a pod."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from tests.litellm_env import CACHE, TESTS, interpreter, run
from tests.program.conftest import recording_of
from tests.program.stacks import EXAMPLES

SCRIPT = TESTS / "litellm_login.py"
ROLE = "arn:aws:iam::123456789012:role/pods"
LASTS = "2099-01-01T00:00:00Z"


class Amazon(BaseHTTPRequestHandler):
    """EKS' agent for Pod Identity, and STS: each gives credentials for the token of a ServiceAccount only."""

    def do_GET(self) -> None:
        known = self.headers["Authorization"] == "token of the pod"
        keys = {"AccessKeyId": "POD-IDENTITY", "SecretAccessKey": "s", "Token": "t", "Expiration": LASTS}
        self.answer(json.dumps(keys if known else {}), known=known)

    def do_POST(self) -> None:
        asked = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        known = (asked["RoleArn"], asked["WebIdentityToken"]) == ([ROLE], ["token of the pod"])
        keys = (
            f"<Credentials><AccessKeyId>IRSA</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
            f"<SessionToken>t</SessionToken><Expiration>{LASTS}</Expiration></Credentials>"
        )
        kind = "AssumeRoleWithWebIdentity"
        self.answer(f"<{kind}Response><{kind}Result>{keys}</{kind}Result></{kind}Response>", known=known)

    def answer(self, body: str, *, known: bool) -> None:
        self.send_response(200 if known else 403)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base's
        pass


@pytest.fixture(scope="module")
def amazon() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Amazon)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("token") / "token"
    file.write_text("token of the pod")
    return str(file)


def identity_of(kind: str, amazon: str, token: str) -> dict[str, str]:
    """What EKS adds to the containers of a pod."""
    if kind == "POD-IDENTITY":
        return {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{amazon}/v1/credentials",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": token,
        }
    return {"AWS_ROLE_ARN": ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE": token, "AWS_ENDPOINT_URL_STS": amazon}


@pytest.mark.parametrize("kind", ["POD-IDENTITY", "IRSA"])
@pytest.mark.parametrize("workload", ["litellm-migration-job", "litellm-deployment"])
def test_the_login_is_a_token_of_the_pods_identity(workload: str, kind: str, amazon: str, token: str) -> None:
    recording = recording_of(EXAMPLES / "Pulumi.aws-existing-rds.yaml", preview=False)
    (container,) = recording.named(workload).inputs["spec"]["template"]["spec"]["containers"]
    ours = {each["name"]: each["value"] for each in container["env"] if "value" in each}
    own = {"HOME": str(CACHE), "PATH": str(Path(interpreter()).parent), "AWS_EC2_METADATA_DISABLED": "true"}
    done = run([str(interpreter()), str(SCRIPT)], ours | own | identity_of(kind, amazon, token))
    assert done.returncode == 0, done.stderr
    for when, text in json.loads(done.stdout.splitlines()[-1]).items():
        url = urlsplit(text)
        assert (url.scheme, url.hostname, url.port) == ("postgresql", ours["DATABASE_HOST"], 5432), when
        assert (url.username, url.path, url.query) == ("litellm", "/litellm", "sslmode=require"), when
        signed = parse_qs(urlsplit(f"//{unquote(url.password or '')}").query)
        assert (signed["Action"], signed["DBUser"]) == (["connect"], ["litellm"]), when
        key, _, region = signed["X-Amz-Credential"][0].split("/")[:3]
        assert (key, region) == (kind, "us-gov-west-1"), when
