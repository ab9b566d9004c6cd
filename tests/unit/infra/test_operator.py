"""Which External Secrets Operator a stack works with, by what a cluster shows."""

from typing import Any

import pytest

from components.sync.shared import IN_STATE
from infra.kubernetes_api import KubernetesApi, RefusedError
from infra.operator import Running, Sight, in_state, look, problems, settled
from infra.preflight import exhausted
from tests.unit.infra.stacks import config

KEEP = {"helm.sh/resource-policy": "keep"}
OF_A_STACK = {"meta.helm.sh/release-name": "external-secrets", "meta.helm.sh/release-namespace": "external-secrets"}
NOTHING = Sight()
FOREIGN = Sight(("v1",), {}, (Running("eso-system", "eso", "v2.9.0"),))
OURS = Running("external-secrets", "external-secrets", "v2.9.0", "litellm-dev", ours=True)


def there(owner: str = "litellm-dev", *, kept: bool = True) -> Sight:
    """An operator that a stack of this program installed; one of an earlier release has no mark, and its CRDs are not kept."""
    annotations = OF_A_STACK | (KEEP if kept else {})
    running = Running("external-secrets", "external-secrets", "v2.9.0", owner, ours=True)
    return Sight(("v1",), {"annotations": annotations}, (running,))


def decided(sight: Sight, *, known: bool | None = None, may_install: bool = True, **given: Any) -> tuple[Any, str]:
    """Whether stack dev installs, with the namespace of its operator, and what is in the way."""
    wanted = config(externalSecrets=given).external_secrets
    operator = settled(wanted, "litellm-dev", sight, known=known, may_install=may_install)
    found = problems(operator, wanted, "litellm-dev", sight, known=known)
    return (operator.install, operator.namespace, operator.service_account), " ".join(found)


INSTALLED = (True, "external-secrets", "external-secrets")
USED = (False, "external-secrets", "external-secrets")


def test_a_cluster_without_operator_gets_one():
    assert decided(NOTHING) == (INSTALLED, "")


def test_an_operator_that_is_there_is_used_where_it_is():
    """A Helm release of another name, in another namespace: the usual case."""
    assert decided(FOREIGN) == ((False, "eso-system", "eso"), "")


@pytest.mark.parametrize("known", [None, True])
def test_the_second_up_sees_the_operator_of_its_own_stack(known: bool | None):
    assert decided(there(), known=known) == (INSTALLED, "")


def test_the_operator_of_another_stack_is_used():
    assert decided(there("litellm-two")) == (USED, "")


def test_the_operator_of_a_stack_that_is_gone_is_used():
    assert decided(there(owner="")) == (USED, "")


def test_a_state_that_was_lost_does_not_install_a_second_time():
    """Helm would refuse the name."""
    assert decided(there(), known=False) == (USED, "")


def test_what_helm_kept_is_taken_over_by_the_next_installation():
    sight = Sight(("v1",), {"annotations": OF_A_STACK | KEEP}, ())
    assert decided(sight) == (INSTALLED, "")


def test_crds_of_somebody_else_are_not_installed_over():
    """Helm would end in its own ownership error, after everything else was made."""
    (install, *_), _ = decided(Sight(("v1",), {"annotations": {}}, ()))
    assert install is False


def test_who_may_not_look_at_deployments_uses_what_the_configuration_says():
    assert decided(Sight(("v1",), {}, None), namespace="eso") == ((False, "eso", "external-secrets"), "")


def test_an_environment_installs_nothing():
    assert decided(NOTHING, known=False, may_install=False) == (USED, "")


def test_an_operator_of_an_earlier_release_belongs_to_the_state_that_has_it():
    """It has no mark yet, and would be uninstalled for everybody when its own stack no longer asked for it."""
    old = there(owner="", kept=False)
    assert decided(old, known=True) == (INSTALLED, "")
    assert decided(old, known=False) == (USED, "")
    assert "only a state tells by which stack: run `make up`" in decided(old)[1]


def test_the_operator_of_an_earlier_release_is_not_taken_over_from_the_stack_that_may_have_it():
    assert "only a state tells by which stack" in decided(there(owner="", kept=False), known=False, install=True)[1]


@pytest.mark.parametrize("install", [True, False])
def test_stacks_that_say_true_or_false_are_as_they_were(install: bool):
    """With an operator of an earlier release, also under a plain `pulumi up`."""
    asked = (install, "external-secrets", "external-secrets")
    for known in (None, install):
        assert decided(there(owner="", kept=False), known=known, install=install) == (asked, "")


