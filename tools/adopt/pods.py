"""Pods of LiteLLM beyond their variables: arguments, volumes, and whatever else a Deployment or a chart says of them."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, cast

from components.gateway.files import SECRET_FOLDER
from tools.adopt.running import InSecret, Running, Tree, as_tree, at, tree_at, trees_at
from tools.adopt.workload import NO_KEY, read_marks

MADE_ANYWAY = {
    *("--config", "-c", "--port", "--host", "--run_gunicorn", "--run_hypercorn", "--run_granian", "--telemetry"),
    *("--use_v2_migration_resolver", "--use_prisma_migrate", "--use_prisma_db_push"),
}
"""Options of LiteLLM that this program has an answer of its own for."""

OF_THE_POD = {
    *(
        "containers",
        "volumes",
        "nodeSelector",
        "tolerations",
        "serviceAccountName",
        "serviceAccount",
        "securityContext",
    ),
    *(
        "affinity",
        "topologySpreadConstraints",
        "priorityClassName",
        "imagePullSecrets",
        "hostAliases",
        "initContainers",
    ),
    *(
        "terminationGracePeriodSeconds",
        "automountServiceAccountToken",
        "enableServiceLinks",
        "priority",
        "preemptionPolicy",
    ),
}
LEAST_CPU, MOST_CPU = 10, 400
"""Percent of CPU that the stack file takes as the target of an autoscaler."""

DEFAULTS = {"dnsPolicy": "ClusterFirst", "schedulerName": "default-scheduler", "restartPolicy": "Always"}
OF_THE_CONTAINER = {
    *("name", "image", "imagePullPolicy", "env", "envFrom", "command", "args", "ports", "resources", "volumeMounts"),
    *("livenessProbe", "readinessProbe", "startupProbe", "securityContext"),
    *("terminationMessagePath", "terminationMessagePolicy"),
}
"""What is translated, listed elsewhere, or made anyway."""

OF_TOOLS = (
    "app.kubernetes.io/",
    "helm.sh/",
    "kubectl.kubernetes.io/",
    "checksum/",
    "meta.helm.sh/",
    "pod-template-hash",
)
"""Labels and annotations that tools write for themselves."""


def read_arguments(running: Running, words: Sequence[Any]) -> None:
    """The command line of LiteLLM, as `--option value` or `--option=value`."""
    texts = [str(word) for word in words]
    for word, following in pairwise([*texts, ""]):
        option, assigned, value = word.partition("=")
        if option == "--num_workers":
            running.gateway["workers"] = int(value if assigned else following)
        elif option in ("--debug", "--detailed_debug"):
            running.leave("args", f"{option} logs requests and answers: set gateway.logLevel where that is meant")
        elif option.startswith("--") and option not in MADE_ANYWAY:
            running.leave("args", f"{option}: {NO_KEY}")


def read_rest(running: Running, pod: Mapping[str, Any], container: Mapping[str, Any]) -> None:
    """Nothing that a Deployment says of its pods goes without a word."""
    for key in sorted(set(pod) - OF_THE_POD):
        if pod[key] and pod[key] != DEFAULTS.get(key):
            running.leave(f"pod.{key}", NO_KEY)
    for key in sorted(set(container) - OF_THE_CONTAINER):
        if container[key]:
            running.leave(f"container.{key}", NO_KEY)


def read_metadata(running: Running, metadata: Mapping[str, Any], selector: Mapping[str, Any]) -> None:
    """Labels and annotations of the pods that somebody wrote, for a mesh, an identity or a scraper."""
    for kind, own in (("annotations", set[str]()), ("labels", {*selector, "app", "name", "component", "version"})):
        marks = tree_at(metadata, kind)
        written = {key: marks[key] for key in marks if key not in own and not key.startswith(OF_TOOLS)}
        read_marks(running, written, kind, f"pod.{kind}")


def read_volumes(running: Running, volumes: Sequence[Any], mounts: Sequence[Any], where: str) -> None:
    """Files of Secrets that the configuration names come from the store; other volumes are listed."""
    for volume in (as_tree(each) for each in volumes):
        places = [mount for mount in (as_tree(each) for each in mounts) if mount.get("name") == volume.get("name")]
        if secret := tree_at(volume, "secret"):
            named = [file for mount in places for file in files_named(running, mount, secret)]
            if not named:
                running.leave(
                    f"{where} {volume.get('name')}",
                    f"files of Secret {secret.get('secretName')}: name those that LiteLLM reads in gateway.secretFiles",
                )
        elif "emptyDir" not in volume:
            kinds = ", ".join(sorted(set(volume) - {"name"}))
            running.leave(f"{where} {volume.get('name')}", f"{kinds or 'a volume'}: {NO_KEY}")


def files_named(running: Running, mount: Mapping[str, Any], secret: Tree) -> list[str]:
    """Files below a mount that a setting or a variable names: they become files of the store, at their new place."""
    above = str(mount.get("mountPath")).rstrip("/")
    sub = mount.get("subPath")
    keys = {str(item.get("path")): str(item.get("key")) for item in trees_at(secret, "items")}
    found: dict[str, str] = {}

    def moved(value: Any) -> Any:
        if tree := as_tree(value):
            return {key: moved(item) for key, item in tree.items()}
        if isinstance(value, list):
            return [moved(item) for item in cast("list[Any]", value)]
        if not isinstance(value, str) or not (value == above if sub else value.startswith(f"{above}/")):
            return value
        file = str(sub).rpartition("/")[2] if sub else value.removeprefix(f"{above}/")
        found[file] = keys.get(file, file)
        return f"{SECRET_FOLDER}/{file}"

    running.config, running.environment = moved(running.config), moved(running.environment)
    for file, key in found.items():
        running.secret_files[file] = InSecret(str(secret.get("secretName")), key)
    return list(found)


def read_account(running: Running, account: Tree) -> None:
    """Annotations of the ServiceAccount, such as the IAM role of the pods."""
    annotations = {
        key: str(value)
        for key, value in tree_at(account, "metadata.annotations").items()
        if not key.startswith(OF_TOOLS)
    }
    if annotations:
        running.gateway["serviceAccountAnnotations"] = annotations
    if at(account, "metadata.labels") and any(
        "workload.identity" in key for key in tree_at(account, "metadata.labels")
    ):
        running.leave("serviceAccount.labels", NO_KEY)


def scale(running: Running, fewest: Any, most: Any, cpu: Any, where: str) -> None:
    """What an autoscaler does, as far as it looks at CPU."""
    least = max(1, int(fewest or 1))
    scaling: Tree = {"min": least, "max": max(least, int(most))}
    if cpu is not None and LEAST_CPU <= int(cpu) <= MOST_CPU:
        scaling["cpu"] = int(cpu)
    elif cpu is not None:
        running.leave(where, f"a target of {int(cpu)} percent of CPU: the stack takes {LEAST_CPU} to {MOST_CPU}")
    running.gateway.pop("replicas", None)
    running.gateway["autoscaling"] = scaling
