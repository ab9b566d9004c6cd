"""YAML that is the same every time, and that every parser reads the same way."""

import re
from typing import Any

import yaml


class Dumper(yaml.SafeDumper):
    """Long texts as blocks, and in quotes whatever some parser could take for a number."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's own signature
        """Kubernetes' own YAML has no anchors; what occurs twice is written twice."""
        return True


def text(dumper: Dumper, value: str) -> yaml.ScalarNode:
    # PyYAML leaves `1e3` bare, which Go reads as a thousand; a hash can look like that.
    # Line breaks of Unicode it writes as they are, and reads as spaces.
    quoted = re.match(r"[-+.]?[0-9]", value) or re.search("[\x85\u2028\u2029]", value)
    style = '"' if quoted else "|" if "\n" in value else None
    return dumper.represent_scalar(  # pyright: ignore[reportUnknownMemberType] - PyYAML's stubs leave it open
        "tag:yaml.org,2002:str", value, style=style
    )


Dumper.add_representer(str, text)


def dump(value: Any) -> str:
    """Keys in order of the alphabet, one line for one value."""
    return yaml.dump(value, Dumper=Dumper, sort_keys=True, allow_unicode=True, width=10_000)
