"""URLs in messages and files: without who logs in, and without a query, either of which may hold a secret."""

import re

USER = re.compile(r"(?<=://)[^\s'\"`]*@")
"""Greedy: a password that nobody encoded may have a slash, or another @, in it."""

QUERY = re.compile(r"(://[^\s'\"`?]*)\?[^\s'\"`]*")
HIDDEN = "…"


def without_secrets(text: str) -> str:
    """A text, such as what another program says of its failure, with every URL in it cut to what anybody may read."""
    return QUERY.sub(rf"\1?{HIDDEN}", USER.sub(f"{HIDDEN}@", text))


def bare(url: str) -> str:
    """One URL without user, password and query; the user of `ssh://git@…` stays, which is a name that everybody has."""
    kept = r"\1" if url.startswith(("http://", "https://")) else r"\1\2@"
    return re.sub(r"^([a-z+.-]+://)([^:@/]*)\S*@", kept, url).partition("?")[0]
