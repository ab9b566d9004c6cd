"""What the commands ask of Pulumi."""

import json
import os
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.unit.tools.engine.fakes import CLUSTER, NO_STACK, Machine
from tools.engine import leaving, operations, targets
from tools.engine.part import Part
from tools.engine.stack_file import read
from tools.problem import Problem, Unavailable
from tools.process import Finished

OUTPUTS = Finished(
    0,
    json.dumps({"url": "https://llm.example.com", "namespace": "litellm", "curl": "curl x", "saltDocument": "kv/salt"}),
)
BACKEND = {"PULUMI_BACKEND_URL": "s3://state", "PULUMI_CONFIG_PASSPHRASE": "a passphrase"}


def state_of(*resources: dict[str, object]) -> Finished:
    return Finished(0, json.dumps({"deployment": {"resources": resources}}))


def salt_and(**options: object) -> Finished:
    return state_of(
        {"urn": "urn:x::salt", "protect": True, "retainOnDelete": True}, {"urn": "urn:x::database", **options}
    )


def test_up_of_an_unprotected_stack_asks_nothing(machine: Machine) -> None:
    machine.runner.answers["pulumi stack output"] = Finished(0, json.dumps({"namespace": "litellm-dev"}))
    assert operations.up(machine.place(**CLUSTER), "dev", [], []) == 0
    command = machine.runner.only("pulumi up").command
    assert {"--yes", "--skip-preview", "--non-interactive"} <= set(command)


def test_the_first_up_of_a_state_looks_before_it_leaps(machine: Machine) -> None:
    """What another state of this stack made is refused before anything is made; the engine knows which state has what."""
    machine.runner.answers["pulumi stack output"] = Finished(0, "{}")
    operations.up(machine.place(**CLUSTER), "dev", [], [])
    command = machine.runner.only("pulumi up").command
    assert "--yes" in command
    assert "--skip-preview" not in command


def test_up_of_a_protected_stack_lets_somebody_decide(machine: Machine) -> None:
    machine.interactive = True
    operations.up(machine.place(**CLUSTER, **BACKEND), "prod", [], [])
    call = machine.runner.only("pulumi up")
    assert call.interactive
    assert not {"--yes", "--skip-preview", "--non-interactive"} & set(call.command)


def test_up_of_a_protected_stack_without_a_terminal_shows_its_preview(machine: Machine) -> None:
    """The log of the job is the only place where it can be read."""
    operations.up(machine.place(**CLUSTER, **BACKEND), "prod", [], [])
    command = machine.runner.only("pulumi up").command
    assert "--yes" in command
    assert "--skip-preview" not in command


def test_up_with_a_policy_pack_looks_before_it_leaps(machine: Machine) -> None:
    """Rules about several resources are asked when all of them are known: without preview, after they were made."""
    for option in ("--policy-pack", "--policy-pack=policy"):
        machine.runner.calls.clear()
        operations.up(machine.place(**CLUSTER), "dev", [], [option, "policy"])
        assert "--skip-preview" not in machine.runner.only("pulumi up").command


def test_further_options_are_passed_on(machine: Machine) -> None:
    operations.preview(machine.place(**CLUSTER), "dev", [], ["--diff", "--target", "urn:x"])
    assert " --diff --target urn:x" in machine.runner.only("pulumi preview").line


def test_pulumi_gets_the_merged_file(machine: Machine) -> None:
    overlay = machine.write("mine.yaml", "config:\n  litellm:gateway: {replicas: 5}\n")
    operations.up(machine.place(**CLUSTER), "dev", [overlay], [])
    merged = machine.project / ".state" / "Pulumi.dev.yaml"
    assert f"--config-file {merged}" in machine.runner.only("pulumi up").line
    assert read(merged)["config"]["litellm:gateway"] == {"replicas": 5}


def test_a_missing_stack_is_created_beside_the_merged_file(machine: Machine) -> None:
    """`pulumi stack init` writes its salt into the stack file of the folder it runs in: not the committed one."""
    machine.runner.answers["pulumi stack output"] = NO_STACK
    operations.preview(machine.place(**CLUSTER), "dev", [], [])
    init = machine.runner.only("pulumi --cwd")
    assert init.line.startswith(f"pulumi --cwd {machine.project / '.state'} stack init dev --no-select")
    assert (machine.project / ".state" / "Pulumi.yaml").exists()


def test_an_existing_stack_is_not_created_again(machine: Machine) -> None:
    operations.up(machine.place(**CLUSTER), "dev", [], [])
    assert not machine.runner.starting("pulumi --cwd")


