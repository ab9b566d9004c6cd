"""In which order the modules of the end-to-end tests come, and whether there is time for one more."""

import time
from collections.abc import Callable, Mapping

SECONDS: Mapping[str, int] = {
    "test_upgrade": 300,
    "test_vault_stack": 720,
    "test_ephemeral": 460,
    "test_aws_stack": 260,
    "test_policy": 45,
    "test_stack_files": 15,
    "test_rights": 15,
    "test_newcomer": 280,
    "test_gitops": 260,
    "test_yaml_program": 150,
    "test_aws_production": 190,
    "test_starts": 420,
    "test_sharing": 480,
    "test_smoke": 240,
    "test_observe": 300,
    "test_access": 420,
    "test_rotation": 480,
    "test_generation": 240,
    "test_given_namespace": 240,
    "test_stores": 240,
    "test_ways_in": 480,
    "test_database": 480,
    "test_pods": 300,
    "test_adopt": 300,
    "test_lost_state": 300,
    "test_changes_of_mind": 480,
    "test_database_moves": 480,
    "test_store_moves": 480,
    "test_kills": 450,
    "test_seed_000": 300,
    "test_seed_001": 300,
    "test_seed_002": 300,
    "test_seed_003": 300,
    "test_seed_004": 300,
    "test_seed_objects": 120,
    "test_sealed_secrets": 60,
    "test_bad_days": 720,
    "test_rotation_load": 900,
}
"""Every module, in its order, with what it takes on a machine with two cores. Where the time is short, the last do not begin.

test_smoke, test_observe and test_access have one gateway together, which the first of them that begins makes.
"""

UNKNOWN_SECONDS = 480
"""What a module may take that is not among them yet."""

TEST_SECONDS = 300
"""What the longest test takes, and removing what its module made."""


class Schedule:
    """Says what still fits into so many seconds, on a machine as slow as this one has been so far."""

    def __init__(self, limit: float, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._end = now() + limit
        self._begin: float | None = None
        """When the first module of these began: others may have run before."""

        self._usual = 0
        self._begun: dict[str, bool] = {}

    def has_time_for(self, module: str) -> bool:
        """Whether the next test of a module may begin. A module that was refused stays so: its tests build on each other."""
        now = self._now()
        self._begin = now if self._begin is None else self._begin
        left = self._end - now
        if module not in self._begun:
            seconds = SECONDS.get(module, UNKNOWN_SECONDS)
            pace = (now - self._begin) / self._usual if self._usual else 1.0
            self._begun[module] = left >= seconds * max(1.0, pace)
            self._usual += seconds if self._begun[module] else 0
            return self._begun[module]
        self._begun[module] = self._begun[module] and left >= TEST_SECONDS
        return self._begun[module]
