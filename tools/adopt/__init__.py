"""From the gateway that somebody has (config.yaml, Helm values, a Deployment) to a stack file; see docs/adopt.md."""
