"""Run a piece of the program with an AWS that answers."""

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from pulumi.runtime.mocks import MockResourceArgs

from tests.recording import Recording, run
from tools.offline import mock_aws
from tools.offline.mock_engine import RecordingMocks

ORIGINAL = RecordingMocks.new_resource


def run_aws(program: Callable[[], Any], *, preview: bool = False) -> Recording:
    def new_resource(self: RecordingMocks, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        id_, outputs = ORIGINAL(self, args)
        return id_, outputs if self.preview else outputs | mock_aws.computed(args.typ, args.name, args.inputs)

    with patch.object(RecordingMocks, "new_resource", new_resource):
        return run(program, preview=preview)
