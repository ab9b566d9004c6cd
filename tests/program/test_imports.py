"""A stack loads the SDK of its own store only: that of AWS alone costs a second and a provider process."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.program.stacks import FILES, ROOT, name_of, stack_of
from tools.offline.plan import record

SCRIPT = """
import json, sys
from pathlib import Path
from tools.offline.plan import record
from tools.engine.stack_file import Stack
record(Stack.read(Path(sys.argv[1]), sys.argv[2]))
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def loaded_by(path: Path) -> set[str]:
    command = [sys.executable, "-c", SCRIPT, str(path.parent), name_of(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120)
    return set(json.loads(done.stdout.splitlines()[-1]))


def uses_aws(path: Path) -> bool:
    return any(word in json.dumps(stack_of(path).config) for word in ('"aws"', '"rds"', '"elasticache"'))


@pytest.mark.parametrize("path", [path for path in FILES if not uses_aws(path)], ids=name_of)
def test_a_stack_without_aws_loads_nothing_of_aws(path: Path):
    assert not {"pulumi_aws", "boto3", "botocore"} & loaded_by(path)


@pytest.mark.parametrize("path", [path for path in FILES if uses_aws(path)], ids=name_of)
def test_a_stack_without_vault_loads_nothing_of_vault(path: Path):
    assert not {"pulumi_vault", "hvac"} & loaded_by(path)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_stack_has_the_provider_of_its_own_store_and_no_other(path: Path):
    """A provider that is registered is a process, and a plugin to download."""
    providers = {
        resource.type for resource in record(stack_of(path)).resources if resource.type.startswith("pulumi:providers:")
    }
    other = "vault" if uses_aws(path) else "aws"
    assert f"pulumi:providers:{other}" not in providers
    there = "existing" in stack_of(path).setting("secrets")
    assert len(providers) == (2 if there else 3)


@pytest.mark.parametrize("path", [ROOT / "Pulumi.dev.yaml"], ids=name_of)
def test_the_offline_plan_needs_no_client_of_kubernetes(path: Path):
    """It must be quick, and work on a machine that reaches nothing."""
    assert "kubernetes" not in loaded_by(path)


def test_the_program_starts_without_parsing_source():
    """Bytecode is there; pydantic's `use_attribute_docstrings` would parse every model again at each start."""
    script = "import ast, pulumi; ast.parse = None; import infra.program, infra.environment, infra.preflight"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr


def test_the_program_asks_the_engine_before_it_imports_the_clients_of_the_targets():
    """While the engine reads the state, they are imported."""
    script = "import pulumi, infra.program, sys; print(sorted({'kubernetes', 'hvac'} & set(sys.modules)))"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "[]"
