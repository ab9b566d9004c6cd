from typing import Any

from components.network.egress import Exit
from components.network.network_policy import NetworkPolicies, Opening
from tests.recording import Recording, run

KIND = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
EVERYBODY: Opening = {"port": 4000, "clients": []}


def recorded(**openings: Opening) -> Recording:
    def program() -> None:
        NetworkPolicies("network", {"namespace": "ns", "openings": openings})

    return run(program)


def spec(recording: Recording, name: str) -> dict[str, Any]:
    return recording.inputs(KIND, name)["spec"]


def sources(opening: Opening) -> list[dict[str, Any]]:
    (rule,) = spec(recorded(litellm=opening), "network-litellm")["ingress"]
    return rule["from"]


def test_nothing_is_reached_but_what_is_named():
    closed = spec(recorded(), "network-default-deny")
    assert closed == {"podSelector": {}, "policyTypes": ["Ingress"]}


def test_an_opening_is_one_port_of_one_workload():
    opened = spec(recorded(litellm=EVERYBODY), "network-litellm")
    assert opened["podSelector"] == {"matchLabels": {"app.kubernetes.io/name": "litellm"}}
    assert opened["ingress"] == [{"ports": [{"protocol": "TCP", "port": 4000}]}]


def test_workloads_are_those_of_the_same_namespace():
    (peer,) = sources({"port": 1, "clients": [{"workloads": ["litellm", "litellm-migration"]}]})
    assert peer == {
        "podSelector": {
            "matchExpressions": [
                {"key": "app.kubernetes.io/name", "operator": "In", "values": ["litellm", "litellm-migration"]}
            ]
        }
    }


def test_a_namespace_is_known_by_the_label_that_kubernetes_gives_it():
    (peer,) = sources({"port": 1, "clients": [{"namespace": "ingress-nginx"}]})
    assert peer == {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress-nginx"}}}


def test_namespaces_may_be_known_by_labels_of_their_own():
    (peer,) = sources({"port": 1, "clients": [{"namespace_labels": {"team": "ai"}}]})
    assert peer == {"namespaceSelector": {"matchLabels": {"team": "ai"}}}


def test_a_network_is_a_block_of_addresses():
    assert sources({"port": 1, "clients": [{"cidr": "10.0.0.0/16"}]}) == [{"ipBlock": {"cidr": "10.0.0.0/16"}}]


def test_pods_that_are_not_ours_are_chosen_by_their_own_labels():
    opened = spec(recorded(solver={"port": 8089, "clients": [], "selector": {"solver": "true"}}), "network-solver")
    assert opened["podSelector"] == {"matchLabels": {"solver": "true"}}


def test_the_namespace_is_closed_after_everything_is_open():
    """In a stack that runs already, the other way round would cut off connections for a moment."""
    closed = recorded(litellm=EVERYBODY).named("network-default-deny")
    assert any(urn.endswith("::network-litellm") for urn in closed.dependencies)


def test_every_policy_is_in_the_namespace():
    namespaces = {policy.inputs["metadata"]["namespace"] for policy in recorded(litellm=EVERYBODY).of(KIND)}
    assert namespaces == {"ns"}


def connections(*exits: Exit) -> dict[str, Any]:
    def program() -> None:
        NetworkPolicies("network", {"namespace": "ns", "openings": {}, "exits": {"litellm": exits}})

    return spec(run(program), "network-litellm-egress")


def test_a_workload_without_exits_connects_to_nothing():
    limited = connections()
    assert "egress" not in limited
    assert limited["policyTypes"] == ["Egress"]
    assert limited["podSelector"] == {"matchLabels": {"app.kubernetes.io/name": "litellm"}}


def test_an_exit_is_some_ports_of_some_destinations():
    limited = connections(
        {"to": [{"workload": "postgres"}, {"cidr": "10.0.0.0/8", "except_cidrs": ["10.1.0.0/16"]}], "ports": [5432]}
    )
    assert limited["egress"] == [
        {
            "to": [
                {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "postgres"}}},
                {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}},
            ],
            "ports": [{"protocol": "TCP", "port": 5432}],
        }
    ]


def test_an_exit_without_destinations_is_a_port_everywhere():
    (rule,) = connections({"to": [], "ports": [53], "protocols": ("UDP", "TCP")})["egress"]
    assert rule == {"ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]}


def test_namespaces_are_destinations_by_name_or_by_labels():
    (rule,) = connections({"to": [{"namespace": "models"}, {"namespace_labels": {"team": "ai"}}]})["egress"]
    assert rule == {
        "to": [
            {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "models"}}},
            {"namespaceSelector": {"matchLabels": {"team": "ai"}}},
        ]
    }


def test_who_is_not_named_connects_to_everything():
    assert [policy.name for policy in recorded(litellm=EVERYBODY).of(KIND)] == [
        "network-litellm",
        "network-default-deny",
    ]
