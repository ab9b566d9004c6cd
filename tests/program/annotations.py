"""Names of annotations that controllers document. One that they do not know they ignore, and nobody is told."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

ALB = """
acm-pca-arn auth-idp-cognito auth-idp-oidc auth-on-unauthenticated-request auth-scope auth-session-cookie auth-session-timeout
auth-type backend-protocol backend-protocol-version certificate-arn create-acm-cert customer-owned-ipv4-pool enable-frontend-nlb
group.name group.order healthcheck-interval-seconds healthcheck-path healthcheck-port healthcheck-protocol
healthcheck-timeout-seconds healthy-threshold-count inbound-cidrs ip-address-type ipam-ipv4-pool-id jwt-validation listen-ports
load-balancer-attributes load-balancer-name manage-backend-security-group-rules minimum-load-balancer-capacity
multi-cluster-target-group mutual-authentication scheme security-group-prefix-lists security-groups shield-advanced-protection
ssl-policy ssl-redirect subnets success-codes tags target-group-attributes target-node-labels target-type
unhealthy-threshold-count use-regex-path-match waf-acl-id wafv2-acl-arn wafv2-acl-name
actions.* conditions.* transforms.* listener-attributes.* target-control-port.* frontend-nlb-*
"""
"""AWS Load Balancer Controller 3.5: docs/guide/ingress/annotations.md."""

TRAEFIK = """
router.entrypoints router.middlewares router.observability.accesslogs router.observability.metrics
router.observability.traceVerbosity router.observability.tracing router.pathmatcher router.priority router.rulesyntax router.tls
router.tls.certresolver router.tls.domains.* router.tls.options service.middlewares service.nativelb service.nodeportlb
service.passhostheader service.serversscheme service.serverstransport service.sticky.cookie service.sticky.cookie.*
"""
"""Traefik 3.7: docs/content/reference/routing-configuration/kubernetes/ingress.md."""

NGINX = """
affinity affinity-canary-behavior affinity-mode app-root auth-always-set-cookie auth-cache-duration auth-cache-key
auth-keepalive auth-keepalive-requests auth-keepalive-share-vars auth-keepalive-timeout auth-method auth-proxy-set-headers
auth-realm auth-request-redirect auth-response-headers auth-secret auth-secret-type auth-signin auth-signin-redirect-param
auth-snippet auth-tls-error-page auth-tls-match-cn auth-tls-pass-certificate-to-upstream auth-tls-secret
auth-tls-verify-client auth-tls-verify-depth auth-type auth-url backend-protocol canary canary-by-cookie canary-by-header
canary-by-header-pattern canary-by-header-value canary-weight canary-weight-total client-body-buffer-size
configuration-snippet connection-proxy-header cors-allow-credentials cors-allow-headers cors-allow-methods cors-allow-origin
cors-expose-headers cors-max-age custom-headers custom-http-errors default-backend denylist-source-range enable-access-log
enable-cors enable-global-auth enable-modsecurity enable-opentelemetry enable-owasp-core-rules enable-rewrite-log
force-ssl-redirect from-to-www-redirect http2-push-preload limit-burst-multiplier limit-connections limit-rate
limit-rate-after limit-rpm limit-rps limit-whitelist load-balance mirror-host mirror-request-body mirror-target
modsecurity-snippet modsecurity-transaction-id opentelemetry-trust-incoming-span permanent-redirect permanent-redirect-code
preserve-trailing-slash proxy-body-size proxy-buffer-size proxy-buffering proxy-buffers-number proxy-busy-buffers-size
proxy-connect-timeout proxy-cookie-domain proxy-cookie-path proxy-http-version proxy-max-temp-file-size proxy-next-upstream
proxy-next-upstream-timeout proxy-next-upstream-tries proxy-read-timeout proxy-redirect-from proxy-redirect-to
proxy-request-buffering proxy-send-timeout proxy-ssl-ciphers proxy-ssl-name proxy-ssl-protocols proxy-ssl-secret
proxy-ssl-server-name proxy-ssl-verify proxy-ssl-verify-depth rewrite-target satisfy server-alias server-snippet
service-upstream session-cookie-change-on-failure session-cookie-conditional-samesite-none session-cookie-domain
session-cookie-expires session-cookie-max-age session-cookie-name session-cookie-path session-cookie-samesite
session-cookie-secure ssl-ciphers ssl-passthrough ssl-prefer-server-ciphers ssl-redirect stream-snippet temporal-redirect
temporal-redirect-code upstream-hash-by upstream-hash-by-subset upstream-hash-by-subset-size upstream-vhost use-regex
whitelist-source-range x-forwarded-prefix
"""
"""ingress-nginx 1.15: docs/user-guide/nginx-configuration/annotations.md."""

ARGO_CD = """
compare-options hook hook-delete-policy ignore-healthcheck ignore-resource-updates manifest-generate-paths refresh
skip-reconcile sync-options sync-wave tracking-id
"""
"""Argo CD 3.6: docs/user-guide and docs/operator-manual."""

INJECTOR = """
agent-auto-auth-exit-on-err agent-cache-enable agent-cache-exit-on-err agent-cache-listener-port
agent-cache-use-auto-auth-token agent-configmap agent-copy-volume-mounts agent-disable-idle-connections
agent-disable-keep-alives agent-enable-quit agent-extra-secret agent-image agent-init-first agent-init-json-patch
agent-inject agent-inject-command-* agent-inject-containers agent-inject-default-template agent-inject-file-*
agent-inject-perms-* agent-inject-secret-* agent-inject-status agent-inject-template-* agent-inject-template-file-*
agent-inject-token agent-json-patch agent-limits-cpu agent-limits-ephemeral agent-limits-mem agent-pre-populate
agent-pre-populate-only agent-request-namespace agent-requests-cpu agent-requests-ephemeral agent-requests-mem
agent-revoke-grace agent-revoke-on-shutdown agent-run-as-group agent-run-as-same-user agent-run-as-user
agent-service-account-token-volume-name agent-set-security-context agent-share-process-namespace agent-telemetry
agent-template-left-delim agent-template-right-delim auth-config auth-max-backoff auth-min-backoff auth-path auth-type
ca-cert ca-key client-cert client-key client-max-retries client-timeout error-on-missing-key error-on-missing-key-*
go-max-procs log-format log-level namespace preserve-secret-case preserve-secret-case-* proxy-address role secret-volume-path
secret-volume-path-* service template-config-exit-on-retry-failure template-lease-renewal-threshold
template-max-connections-per-host template-static-secret-render-interval tls-secret tls-server-name tls-skip-verify
"""
"""Vault's Agent Injector 1.7: agent-inject/agent/annotations.go."""

