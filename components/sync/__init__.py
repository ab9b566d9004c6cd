"""From the store to the pod: External Secrets Operator, a SecretStore per namespace, and synced Secrets."""
