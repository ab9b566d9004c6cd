"""What pipelines run besides `make`: which stacks to preview, comments, the drift issue, environments of pull requests.

Only Python's standard library is used: jobs that may write to a pull request or an issue install nothing.
"""