SEALED_SECRETS = "cluster-wide managed namespace-wide patch skip-set-owner-references"
"""Sealed Secrets 0.36: README.md."""

DOCUMENTED: dict[str, str] = {
    "alb.ingress.kubernetes.io": ALB,
    "traefik.ingress.kubernetes.io": TRAEFIK,
    "nginx.ingress.kubernetes.io": NGINX,
    "vault.hashicorp.com": INJECTOR,
    # KEDA 2.20: keda.sh/docs, the page on ScaledObject.
    "scaledobject.keda.sh": "transfer-hpa-ownership",
    # Reloader 1.4: docs/reference/annotations.
    "reloader.stakater.com": "auto ignore match rollout-strategy search",
    "secret.reloader.stakater.com": "auto reload",
    "configmap.reloader.stakater.com": "auto reload",
    "secrets.exclude.reloader.stakater.com": "reload",
    "configmaps.exclude.reloader.stakater.com": "reload",
    "deployment.reloader.stakater.com": "pause-period",
    "argocd.argoproj.io": ARGO_CD,
    "sealedsecrets.bitnami.com": SEALED_SECRETS,
}
"""By the prefix of each controller; `*` is whatever the user calls it."""

NAME = re.compile(rf"(?<![\w./-])((?:[a-z.]+\.)?(?:{'|'.join(map(re.escape, DOCUMENTED))}))/([\w.-]*\w)")


def undocumented(names: Iterable[str]) -> set[str]:
    """Names below a prefix of these controllers that they do not document."""
    pairs = {name: name.partition("/") for name in names}
    return {name for name, (prefix, _, rest) in pairs.items() if is_theirs(prefix) and not is_known(prefix, rest)}


def is_theirs(prefix: str) -> bool:
    return any(prefix == each or prefix.endswith(f".{each}") for each in DOCUMENTED)


def is_known(prefix: str, rest: str) -> bool:
    words = DOCUMENTED.get(prefix, "").split()
    return any(re.fullmatch(re.escape(word).replace(r"\*", ".+"), rest) for word in words)


def annotations_in(value: Any) -> Iterator[str]:
    """Names of the annotations of an object, and of those that it makes: pods, Secrets."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "annotations" and isinstance(item, dict):
                yield from item
            yield from annotations_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from annotations_in(item)


def names_in(text: str) -> set[str]:
    """Names that a text spells out."""
    return {f"{prefix}/{rest}" for prefix, rest in NAME.findall(text)}
