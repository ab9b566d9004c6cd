"""The commit that a GitHub environment runs: of its newest deployment, when that succeeded.

    python3 -m tools.ci.deployed prod

GitHub itself notes a deployment for each job with `environment:`, with the commit and how it ended. Nothing is printed when the
newest one failed, was refused or never ended: what then runs is known to nobody.
"""

import os
import sys

from tools.ci.github import GitHub


def main(environment: str) -> int:
    commit = GitHub.of(os.environ).deployed(environment)
    print(commit or f"the newest deployment to {environment} did not succeed, or there is none", file=sys.stderr)
    print(commit or "")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
