"""`python -m infra.ephemeral`."""

from infra.ephemeral.cli import app

if __name__ == "__main__":
    app()
