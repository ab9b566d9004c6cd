"""The authorities of Amazon RDS: read once, and only as the file that is pinned."""

import hashlib
from pathlib import Path

import pytest

from infra.aws import authorities
from infra.aws.authorities import AuthoritiesError, of_rds


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What AWS publishes, in place of the network."""
    file = tmp_path / "global-bundle.pem"
    file.write_text("certificates")
    monkeypatch.setattr(authorities, "SHA256", hashlib.sha256(b"certificates").hexdigest())
    return file


def test_the_file_is_read_from_the_network_once(published: Path, tmp_path: Path) -> None:
    assert of_rds(published.as_uri(), tmp_path / "kept") == "certificates"
    published.unlink()
    assert of_rds(published.as_uri(), tmp_path / "kept") == "certificates"


def test_another_file_is_not_used(published: Path, tmp_path: Path) -> None:
    published.write_text("others")
    with pytest.raises(AuthoritiesError, match=r"not the file whose checksum is pinned.*caCertFile"):
        of_rds(published.as_uri(), tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


def test_a_kept_file_that_was_changed_is_read_again(published: Path, tmp_path: Path) -> None:
    of_rds(published.as_uri(), tmp_path / "kept")
    (changed,) = (tmp_path / "kept").iterdir()
    changed.write_text("others")
    assert of_rds(published.as_uri(), tmp_path / "kept") == "certificates"


def test_without_a_network_the_ways_out_are_named(published: Path, tmp_path: Path) -> None:
    published.unlink()
    with pytest.raises(AuthoritiesError, match=r"could not be read.*caCertFile.*sslmode: require"):
        of_rds(published.as_uri(), tmp_path / "kept")
