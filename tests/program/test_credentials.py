"""`make secrets` understands every Secret of the program: with what External Secrets Operator would write, all agree."""

import base64
import hashlib
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from components.sync.shared import FINGERPRINT
from infra.target import resolve_offline
from tests.program.conftest import recording_of
from tests.program.stacks import FILES, is_template, name_of, stack_of
from tests.unit.tools.engine.fakes import FakeCluster
from tools.client.stored import Stored
from tools.credentials.command import credentials
from tools.credentials.copies import look, secret_reader
from tools.credentials.credential import fingerprints
from tools.offline.plan import configuration

API = "apis/external-secrets.io/v1"
STACKS = [path for path in FILES if not is_template(path)]


class Anything(dict[str, str]):
    """A document that has every property, each with a value of its own, with whatever a URL would not have."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.document = document

    def __contains__(self, name: object) -> bool:
        return True

    def __getitem__(self, name: str) -> str:
        return f"+/ @:%{self.document}#{name}"


def written(template: str, values: dict[str, str]) -> str:
    """What the operator would write."""
    text = re.sub(r"\{\{ if .*?\{\{ end \}\}", "host", template, flags=re.DOTALL)
    text = re.sub(r"\{\{ \.(\w+) \| urlquery .*?\}\}", lambda found: quote(values[found[1]], safe=""), text)
    hashed = lambda found: hashlib.sha256(values[found[1]].encode()).hexdigest()  # noqa: E731
    text = re.sub(r"\{\{ \.(\w+) \| sha256sum \}\}", hashed, text)
    return re.sub(r"\{\{ \.(\w+) \}\}", lambda found: values[found[1]], text)


def synced(external: dict[str, Any]) -> dict[str, Any]:
    spec, values = external["spec"], dict[str, str]()
    for entry in spec["data"]:
        remote = entry["remoteRef"]
        values[entry["secretKey"]] = Anything(remote["key"])[remote.get("property", "whole")]
    templates: dict[str, str] = spec["target"]["template"]["data"]
    for each in spec.get("dataFrom", ()):
        document = Anything(each["extract"]["key"])
        for template in templates.values():
            values = {name: document[name] for name in re.findall(r"\{\{ \.(\w+)", template)} | values
    data = {key: base64.b64encode(written(text, values).encode()).decode() for key, text in templates.items()}
    metadata = external["metadata"] | {"creationTimestamp": "2026-01-01T00:00:00Z"}
    return {"metadata": metadata, "data": data}


@pytest.mark.parametrize("path", STACKS, ids=name_of)
def test_what_the_operator_writes_agrees_with_the_store(path: Path):
    recorded, config = recording_of(path, preview=False), configuration(stack_of(path))
    target = resolve_offline(config, name_of(path))
    kinds: dict[str, list[Any]] = {"ExternalSecret": [], "SecretStore": []}
    for kind, found in kinds.items():
        for each in recorded.of(f"kubernetes:external-secrets.io/v1:{kind}"):
            named = {"name": each.name if kind == "ExternalSecret" else f"{each.name}-id"}
            found.append(each.inputs | {"metadata": each.inputs["metadata"] | named})
    place = f"namespaces/{target.namespace}"
    cluster = FakeCluster(
        objects={
            f"/{API}/{place}/externalsecrets": kinds["ExternalSecret"],
            f"/{API}/{place}/secretstores": kinds["SecretStore"],
            f"/api/v1/{place}/secrets": [synced(each) for each in kinds["ExternalSecret"]],
            f"/api/v1/{place}/pods": [],
        }
    )

    def read(key: str, _mount: str | None) -> Stored | None:
        return Stored(Anything(key), "1", None, Anything(key)["whole"])

    def read_secret(key: str, _mount: str | None) -> Stored | None:
        return Stored(Anything(key), "1", None)

    copies = look(cluster, target.namespace)
    found = credentials(config, target.store, read, read_secret, copies, fingerprints(b"k"))
    assert [(each.place, each.differences) for each in found if not each.agrees] == []
    assert secret_reader(cluster, target.namespace)("none", None) is None
    keys = {copy.key for copy in copies}
    templates = [each["spec"]["target"]["template"]["data"] for each in kinds["ExternalSecret"]]
    assert {key for texts in templates for key in texts} - keys <= {"redis.conf", FINGERPRINT}
