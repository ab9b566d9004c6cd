"""No URL in a message or a file shows who logs in, or how."""

import pytest

from infra.urls import bare, without_secrets


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://vault.example.com:8200/v1", "https://vault.example.com:8200/v1"),
        ("s3://bucket/path", "s3://bucket/path"),
        ("https://me:hunter2@example.com/x", "https://…@example.com/x"),
        ("https://hunter2@example.com", "https://…@example.com"),
        ("postgres://me:hun/ter@2@db.example.com/x", "postgres://…@db.example.com/x"),
        ("azblob://states?sig=hunter2", "azblob://states?…"),
        ("no bucket 's3://key:hunter2@b?x=hunter2' in \"gs://a:hunter2@c\"", "no bucket 's3://…@b?…' in \"gs://…@c\""),
        ("mail me@example.com?", "mail me@example.com?"),
    ],
)
def test_a_url_in_a_message_is_cut_to_what_anybody_may_read(text: str, shown: str):
    assert without_secrets(text) == shown


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://me:hunter2@example.com/x.git", "https://example.com/x.git"),
        ("https://x-access-token:hun/ter2@example.com/x.git", "https://example.com/x.git"),
        ("https://example.com/x.git?token=hunter2", "https://example.com/x.git"),
        ("ssh://git@example.com/x.git", "ssh://git@example.com/x.git"),
        ("ssh://git:hunter2@example.com/x.git", "ssh://git@example.com/x.git"),
        ("git@example.com:team/x.git", "git@example.com:team/x.git"),
        ("https://example.com/x.git", "https://example.com/x.git"),
    ],
)
def test_a_url_in_a_file_has_no_credentials(url: str, expected: str):
    assert bare(url) == expected