def encrypted_state(kind: str, **state: str) -> Finished:
    return Finished(0, json.dumps({"deployment": {"secrets_providers": {"type": kind, "state": state}}}))


def merged_file(machine: Machine) -> dict[str, object]:
    [merged] = (machine.project / ".state").glob("*/Pulumi.prod.yaml")
    return read(merged)


def test_a_fresh_checkout_takes_the_encryption_of_the_state(machine: Machine) -> None:
    """With a salt of its own, Pulumi could not read a plan that another machine saved."""
    machine.runner.answers["pulumi stack export"] = encrypted_state("passphrase", salt="v1:salt")
    operations.up(machine.place(**CLUSTER, **BACKEND), "prod", [], ["--plan", "update-plan.json"])
    assert merged_file(machine)["encryptionsalt"] == "v1:salt"
    assert " --plan update-plan.json" in machine.runner.only("pulumi up").line


def test_a_fresh_checkout_takes_the_key_of_the_state(machine: Machine) -> None:
    state = {"url": "awskms://alias/pulumi", "encryptedkey": "a-key"}
    machine.runner.answers["pulumi stack export"] = encrypted_state("cloud", **state)
    operations.preview(machine.place(**CLUSTER, **BACKEND), "prod", [], [])
    merged = merged_file(machine)
    assert (merged["secretsprovider"], merged["encryptedkey"]) == ("awskms://alias/pulumi", "a-key")


def test_the_encryption_of_the_committed_file_goes_first(machine: Machine) -> None:
    machine.write("Pulumi.prod.yaml", "config: {litellm:protect: true}\nencryptionsalt: v1:committed\n")
    machine.runner.answers["pulumi stack export"] = encrypted_state("passphrase", salt="v1:salt")
    operations.preview(machine.place(**CLUSTER, **BACKEND), "prod", [], [])
    assert merged_file(machine)["encryptionsalt"] == "v1:committed"


def test_a_state_that_cannot_be_read_stops_before_anything_changes(machine: Machine) -> None:
    machine.runner.answers["pulumi stack output"] = Finished(1, errors="error: incorrect passphrase\nsee --help")
    with pytest.raises(Problem, match="incorrect passphrase"):
        operations.up(machine.place(**CLUSTER), "dev", [], [])
    assert not machine.runner.starting("pulumi up")


def test_up_ends_with_the_address_and_a_line_to_try(machine: Machine) -> None:
    machine.runner.answers["pulumi stack output"] = OUTPUTS
    operations.up(machine.place(**CLUSTER), "dev", [], [])
    assert "https://llm.example.com" in machine.said[-2]
    assert machine.said[-1] == "try it:\n\nmake try STACK=dev\n\nor:\n\ncurl x\n"


def test_the_lines_to_try_name_what_was_laid_over_the_stack() -> None:
    curl = 'curl http://x -H "Authorization: Bearer $(make -s key STACK=dev)"'
    [line] = operations.usage("dev", {"curl": curl}, [Path("a.yaml"), Path("my own.yaml")])
    assert "make try STACK=dev OVERLAY='a.yaml,my own.yaml'\n" in line
    assert "$(make -s key STACK=dev OVERLAY='a.yaml,my own.yaml')" in line


def test_a_failed_up_keeps_its_exit_code_and_promises_nothing(machine: Machine) -> None:
    machine.runner.answers |= {"pulumi stack output": OUTPUTS, "pulumi up": Finished(255)}
    assert operations.up(machine.place(**CLUSTER), "dev", [], []) == 255
    assert not any("llm.example.com" in line for line in machine.said)


def test_destroy_refuses_a_protected_stack_and_says_how(machine: Machine) -> None:
    with pytest.raises(Problem, match=r"set litellm:protect to false in Pulumi\.prod\.yaml, run `make up STACK=prod`"):
        operations.destroy(machine.place(**CLUSTER, **BACKEND), "prod", [], [])
    assert machine.runner.calls == []


def test_destroy_refuses_what_was_deployed_with_protection(machine: Machine) -> None:
    """Editing the file is not enough: the database is guarded until an `up` said otherwise."""
    machine.runner.answers["pulumi stack export"] = salt_and(protect=True)
    with pytest.raises(Problem, match="protection of database"):
        operations.destroy(machine.place(**CLUSTER), "dev", [], [])
    assert not machine.runner.starting("pulumi state")
    assert not machine.runner.starting("pulumi destroy")


