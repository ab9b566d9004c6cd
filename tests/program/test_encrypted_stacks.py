"""What was encrypted in a stack file is never plain in a resource, whatever key it stood in: refused, or secret all the way."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.config.load import ConfigError
from infra.config.places import ANY_KEY, Place, places
from tests.program.stacks import ROOT, name_of, stack_of
from tools.engine.stack_file import Stack, merge
from tools.offline.mock_engine import Recording
from tools.offline.plan import configuration, masked, record, without_secrets

STACKS = [ROOT / "Pulumi.dev.yaml", ROOT / "Pulumi.prod.yaml"]
CIPHERTEXT = {"secure": "v1:nonce:ciphertext"}
PLACES = sorted(
    {tuple("SOME_API_KEY" if part == ANY_KEY else part for part in place) for place, _ in places()}, key=str
)


def encrypted_at(path: Path, place: Place) -> Stack:
    value: Any = CIPHERTEXT
    for part in reversed(place[1:]):
        value = [value] if isinstance(part, int) else {part: value}
    stack = stack_of(path)
    return Stack(stack.name, merge(stack.document, {"config": {f"litellm:{place[0]}": value}}))


def is_taken(path: Path, place: Place) -> bool:
    try:
        configuration(encrypted_at(path, place))
    except ConfigError:
        return False
    return True


@pytest.mark.parametrize("path", STACKS, ids=name_of)
def test_what_is_encrypted_anywhere_is_refused_or_secret_all_the_way(path: Path):
    taken = [place for place in PLACES if is_taken(path, place)]
    assert taken == [("providerKeys", "SOME_API_KEY")]
    recording = record(encrypted_at(path, taken[0]), preview=False)
    value = str(masked(CIPHERTEXT))
    assert value in everything(recording), "it must be there to leak"
    assert value not in json.dumps([without_secrets(resource) for resource in recording.resources])
    assert value not in json.dumps(recording.outputs)


def everything(recording: Recording) -> str:
    return json.dumps([resource.inputs for resource in recording.resources], default=str)
