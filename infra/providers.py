"""The providers of a stack. Default providers are disabled in Pulumi.yaml: nothing reaches a target by accident."""

import pulumi
import pulumi_kubernetes as kubernetes
import pulumi_random as random

from infra.target import Target


def providers(target: Target) -> list[pulumi.ProviderResource]:
    """One provider each for the cluster, for the store and for random values. Credentials come from the environment."""
    store = target.store.provider()
    return [
        kubernetes.Provider(
            "kubernetes",
            context=target.config.context or None,
            # Without it, another server name in the kubeconfig would replace the provider, and with it every object.
            cluster_identifier=f"litellm-{target.stack}",
            # An `up` that was killed may have made an object that its state does not know: the next one takes it over.
            # What is in the way of somebody else is refused by the preflight (namespace) and by field ownership.
            upsert_existing_objects=True,
            # What a lost state had made is under the field manager that it knew: `make up` hands that over afterwards.
            enable_patch_force=target.config.secrets.adopts or None,
            enable_config_map_mutable=True,
            enable_secret_mutable=True,
        ),
        *([store] if store else []),
        random.Provider("random"),
    ]
