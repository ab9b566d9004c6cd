"""Every rule, kept and violated."""

import json
from typing import Any

import pytest

from infra.config.gateway.keyless import NO_MASTER_KEY, NO_MASTER_KEY_VARIABLE
from policy.resource import SECRET, UNKNOWN, Resource
from policy.rule import AnyRule
from policy.rules import RULES
from policy.rules.gateway import (
    keys_required,
    memory_floor,
    no_memory_target,
    probes_call_no_model,
    replicas_share_redis,
    requests_may_finish,
)
from policy.rules.identity import exact_arns, exact_vault_paths, vault_audience
from policy.rules.network import network_policy, private_metrics, public_load_balancer, retired_controller, tls
from policy.rules.placement import placements_agree
from policy.rules.pods import pinned_images, restricted_pods
from policy.rules.secrets import no_plain_secrets, operator_api
from policy.rules.state import protected_salt, protected_state
from tests.unit.policy.resources import config_map, gateway, messages, resource

KEY = "sk-" + "a" * 20
ALB = "alb.ingress.kubernetes.io"
ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:litellm"


def ingress(annotations: dict[str, str] | None = None, **spec: Any) -> Resource:
    given = {"rules": [{"host": "a.example.com"}], **spec}
    inputs = {"metadata": {"annotations": annotations or {}}, "spec": given}
    return resource("kubernetes:networking.k8s.io/v1:Ingress", inputs)


def route(annotations: dict[str, str] | None = None) -> Resource:
    inputs = {"metadata": {"annotations": annotations or {}}, "spec": {"hostnames": ["a.example.com"]}}
    return resource("kubernetes:gateway.networking.k8s.io/v1:HTTPRoute", inputs)


def release(values: Any) -> Resource:
    return resource(
        "kubernetes:helm.sh/v3:Release", {"chart": "external-secrets", "version": "1.0.0", "values": values}
    )


def tagged(tags: Any) -> Resource:
    return resource("aws:secretsmanager/secret:Secret", {"name": "litellm", "tags": tags})


def autoscaler(most: int = 3, metric: str = "cpu") -> Resource:
    spec = {
        "scaleTargetRef": {"kind": "Deployment", "name": "litellm"},
        "maxReplicas": most,
        "metrics": [{"type": "Resource", "resource": {"name": metric}}],
    }
    return resource("kubernetes:autoscaling/v2:HorizontalPodAutoscaler", {"spec": spec})


TAINTED = [{"key": "dedicated", "operator": "Exists"}]


def beside(name: str = "redis", **pod: Any) -> Resource:
    """A workload in the namespace of the gateway."""
    inputs = {
        "metadata": {"name": name, "namespace": "ns"},
        "spec": {"template": {"spec": {"containers": [{"name": name}], **pod}}},
    }
    return resource("kubernetes:apps/v1:StatefulSet", inputs, name=name)


def service(type_: str, **annotations: str) -> Resource:
    inputs = {"metadata": {"annotations": annotations}, "spec": {"type": type_}}
    return resource("kubernetes:core/v1:Service", inputs)


def network(namespace: str = "ns", **spec: Any) -> Resource:
    inputs = {"metadata": {"namespace": namespace}, "spec": {"podSelector": {}, "policyTypes": ["Ingress"], **spec}}
    return resource("kubernetes:networking.k8s.io/v1:NetworkPolicy", inputs)


def measured() -> Resource:
    """A gateway that shows its metrics on a port of their own."""
    return gateway(ports=[{"name": "http", "containerPort": 4000}, {"name": "metrics", "containerPort": 4001}])


def leading(**port: Any) -> Resource:
    """An Ingress to a port of the gateway."""
    backend = {"service": {"name": "litellm", "port": port}}
    return ingress(rules=[{"host": "a.example.com", "http": {"paths": [{"path": "/", "backend": backend}]}}])


