import json
from pathlib import Path
from typing import Any

import pytest

from tools.gitops.answers import SIGNATURE, read_state
from tools.problem import Problem

URN = "urn:pulumi:prod::litellm::litellm:index:AwsIdentity$aws:iam/role:Role::reader-role"
SECRET = {SIGNATURE: "1b47061264138c4ac30d75fd1eb44270", "plaintext": '"hidden"'}


def written(tmp_path: Path, content: Any) -> Path:
    path = tmp_path / "state.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_a_state_gives_the_outputs_of_each_resource_but_no_secret(tmp_path: Path):
    outputs = {"arn": "arn:aws:iam::1:role/reader", "password": SECRET, "nested": {"deep": [SECRET]}}
    resource = {"urn": URN, "type": "aws:iam/role:Role", "id": "reader", "outputs": outputs}
    state = read_state(written(tmp_path, {"version": 3, "deployment": {"resources": [resource]}}), "prod")
    assert state == {("aws:iam/role:Role", "reader-role"): {"arn": "arn:aws:iam::1:role/reader", "id": "reader"}}


@pytest.mark.parametrize(
    "content", ["", "no json", "[]", "{}", '{"deployment": []}', '{"deployment": {"resources": [1]}}']
)
def test_what_is_no_state_is_refused(tmp_path: Path, content: str):
    with pytest.raises(Problem, match="is not a state: write it with `pulumi stack export"):
        read_state(written(tmp_path, content), "prod")


def test_a_missing_state_is_named(tmp_path: Path):
    with pytest.raises(Problem, match=r"cannot read the state .*state\.json"):
        read_state(tmp_path / "state.json", "prod")


def test_the_state_of_another_stack_is_refused(tmp_path: Path):
    resource = {"urn": URN, "type": "aws:iam/role:Role", "id": "reader", "outputs": {}}
    path = written(tmp_path, {"deployment": {"resources": [resource]}})
    with pytest.raises(Problem, match="is the state of stack prod, not of dev"):
        read_state(path, "dev")
