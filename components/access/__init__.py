"""Access as code: what LiteLLM shall know of teams, users, keys and budgets, and the Job that tells it.

`objects`, `plan` and `reconcile` run in LiteLLM's image, with Python's standard library alone.
"""
