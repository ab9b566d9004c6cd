"""Stack files and the overlays laid over them."""

import json
import stat
from pathlib import Path

import pytest

from tests.unit.tools.engine.fakes import Machine
from tools.engine.stack_file import Stack, merge, project_file, read
from tools.problem import Problem


def test_maps_are_merged_and_everything_else_is_replaced() -> None:
    base = {"config": {"litellm:gateway": {"replicas": 1, "models": ["a", "b"], "image": "x"}}}
    overlay = {"config": {"litellm:gateway": {"replicas": 2, "models": ["c"]}}}
    assert merge(base, overlay) == {"config": {"litellm:gateway": {"replicas": 2, "models": ["c"], "image": "x"}}}


def test_an_encrypted_value_is_replaced_as_a_whole() -> None:
    """Half of one and half of the other would be neither."""
    assert merge({"key": {"secure": "old"}}, {"key": {"document": "new"}}) == {"key": {"document": "new"}}
    assert merge({"key": {"document": "old"}}, {"key": {"secure": "new"}}) == {"key": {"secure": "new"}}


def test_merging_leaves_the_files_it_merges_alone(machine: Machine) -> None:
    overlay = machine.write("mine.yaml", "config:\n  litellm:gateway: {replicas: 3}\n")
    before = (machine.project / "Pulumi.dev.yaml").read_bytes()
    Stack.read(machine.project, "dev", [overlay]).write(machine.project / ".state", keep_encryption=False)
    assert (machine.project / "Pulumi.dev.yaml").read_bytes() == before


def test_later_overlays_win(machine: Machine) -> None:
    overlays = [machine.write(f"{n}.yaml", f"config:\n  litellm:gateway: {{replicas: {n}}}\n") for n in (3, 4)]
    assert Stack.read(machine.project, "dev", overlays).config["litellm:gateway"] == {"replicas": 4}


@pytest.mark.parametrize("plain", ["on", "12:30", "1.2.3"])
def test_words_mean_what_they_mean_to_pulumi(machine: Machine, plain: str) -> None:
    """YAML 1.1 would make a boolean and a number of seconds of them."""
    machine.write("Pulumi.dev.yaml", f"config:\n  litellm:x: {plain}\n")
    path = Stack.read(machine.project, "dev").write(machine.project / ".state", keep_encryption=False)
    assert json.loads(path.read_text())["config"]["litellm:x"] == plain


def test_quoted_numbers_stay_text(machine: Machine) -> None:
    machine.write("Pulumi.dev.yaml", 'config:\n  litellm:x: "1e3"\n  litellm:y: 1e3\n  litellm:z: 7\n')
    path = Stack.read(machine.project, "dev").write(machine.project / ".state", keep_encryption=False)
    assert read(path)["config"] == {"litellm:x": "1e3", "litellm:y": 1000.0, "litellm:z": 7}


def test_the_salt_of_an_existing_stack_survives_the_next_merge(machine: Machine) -> None:
    folder = machine.project / ".state"
    path = Stack.read(machine.project, "dev").write(folder, keep_encryption=False)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"encryptionsalt": "v1:salt"}))
    assert read(Stack.read(machine.project, "dev").write(folder, keep_encryption=True))["encryptionsalt"] == "v1:salt"


def test_a_new_stack_does_not_get_the_salt_of_a_namesake(machine: Machine) -> None:
    folder = machine.project / ".state"
    folder.mkdir()
    (folder / "Pulumi.dev.yaml").write_text("encryptionsalt: v1:salt\n")
    assert "encryptionsalt" not in read(Stack.read(machine.project, "dev").write(folder, keep_encryption=False))


def test_the_committed_salt_wins_over_a_kept_one(machine: Machine) -> None:
    folder = machine.project / ".state"
    folder.mkdir()
    (folder / "Pulumi.dev.yaml").write_text("encryptionsalt: v1:kept\nsecretsprovider: passphrase\n")
    machine.write("Pulumi.dev.yaml", "encryptionsalt: v1:committed\n")
    merged = read(Stack.read(machine.project, "dev").write(folder, keep_encryption=True))
    assert merged == {"encryptionsalt": "v1:committed"}


def test_only_the_owner_can_read_the_merged_file(machine: Machine) -> None:
    path = Stack.read(machine.project, "dev").write(machine.project / ".state", keep_encryption=False)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["staging", "../dev", ""])
def test_an_unknown_stack_is_answered_with_the_stacks_there_are(machine: Machine, name: str) -> None:
    with pytest.raises(Problem, match=r"no stack .*Stacks here: dev, prod"):
        Stack.read(machine.project, name)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("- a\n", "must be a map"),
        ("config: [a]\n", "must have a map of settings"),
        ("gateway: {}\n", "unknown key 'gateway'"),
        ("config:\n  a:b:gateway: {}\n", "write `litellm:gateway`"),
        ("config:\n  litellm:a: 1\n  litellm:a: 2\n", "a key that occurs twice"),
        ("config: {\n", "not valid YAML"),
        ("config: !!python/object/apply:os.getcwd []\n", "a tag (!…)"),
    ],
)
def test_an_overlay_of_another_form_is_refused_with_its_name(machine: Machine, content: str, message: str) -> None:
    overlay = machine.write("mine.yaml", content)
    with pytest.raises(Problem, match=r"mine\.yaml") as caught:
        Stack.read(machine.project, "dev", [overlay])
    assert message in str(caught.value)


def test_a_missing_overlay_is_named(machine: Machine) -> None:
    with pytest.raises(Problem, match=r"cannot read nowhere\.yaml: No such file"):
        Stack.read(machine.project, "dev", [Path("nowhere.yaml")])


def test_protection_may_be_written_as_text(machine: Machine) -> None:
    """`pulumi config set` writes every value as text."""
    machine.write("Pulumi.dev.yaml", 'config:\n  litellm:protect: "true"\n')
    assert Stack.read(machine.project, "dev").protected


def test_a_stack_is_protected_unless_it_says_otherwise(machine: Machine) -> None:
    machine.write("Pulumi.dev.yaml", "config: {}\n")
    assert Stack.read(machine.project, "dev").protected


def test_the_default_of_protection_is_that_of_the_schema() -> None:
    assert project_file(Path(__file__).parents[4])["config"]["protect"]["default"] is True


def test_a_map_of_another_kind_is_replaced_as_a_whole():
    base = {"database": {"kind": "in-cluster", "storage": "1Gi"}, "redis": {"kind": "in-cluster", "maxMemory": "1Gi"}}
    over = {"database": {"kind": "existing", "host": "postgres"}, "redis": {"kind": "in-cluster", "rotation": 1}}
    assert merge(base, over) == {
        "database": {"kind": "existing", "host": "postgres"},
        "redis": {"kind": "in-cluster", "maxMemory": "1Gi", "rotation": 1},
    }


def test_a_map_that_only_one_side_gives_a_kind_is_merged():
    assert merge({"secrets": {"vault": {"prefix": "a"}}}, {"secrets": {"kind": "vault"}}) == {
        "secrets": {"kind": "vault", "vault": {"prefix": "a"}}
    }
