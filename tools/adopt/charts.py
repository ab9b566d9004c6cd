"""What LiteLLM's own Helm charts have in common; and values, wherever they are written."""

from collections.abc import Collection, Mapping
from typing import Any

import yaml

from tools.adopt.pods import read_arguments, read_volumes, scale
from tools.adopt.running import Running, Tree, as_tree, list_at, tree_at, trees_at
from tools.adopt.way_in import read_service
from tools.adopt.workload import NO_KEY, read_marks, read_placement, read_resources

COMMON = frozenset(
    {
        *("replicaCount", "replicas", "numWorkers", "autoscaling", "hpa", "keda", "resources", "logLevel"),
        *("terminationGracePeriodSeconds", "nodeSelector", "tolerations", "affinity", "topologySpreadConstraints"),
        *("priorityClassName", "hostAliases", "imagePullSecrets", "initContainers", "serviceAccount", "volumes"),
        *("volumeMounts", "podLabels", "podAnnotations", "command", "args", "service", "migrationJob"),
    }
)
"""What is looked at in the values of both charts."""

MADE_ANYWAY = frozenset(
    {
        *("nameOverride", "fullnameOverride", "livenessProbe", "readinessProbe", "startupProbe", "podSecurityContext"),
        *("securityContext", "pdb", "enabled"),
    }
)
"""What this program has an answer of its own for: names, probes, restrictions, disruption budgets."""

OF_SCALING = {"enabled", "minReplicas", "maxReplicas", "targetCPUUtilizationPercentage"}

JOB = frozenset(
    {
        *("enabled", "retries", "backoffLimit", "ttlSecondsAfterFinished", "activeDeadlineSeconds", "hooks", "image"),
        *("automountServiceAccountToken", "podSecurityContext", "securityContext", "serviceAccountName"),
    }
)
"""Of the migration's Job: what the program's own one has an answer for."""


def values_of(document: Tree) -> Tree:
    """The values of a chart, wherever they stand: in a HelmRelease, or in an Application of Argo CD."""
    if document.get("kind") == "HelmRelease":
        return tree_at(document, "spec.values")
    if document.get("kind") == "Application":
        helm = helm_of(document)
        return tree_at(helm, "valuesObject") or as_tree(yaml.safe_load(str(helm.get("values") or "")))
    return document


def helm_of(application: Tree) -> Tree:
    sources = [tree_at(application, "spec.source"), *trees_at(application, "spec.sources")]
    return next((found for each in sources if (found := tree_at(each, "helm"))), Tree())


def leave_other_values(running: Running, document: Tree) -> None:
    """Values that a release has from elsewhere."""
    if document.get("kind") == "HelmRelease" and list_at(document, "spec.valuesFrom"):
        running.leave(
            "spec.valuesFrom", "values from elsewhere, which were not read: adopt what `helm get values` shows"
        )
    given = helm_of(document) if document.get("kind") == "Application" else Tree()
    for key in ("parameters", "fileParameters", "valueFiles"):
        if given.get(key):
            running.leave(
                f"helm.{key}", "values from elsewhere, which were not read: adopt what `helm get values` shows"
            )


def is_set(value: Any) -> bool:
    """Whether a value of a chart says anything: what is switched off does not."""
    return bool(value) and as_tree(value).get("enabled") is not False


def leave_the_rest(running: Running, values: Mapping[str, Any], known: Collection[str], prefix: str) -> None:
    """Nothing that was set goes without a word."""
    for key in sorted(set(values) - {*known, *COMMON, *MADE_ANYWAY}):
        if is_set(values[key]):
            running.leave(f"{prefix}{key}", NO_KEY)


def read_common(running: Running, values: Mapping[str, Any], prefix: str) -> None:
    """What both charts call alike."""
    if workers := values.get("numWorkers"):
        running.gateway["workers"] = int(workers)
    for name in ("replicaCount", "replicas"):
        if values.get(name) is not None:
            running.gateway["replicas"] = int(values[name])
    for name in ("autoscaling", "hpa", "keda"):
        if (scaling := tree_at(values, name)).get("enabled"):
            read_scaling(running, scaling, f"{prefix}{name}")
    read_resources(running, tree_at(values, "resources"), f"{prefix}resources")
    read_placement(running, values, prefix.rstrip(".") or "values")
    if level := values.get("logLevel"):
        running.gateway.setdefault("logLevel", str(level).upper())
    if seconds := values.get("terminationGracePeriodSeconds"):
        running.leave(
            f"{prefix}terminationGracePeriodSeconds",
            f"{int(seconds)} there; here it follows from gateway.requestTimeout",
        )
    read_marks(running, tree_at(values, "podLabels"), "labels", f"{prefix}podLabels")
    read_marks(running, tree_at(values, "podAnnotations"), "annotations", f"{prefix}podAnnotations")
    read_arguments(running, [*list_at(values, "command"), *list_at(values, "args")])
    read_service(running, tree_at(values, "service"), f"{prefix}service")
    read_volumes(running, list_at(values, "volumes"), list_at(values, "volumeMounts"), f"{prefix}volumes")
    leave_the_rest_of_the_job(running, tree_at(values, "migrationJob"))


def read_scaling(running: Running, scaling: Mapping[str, Any], where: str) -> None:
    """By CPU as there; by nothing else, unless somebody says where its numbers come from."""
    read = {"enabled": True, "minReplicas": 1, "maxReplicas": 100, "targetCPUUtilizationPercentage": None, **scaling}
    scale(running, read["minReplicas"], read["maxReplicas"], read["targetCPUUtilizationPercentage"], where)
    others = sorted(key for key in set(scaling) - OF_SCALING if is_set(scaling[key]))
    if others:
        running.leave(where, f"{', '.join(others)}: the stack scales by CPU (gateway.autoscaling), never by memory")


def leave_the_rest_of_the_job(running: Running, job: Mapping[str, Any]) -> None:
    for key in sorted(set(job) - JOB):
        if is_set(job[key]):
            running.leave(f"migrationJob.{key}", "the migration is a Job of the program's own")


def read_account(running: Running, account: Mapping[str, Any], where: str) -> None:
    """The ServiceAccount of the pods: its annotations are their role in a cloud."""
    if annotations := tree_at(account, "annotations"):
        running.gateway["serviceAccountAnnotations"] = {key: str(value) for key, value in annotations.items()}
    if account.get("name") and not account.get("create"):
        running.leave(
            f"{where}.name",
            "a ServiceAccount that somebody else makes: the stack makes one; write what annotations that has into "
            "gateway.serviceAccountAnnotations",
        )
