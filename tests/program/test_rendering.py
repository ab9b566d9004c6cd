"""The files for Argo CD of every stack file: the project's own and all examples."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.labels import MANAGED_BY
from components.sync.namespace_store import CLUSTER_CA
from tests.program.conftest import recording_of, with_objects
from tests.program.stacks import FILES, ROOT, name_of, stack_of
from tools.engine.stack_file import Stack, merge
from tools.gitops import argocd
from tools.gitops.answers import State
from tools.gitops.manifests import HOOK, SYNC_WAVE, WAVES
from tools.gitops.render import Rendering, files, render
from tools.offline import mock_aws
from tools.offline.mock_engine import Registered
from tools.offline.plan import record
from tools.problem import Problem

SOURCE = argocd.Source("https://git.example.com/gateway.git", "deploy")
CERTIFICATE = "arn:aws:acm:eu-west-1:123456789012:certificate/1234abcd-12ab-34cd-56ef-1234567890ab"


def renderable(path: Path) -> Stack:
    """The stack with what a file cannot leave to the machine or to a look-up."""
    stack = stack_of(path)
    overlay: dict[str, Any] = {}
    if stack.vault_address is None and "aws" not in str(stack.config.get("litellm:secrets", "")):
        overlay["litellm:secrets"] = {"vault": {"address": "https://vault.example.com:8200"}}
    merged = merge(with_objects(stack).document, {"config": overlay})
    balancer = merged["config"]["litellm:ingress"].get("alb", {})
    if balancer.pop("certificateDomain", None):
        balancer["certificateArn"] = CERTIFICATE
    return Stack(stack.name, merged)


def state_of(path: Path) -> State:
    """What AWS made for the stack."""
    made = recording_of(path, preview=False).resources
    return {(each.type, each.name): mock_aws.computed(each.type, each.name, each.inputs) for each in made}


@cache
def rendering_of(path: Path) -> Rendering:
    return render(renderable(path), state_of(path))


@pytest.fixture(params=FILES, ids=name_of)
def path(request: pytest.FixtureRequest) -> Path:
    return request.param


@pytest.fixture
def rendering(path: Path) -> Rendering:
    return rendering_of(path)


def names(rendering: Rendering, kind: str) -> set[str]:
    return {manifest.name for manifest in rendering.objects if manifest.kind == kind}


def references(value: Any, key: str) -> set[str]:
    """Every text or `name` below a key."""
    found: set[str] = set()
    if isinstance(value, dict):
        for each, item in value.items():
            if each == key:
                found.add(item["name"] if isinstance(item, dict) else item)
            found |= references(item, key)
    elif isinstance(value, list):
        found = found.union(*(references(item, key) for item in value)) if value else found
    return found


def test_rendering_twice_gives_the_same_bytes(path: Path, rendering: Rendering):
    assert files(render(renderable(path), state_of(path)), SOURCE) == files(rendering, SOURCE)


def test_no_object_holds_a_secret_or_what_nobody_can_know(rendering: Rendering):
    text = json.dumps([manifest.content for manifest in rendering.objects])
    assert not names(rendering, "Secret")
    assert "[secret" not in text
    assert "known after up" not in text
    assert ".invalid" not in text.replace("rds.invalid", "").replace("cache.invalid", "")


def test_the_kustomization_lists_every_object_and_nothing_else(rendering: Rendering):
    written = files(rendering, SOURCE)
    listed = yaml.safe_load(written[argocd.KUSTOMIZATION])["resources"]
    assert sorted(listed) == sorted(set(written) - {argocd.KUSTOMIZATION, argocd.APPLICATION})
    assert listed


def test_files_read_back_are_the_objects(rendering: Rendering):
    written = files(rendering, SOURCE)
    assert {name: yaml.safe_load(text) for name, text in written.items() if name[0].isdigit()} == {
        manifest.file: manifest.content for manifest in rendering.objects
    }


def test_what_an_object_refers_to_is_in_an_earlier_wave(rendering: Rendering):
    """Or in the same one for a ConfigMap, which Argo CD applies first."""
    wave = {(each.kind, each.name): WAVES.index(each.wave) for each in rendering.objects}
    for manifest in rendering.objects:
        own = WAVES.index(manifest.wave)
        assert manifest.content["metadata"]["annotations"][SYNC_WAVE] == str(own)
        there = {"ClusterSecretStore"} & {manifest.content.get("spec", {}).get("secretStoreRef", {}).get("kind")}
        for store in set() if there else references(manifest.content, "secretStoreRef"):
            assert wave["SecretStore", store] < own
        for secret in references(manifest.content, "secretRef") | references(manifest.content, "secretName"):
            if ("ExternalSecret", secret) in wave:
                assert wave["ExternalSecret", secret] < own
        for config in references(manifest.content, "configMap") - {CLUSTER_CA["name"]}:
            assert wave["ConfigMap", config] <= own


def test_the_secrets_that_pods_read_are_the_ones_that_are_rendered(rendering: Rendering):
    read: set[str] = set()
    for manifest in rendering.objects:
        if manifest.kind in ("Deployment", "StatefulSet", "Job"):
            pod = manifest.content["spec"]["template"]["spec"]
            read |= references(pod, "secretRef") | references(pod, "secretKeyRef") | references(pod, "secretName")
            read |= {each["name"] for each in pod.get("imagePullSecrets", ())}
        if manifest.kind in ("PodMonitor", "VMPodScrape"):
            read |= {name for name in names(rendering, "ExternalSecret") if f'"{name}"' in json.dumps(manifest.content)}
    of_pods = [each for each in rendering.objects if {"config.hcl", "plan.json"} & set(each.content.get("data", {}))]
    assert bool(read) != bool(of_pods)
    assert names(rendering, "ExternalSecret") <= read


def test_nothing_is_left_for_pulumi_to_read(rendering: Rendering):
    text = json.dumps([manifest.content for manifest in rendering.objects])
    assert "pulumi.com/" not in text
    assert f'"{MANAGED_BY}": "pulumi"' not in text


def test_jobs_are_hooks_that_replace_a_failed_one(rendering: Rendering):
    for manifest in rendering.objects:
        hooked = HOOK in manifest.content["metadata"]["annotations"]
        assert hooked == (manifest.kind == "Job")


def test_pulumi_and_argocd_share_the_objects_without_overlap(path: Path, rendering: Rendering):
    """With `gitops`, what Pulumi makes and what is rendered is together what Pulumi makes without it."""
    stack = renderable(path)
    everything = {(r.type, r.name) for r in record(stack).resources if r.custom and r.type.startswith("kubernetes:")}
    alone = Stack(stack.name, merge(stack.document, {"config": {"litellm:gitops": True}}))
    kept = {(r.type, r.name) for r in record(alone).resources if r.custom and r.type.startswith("kubernetes:")}
    rendered = {(f"kubernetes:{group(each.content)}:{each.kind}", each.resource) for each in rendering.objects}
    assert kept | rendered == everything
    assert not kept & rendered


def group(content: dict[str, Any]) -> str:
    version = content["apiVersion"]
    return version if "/" in version else f"core/{version}"


def test_with_gitops_everything_outside_of_the_cluster_is_made_as_before(path: Path):
    stack = renderable(path)
    alone = Stack(stack.name, merge(stack.document, {"config": {"litellm:gitops": True}}))
    outside, still = (
        {(r.urn, json.dumps(r.inputs, default=lambda _: "unknown")) for r in record(each).resources if is_outside(r)}
        for each in (stack, alone)
    )
    assert outside == still


def is_outside(resource: Registered) -> bool:
    return resource.custom and not resource.type.startswith("kubernetes:")


def test_a_stack_says_which_values_only_aws_knows():
    with pytest.raises(Problem) as problem:
        render(stack_of(ROOT / "examples" / "Pulumi.aws-managed.yaml"))
    said = str(problem.value)
    assert "ServiceAccount secret-store-reader: metadata.annotations.eks.amazonaws.com/role-arn" in said
    assert "Ingress litellm-ingress-ingress" in said
    assert "getCertificate.arn" in said
    assert "--state FILE" in said


def dev(**config: Any) -> Rendering:
    stack = renderable(ROOT / "Pulumi.dev.yaml")
    return render(Stack(stack.name, merge(stack.document, {"config": config})))


def by_resource(rendering: Rendering) -> dict[str, str]:
    return {manifest.resource: manifest.name for manifest in rendering.objects}


def test_another_model_gives_another_config_map_and_nothing_else_a_new_name():
    models = [{"name": "mock", "provider": "mock", "response": "Other."}]
    before, after = by_resource(dev()), by_resource(dev(**{"litellm:gateway": {"models": models}}))
    changed = {name for name in before.keys() ^ after.keys() if not name.startswith("litellm-config-")}
    assert not changed
    assert before.keys() != after.keys()
    assert all(after[name] == before[name] for name in before.keys() & after.keys())


def renamed(**config: Any) -> set[str]:
    before, after = by_resource(dev()), by_resource(dev(**config))
    return {name for name in before if before[name] != after[name]}


def test_a_rotation_gives_a_new_name_to_the_secrets_that_have_the_value_and_runs_the_jobs_that_need_it():
    """A migration is due when image or database change, and not when a password does."""
    assert renamed(**{"litellm:keys": {"master": {"rotation": 1}}}) == {"litellm-env-secret"}
    assert renamed(**{"litellm:database": {"rotation": 1}}) == {
        "litellm-env-secret",
        "postgres-role-secret",
        "database-bootstrap-job",
    }


def test_another_database_or_image_runs_the_migration_again():
    assert {"litellm-migration-secret", "litellm-migration-job"} <= renamed(**{"litellm:database": {"name": "other"}})
    image = {"litellm:gateway": {"image": "ghcr.io/berriai/litellm-non_root:v1.2.3"}}
    assert "litellm-migration-job" in renamed(**image)
    assert "litellm-migration-secret" not in renamed(**image)


def provider_key(ciphertext: str) -> dict[str, str]:
    return by_resource(dev(**{"litellm:providerKeys": {"OPENAI_API_KEY": {"secure": ciphertext}}}))


def test_another_provider_key_gives_the_secret_a_new_name():
    assert provider_key("v1:one:x")["litellm-env-secret"] != provider_key("v1:two:x")["litellm-env-secret"]
    assert provider_key("v1:one:x") == provider_key("v1:one:x")


def test_the_application_syncs_the_folder_into_the_namespace(rendering: Rendering):
    application = yaml.safe_load(files(rendering, SOURCE)[argocd.APPLICATION])
    assert application["spec"]["destination"]["namespace"] == rendering.namespace
    assert application["spec"]["source"] == {
        "repoURL": SOURCE.repository,
        "path": SOURCE.path,
        "targetRevision": "HEAD",
    }