def routed(port: int) -> Resource:
    inputs = {"spec": {"rules": [{"backendRefs": [{"name": "litellm", "port": port}]}]}}
    return resource("kubernetes:gateway.networking.k8s.io/v1:HTTPRoute", inputs)


def exposed(type_: str, port: int) -> Resource:
    return resource("kubernetes:core/v1:Service", {"spec": {"type": type_, "ports": [{"port": port}]}})


ANYBODY = {"ipBlock": {"cidr": "0.0.0.0/0"}}
SCRAPER = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}


def role(**inputs: Any) -> Resource:
    given = {"audience": "vault", "boundServiceAccountNames": ["a"], "boundServiceAccountNamespaces": ["b"], **inputs}
    return resource("vault:kubernetes/authBackendRole:AuthBackendRole", given)


def jwt_role(**inputs: Any) -> Resource:
    given = {"boundAudiences": ["vault"], "boundSubject": "system:serviceaccount:a:b", **inputs}
    return resource("vault:jwt/authBackendRole:AuthBackendRole", given)


def vault_policy(path: str = "litellm/data/dev/salt", capability: str = "read") -> Resource:
    text = f'path "{path}" {{\n  capabilities = ["{capability}"]\n}}\n'
    return resource("vault:index/policy:Policy", {"policy": text})


MODELS = "arn:aws:bedrock:*::foundation-model/a.b"
PROFILE_KEY = "bedrock:InferenceProfileArn"


def iam_policy(**statement: Any) -> Resource:
    given = {"Effect": "Allow", "Action": ["secretsmanager:GetSecretValue"], "Resource": [f"{ARN}-??????"], **statement}
    return resource("aws:iam/rolePolicy:RolePolicy", {"policy": json.dumps({"Statement": [given]})})


def operator_object(version: str) -> Resource:
    return resource(f"kubernetes:{version}:SecretStore", {"apiVersion": version})


def salt(*, protect: bool) -> Resource:
    return resource("pulumi-python:dynamic/litellm:VaultSaltKey", protect=protect)


def namespace(*, protect: bool) -> Resource:
    return resource("kubernetes:core/v1:Namespace", protect=protect)


def instance(*, protect: bool = True, **inputs: Any) -> Resource:
    return resource("aws:rds/instance:Instance", {"deletionProtection": True, **inputs}, protect=protect)


def env(name: str, value: Any) -> list[dict[str, Any]]:
    return [{"name": name, "value": value}]


def with_agent(**annotations: str) -> Resource:
    """A gateway into which Vault's Injector puts an agent."""
    made = gateway()
    named = {f"vault.hashicorp.com/agent-{name}": value for name, value in {"inject": "true", **annotations}.items()}
    made.inputs["spec"]["template"]["metadata"] = {"annotations": named}
    return made


REFERENCE = {"name": "OPENAI_API_KEY", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}}
PRIVILEGED = {"privileged": True, "allowPrivilegeEscalation": True, "capabilities": {"drop": ["ALL"]}}
SLOW = config_map("litellm_settings: {request_timeout: 900}\n")