def test_destroy_releases_the_salt_key_and_nothing_else(machine: Machine) -> None:
    machine.runner.answers["pulumi stack export"] = salt_and()
    assert operations.destroy(machine.place(**CLUSTER), "dev", [], []) == 0
    assert "urn:x::salt" in machine.runner.only("pulumi state unprotect").command
    assert machine.runner.lines[-1].startswith("pulumi destroy")


def test_destroy_says_where_the_salt_key_is_kept(machine: Machine) -> None:
    """The output is read first: afterwards the state has none."""
    machine.runner.answers["pulumi stack output"] = OUTPUTS
    operations.destroy(machine.place(**CLUSTER), "dev", [], [])
    assert "kv/salt" in machine.said[-1]


def test_destroy_of_what_does_not_exist_succeeds(machine: Machine) -> None:
    machine.runner.answers["pulumi stack output"] = NO_STACK
    assert operations.destroy(machine.place(**CLUSTER), "dev", [], []) == 0
    assert "nothing to destroy" in machine.said[-1]
    assert not machine.runner.starting("pulumi destroy")


def test_no_secret_is_on_a_command_line(machine: Machine) -> None:
    machine.runner.answers |= {"pulumi stack output": NO_STACK, "pulumi stack export": salt_and()}
    operations.up(machine.place(**CLUSTER), "dev", [], [])
    machine.runner.answers["pulumi stack output"] = OUTPUTS
    operations.destroy(machine.place(**CLUSTER, **BACKEND), "dev", [], [])
    everything = "\n".join([*machine.runner.lines, *machine.said])
    passphrase = (machine.project / ".state" / "passphrase").read_text()
    assert not [secret for secret in (passphrase, "a passphrase", "hvs.named-token") if secret in everything]


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_current_context_is_not_a_named_cluster(machine: Machine, stack: str) -> None:
    """Whoever has a production cluster selected and types `make up` did not ask for it."""
    (machine.project / ".kube").mkdir()
    (machine.project / ".kube" / "config").write_text("current-context: production\n")
    with pytest.raises(Unavailable, match="no cluster is named"):
        operations.up(machine.place(**BACKEND), stack, [], [])
    assert not machine.runner.starting("pulumi up")


@pytest.mark.parametrize(("module", "nothing"), [(targets, targets.Sight()), (leaving, leaving.Leaving({}, ()))])
def test_what_is_to_go_is_looked_at_with_the_credentials_of_the_stack(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, module: ModuleType, nothing: object
) -> None:
    """Those of the local Vault are nowhere else: a newcomer has set none."""
    monkeypatch.delenv("VAULT_TOKEN", raising=False)
    seen: list[str | None] = []

    def look(*_: object, **_more: object) -> object:
        seen.append(os.environ.get("VAULT_TOKEN"))
        return nothing

    monkeypatch.setattr(module, "look", look)
    operations.destroy(machine.place(**CLUSTER | {"VAULT_TOKEN": "of-the-stack"}), "dev", [], [])
    assert (seen, os.environ.get("VAULT_TOKEN")) == (["of-the-stack"], None)


def test_a_vault_without_a_cluster_is_not_completed_with_a_local_one(machine: Machine) -> None:
    machine.install("docker", "kind")
    with pytest.raises(Unavailable, match="a Vault is named, but no cluster"):
        operations.up(machine.place(VAULT_ADDR="https://vault.example.com"), "dev", [], [])
    assert not machine.runner.starting("kind")


def test_a_context_in_the_stack_file_names_the_cluster(machine: Machine) -> None:
    machine.write("Pulumi.dev.yaml", "config:\n  litellm:protect: false\n  litellm:context: staging\n")
    assert operations.up(machine.place(), "dev", [], []) == 0
    assert not machine.runner.starting("docker")


def test_a_secret_is_set_in_the_committed_file_with_the_encryption_of_the_stack(machine: Machine) -> None:
    operations.config(machine.place(), "dev", ["set", "--secret", "litellm:x"])
    call = machine.runner.only("pulumi config")
    assert f"--config-file {machine.project / 'Pulumi.dev.yaml'} set --secret litellm:x" in call.line
    assert Path(call.environment["PULUMI_CONFIG_PASSPHRASE_FILE"]).is_file()
    assert call.interactive, "the value is typed or piped in"


def test_a_secret_can_be_set_where_no_cluster_is(machine: Machine) -> None:
    assert operations.config(machine.place(**BACKEND), "prod", ["get", "litellm:x"]) == 0


