"""How the program ends when it cannot go on: with a message that says what to do, and nothing behind it."""

import os
import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager

import pulumi

EVERYTHING_IS_SAID = 32
"""Exit code that tells Pulumi's language host that the user has seen the message. With any other it adds one of its own."""


@contextmanager
def explained() -> Generator[None]:
    """Run the program: a known error is shown as it is, and a run that Pulumi ends is ended without a traceback.

    Pulumi interrupts the program when a resource fails, or when somebody presses Ctrl-C. Whatever there is to say, Pulumi
    says then.
    """
    signal.signal(signal.SIGINT, lambda _signal, _frame: os._exit(EVERYTHING_IS_SAID))
    try:
        yield
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
        sys.exit(EVERYTHING_IS_SAID)