KEPT: list[tuple[AnyRule, tuple[Resource, ...]]] = [
    (pinned_images, (gateway(), gateway(image="registry:5000/a/litellm@sha256:" + "0" * 64))),
    (pinned_images, (gateway(image=UNKNOWN), gateway(image="litellm:main-v1.2.3-stable"))),
    (restricted_pods, (gateway(), resource("kubernetes:core/v1:Service"))),
    (
        restricted_pods,
        (with_agent(), with_agent(**{"run-as-user": "65534"}), with_agent(inject="false", image="vault")),
    ),
    (pinned_images, (with_agent(), with_agent(image="agent:1.2.3"))),
    (no_plain_secrets, (gateway(env=[REFERENCE]), gateway(env=env("GENERIC_TOKEN_ENDPOINT", "https://a")))),
    (no_plain_secrets, (config_map("general_settings: {master_key: os.environ/LITELLM_MASTER_KEY}\n"),)),
    (no_plain_secrets, (config_map("bind *\nuser default #{{ .password | sha256sum }}\n"), config_map(UNKNOWN))),
    (no_plain_secrets, (config_map("model_list: [{litellm_params: {api_key: none}}]\n"),)),
    (no_plain_secrets, (release({"env": [{"name": "LOG", "value": "info"}]}), release(UNKNOWN), release(None))),
    (no_plain_secrets, (release({"envFrom": [{"secretRef": {"name": "keys"}}], "existingSecret": "keys"}),)),
    (no_plain_secrets, (tagged({"team": "platform", "litellm/mark": "a1b2c3"}), tagged(UNKNOWN), tagged(None))),
    (operator_api, (operator_object("external-secrets.io/v1"), operator_object("apps/v1"))),
    (vault_audience, (role(), role(audience=UNKNOWN), jwt_role(), jwt_role(boundSubject=UNKNOWN))),
    (exact_vault_paths, (vault_policy(), vault_policy("auth/token/renew-self", "update"))),
    (exact_arns, (iam_policy(), iam_policy(Effect="Deny", Action="*", Resource="*"))),
    (exact_arns, (iam_policy(Resource=[MODELS], Condition={"StringEquals": {PROFILE_KEY: ["arn:profile/a"]}}),)),
    (protected_salt, (salt(protect=True),)),
    (protected_state, (namespace(protect=True), instance(), resource("kubernetes:core/v1:Service"))),
    (tls, (ingress(tls=[{"hosts": ["a.example.com"]}]), ingress({f"{ALB}/certificate-arn": "arn:aws:acm:a"}))),
    (tls, (ingress({"litellm/tls-ends-at": "load-balancer"}), route({"litellm/tls-ends-at": "controller"}))),
    (retired_controller, (ingress(), ingress({"nginx.org/proxy-read-timeout": "660s"}))),
    (public_load_balancer, (ingress({f"{ALB}/scheme": "internal"}), service("ClusterIP"))),
    (
        public_load_balancer,
        (service("LoadBalancer", **{"service.beta.kubernetes.io/aws-load-balancer-scheme": "internal"}),),
    ),
    (network_policy, (gateway(), network())),
    (private_metrics, (measured(), leading(number=4000), routed(4000), exposed("ClusterIP", 4001), network())),
    (private_metrics, (measured(), network(ingress=[{"ports": [{"port": 4001}], "from": [SCRAPER]}]))),
    (private_metrics, (measured(), network(ingress=[{"ports": [{"port": 4000}]}]))),
    (private_metrics, (measured(), network(ingress=[{"ports": [{"port": 4002, "endPort": 4100}]}]))),
    (private_metrics, (measured(), network("of-others", ingress=[{}]))),
    (private_metrics, (measured(), network(podSelector={"matchLabels": {"app": "another"}}, ingress=[{}]))),
    (private_metrics, (gateway(), leading(number=4001), leading(name="metrics"))),
    (placements_agree, (gateway(), beside(), beside("postgres"))),
    (placements_agree, (gateway(pod={"tolerations": TAINTED}), beside(tolerations=TAINTED))),
    (placements_agree, (gateway(pod={"tolerations": TAINTED}), beside(nodeSelector={"pool": "data"}))),
    (placements_agree, (gateway(pod={"nodeSelector": {"pool": "gateways"}}), beside())),
    (placements_agree, (beside(), beside("postgres", tolerations=TAINTED))),
    (placements_agree, (gateway(), beside(), beside("postgres", nodeSelector=UNKNOWN))),
    (keys_required, (gateway(), config_map("general_settings: {master_key: os.environ/LITELLM_MASTER_KEY}\n"))),
    (keys_required, (config_map("general_settings: {public_routes: [LiteLLMRoutes.public_routes]}\n"),)),
    (keys_required, (config_map("general_settings: {dangerously_permit_weak_or_unset_master_key: false}\n"),)),
    (memory_floor, (gateway(), gateway(args=["--num_workers", "2"], resources={"limits": {"memory": "8Gi"}}))),
    (memory_floor, (resource("kubernetes:apps/v1:Deployment"),)),
    (replicas_share_redis, (gateway(3), autoscaler())),
    (replicas_share_redis, (gateway(1, env=None),)),
    (no_memory_target, (autoscaler(),)),
    (requests_may_finish, (gateway(), config_map("litellm_settings: {request_timeout: 600}\n"))),
    (probes_call_no_model, (gateway(), ingress({f"{ALB}/healthcheck-path": "/health/readiness"}))),
]

