"""Environments that live as long as a branch: `python -m infra.ephemeral`, behind `make env-up` and its like."""
