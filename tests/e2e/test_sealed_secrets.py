"""Sealed Secrets' own code opens what `make render` has sealed. Needs `kubeseal` on PATH, and no controller."""

import base64
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.support import Project, kubectl
from tests.sealing import Controller

HARD_PASSWORD = "p@ss/w:rd?#[x]%&+ =é\"'\\`"
IN_URL = "p%40ss%2Fw%3Ard%3F%23%5Bx%5D%25%26%2B%20%3D%C3%A9%22%27%5C%60"
VALUES = {
    "dev/api-keys": {"master-key": "sk-sealed-master-key"},
    "dev/salt": {"salt-key": "sealed-salt-key"},
    "dev/database": {"username": "litellm", "password": HARD_PASSWORD},
    "dev/database-admin": {"username": "postgres", "password": "sealed-admin"},
    "dev/redis": {"password": "sealed-redis"},
}

pytestmark = pytest.mark.skipif(not shutil.which("kubeseal"), reason="needs kubeseal on PATH")


@pytest.fixture(scope="module")
def controller(tmp_path_factory: pytest.TempPathFactory) -> Controller:
    return Controller(tmp_path_factory.mktemp("controller"))


@pytest.fixture(scope="module", params=["strict", "namespace-wide", "cluster-wide"])
def folder(request: pytest.FixtureRequest, project: Project, controller: Controller) -> Path:
    out, values = project.folder / "rendered" / request.param, controller.folder / "values.yaml"
    values.write_text(json.dumps(VALUES))
    options = f"--sealed-secrets {controller.certificate} --values {values} --scope {request.param}"
    done = project.make("render", arguments=options, OUT=str(out))
    assert "sealed-" not in done.stdout + done.stderr
    return out


def unsealed(controller: Controller, path: Path) -> dict[str, str]:
    command = ["kubeseal", "--recovery-unseal", "--recovery-private-key", str(controller.private_key)]
    done = subprocess.run(command, input=path.read_text(), capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)["data"]
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def test_the_gateway_gets_its_environment(controller: Controller, folder: Path):
    environment = unsealed(controller, folder / "1-secret-litellm-env-secret.yaml")
    assert environment["LITELLM_MASTER_KEY"] == "sk-sealed-master-key"
    assert environment["LITELLM_SALT_KEY"] == "sealed-salt-key"
    assert environment["DATABASE_URL"] == f"postgresql://litellm:{IN_URL}@postgres:5432/litellm?sslmode=disable"


def test_redis_gets_its_file(controller: Controller, folder: Path):
    assert "user default reset on" in unsealed(controller, folder / "1-secret-redis-config-secret.yaml")["redis.conf"]


def test_under_another_name_a_strict_secret_stays_closed(controller: Controller, project: Project):
    path = project.folder / "rendered" / "strict" / "1-secret-redis-config-secret.yaml"
    other = controller.folder / "other.yaml"
    other.write_text(path.read_text().replace("name: redis-config-secret", "name: other-redis-config-secret"))
    with pytest.raises(AssertionError, match="no key could decrypt secret"):
        unsealed(controller, other)


def test_kustomize_builds_the_folder(folder: Path):
    assert "kind: SealedSecret" in kubectl("kustomize", str(folder)).stdout