VIOLATED: list[tuple[AnyRule, tuple[Resource, ...], str]] = [
    (pinned_images, (gateway(image="litellm"),), "image litellm is not pinned"),
    (pinned_images, (gateway(image="registry:5000/litellm:main-stable"),), "is not pinned"),
    (
        pinned_images,
        (resource("kubernetes:helm.sh/v3:Release", {"chart": "eso", "repositoryOpts": {"repo": "https://a"}}),),
        "chart eso: no version",
    ),
    (pinned_images, (with_agent(image="vault"),), "container vault-agent: image vault is not pinned"),
    (restricted_pods, (with_agent(**{"run-as-user": "0"}),), "container vault-agent: runAsUser must not be 0"),
    (
        restricted_pods,
        (with_agent(**{"set-security-context": "false"}),),
        "vault-agent: readOnlyRootFilesystem must be true",
    ),
    (restricted_pods, (with_agent(**{"limits-mem": ""}),), "container vault-agent: needs a memory limit"),
    (restricted_pods, (gateway(pod={"automountServiceAccountToken": None}),), "automountServiceAccountToken"),
    (restricted_pods, (gateway(pod={"hostNetwork": True}),), "hostNetwork must not be set"),
    (restricted_pods, (gateway(pod={"volumes": [{"hostPath": {"path": "/"}}]}),), "hostPath"),
    (restricted_pods, (gateway(pod={"securityContext": {}}),), "runAsNonRoot must be true"),
    (restricted_pods, (gateway(securityContext=PRIVILEGED),), "privileged must not be set"),
    (restricted_pods, (gateway(resources=None),), "needs a memory limit"),
    (restricted_pods, (gateway(resources=None),), "needs requests of ephemeral storage"),
    (restricted_pods, (gateway(resources={"requests": {"ephemeral-storage": "1Gi"}}),), "needs limits of ephemeral"),
    (no_plain_secrets, (gateway(env=env("OPENAI_API_KEY", "abc")),), "OPENAI_API_KEY has a secret"),
    (no_plain_secrets, (gateway(env=env("SETTING", KEY)),), "SETTING has a secret"),
    (no_plain_secrets, (gateway(env=env("SETTING", SECRET)),), "SETTING has a secret"),
    (no_plain_secrets, (gateway(args=["--key", KEY]),), "args holds a secret"),
    (no_plain_secrets, (gateway(command=[f"--url=postgres://a:{KEY}@b/c"]),), "command holds a secret"),
    (no_plain_secrets, (config_map(f"model_list: [{{litellm_params: {{api_key: {KEY}}}}}]\n"),), "api_key is a secret"),
    (no_plain_secrets, (config_map(f"bind *\nrequirepass={KEY}\n"),), "line 2 is a secret"),
    (no_plain_secrets, (config_map(SECRET),), "the whole value is a secret"),
    (no_plain_secrets, (release({"auth": {"password": "abc"}}),), "values: auth.password is a secret"),
    (no_plain_secrets, (release({"setting": KEY}),), "values: setting is a secret"),
    (no_plain_secrets, (release({"env": [{"name": "API_KEY", "value": "abc"}]}),), "values: env[0].value is a secret"),
    (no_plain_secrets, (tagged({"note": KEY}),), "tags: note is a secret"),
    (no_plain_secrets, (tagged({"db-password": "abc"}),), "tags: db-password is a secret"),
    (operator_api, (operator_object("external-secrets.io/v1beta1"),), "external-secrets.io/v1beta1"),
    (vault_audience, (role(audience=None),), "no audience"),
    (vault_audience, (jwt_role(boundAudiences=[]),), "no audience"),
    (vault_audience, (jwt_role(boundSubject=None),), "boundSubject must name"),
    (vault_audience, (role(boundServiceAccountNamespaces=["*"]),), "boundServiceAccountNamespaces must name"),
    (exact_vault_paths, (vault_policy("litellm/data/dev/*"),), "litellm/data/dev/* has a wildcard"),
    (exact_vault_paths, (vault_policy("litellm/data/+/salt"),), "litellm/data/+/salt has a wildcard"),
    (exact_vault_paths, (vault_policy(capability="update"),), "allows update"),
    (exact_vault_paths, (resource("vault:index/policy:Policy", {"policy": "no HCL"}),), "no path can be read"),
    (exact_arns, (iam_policy(Resource="*"),), "resource * has a wildcard"),
    (exact_arns, (iam_policy(Resource=[f"{ARN}*"]),), "has a wildcard"),
    (exact_arns, (iam_policy(Resource=[MODELS]),), "has a wildcard"),
    (exact_arns, (iam_policy(Resource=[MODELS], Condition={"StringEquals": {PROFILE_KEY: "*"}}),), "has a wildcard"),
    (exact_arns, (iam_policy(Action="secretsmanager:*"),), "action secretsmanager:* has a wildcard"),
    (exact_arns, (iam_policy(NotResource=[ARN]),), "NotResource"),
    (protected_salt, (salt(protect=False),), "not protected"),
    (protected_state, (namespace(protect=False),), "Namespace is not protected"),
    (protected_state, (instance(deletionProtection=False),), "deletionProtection is off"),
    (protected_state, (instance(skipFinalSnapshot=True),), "no final snapshot"),
    (tls, (ingress(),), "a.example.com has no TLS"),
    (tls, (ingress(tls=[{"hosts": ["b.example.com"]}]),), "a.example.com has no TLS"),
    (tls, (route(),), "a.example.com has no TLS"),
    (retired_controller, (ingress({"nginx.ingress.kubernetes.io/proxy-body-size": "1m"}),), "is ingress-nginx"),
    (public_load_balancer, (ingress({f"{ALB}/scheme": "internet-facing"}),), "internet-facing"),
    (public_load_balancer, (service("LoadBalancer"),), "type LoadBalancer"),
    (network_policy, (gateway(),), "closes namespace ns"),
    (private_metrics, (measured(), leading(number=4001)), "leads to the metrics' port"),
    (private_metrics, (measured(), leading(name="metrics")), "leads to the metrics' port"),
    (private_metrics, (measured(), routed(4001)), "leads to the metrics' port"),
    (private_metrics, (measured(), exposed("LoadBalancer", 4001)), "is of type LoadBalancer"),
    (private_metrics, (measured(), exposed("NodePort", 4001)), "is of type NodePort"),
    (private_metrics, (measured(), network(ingress=[{"ports": [{"port": 4001}]}])), "to everybody"),
    (private_metrics, (measured(), network(ingress=[{"ports": [{"port": "metrics"}]}])), "to everybody"),
    (private_metrics, (measured(), network(ingress=[{}])), "to everybody"),
    (private_metrics, (measured(), network(ingress=[{"ports": [{"port": 4000, "endPort": 4100}]}])), "to everybody"),
    (private_metrics, (measured(), network(ingress=[{"ports": [{"port": 4001}], "from": [ANYBODY]}])), "to everybody"),
    (placements_agree, (gateway(pod={"tolerations": TAINTED}), beside()), "tolerates no taint, and litellm does"),
    (
        placements_agree,
        (gateway(), beside("postgres", nodeSelector={"a": "b"}), beside("redis")),
        "has another nodeSelector than postgres",
    ),
    (
        placements_agree,
        (gateway(), beside("postgres"), beside("redis", priorityClassName="low")),
        "has another priorityClassName than postgres",
    ),
    (network_policy, (gateway(), network("another")), "closes namespace ns"),
    (network_policy, (gateway(), network(podSelector={"matchLabels": {"a": "b"}})), "closes namespace ns"),
    (network_policy, (gateway(), network(ingress=[{}])), "closes namespace ns"),
    (keys_required, (config_map("general_settings: {master_key: null}\n"),), "master_key takes away"),
    (keys_required, (config_map(f"general_settings: {{{NO_MASTER_KEY}: true}}\n"),), "without a master key"),
    (keys_required, (gateway(env=env(NO_MASTER_KEY_VARIABLE, "true")),), "without a master key"),
    (keys_required, (config_map("general_settings: {public_routes: [/v1/*]}\n"),), "public_routes opens"),
    (memory_floor, (gateway(resources={"limits": {"memory": "2Gi"}}),), "the memory limit is 2Gi"),
    (memory_floor, (gateway(args=["--num_workers", "2"]),), "with 2 worker"),
    (replicas_share_redis, (gateway(2, env=None),), "2 processes, and no Redis"),
    (replicas_share_redis, (gateway(1, env=None, args=["--num_workers", "2"]),), "2 processes"),
    (replicas_share_redis, (gateway(1, env=None), autoscaler(5)), "5 processes"),
    (no_memory_target, (autoscaler(metric="memory"),), "memory is a target"),
    (requests_may_finish, (gateway(), SLOW), "a request may take 900 s"),
    (requests_may_finish, (gateway(pod={"terminationGracePeriodSeconds": None}),), "is 30"),
    (probes_call_no_model, (gateway(livenessProbe={"httpGet": {"path": "/health"}}),), "livenessProbe asks /health"),
    (probes_call_no_model, (ingress({f"{ALB}/healthcheck-path": "/health/"}),), "the load balancer asks /health/"),
    (probes_call_no_model, (ingress({f"{ALB}/healthcheck-path": "/llm/health"}),), "asks /llm/health"),
]