def test_a_stack_of_argocd_says_who_makes_the_rest() -> None:
    (line,) = operations.usage("prod", {"namespace": "litellm-prod", "saltDocument": "litellm/prod/salt"})
    assert "litellm-prod is Argo CD's: `make render` writes it" in line


def test_a_stack_on_aws_is_not_asked_for_a_vault(machine: Machine) -> None:
    machine.write("Pulumi.prod.yaml", "config:\n  litellm:secrets: {kind: aws}\n")
    with pytest.raises(Unavailable) as raised:
        operations.up(machine.place(**BACKEND), "prod", [], [])
    assert str(raised.value).endswith("set KUBECONFIG, or litellm:context in Pulumi.prod.yaml")


WITH_OPERATOR = state_of(
    {
        "urn": "urn:pulumi:dev::litellm::litellm:index:ExternalSecretsOperator$kubernetes:helm.sh/v3:Release::r",
        "type": "kubernetes:helm.sh/v3:Release",
        "inputs": {"namespace": "external-secrets"},
    }
)
FOREIGN = {"metadata": {"name": "db", "namespace": "team-a"}}
EXTERNAL_SECRETS = "/apis/external-secrets.io/v1/externalsecrets"


def test_destroy_keeps_what_others_use_and_names_them(machine: Machine) -> None:
    machine.runner.answers["pulumi stack export"] = WITH_OPERATOR
    machine.cluster.objects[EXTERNAL_SECRETS] = [FOREIGN]
    assert operations.destroy(machine.place(**CLUSTER), "dev", [], []) == 0
    written = json.loads(machine.runner.only("pulumi stack import").stdin)
    assert written["deployment"]["resources"][0]["retainOnDelete"] is True
    assert any("team-a: ExternalSecret db" in line for line in machine.said)
    assert [line.split()[1] for line in machine.runner.lines[-2:]][-1] == "destroy", (
        "the state knows before anything goes"
    )


DOCUMENTS: tuple[dict[str, object], ...] = tuple(
    {"urn": f"urn:x::documents-{name}", "type": "vault:kv/secretV2:SecretV2"} for name in ("api-keys", "providers")
)


def test_up_that_moves_values_into_the_store_leaves_their_documents_there(machine: Machine) -> None:
    machine.runner.answers["pulumi stack export"] = state_of(*DOCUMENTS)
    overlay = machine.write("store.yaml", "config:\n  litellm:secrets: {generation: store}\n")
    assert operations.up(machine.place(**CLUSTER), "dev", [overlay], []) == 0
    written = json.loads(machine.runner.only("pulumi stack import").stdin)["deployment"]["resources"]
    assert [each.get("retainOnDelete", False) for each in written] == [True, False]
    assert machine.runner.only("pulumi up").environment["LITELLM_DOCUMENTS_HANDED_OVER"] == "true"


def test_up_changes_no_state_of_a_stack_whose_values_pulumi_makes(machine: Machine) -> None:
    machine.runner.answers["pulumi stack export"] = state_of(*DOCUMENTS)
    assert operations.up(machine.place(**CLUSTER), "dev", [], []) == 0
    assert not machine.runner.starting("pulumi stack import")
    assert "LITELLM_DOCUMENTS_HANDED_OVER" not in machine.runner.only("pulumi up").environment


def test_a_preview_changes_no_state(machine: Machine) -> None:
    machine.runner.answers["pulumi stack export"] = state_of(*DOCUMENTS)
    overlay = machine.write("store.yaml", "config:\n  litellm:secrets: {generation: store}\n")
    operations.preview(machine.place(**CLUSTER), "dev", [overlay], [])
    assert not machine.runner.starting("pulumi stack import")


SERVER: dict[str, object] = {"urn": "urn:x::postgres-server", "type": "kubernetes:apps/v1:StatefulSet"}


def test_destroy_deletes_what_holds_data_last(machine: Machine) -> None:
    machine.runner.answers["pulumi stack export"] = state_of(SERVER)
    assert operations.destroy(machine.place(**CLUSTER), "dev", [], []) == 0
    first, last = machine.runner.starting("pulumi destroy")
    assert "--exclude urn:x::postgres-server" in first.line
    assert "--exclude" not in last.line


def test_destroy_that_stops_has_touched_nothing_that_holds_data(machine: Machine) -> None:
    machine.runner.answers |= {"pulumi stack export": state_of(SERVER), "pulumi destroy": Finished(255)}
    assert operations.destroy(machine.place(**CLUSTER), "dev", [], []) == 255
    assert "--exclude" in machine.runner.only("pulumi destroy").line
    assert machine.said[-1] == (
        "stopped, and what holds data is still there: postgres-server. `make destroy STACK=dev` goes on"
    )


