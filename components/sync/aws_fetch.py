"""What init containers fetch from AWS Secrets Manager for the program beside them, and what they write of it."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as kubernetes

from components.delivery import CONFIGURATION, FETCH, RENDER, START, TOKEN_FILE, TOKEN_FOLDER, WORK
from components.labels import labels
from components.objects import given_name
from components.pods import secret_variable
from components.secrets.references import RemoteReference
from components.sync.agent import SCRIPT, DeliveredSecret, written

FETCH_SCRIPT, RENDER_SCRIPT, PLAN, PLACES = "fetch.sh", "render.py", "plan.json", "secrets"
"""Keys of the ConfigMap."""

FOLDER = Path(__file__).parent
EXPRESSION = re.compile(
    r"""{{ if contains ":" \.(?P<host>\w+) }}\[{{ \.(?P=host) }}\]{{ else }}{{ \.(?P=host) }}{{ end }}"""
    r"""|{{ \.(?P<name>\w+)(?P<pipe>.*?) }}"""
)
FUNCTIONS = {"": "", ' | urlquery | replace "+" "%20"': "url", " | sha256sum": "sha256"}
"""What templates of Secrets do to a value, and what `render.py` calls it."""


class AwsLogin(TypedDict):
    """How a pod logs in to AWS."""

    region: str
    """Required: region of the secrets."""

    role_arn: NotRequired[pulumi.Input[str]]
    """Optional: role that the pod's ServiceAccount may have, once it may read. Defaults to none."""

    static_keys: NotRequired[tuple[str, str, str]]
    """Optional: a Secret with an access key, and its keys with the ID and with the secret. Defaults to none."""


class AwsFetchArgs(TypedDict):
    """Arguments of `AwsFetch`."""

    namespace: pulumi.Input[str]
    """Required: namespace of the pods."""

    secrets: Mapping[str, DeliveredSecret]
    """Required: what is written, by the names by which pods refer to it."""


class AwsFetch(pulumi.ComponentResource):
    """What the init containers of one workload fetch from AWS Secrets Manager, and the scripts with which they do.

    **Type:** `litellm:index:AwsFetch`. **Produces:** `v1 ConfigMap`.

    It has names of secrets and of properties, and no value. Whatever changes makes another ConfigMap, to which the pods roll
    over.
    """

    config_map: pulumi.Output[str]
    """Name of the ConfigMap."""

    def __init__(self, name: str, args: AwsFetchArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm:index:AwsFetch", name, None, opts)
        secrets = args["secrets"]
        keys = pulumi.Output.all(*(reference["key"] for reference in references(secrets)))
        texts = pulumi.Output.all(*(text for _, _, _, text in written(secrets)))
        plan = pulumi.Output.all(keys, texts).apply(lambda known: plan_of(secrets, known[0], known[1]))
        config_map = kubernetes.core.v1.ConfigMap(
            f"{name}-config",
            metadata={"namespace": args["namespace"], "labels": labels(name)},
            data={
                FETCH_SCRIPT: (FOLDER / FETCH_SCRIPT).read_text(),
                RENDER_SCRIPT: (FOLDER / RENDER_SCRIPT).read_text(),
                PLAN: plan.apply(lambda known: json.dumps(known, indent=1)),
                PLACES: plan.apply(lambda known: "".join(f"{place}\n" for place in known["documents"])),
            },
            immutable=True,
            opts=pulumi.ResourceOptions(parent=self, replace_on_changes=["data"]),
        )
        self.config_map = given_name(config_map)
        self.register_outputs({"config_map": self.config_map})


def fetchers(login: AwsLogin, image: str, python_image: str, environment: Mapping[str, str]) -> list[dict[str, Any]]:
    """The init containers: one that fetches, with the AWS CLI, and one that writes the files, with Python."""
    folder = f"{WORK}/fetched"
    # Version 1 of the CLI reads the second name of the region.
    regions = dict.fromkeys(("AWS_REGION", "AWS_DEFAULT_REGION"), login["region"])
    own: dict[str, pulumi.Input[str]] = {"HOME": WORK, "AWS_PAGER": "", **regions}
    if "role_arn" in login:
        token = f"{TOKEN_FOLDER}/{TOKEN_FILE}"
        own |= {"AWS_ROLE_ARN": login["role_arn"], "AWS_WEB_IDENTITY_TOKEN_FILE": token}
    variables: list[dict[str, Any]] = [{"name": name, "value": value} for name, value in {**own, **environment}.items()]
    if "static_keys" in login:
        secret, key_id, key = login["static_keys"]
        variables += [
            secret_variable("AWS_ACCESS_KEY_ID", secret, key_id),
            secret_variable("AWS_SECRET_ACCESS_KEY", secret, key),
        ]
    return [
        {
            "name": FETCH,
            "image": image,
            "command": ["/bin/sh", f"{CONFIGURATION}/{FETCH_SCRIPT}", f"{CONFIGURATION}/{PLACES}", folder],
            "env": variables,
        },
        {
            "name": RENDER,
            "image": python_image,
            "command": ["python", f"{CONFIGURATION}/{RENDER_SCRIPT}", f"{CONFIGURATION}/{PLAN}", folder],
        },
    ]


def references(secrets: Mapping[str, DeliveredSecret]) -> Iterator[RemoteReference]:
    """Every value that there is, in an order that does not change."""
    for _, secret in sorted(secrets.items()):
        for _, reference in sorted(secret["values"].items()):
            yield reference


def plan_of(secrets: Mapping[str, DeliveredSecret], keys: Sequence[str], texts: Sequence[str]) -> dict[str, Any]:
    """What `render.py` reads: the secrets, and of what the text of each file is made."""
    places = sorted(set(keys))
    found = iter(keys)
    numbers = {
        name: {key: places.index(next(found)) for key in sorted(secrets[name]["values"])} for name in sorted(secrets)
    }
    files = [
        {"path": path, "mode": "0440", "parts": [*parts(text, secrets[name]["values"], numbers[name])]}
        for (name, _, path, _), text in zip(written(secrets), texts, strict=True)
    ]
    return {"documents": places, "files": [{"path": START, "mode": "0555", "parts": [SCRIPT]}, *files]}


def parts(
    text: str, values: Mapping[str, RemoteReference], numbers: Mapping[str, int]
) -> Iterator[str | dict[str, Any]]:
    """A template of External Secrets Operator, piece by piece."""
    end = 0
    for found in EXPRESSION.finditer(text):
        if found.start() > end:
            yield literal(text[end : found.start()])
        name = found["host"] or found["name"]
        function = "host" if found["host"] else FUNCTIONS[found["pipe"]]
        yield {"document": numbers[name], "property": str(values[name].get("property", "")), "function": function}
        end = found.end()
    if text[end:]:
        yield literal(text[end:])


def literal(text: str) -> str:
    if "{{" in text:
        raise ValueError("a template does what render.py cannot do")
    return text
