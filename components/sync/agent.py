"""Vault Agent for the pods of one workload: what it logs in with, and what it writes for the program beside it."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as kubernetes

from components.delivery import CONFIGURATION, FETCH, FILES, SECRETS, START, TOKEN_FILE, TOKEN_FOLDER, WORK
from components.labels import labels
from components.objects import given_name
from components.secrets.references import RemoteReference

SCRIPT = Path(__file__).with_name("start.sh").read_text()
AUTHORITIES = f"{CONFIGURATION}/ca.crt"
"""Where the agent's containers have Vault's authority: the ConfigMap is mounted there."""

INIT, SIDECAR = "config-init.hcl", "config.hcl"
"""What the Injector starts the agent with: before the program, and beside it. JSON is HCL, too."""

FUNCTIONS = ("replace", "contains", "sha256sum")
"""Functions that templates of External Secrets Operator have by these names, and those of Vault Agent as `sprig_…`."""

EXPRESSION = re.compile(r"{{.*?}}", re.DOTALL)
NAME = re.compile(r"(?<![\w$.\"])\.([A-Za-z_]\w*)")


class AgentLogin(TypedDict):
    """How the agent of a pod logs in to Vault."""

    address: str
    """Required: address of Vault, as pods reach it."""

    namespace: str | None
    """Required: Vault namespace of the documents."""

    auth_namespace: str | None
    """Required: Vault namespace of the auth method, where that is another one."""

    ca: str | None
    """Required: PEM of the authority that signed Vault's certificate."""

    method: str
    """Required: `kubernetes` or `jwt`."""

    path: pulumi.Input[str]
    """Required: path of the auth method, with `auth/`."""

    role: pulumi.Input[str]
    """Required: the role to log in with."""


class DeliveredSecret(TypedDict):
    """What would be one Kubernetes Secret."""

    values: Mapping[str, RemoteReference]
    """Required: the values that the template may use, by name, and where each is in the store."""

    template: Mapping[str, pulumi.Input[str]]
    """Required: the keys of the Secret; each is an ESO template (engine v2) over `values`."""

    files: Mapping[str, str]
    """Required: where in a volume of it pods have a key, by key; none where no pod has it as a volume."""

    versions: NotRequired[Mapping[str, pulumi.Input[str]]]
    """Optional: documents of which these versions are read, where the store has versions: pods that stay keep what they have.
    Defaults to the newest of each."""


class VaultAgentArgs(TypedDict):
    """Arguments of `VaultAgent`."""

    namespace: pulumi.Input[str]
    """Required: namespace of the pods."""

    login: AgentLogin
    """Required: how it logs in."""

    mount: pulumi.Input[str]
    """Required: path of the KV version 2 engine of values that name no other."""

    secrets: Mapping[str, DeliveredSecret]
    """Required: what it writes, by the names by which pods refer to it."""

    refresh_interval: NotRequired[str]
    """Optional: how often Vault is asked for new values. Defaults to `5m`."""


