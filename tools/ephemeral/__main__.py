"""`python -m tools.ephemeral`."""

from tools.ephemeral.cli import app

if __name__ == "__main__":
    app()
