"""What tells whose External Secrets Operator a cluster has. Also read by what runs around the program, so without its SDK."""

OPERATOR = "external-secrets"
"""Name of the Helm release that stacks install the operator with, and of the component that does."""

OWNER_MARK, OWNER_KEY = "litellm-owner", "stack"
"""ConfigMap in the namespace of the operator, and its key: the stack that has the operator in its state."""

KEPT_BY_HELM = {"helm.sh/resource-policy": "keep"}
"""Annotation of what outlives its Helm release. A CRD that goes takes all of its objects with it, in every namespace."""

IN_STATE = "LITELLM_OPERATOR_IN_STATE"
"""Environment variable of the program, `true` or `false`: whether the state of the stack has the operator. `make` looks; a
plain `pulumi up` has the mark in the cluster only."""

SYNCED = "reconcile.external-secrets.io/managed=true"
"""Label that the operator gives to the Secrets it makes."""

FINGERPRINT = "SECRETS_FINGERPRINT"
"""Key of a Secret with a hash of all its values, for whoever has to know that one has changed, and none of them."""