class VaultAgent(pulumi.ComponentResource):
    """The configuration of the Vault Agents of one workload, for Vault's Agent Injector.

    **Type:** `litellm:index:VaultAgent`. **Produces:** `v1 ConfigMap`.

    It has paths and templates, and no value: whoever may read ConfigMaps learns what everybody knows who may read the pods.
    Whatever changes makes another ConfigMap, to which the pods roll over.
    """

    config_map: pulumi.Output[str]
    """Name of the ConfigMap."""

    def __init__(self, name: str, args: VaultAgentArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm:index:VaultAgent", name, None, opts)
        versions = {key: given for each in args["secrets"].values() for key, given in each.get("versions", {}).items()}
        templates = pulumi.Output.all(
            args["mount"], pulumi.Output.all(**versions), *(text for _, _, _, text in written(args["secrets"]))
        ).apply(lambda known: templates_of(args["secrets"], str(known[0]), known[2:], known[1]))
        login = args["login"]
        content = pulumi.Output.all(templates, login["address"], login["path"], login["role"]).apply(
            lambda known: (
                {file: configuration(args, known[1:], known[0], once=file == INIT) for file in (INIT, SIDECAR)}
                | ({AUTHORITIES.rpartition("/")[2]: login["ca"]} if login["ca"] else {})
            )
        )
        config_map = kubernetes.core.v1.ConfigMap(
            f"{name}-config",
            metadata={"namespace": args["namespace"], "labels": labels(name)},
            data=content,
            immutable=True,
            opts=pulumi.ResourceOptions(parent=self, replace_on_changes=["data"]),
        )
        self.config_map = given_name(config_map)
        self.register_outputs({"config_map": self.config_map})


def fetcher(image: str, environment: Mapping[str, str]) -> list[dict[str, Any]]:
    """The init container in which Vault Agent runs once, where no Injector adds one."""
    # The image's own entry point would change the owner of folders, and give the program a capability.
    own = {"HOME": WORK, "SKIP_CHOWN": "true", "SKIP_SETCAP": "true"}
    return [
        {
            "name": FETCH,
            "image": image,
            "args": ["agent", f"-config={CONFIGURATION}/{INIT}"],
            "env": [{"name": name, "value": value} for name, value in {**own, **environment}.items()],
        }
    ]


def configuration(args: VaultAgentArgs, place: Sequence[str], templates: Any, *, once: bool) -> str:
    """The agent's configuration."""
    login, (address, path, role) = args["login"], place
    namespaces = {"namespace": login["namespace"]} if login["namespace"] else {}
    above = login["auth_namespace"] or login["namespace"]
    token = f"{TOKEN_FOLDER}/{TOKEN_FILE}"
    file = (
        {"token_path": token} if login["method"] == "kubernetes" else {"path": token, "remove_jwt_after_reading": False}
    )
    method: dict[str, Any] = {
        "type": login["method"],
        "mount_path": path,
        "config": {"role": role, **file},
        **({"namespace": above} if above else {}),
    }
    content: dict[str, Any] = {
        "exit_after_auth": once,
        "pid_file": f"{WORK}/.pid",
        "vault": {"address": address, **namespaces, **({"ca_cert": AUTHORITIES} if login["ca"] else {})},
        # Lists, as HCL takes an object in an object for a label.
        "auto_auth": [{"method": [method]}],
        "template_config": {
            "exit_on_retry_failure": True,
            "static_secret_render_interval": args.get("refresh_interval", "5m"),
        },
        "template": templates,
    }
    return json.dumps(content, indent=1)


def written(secrets: Mapping[str, DeliveredSecret]) -> Iterator[tuple[str, str, str, pulumi.Input[str]]]:
    """Every file that the agent writes: the secret it is of, its key, its path and the ESO template of its content."""
    for name, secret in sorted(secrets.items()):
        for key, text in sorted(secret["template"].items()):
            yield name, key, f"{SECRETS}/{name}/{key}", text
            if path := secret["files"].get(key):
                yield name, key, f"{FILES}/{name}/{path}", text


def templates_of(
    secrets: Mapping[str, DeliveredSecret], mount: str, texts: Sequence[str], versions: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The templates of the agent, in its own words. The first is no secret: what programs are started with."""
    start = {
        "contents": SCRIPT,
        "destination": START,
        "perms": "0555",
        "left_delimiter": "[[[",
        "right_delimiter": "]]]",
    }
    files = [
        {
            "contents": agent_template(text, secrets[name]["values"], mount, versions),
            "destination": path,
            "perms": "0440",
        }
        for (name, _, path, _), text in zip(written(secrets), texts, strict=True)
    ]
    return [start, *files]


def agent_template(
    text: str, values: Mapping[str, RemoteReference], mount: str, versions: Mapping[str, str] = MappingProxyType({})
) -> str:
    """A template of External Secrets Operator over `values` as one of Vault Agent, which reads the documents by itself.

    A property that is not there fails, with its place: the operator would not sync either.
    """
    used = sorted({name for expression in EXPRESSION.findall(text) for name in NAME.findall(expression)})
    places = {name: (values[name].get("mount", mount), str(values[name]["key"])) for name in used}

    def of_version(path: str, is_own: bool) -> str:
        return f"?version={versions[path]}" if is_own and path in versions else ""

    documents = {place: f"$document{number}" for number, place in enumerate(sorted(set(places.values())))}
    opened = "".join(
        f"{{{{ with {variable} := secret {quoted(f'{engine}/data/{path}{of_version(path, engine == mount)}')} }}}}"
        for (engine, path), variable in documents.items()
    )
    taken = "".join(
        taken_from(documents[places[name]], name, str(values[name].get("property", "")), "/".join(places[name]))
        for name in used
    )
    body = EXPRESSION.sub(lambda found: translated(found[0]), text)
    return opened + taken + body + "{{ end }}" * len(documents)


def taken_from(document: str, name: str, given: str, place: str) -> str:
    """One value: of a property of that very name, otherwise of one below others (`openai.key`)."""
    steps = [part.replace("\\.", ".") for part in re.split(r"(?<!\\)\.", given)]
    exact = f"(index {document}.Data.data {quoted(given)})"
    below = f" (index {document}.Data.data {' '.join(map(quoted, steps))})" if len(steps) > 1 else ""
    found = f"or {exact}{below}" if below else exact
    missing = quoted(f"document {place} has no property {given}")
    return (
        f"{{{{ $value_{name} := {found} }}}}{{{{ if not $value_{name} }}}}{{{{ sprig_fail {missing} }}}}{{{{ end }}}}"
    )


def translated(expression: str) -> str:
    named = NAME.sub(lambda found: f"$value_{found[1]}", expression)
    return re.sub(rf"(?<![\w$])({'|'.join(FUNCTIONS)})(?!\w)", r"sprig_\1", named)


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