def test_destroy_of_what_is_picked_by_hand_goes_at_once(machine: Machine) -> None:
    machine.runner.answers["pulumi stack export"] = state_of(SERVER)
    operations.destroy(machine.place(**CLUSTER), "dev", [], ["--target=urn:y"])
    assert "--exclude" not in machine.runner.only("pulumi destroy").line


def test_destroy_says_what_stands_in_the_way_before_anything_is_deleted(machine: Machine) -> None:
    machine.runner.answers["pulumi stack export"] = state_of(SERVER)
    machine.cluster.objects["/version"] = 401
    with pytest.raises(
        Problem, match=r"stack dev cannot go as a whole; nothing was deleted:\n  - the cluster cannot be used"
    ):
        operations.destroy(machine.place(**CLUSTER), "dev", [], [])
    for change in ("destroy", "state", "stack import"):
        assert not machine.runner.starting(f"pulumi {change}")


def test_destroy_without_the_cluster_forgets_what_is_in_it(machine: Machine) -> None:
    machine.runner.answers["pulumi stack export"] = state_of(SERVER)
    machine.cluster.objects["/version"] = 401
    assert operations.destroy(machine.place(**CLUSTER), "dev", [], [], without=[Part.cluster]) == 0
    written = json.loads(machine.runner.only("pulumi stack import").stdin)
    assert written["deployment"]["resources"][0]["retainOnDelete"] is True


EXTERNAL: dict[str, object] = {
    "urn": "urn:x::e",
    "type": "kubernetes:external-secrets.io/v1:ExternalSecret",
    "id": "litellm/env",
}


def test_destroy_without_the_operator_lets_external_secrets_go(machine: Machine) -> None:
    path = "/apis/external-secrets.io/v1/namespaces/litellm/externalsecrets/env"
    machine.runner.answers["pulumi stack export"] = state_of(EXTERNAL)
    machine.cluster.objects |= {
        path: {"metadata": {"finalizers": ["x"]}},
        "/apis/external-secrets.io": {"versions": [{"version": "v1"}]},
    }
    with pytest.raises(Problem, match="External Secrets Operator is not in the cluster"):
        operations.destroy(machine.place(**CLUSTER), "dev", [], [])
    assert operations.destroy(machine.place(**CLUSTER), "dev", [], [], without=[Part.operator]) == 0
    assert machine.cluster.done("patch") == [path]


def test_destroy_with_the_operator_is_refused_where_others_use_it(machine: Machine) -> None:
    machine.runner.answers["pulumi stack export"] = WITH_OPERATOR
    machine.cluster.objects[EXTERNAL_SECRETS] = [FOREIGN]
    with pytest.raises(Problem, match="is used by others"):
        operations.destroy(machine.place(**CLUSTER), "dev", [], [], with_operator=True)
    assert not machine.runner.starting("pulumi destroy")
    assert not machine.runner.starting("pulumi stack import")


@pytest.mark.parametrize(("state", "says"), [(WITH_OPERATOR, "true"), (state_of(), "false")])
def test_the_program_is_told_whether_the_state_has_the_operator(machine: Machine, state: Finished, says: str) -> None:
    machine.runner.answers["pulumi stack export"] = state
    operations.up(machine.place(**CLUSTER), "dev", [], [])
    operations.preview(machine.place(**CLUSTER), "dev", [], [])
    for verb in ("up", "preview"):
        assert machine.runner.only(f"pulumi {verb}").environment["LITELLM_OPERATOR_IN_STATE"] == says


@pytest.fixture
def left(machine: Machine) -> str:
    """A cluster with an operator that a destroyed stack left, for a stack that wants it; returns its record of Helm."""
    machine.write("Pulumi.dev.yaml", "config:\n  litellm:protect: false\n  litellm:externalSecrets: {install: true}\n")
    home, records = "/api/v1/namespaces/external-secrets", "/api/v1/namespaces/external-secrets/secrets"
    crd = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/externalsecrets.external-secrets.io"
    machine.cluster.objects |= {
        home: {"metadata": {"labels": {"app.kubernetes.io/part-of": "litellm"}}},
        crd: {"metadata": {"annotations": {"helm.sh/resource-policy": "keep"}}},
        records: [{"metadata": {"name": "sh.helm.release.v1.external-secrets.v1"}}],
    }
    return f"{records}/sh.helm.release.v1.external-secrets.v1"