@pytest.mark.parametrize(("rule", "resources"), KEPT, ids=lambda value: getattr(value, "id", ""))
def test_what_keeps_to_a_rule_is_not_reported(rule: AnyRule, resources: tuple[Resource, ...]):
    assert messages(rule, *resources) == []


@pytest.mark.parametrize(("rule", "resources", "message"), VIOLATED, ids=lambda value: getattr(value, "id", ""))
def test_what_violates_a_rule_is_reported(rule: AnyRule, resources: tuple[Resource, ...], message: str):
    found = messages(rule, *resources)
    assert any(message in text for text in found), found


def test_every_rule_has_a_case_of_both_kinds():
    assert {rule.id for rule, _ in KEPT} == {rule.id for rule, _, _ in VIOLATED} == {rule.id for rule in RULES}


def test_every_rule_says_why_and_what_to_do():
    assert all(len(rule.reason) > 20 and len(rule.fix) > 10 for rule in RULES)


def test_ids_are_unique():
    assert len({rule.id for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_resource_of_which_nothing_is_known_violates_no_rule_about_its_content(rule: AnyRule):
    """What is not known before `up` must not stop a preview."""
    kinds = ("apps/v1:Deployment", "core/v1:ConfigMap", "networking.k8s.io/v1:Ingress", "core/v1:Service")
    unknown = [
        resource(f"kubernetes:{kind}", {"metadata": UNKNOWN, "spec": UNKNOWN, "data": UNKNOWN}) for kind in kinds
    ]
    assert messages(rule, *unknown) == []


def test_no_message_repeats_a_secret():
    for rule, resources, _ in VIOLATED:
        assert KEY not in " ".join(messages(rule, *resources))
