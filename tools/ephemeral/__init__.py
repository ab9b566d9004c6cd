"""Environments that live as long as a branch: `python -m tools.ephemeral`, behind `make env-up` and its like."""
