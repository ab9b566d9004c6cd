"""This machine, as a lock or a Lease names it: its host name, and which of its processes are still there."""

import os
import socket


def host() -> str:
    """The name by which others know this machine; several may have the same."""
    return socket.gethostname()


def runs(process: int) -> bool:
    """Whether a process of this number is there, whoever owns it. It may be another one that got the number since.

    Where the system cannot be asked without touching the process, every process counts as there.
    """
    if os.name != "posix" or process <= 0:
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
