"""Run a piece of the program under Pulumi's mock engine and look at what it registered."""

from tools.offline.mock_engine import Recording, Registered, run

__all__ = ["Recording", "Registered", "run"]
