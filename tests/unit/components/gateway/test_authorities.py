"""The authorities that LiteLLM accepts."""

import subprocess
import sys
from pathlib import Path

import certifi

from components.gateway.authorities import BUNDLE, PROGRAM
from tests.unit.components.gateway.test_gateway import container, environment, pod, recorded

FILE = {"file": "providers.crt", "key": "providers.crt", "config_map": "litellm-certificates-1"}


def test_without_others_those_of_the_image_count():
    recording = recorded()
    assert "initContainers" not in pod(recording)
    assert "SSL_CERT_FILE" not in environment(recording)


def test_certificates_of_a_server_are_no_authorities_of_providers():
    assert "initContainers" not in pod(recorded(certificates=[{**FILE, "file": "database.crt"}]))


def test_every_library_reads_the_list_of_both():
    variables = environment(recorded(certificates=[FILE]))
    names = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH")
    assert {variables[name] for name in names} == {BUNDLE}


def test_the_list_is_made_before_litellm_starts_where_litellm_reads_it():
    recording = recorded(certificates=[FILE])
    (maker,) = pod(recording)["initContainers"]
    assert maker["image"] == container(recording)["image"]
    assert maker["command"][-2:] == ["/etc/litellm-certificates/providers.crt", BUNDLE]
    for each in (maker, container(recording)):
        folders = {mount["mountPath"]: mount["name"] for mount in each["volumeMounts"]}
        assert folders["/tmp"] == "tmp"
        assert folders["/etc/litellm-certificates"] == "certificates"


def test_the_list_has_the_authorities_of_the_image_and_the_others(tmp_path: Path):
    given, made = tmp_path / "given.crt", tmp_path / "made.pem"
    given.write_text("of a corporate network")
    subprocess.run([sys.executable, "-c", PROGRAM, str(given), str(made)], check=True)
    assert made.read_text() == f"{Path(certifi.where()).read_text()}\nof a corporate network"
