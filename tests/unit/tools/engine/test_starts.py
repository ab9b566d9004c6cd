"""When it is certain that a pod will not start, what is said of it, and what becomes of the one that is in a back-off."""

from typing import Any

import pytest

from tests.unit.tools.engine.broken import (
    APPS,
    EVENTS,
    GATEWAY,
    MIGRATION,
    PODS,
    POSTGRES,
    RUNNING,
    cluster,
    ended,
    pod,
    replica_set,
    waiting,
)
from tests.unit.tools.engine.fakes import FakeCluster
from tools.engine.starts import Starts
from tools.engine.under_way import Workload

IMAGE = "Back-off pulling image registry.example.com/litellm:v9"


class Watch:
    """Looks at one workload again and again, while time goes by and pods change."""

    def __init__(self, cluster: FakeCluster, workload: Workload = GATEWAY) -> None:
        self.cluster, self.workload = cluster, workload
        self.said: list[str] = []
        self.seconds = 0.0
        self.starts = Starts(cluster, self.said.append, lambda: self.seconds)

    def look(self, after: float = 2, *pods: object) -> str:
        self.seconds += after
        if pods:
            self.cluster.objects[PODS] = [*pods]
        return "\n".join(self.starts.look([self.workload]))


def begun(*later: object, workload: Workload = GATEWAY) -> Watch:
    """The engine has come to a workload that had nothing wrong."""
    watch = Watch(cluster(), workload)
    assert watch.look() == ""
    for each in later:
        watch.cluster.objects[PODS].append(each)
    return watch


def test_a_pod_that_crashed_three_times_will_not_start() -> None:
    watch = begun()
    assert watch.look(2, pod("one", waiting("CrashLoopBackOff", restarts=1))) == ""
    assert "pod one, container litellm: CrashLoopBackOff: it ended 3 times" in watch.look(
        2, pod("one", waiting("CrashLoopBackOff", restarts=2))
    )


def test_the_exit_code_is_said() -> None:
    watch = begun()
    assert "with exit code 3 (Error)" in watch.look(2, pod("one", waiting("CrashLoopBackOff", restarts=2)))


def test_the_last_lines_of_its_log_are_shown() -> None:
    watch = Watch(cluster(pod("one", RUNNING)))
    watch.look()
    said = watch.look(2, pod("one", waiting("CrashLoopBackOff", restarts=2)))
    assert "the last lines of its log:\n  | Traceback\n  | RuntimeError: no such model" in said
    assert any(path.endswith("&previous=true") for path in watch.cluster.paths)


def test_the_event_is_shown() -> None:
    watch = begun()
    watch.cluster.objects[EVENTS] = [{"reason": "BackOff", "message": "Back-off restarting failed container"}]
    said = watch.look(2, pod("one", waiting("CrashLoopBackOff", restarts=2)))
    assert "event BackOff: Back-off restarting failed container" in said


def test_an_image_is_tried_for_a_while() -> None:
    watch = begun(pod("one", waiting("ErrImagePull")))
    assert watch.look(2) == ""
    assert watch.look(10, pod("one", waiting("ImagePullBackOff", message=IMAGE))) == ""
    said = watch.look(30)
    assert f"ImagePullBackOff: {IMAGE}" in said
    assert "litellm:gateway.image" in said


def test_a_name_that_is_none_of_an_image_is_not_tried_again() -> None:
    watch = begun()
    assert "InvalidImageName" in watch.look(2, pod("one", waiting("InvalidImageName")))


def test_a_job_whose_image_cannot_be_pulled_ends_early() -> None:
    watch = begun(pod("migrate", waiting("ImagePullBackOff", message=IMAGE)), workload=MIGRATION)
    watch.look()
    assert "Job migration does not start" in watch.look(30)


def test_a_secret_that_comes_late_is_waited_for() -> None:
    watch = begun(pod("one", waiting("CreateContainerConfigError", message='secret "x" not found')))
    assert watch.look(2) == ""
    assert watch.look(30) == ""
    assert 'secret "x" not found' in watch.look(31)


def test_a_reason_that_goes_away_is_forgotten() -> None:
    watch = begun(pod("one", waiting("ErrImagePull")))
    watch.look()
    assert watch.look(60, pod("one", RUNNING)) == ""
    assert watch.look(2, pod("one", waiting("ErrImagePull"))) == ""


def test_no_room_is_said_once_and_ends_nothing() -> None:
    nowhere = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "Insufficient memory"}
    watch = begun(pod("one", conditions=[nowhere]))
    for seconds in (2, 40, 40):
        assert watch.look(seconds) == ""
    (line,) = watch.said
    assert "Insufficient memory" in line


def test_pods_of_the_version_before_are_not_judged() -> None:
    watch = begun(pod("old", waiting("CrashLoopBackOff", restarts=9), version="old"))
    assert watch.look() == ""


