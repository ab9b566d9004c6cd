"""How a connection to Postgres is encrypted."""

from typing import Literal

SslMode = Literal["disable", "prefer", "require", "verify-full"]