def test_what_the_program_refuses_takes_over_no_operator(machine: Machine, left: str) -> None:
    machine.runner.answers["pulumi preview"] = Finished(1, "", "")
    assert operations.up(machine.place(**CLUSTER), "dev", [], []) == 1
    assert not machine.cluster.done("delete")
    assert not machine.runner.starting("pulumi up")


def test_a_stack_that_installs_the_operator_takes_over_one_that_was_left(machine: Machine, left: str) -> None:
    operations.up(machine.place(**CLUSTER), "dev", [], [])
    assert machine.cluster.done("delete") == [left]
    machine.runner.answers["pulumi stack export"] = WITH_OPERATOR
    operations.up(machine.place(**CLUSTER), "dev", [], [])
    assert len(machine.cluster.done("delete")) == 1, "its own operator is none that was left"


@pytest.mark.parametrize("command", [operations.up, operations.destroy])
def test_secrets_that_nobody_uses_any_more_go(machine: Machine, command: Any) -> None:
    machine.runner.answers["pulumi stack output"] = OUTPUTS
    machine.cluster.objects |= {
        "/api/v1/namespaces/litellm/secrets": [{"metadata": {"name": "litellm-env-old"}}],
        "/api/v1/namespaces/litellm/pods": [],
    }
    command(machine.place(**CLUSTER), "dev", [], [])
    assert machine.cluster.done("delete") == ["/api/v1/namespaces/litellm/secrets/litellm-env-old"]


def test_secrets_that_may_not_be_looked_at_do_not_fail_a_good_up(machine: Machine) -> None:
    machine.runner.answers["pulumi stack output"] = OUTPUTS
    machine.cluster.objects["/api/v1/namespaces/litellm/secrets"] = 500
    assert operations.up(machine.place(**CLUSTER), "dev", [], []) == 0
    assert any("may be left in namespace litellm" in line for line in machine.said)


def test_repair_heals_the_cluster_then_the_stack_and_then_what_others_had(machine: Machine) -> None:
    machine.runner.answers["pulumi stack output"] = OUTPUTS
    machine.cluster.objects |= {
        "/api/v1/namespaces/kube-system": {"metadata": {"uid": "one"}},
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions": [],
    }
    written = {
        "apiVersion": "external-secrets.io/v1",
        "kind": "ExternalSecret",
        "metadata": FOREIGN["metadata"],
        "spec": {},
    }
    (machine.project / ".state").mkdir(exist_ok=True)
    (machine.project / ".state" / "repair-one.json").write_text(json.dumps([written]))
    assert operations.repair(machine.place(**CLUSTER), "dev", []) == 0
    verbs = [line.split()[1] for line in machine.runner.lines if line.split()[1] in ("refresh", "up")]
    assert (verbs[-2], verbs[-1]) == ("refresh", "up")
    assert machine.cluster.done("create") == ["/apis/external-secrets.io/v1/namespaces/team-a/externalsecrets"]


def test_repair_makes_nothing_again_before_the_operator_is_there(machine: Machine) -> None:
    machine.runner.answers |= {"pulumi stack output": OUTPUTS, "pulumi up": Finished(255)}
    machine.cluster.objects |= {
        "/api/v1/namespaces/kube-system": {"metadata": {"uid": "one"}},
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions": [],
    }
    (machine.project / ".state").mkdir(exist_ok=True)
    (machine.project / ".state" / "repair-one.json").write_text("[]")
    assert operations.repair(machine.place(**CLUSTER), "dev", []) == 255
    assert (machine.project / ".state" / "repair-one.json").exists()


@pytest.mark.parametrize(("secrets", "handed"), [("{vault: {adopt: true}}", 1), ("{}", 0)], ids=["lost", "known"])
def test_after_an_up_that_takes_over_the_state_has_all_fields(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, secrets: str, handed: int
) -> None:
    """Otherwise the field manager that the lost state knew would keep them, and refuse the next change."""
    asked: list[str] = []
    monkeypatch.setattr(
        operations, "know_what_was_made", lambda _place, deployment: asked.append(deployment.stack.name)
    )
    machine.write("Pulumi.dev.yaml", f"config:\n  litellm:protect: false\n  litellm:secrets: {secrets}\n")
    machine.runner.answers["pulumi stack output"] = Finished(0, json.dumps({"namespace": "litellm-dev"}))
    assert operations.up(machine.place(**CLUSTER), "dev", [], []) == 0
    assert len(asked) == handed
