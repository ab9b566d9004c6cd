"""What can be in the way of a command, and the exit code that says so."""

from tools.problem import Problem


class Taken(Problem):
    """The name belongs to somebody else."""

    code = 3
    kind = "taken"

    def __init__(self, message: str, owner: str) -> None:
        super().__init__(message)
        self.owner = owner


class Busy(Problem):
    """Another run works on the environment."""

    code = 4
    kind = "busy"


class Interrupted(Exception):  # noqa: N818
    """Somebody asked this run to stop. No `Problem`: nothing that goes on after a problem goes on after this."""

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.code = 128 + number