@pytest.mark.parametrize("install", ["auto", True, False])
def test_what_is_too_old_is_refused_with_the_reason(install: Any):
    sight = Sight(("v1beta1",), {}, (Running("eso-system", "eso", "v0.9.0"),))
    said = decided(sight, install=install)[1]
    assert "External Secrets Operator v0.9.0 in namespace eso-system is too old" in said
    assert "0.16 or newer" in said


@pytest.mark.parametrize("install", ["auto", True, False])
def test_crds_that_are_being_deleted_are_a_case_for_repair(install: Any):
    said = decided(Sight(("v1",), {"deletionTimestamp": "2026-01-01T00:00:00Z"}, ()), install=install)[1]
    assert "run `make repair` first" in said


@pytest.mark.parametrize(
    ("sight", "says"),
    [
        (FOREIGN, "is there already, and was not installed by a stack"),
        (there("litellm-two"), "was installed by litellm-two"),
    ],
)
def test_a_second_operator_is_refused_before_anything_is_made(sight: Sight, says: str):
    said = decided(sight, install=True)[1]
    assert says in said
    assert "remove litellm:externalSecrets.install" in said


def test_a_namesake_with_another_state_is_named():
    assert "whose state is another one" in decided(there(), known=False, install=True)[1]


def test_an_operator_that_nobody_has_is_taken_over_by_who_asks_for_it():
    assert decided(there(owner=""), known=False, install=True) == (INSTALLED, "")


@pytest.mark.parametrize(("text", "known"), [("true", True), ("false", False), ("", None), ("yes", None)])
def test_the_command_tells_what_the_state_has(text: str, known: bool | None):
    assert in_state({IN_STATE: text}) is known


class Cluster(KubernetesApi):
    """Answers by path, without the query; 404 otherwise."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers

    def get(self, path: str, accept: str = "application/json") -> dict[str, Any]:
        found = self.answers.get(path.partition("?")[0], 404)
        if isinstance(found, int):
            raise RefusedError(found, "")
        return found


def deployment(namespace: str, account: str, **labels: str) -> dict[str, Any]:
    pod = {"serviceAccountName": account, "containers": [{"image": "ghcr.io/external-secrets/external-secrets:v2.9.0"}]}
    return {
        "metadata": {"namespace": namespace, "labels": labels},
        "spec": {"template": {"spec": pod}},
    }


GROUP = "/apis/external-secrets.io"
CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/externalsecrets.external-secrets.io"
ALL = "/apis/apps/v1/deployments"


def test_the_look_finds_the_controller_with_its_account_version_and_owner():
    cluster = Cluster(
        **{
            GROUP: {"versions": [{"version": "v1"}, {"version": "v1beta1"}]},
            CRD: {"metadata": {"annotations": KEEP}},
            ALL: {"items": [deployment("external-secrets", "external-secrets")]},
            "/api/v1/namespaces/external-secrets/configmaps/litellm-owner": {"data": {"stack": "litellm-dev"}},
            "/api/v1/namespaces/external-secrets": {"metadata": {"labels": {"app.kubernetes.io/part-of": "litellm"}}},
        }
    )
    assert look(cluster, "external-secrets") == Sight(("v1", "v1beta1"), {"annotations": KEEP}, (OURS,))


def test_the_look_at_an_empty_cluster_finds_nothing():
    assert look(Cluster(**{ALL: {"items": []}}), "external-secrets") == NOTHING


def test_the_look_keeps_to_the_configured_namespace_where_no_other_may_be_read():
    own = {"items": [deployment("eso", "eso")]}
    cluster = Cluster(
        **{GROUP: {"versions": [{"version": "v1"}]}, ALL: 403, "/apis/apps/v1/namespaces/eso/deployments": own}
    )
    assert look(cluster, "eso").running == (Running("eso", "eso", "v2.9.0"),)


def test_the_look_says_when_it_may_not_look():
    forbidden = {ALL: 403, "/apis/apps/v1/namespaces/eso/deployments": 403}
    assert look(Cluster(**forbidden), "eso").running is None


def test_of_several_operators_the_configured_one_is_used():
    several = Sight(("v1",), {}, (Running("a", "a", "v2"), Running("b", "b", "v2")))
    assert decided(several, namespace="b")[0] == (False, "b", "b")


def test_every_problem_of_a_check_comes_with_what_it_returns():
    def check() -> Any:
        yield "one"
        yield "two"
        return 3

    assert exhausted(check()) == (3, ["one", "two"])
