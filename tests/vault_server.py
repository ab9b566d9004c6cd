"""A Vault of the test's own on this machine, with the rights that the documentation asks for, and no others."""

import base64
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import hvac
import requests

RIGHTS = Path(__file__).resolve().parents[1] / "docs" / "rights"
PROGRAM = shutil.which("vault")
READER = "secret-reader"


class TokenReviews(BaseHTTPRequestHandler):
    """An API server that believes what a token says."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        claims = claims_of(asked["spec"]["token"])
        account = claims["kubernetes.io"]["serviceaccount"]
        user = {"username": claims["sub"], "uid": account["uid"], "groups": ["system:serviceaccounts"]}
        status = {"authenticated": True, "user": user, "audiences": claims["aud"]}
        body = json.dumps(asked | {"status": status}).encode()
        self.send_response(201)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class calls it so
        """Nothing."""


def claims_of(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def service_account_token(namespace: str, name: str = READER) -> str:
    uid = f"uid-of-{namespace}-{name}"
    claims = {
        "iss": "https://kubernetes.default.svc.cluster.local",
        "aud": ["vault"],
        "sub": f"system:serviceaccount:{namespace}:{name}",
        "exp": int(time.time()) + 600,
        "iat": int(time.time()) - 10,
        "nbf": int(time.time()) - 10,
        "kubernetes.io": {"namespace": namespace, "serviceaccount": {"name": name, "uid": uid}},
    }
    parts = ({"alg": "RS256", "typ": "JWT"}, claims, {"signature": "of nobody"})
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)


@dataclass(frozen=True)
class VaultServer:
    """A Vault in development mode, set up as docs/rights.md says."""

    address: str
    root: Any
    """A client that may do everything."""

    def client(self, token: str) -> Any:
        return hvac.Client(url=self.address, token=token)

    def with_rights(self, file: str, namespace: str = "litellm-dev") -> Any:
        """A client whose token has the rights of a documented policy."""
        policy = f"{Path(file).stem}-{namespace}"
        self.root.sys.create_or_update_policy(policy, rights(file, NAMESPACE=namespace))
        return self.client(self.root.auth.token.create(policies=[policy], ttl="10m")["auth"]["client_token"])

    def log_in(self, role: str, namespace: str, account: str = READER) -> Any:
        client = self.client("")
        client.auth.kubernetes.login(role=role, jwt=service_account_token(namespace, account))
        return client


def rights(file: str, **names: str) -> str:
    """A documented policy, with names in the place of its words in capitals."""
    text = (RIGHTS / file).read_text()
    for word, name in names.items():
        text = re.sub(rf"\b{word}\b", name, text)
    return text


@contextmanager
def running(folder: Path) -> Generator[VaultServer]:
    """Start a server that keeps everything in memory, and end it."""
    assert PROGRAM is not None
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    reviews = ThreadingHTTPServer(("127.0.0.1", 0), TokenReviews)
    Thread(target=reviews.serve_forever, daemon=True).start()
    token, address = secrets.token_hex(8), f"http://127.0.0.1:{port}"
    command = [PROGRAM, "server", "-dev", "-dev-no-store-token", f"-dev-root-token-id={token}"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VAULT_")}
    process = subprocess.Popen(
        [*command, f"-dev-listen-address=127.0.0.1:{port}"],
        env={**environment, "HOME": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        server = VaultServer(address, hvac.Client(url=address, token=token))
        wait_for(server)
        set_up(server, f"http://127.0.0.1:{reviews.server_address[1]}")
        yield server
    finally:
        process.terminate()
        process.wait(20)
        reviews.shutdown()
        reviews.server_close()


def wait_for(server: VaultServer) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            if server.root.sys.is_initialized() and not server.root.sys.is_sealed():
                return
        except requests.ConnectionError:
            pass
        assert time.monotonic() < deadline, "Vault does not come up"
        time.sleep(0.1)


def set_up(server: VaultServer, cluster: str) -> None:
    """What an administrator does once."""
    root = server.root
    root.sys.enable_secrets_engine("kv", path="litellm", options={"version": "2"})
    root.sys.enable_auth_method("kubernetes")
    config = {
        "kubernetes_host": cluster,
        "disable_local_ca_jwt": True,
        "token_reviewer_jwt": service_account_token("v"),
    }
    root.adapter.post("/v1/auth/kubernetes/config", json=config)
    accessor = root.sys.list_auth_methods()["data"]["kubernetes/"]["accessor"]
    root.sys.create_or_update_policy("litellm-reader", rights("vault-reader.hcl", ACCESSOR=accessor))
    for role, namespaces in (("litellm", "litellm-*"), ("litellm-environments", "litellm-env-*")):
        body = {
            "bound_service_account_names": [READER],
            "bound_service_account_namespaces": [namespaces],
            "audience": "vault",
            "token_policies": ["litellm-reader"],
            "token_ttl": "10m",
        }
        root.adapter.post(f"/v1/auth/kubernetes/role/{role}", json=body)
