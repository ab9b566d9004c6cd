"""The end of a rotation: the user of the database whose turn is over cannot log in any more."""

import pulumi

from components.database.bootstrap import DatabaseBootstrapArgs, job_template, variables
from components.database.scripts import LOCK
from components.jobs import REPORT_SECONDS, awaited_job, in_attempts

TIMEOUT_SECONDS = 300

PATIENCE_SECONDS = 60
"""How long the Job waits for the last pods of before. What takes longer, such as a stream, is left to Postgres."""


class DatabaseLock(pulumi.ComponentResource):
    """An awaited Job that ends the login of the user whose turn is over. It belongs after the rollout of what logs in.

    **Type:** `litellm:index:DatabaseLock`. **Produces:** `Job`.

    It makes sure that the other user can log in, waits up to a minute until nobody is connected any more, and takes the login
    away. Where somebody still is connected, the password ends by itself `drain_seconds` later; sessions are never ended. Run
    again, it changes nothing, and an `up` that was interrupted before it is finished by the next one.

    Raises:
        ValueError: without `owner` and `alternate`.
    """

    completed: pulumi.Output[str]
    """Name of the Job. Known once the user is locked."""

    def __init__(self, name: str, args: DatabaseBootstrapArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm:index:DatabaseLock", name, None, opts)
        if "owner" not in args or "alternate" not in args:
            raise ValueError("owner and alternate are needed: with one user there is nobody to lock")
        patience = {
            "PATIENCE_SECONDS": str(PATIENCE_SECONDS),
            "DRAIN_SECONDS": str(args.get("drain_seconds", 620)),
        }
        environment = [*variables(args), *({"name": key, "value": text} for key, text in patience.items())]
        spec = in_attempts(TIMEOUT_SECONDS, job_template(name, args, ["bash", "-c", LOCK], environment))
        timeouts = pulumi.CustomTimeouts(create=f"{TIMEOUT_SECONDS + REPORT_SECONDS}s", delete="2m")
        job = awaited_job(name, args["namespace"], spec, timeouts, self)
        self.completed = job.metadata.name
        self.register_outputs({"completed": self.completed})
