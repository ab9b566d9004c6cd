from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as some

from tests.sealing import Controller
from tools.gitops.sealing import Scope, label, read_certificate, seal
from tools.problem import Problem


@pytest.fixture(scope="module")
def controller(tmp_path_factory: pytest.TempPathFactory) -> Controller:
    return Controller(tmp_path_factory.mktemp("controller"))


@given(value=some.text(), name=some.text(max_size=20))
def test_the_controller_reads_what_was_sealed(controller: Controller, value: str, name: str):
    bound_to = label("strict", "here", name)
    assert controller.unseal(seal(value, controller.key.public_key(), bound_to), bound_to) == value


@pytest.mark.parametrize(
    ("scope", "bound_to"), [("strict", b"here/name"), ("namespace-wide", b"here"), ("cluster-wide", b"")]
)
def test_a_scope_says_what_a_value_is_bound_to(scope: Scope, bound_to: bytes):
    assert label(scope, "here", "name") == bound_to


def test_under_another_name_nobody_reads_it(controller: Controller):
    sealed = seal("value", controller.key.public_key(), label("strict", "here", "name"))
    with pytest.raises((ValueError, InvalidTag)):
        controller.unseal(sealed, label("strict", "elsewhere", "name"))


def test_the_same_value_is_never_sealed_twice_in_the_same_way(controller: Controller):
    public = controller.key.public_key()
    assert len({seal("value", public, b"") for _ in range(5)}) == 5


def test_the_certificate_of_the_controller_gives_its_key(controller: Controller):
    assert read_certificate(controller.certificate) == controller.key.public_key()


def test_an_expired_certificate_is_refused(controller: Controller):
    with pytest.raises(Problem, match=r"expired on 20\d\d-\d\d-\d\d: get the current one with `kubeseal --fetch-cert`"):
        read_certificate(controller.certify(controller.key, starts=-3, ends=-1))


def test_a_certificate_of_the_future_is_refused(controller: Controller):
    with pytest.raises(Problem, match=r"is valid from 20\d\d-\d\d-\d\d only"):
        read_certificate(controller.certify(controller.key, starts=2))


def test_a_key_that_is_not_rsa_is_refused(controller: Controller):
    with pytest.raises(Problem, match="has no RSA key"):
        read_certificate(controller.certify(ec.generate_private_key(ec.SECP256R1())))


@pytest.mark.parametrize("content", [b"", b"text", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_is_no_certificate_is_refused(tmp_path: Path, content: bytes):
    path = tmp_path / "cert.pem"
    path.write_bytes(content)
    with pytest.raises(Problem, match="is not a certificate in PEM form"):
        read_certificate(path)


def test_a_private_key_in_place_of_the_certificate_is_refused(controller: Controller):
    with pytest.raises(Problem, match="is not a certificate in PEM form"):
        read_certificate(controller.private_key)


def test_a_missing_certificate_is_named(tmp_path: Path):
    with pytest.raises(Problem, match=r"cannot read the certificate .*cert\.pem: No such file"):
        read_certificate(tmp_path / "cert.pem")
