from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.tools.ephemeral.fakes import CLUSTER, ROOT
from tools.ephemeral.mark import Mark
from tools.ephemeral.names import name_of
from tools.ephemeral.template import read_template
from tools.offline.plan import checked
from tools.problem import Problem

NAME = name_of("pr-1")
MARK = Mark(CLUSTER, "pr-1", "00000001")
GPT = {"name": "gpt", "provider": "openai", "model": "gpt-4o"}
METHOD = {"create": True, "createRole": True}
KEYS = {"OPENAI_API_KEY": {"document": "shared/keys", "property": "openai"}}


def overlay(folder: Path, **sections: Any) -> list[Path]:
    path = folder / "overlay.yaml"
    path.write_text(yaml.safe_dump({"config": {f"litellm:{key}": value for key, value in sections.items()}}))
    return [path]


def test_everything_of_an_environment_is_called_after_it():
    config = checked(read_template(ROOT, None, []).stack(NAME, MARK))
    assert config.namespace == "litellm-env-pr-1"
    assert config.secrets.vault.prefix == "ephemeral/litellm-env-pr-1"
    assert config.secrets.vault.kubernetes_auth.role == "litellm-environments"
    assert config.ingress.host == "pr-1.litellm.localhost"
    assert config.ephemeral.mark == str(MARK)


def test_it_may_have_a_role_of_its_own(tmp_path: Path):
    files = overlay(tmp_path, secrets={"vault": {"kubernetesAuth": {"createRole": True}}})
    config = checked(read_template(ROOT, None, files).stack(NAME, MARK))
    assert config.secrets.vault.prefix == "ephemeral/pr-1"
    assert config.secrets.vault.kubernetes_auth.role == "litellm-env-pr-1"


def test_in_shared_servers_it_has_names_of_its_own():
    template = read_template(ROOT, Path("examples/Pulumi.ephemeral-aws.yaml"), [])
    config: Any = checked(template.stack(NAME, MARK))
    assert (config.database.name, config.database.username) == ("litellm_env_pr_1", "litellm_env_pr_1")
    assert config.redis.key_prefix == "pr-1"
    assert config.secrets.aws.prefix == "litellm/ephemeral/pr-1"
    assert config.secrets.aws.tags == {"managed-by": str(MARK)}


def test_an_overlay_cannot_give_it_the_name_of_another(tmp_path: Path):
    files = overlay(tmp_path, secrets={"vault": {"prefix": "prod"}}, namespace="litellm-prod")
    config = checked(read_template(ROOT, None, files).stack(NAME, MARK))
    assert (config.namespace, config.secrets.vault.prefix) == ("litellm-env-pr-1", "ephemeral/litellm-env-pr-1")


def test_an_overlay_may_name_a_shared_postgres(tmp_path: Path):
    """The keys of the one in the cluster are no mistake of who writes it."""
    database = {"kind": "existing", "host": "postgres", "admin": {"document": "shared/postgres"}}
    config: Any = checked(read_template(ROOT, None, overlay(tmp_path, database=database)).stack(NAME, MARK))
    assert (config.database.host, config.database.name) == ("postgres", "litellm_env_pr_1")


def test_a_stack_file_of_another_kind_is_no_template():
    with pytest.raises(Problem, match=r"Pulumi.dev.yaml is no template for environments: set litellm:ephemeral.domain"):
        read_template(ROOT, Path("Pulumi.dev.yaml"), [])


def test_real_models_need_a_cap(tmp_path: Path):
    files = overlay(tmp_path, gateway={"models": [GPT]}, providerDocuments=KEYS)
    with pytest.raises(Problem, match="must cap what real models may cost"):
        read_template(ROOT, None, files)


def test_with_a_budget_real_models_are_welcome(tmp_path: Path):
    files = overlay(tmp_path, gateway={"models": [GPT]}, providerDocuments=KEYS)
    config = checked(read_template(ROOT, None, files, budget=5).stack(NAME, MARK, budget=5))
    assert config.gateway.litellm_settings == {"max_budget": 5, "budget_duration": "30d"}


def test_the_key_of_an_environment_has_its_budget(tmp_path: Path):
    files = overlay(tmp_path, access={"keys": {"environment": {}}})
    config = checked(read_template(ROOT, None, files, budget=5).stack(NAME, MARK, budget=5))
    assert (config.access.keys["environment"].budget, config.access.keys["environment"].budget_duration) == (5, "30d")


def test_a_budget_makes_no_key_that_the_template_lacks():
    config = checked(read_template(ROOT, None, [], budget=5).stack(NAME, MARK, budget=5))
    assert not config.access.wanted


@pytest.mark.parametrize("budget", [0, -1, True, "5", float("nan")])
def test_a_cap_that_caps_nothing_is_none(tmp_path: Path, budget: object):
    settings = {"max_budget": budget, "budget_duration": "30d"}
    files = overlay(tmp_path, gateway={"models": [GPT], "litellmSettings": settings}, providerDocuments=KEYS)
    with pytest.raises(Problem, match=r"must cap|not finite"):
        read_template(ROOT, None, files)


@pytest.mark.parametrize(
    ("sections", "where"),
    [
        ({"protect": True, "keys": {"salt": {"retain": True}}}, "litellm:protect"),
        ({"keys": {"salt": {"retain": True}}}, "litellm:keys.salt.retain"),
        ({"externalSecrets": {"install": True}}, "litellm:externalSecrets.install"),
        ({"secrets": {"vault": {"mount": {"create": True}}}}, "litellm:secrets.vault.mount.create"),
        (
            {"secrets": {"vault": {"kubernetesAuth": {"create": True, "createRole": True}}}},
            "litellm:secrets.vault.kubernetesAuth.create",
        ),
        (
            {"secrets": {"vault": {"auth": "token", "kubernetesAuth": {"createRole": True}}}},
            "litellm:secrets.vault.auth",
        ),
        ({"database": {"storage": "1Gi"}}, "litellm:database.storage"),
        ({"redis": {"kind": "existing", "host": "redis", "maxMemory": None}}, "litellm:redis"),
        ({"ephemeral": {"name": "mine"}}, "litellm:ephemeral"),
        ({"quota": {"cpu": "many"}}, "litellm:quota.cpu"),
    ],
)
def test_what_would_be_left_behind_is_refused(tmp_path: Path, sections: dict[str, Any], where: str):
    with pytest.raises(Problem) as caught:
        read_template(ROOT, None, overlay(tmp_path, **sections))
    assert where in str(caught.value)


def test_a_shared_redis_needs_a_prefix():
    """The template's own is a placeholder: each environment gets another one."""
    path = ROOT / "examples" / "Pulumi.ephemeral-aws.yaml"
    document = yaml.safe_load(path.read_text())
    del document["config"]["litellm:redis"]["keyPrefix"]
    document["config"]["litellm:secrets"]["aws"]["recoveryWindowDays"] = 7
    document["config"]["litellm:secrets"]["aws"]["kms"] = "create"
    file = ROOT / ".cache" / "Pulumi.no-prefix.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(yaml.safe_dump(document))
    try:
        with pytest.raises(Problem) as caught:
            read_template(ROOT, file, [])
    finally:
        file.unlink()
    for where in ("litellm:redis.keyPrefix", "litellm:secrets.aws.recoveryWindowDays", "litellm:secrets.aws.kms"):
        assert where in str(caught.value)


def test_how_long_it_may_live_is_the_templates_to_say():
    template = read_template(ROOT, None, [])
    assert template.ttl(None).total_seconds() == 4 * 3600
    with pytest.raises(Problem, match="the template allows 7d"):
        template.ttl("200h")
