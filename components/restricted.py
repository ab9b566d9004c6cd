"""What every container of a stack may not do."""

from typing import Any

RESTRICTED_CONTAINER: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
"""Its security context, for Pod Security level `restricted`, and a read-only root filesystem."""
