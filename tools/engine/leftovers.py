"""What a lost state, or a run that was killed, has left beside the objects of now: their names are new with each one."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from components.labels import MANAGED_BY, NAME
from infra.kubernetes_api import METADATA_LIST
from tools.engine.cluster import Cluster
from tools.engine.sharing import API, PART_OF_LITELLM, listed, unless_gone

KINDS = (f"{API}/v1/namespaces/{{}}/externalsecrets", f"{API}/v1/namespaces/{{}}/secretstores")
JOBS = "/apis/batch/v1/namespaces/{}/jobs"
OURS = quote(f"{PART_OF_LITELLM},{MANAGED_BY}=pulumi")


def drop(cluster: Cluster, namespace: str, state: Callable[[], Mapping[str, Any]]) -> list[str]:
    """Delete the objects in the namespace of a stack that have a twin, and that the state does not know.

    The Secrets of ExternalSecrets stay. The state is asked for only where there are twins.

    Raises:
        RefusedError: when the API does not let the answer be known.
    """
    twins = [path for kind in (*KINDS, JOBS) for path in twins_of(cluster, kind.format(namespace))]
    if not twins:
        return []
    resources: list[dict[str, Any]] = state()["deployment"].get("resources") or []
    known = {str(each.get("id")) for each in resources}
    unknown = [path for path in twins if f"{namespace}/{name_in(path)}" not in known]
    for path in unknown:
        # The pods of a Job would stay without it.
        unless_gone(cluster, f"{path}?propagationPolicy=Background")
    return [name_in(path) for path in unknown]


def twins_of(cluster: Cluster, place: str) -> list[str]:
    found: list[dict[str, Any]] = [
        each["metadata"]
        for each in listed(cluster, f"{place}?labelSelector={OURS}", 403, 404, accept=METADATA_LIST)
        if "deletionTimestamp" not in each["metadata"]
    ]
    names = Counter(each["labels"].get(NAME) for each in found)
    return [f"{place}/{each['name']}" for each in found if names[each["labels"].get(NAME)] > 1]


def name_in(path: str) -> str:
    return path.rpartition("/")[2]
