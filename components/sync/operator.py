"""External Secrets Operator, for a cluster that has none."""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as kubernetes

from components.labels import labels
from components.objects import name_after
from components.pods import PodSettings, fields
from components.sync.shared import KEPT_BY_HELM, OWNER_KEY, OWNER_MARK


class ExternalSecretsOperatorArgs(TypedDict):
    """Arguments of `ExternalSecretsOperator`."""

    namespace: pulumi.Input[str]
    """Required: namespace of the operator; it is created."""

    service_account: pulumi.Input[str]
    """Required: name of the controller's ServiceAccount."""

    chart: pulumi.Input[str]
    """Required: name of the chart in `repository`, an `oci://` reference, or the path of a chart folder."""

    repository: NotRequired[pulumi.Input[str] | None]
    """Optional: Helm repository of the chart. Defaults to none, for `oci://` and folders."""

    version: NotRequired[pulumi.Input[str] | None]
    """Optional: version of the chart. Defaults to none, for folders."""

    image: NotRequired[pulumi.Input[str] | None]
    """Optional: repository of the image, without tag. Defaults to the chart's."""

    image_tag: NotRequired[pulumi.Input[str] | None]
    """Optional: tag of the image. Defaults to the chart's."""

    environment: NotRequired[Mapping[str, pulumi.Input[str]]]
    """Optional: more environment variables for the controller. Defaults to none. No secrets."""

    identity: NotRequired[pulumi.Input[str] | None]
    """Optional: any text; the controller starts when it is known, and again when it changes. For an identity that pods get at
    their start. Defaults to none."""

    owner: NotRequired[pulumi.Input[str] | None]
    """Optional: who installs the operator, such as `litellm-dev`; it is written next to it, in the ConfigMap `OWNER_MARK`.
    Defaults to nobody."""

    pod: NotRequired[PodSettings]
    """Optional: where the operator's pods run. Defaults to what the chart says."""


class ExternalSecretsOperator(pulumi.ComponentResource):
    """The operator with its CRDs and its webhook, awaited.

    **Type:** `litellm:index:ExternalSecretsOperator`. **Produces:** `kubernetes.core.v1.Namespace`,
    `kubernetes.helm.v3.Release`, `kubernetes.core.v1.ConfigMap` (only with `owner`).

    The controller may not ask for tokens of any ServiceAccount (the chart's default lets it): each `SecretStore` gives it
    the right for its own reader, by name. The CRDs are templates of the chart, so that an upgrade upgrades them, too.

    It belongs to the cluster: who else uses it, Pulumi cannot know. So namespace and release stay when their stack goes, and
    Helm itself keeps the CRDs, whoever uninstalls the release. The mark of the owner goes with the stack, and says by its
    absence that the operator is nobody's any more.
    """

    namespace: pulumi.Output[str]
    """Namespace of the operator."""

    def __init__(
        self, name: str, args: ExternalSecretsOperatorArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("litellm:index:ExternalSecretsOperator", name, None, opts)
        namespace = kubernetes.core.v1.Namespace(
            f"{name}-namespace",
            metadata={
                "name": args["namespace"],
                "labels": labels(name) | {"pod-security.kubernetes.io/enforce": "restricted"},
            },
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
        )
        self.namespace = name_after(args["namespace"], namespace)
        repository = args.get("repository")
        release = kubernetes.helm.v3.Release(
            f"{name}-release",
            name=name,
            namespace=self.namespace,
            chart=args["chart"],
            repository_opts={"repo": repository} if repository else None,
            version=args.get("version"),
            values=self._values(name, args),
            atomic=True,
            cleanup_on_fail=True,
            skip_await=False,
            timeout=300,
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
        )
        if owner := args.get("owner"):
            # Made after the release and deleted before it: where an `up` or a `destroy` was killed in between, the operator
            # counts as nobody's, and is used. The other way round, Helm would be asked to install it a second time.
            kubernetes.core.v1.ConfigMap(
                f"{name}-owner",
                metadata={"name": OWNER_MARK, "namespace": self.namespace, "labels": labels(name)},
                data={OWNER_KEY: owner},
                opts=pulumi.ResourceOptions(parent=self, depends_on=release, retain_on_delete=False),
            )
        self.register_outputs({"namespace": self.namespace})

    @staticmethod
    def _values(name: str, args: ExternalSecretsOperatorArgs) -> dict[str, Any]:
        image = {"repository": args.get("image"), "tag": args.get("image_tag")}
        image = {key: value for key, value in image.items() if value is not None}
        values: dict[str, Any] = {
            "fullnameOverride": name,
            "installCRDs": True,
            "crds": {"annotations": KEPT_BY_HELM},
            "serviceAccount": {"name": args["service_account"]},
            "rbac": {"serviceAccountTokenCreate": False},
            "extraEnv": [{"name": key, "value": value} for key, value in sorted(args.get("environment", {}).items())],
        }
        if identity := args.get("identity"):
            values["podAnnotations"] = {"litellm/identity": identity}
        # The chart has its three Deployments side by side: the controller at its top, the others in sections of their own.
        said = {**({"image": image} if image else {}), **fields(args.get("pod"))}
        return values | said | ({"webhook": said, "certController": said} if said else {})