def test_crashes_from_before_do_not_count() -> None:
    """What the engine is about to mend: a server that was away, a password that was wrong."""
    watch = Watch(cluster(pod("one", {**RUNNING, "restartCount": 7})))
    watch.look()
    assert watch.look(2, pod("one", waiting("CrashLoopBackOff", restarts=8))) == ""
    assert watch.look(2, pod("one", waiting("CrashLoopBackOff", restarts=9))) != ""


@pytest.mark.parametrize("why", ["CrashLoopBackOff", "ImagePullBackOff"])
def test_a_pod_that_was_in_a_back_off_is_made_anew(why: str) -> None:
    watch = Watch(cluster(pod("one", waiting(why, restarts=5))))
    assert watch.look() == ""
    assert watch.look(60) == ""
    assert watch.cluster.done("delete") == [f"{PODS}/one"]


def test_a_pod_that_serves_is_left_alone() -> None:
    watch = Watch(cluster(pod("one", RUNNING, ready=True), pod("two", {**RUNNING, "ready": False})))
    watch.look()
    assert watch.cluster.writes == []


def test_pods_of_jobs_stay_for_their_logs() -> None:
    watch = Watch(cluster(pod("migrate", waiting("ImagePullBackOff"))), MIGRATION)
    watch.look()
    assert watch.cluster.writes == []


def test_a_broken_pod_of_the_version_before_does_not_hold_up_a_stateful_set() -> None:
    """Kubernetes would wait for it to become ready before it makes one of the new version."""
    watch = begun(pod("postgres-0", waiting("ImagePullBackOff"), version="old"), workload=POSTGRES)
    assert watch.look() == ""
    assert watch.cluster.done("delete") == [f"{PODS}/postgres-0"]


def test_what_serves_meanwhile_is_said() -> None:
    watch = begun()
    broken = pod("one", waiting("CrashLoopBackOff", restarts=2))
    assert "are ready, and serve on: 1" in watch.look(2, broken, pod("old", RUNNING, version="old", ready=True))


def test_a_pod_on_its_way_out_is_not_judged() -> None:
    gone = pod("one", waiting("CrashLoopBackOff", restarts=9))
    gone["metadata"]["deletionTimestamp"] = "now"
    assert begun(gone).look() == ""


def test_init_containers_are_looked_at_too() -> None:
    watch = begun()
    first = {**waiting("CrashLoopBackOff", restarts=2), "name": "certificates"}
    assert "container certificates" in watch.look(2, pod("one", initContainerStatuses=[first]))


def test_who_may_not_see_pods_is_not_stopped() -> None:
    assert Watch(FakeCluster(objects={PODS: 403})).look() == ""


def test_who_may_not_see_versions_counts_each_pod_as_of_the_newest() -> None:
    watch = begun()
    watch.cluster.objects[f"{APPS}/replicasets"] = 403
    assert watch.look(2, pod("one", waiting("CrashLoopBackOff", restarts=2), version="old")) != ""


def test_a_version_that_came_back_is_the_newest() -> None:
    watch = begun()
    watch.cluster.objects[f"{APPS}/replicasets"] = [replica_set("old", 3), replica_set("new", 2)]
    assert watch.look(2, pod("one", waiting("CrashLoopBackOff", restarts=2), version="old")) != ""


def explained(workload: Workload, *pods: dict[str, Any], **objects: Any) -> str:
    return "\n".join(Starts(cluster(*pods, **objects), print).explain([workload]))


def test_a_job_that_failed_shows_what_its_pod_said() -> None:
    said = explained(MIGRATION, pod("migrate", ended(1), phase="Failed"))
    assert "container litellm ended with exit code 1" in said
    assert "RuntimeError: no such model" in said


def test_a_pod_that_never_became_ready_shows_its_log() -> None:
    said = explained(GATEWAY, pod("one", {**RUNNING, "ready": False}, phase="Running"))
    assert "container litellm is not ready" in said
    assert "RuntimeError: no such model" in said


def test_pods_that_are_ready_have_nothing_to_explain() -> None:
    assert "RuntimeError" not in explained(GATEWAY, pod("one", RUNNING, ready=True))


def test_a_workload_without_pods_shows_why_none_is_made() -> None:
    refused = [{"reason": "FailedCreate", "message": "exceeded quota"}]
    assert "event FailedCreate: exceeded quota" in explained(MIGRATION, **{EVENTS: refused})


def test_the_latest_pod_speaks_for_all() -> None:
    older, newer = pod("older", ended(1)), pod("newer", ended(1))
    older["metadata"]["creationTimestamp"], newer["metadata"]["creationTimestamp"] = "2026-01-01", "2026-01-02"
    said = explained(MIGRATION, older, newer)
    assert "newer" in said
    assert "older" not in said


def test_a_cluster_that_refuses_is_named() -> None:
    starts = Starts(FakeCluster(objects={PODS: 403}), print)
    assert "its pods cannot be looked at" in starts.explain([GATEWAY])[0]


def test_what_kubernetes_says_is_shown_without_passwords() -> None:
    watch = begun()
    message = "cannot pull https://user:" + "hidden-part@registry.example.com/x"
    said = watch.look(2, pod("one", waiting("InvalidImageName", message=message)))
    assert "hidden-part" not in said
