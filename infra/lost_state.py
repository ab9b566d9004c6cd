"""A stack whose state was lost runs on: the cluster says so, before anything is made anew beside what is there.

What the program asks are ExternalSecrets, which say where values come from and have none; where pods read the store themselves
there are none, and the gateway is asked for.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from components.labels import MANAGED_BY, NAME
from components.secrets.references import unspelled
from infra import salt
from infra.kubernetes_api import KubernetesApi
from infra.operator import GROUP, VERSION, unless
from infra.salt import Salt
from infra.secrets.store import place_in
from infra.target import Target

GATEWAYS = f"{NAME}=litellm,{MANAGED_BY}=pulumi"
GATEWAYS_SECRET = f"{NAME}=litellm-env,{MANAGED_BY}=pulumi"
SALT_VARIABLE = "LITELLM_SALT_KEY"


def check(client: KubernetesApi, target: Target) -> Iterator[str]:
    """Problems of a stack that is in the cluster, and that its state knows nothing of."""
    if target.has_state or target.config.gitops:
        return
    place = f"/apis/{GROUP}/{VERSION}/namespaces/{target.namespace}"
    found = unless(client, f"{place}/externalsecrets?labelSelector={quote(GATEWAYS_SECRET)}", 403, 404) or {}
    externals: list[dict[str, Any]] = found.get("items") or []
    if not externals and not runs(client, target.namespace):
        return
    salts = [each for external in externals for each in salts_of(client, place, external)]
    yield from salt.check(target, tuple(salts))
    if how := target.store.take_over(target):
        yield (
            f"stack {target.stack} is in namespace {target.namespace} already, and its state knows nothing of it. When another "
            "checkout or backend has the state, work with that one (PULUMI_BACKEND_URL). When the state was lost: bring it "
            f"back from a backup (`pulumi stack import`), or {how} (docs/runbooks/lost-state.md). When nobody needs "
            f"what is there: `kubectl delete namespace {target.namespace}`"
        )


def runs(client: KubernetesApi, namespace: str) -> bool:
    """Whether a gateway is there that a stack has made."""
    place = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    found = unless(client, f"{place}?labelSelector={quote(GATEWAYS)}", 403, 404) or {}
    return bool(found.get("items"))


def salts_of(client: KubernetesApi, place: str, external: Mapping[str, Any]) -> Iterator[Salt]:
    """Where the salt key of a running gateway is; nothing where it comes with a document as a whole."""
    spec: Mapping[str, Any] = external["spec"]
    listed: list[dict[str, Any]] = spec.get("data") or []
    for each in [one for one in listed if one["secretKey"] == SALT_VARIABLE]:
        source: Mapping[str, Any] = each.get("sourceRef") or {}
        store: Mapping[str, str] = source.get("storeRef") or spec["secretStoreRef"]
        key = place_in(each["remoteRef"])
        provider: Mapping[str, Any] = {"of": "the whole cluster"}
        if store.get("kind", "SecretStore") == "SecretStore":
            found = unless(client, f"{place}/secretstores/{store['name']}", 403, 404) or {}
            provider = found.get("spec", {}).get("provider", {})
        yield from known_by(provider, store["name"], key)


def known_by(provider: Mapping[str, Any], store: str, key: str) -> Iterator[Salt]:
    """The place as each kind of store has it: one that is there already may be of any kind."""
    if "vault" in provider:
        mount = provider["vault"].get("path", "")
        yield Salt("vault", f"{mount}/{unspelled(mount, key)}")
    if "aws" in provider:
        yield Salt("aws", key)
    if provider:
        yield Salt("existing", f"{store}/{key}")
