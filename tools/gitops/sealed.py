"""Sealed Secrets instead of a store: what the operator would have read is in the files, encrypted."""

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from cryptography.hazmat.primitives.asymmetric import rsa

from components.secrets.references import unspelled
from infra.config import stack_yaml
from infra.config.stack_yaml import StackFileError
from tools.gitops.manifests import Manifest
from tools.gitops.sealing import Scope, label, seal
from tools.problem import Problem

SCOPE_ANNOTATION: Mapping[Scope, str | None] = {
    "strict": None,
    "namespace-wide": "sealedsecrets.bitnami.com/namespace-wide",
    "cluster-wide": "sealedsecrets.bitnami.com/cluster-wide",
}

Address = tuple[str, str]
"""A document and a property: where the value would be in the store."""

Values = Mapping[Address, str]


def sealed(
    objects: Sequence[Manifest],
    key: rsa.RSAPublicKey,
    scope: Scope,
    values: Values,
    before: Mapping[str, str],
    mount: str = "",
) -> list[Manifest]:
    """The same objects, with a SealedSecret for each ExternalSecret.

    A value that is not given stays as it was sealed `before` (the texts of the files that are there). With Vault, `mount` is
    the engine that documents are in: values are asked for below it.

    Raises:
        Problem: naming every value that is missing, or that nothing asks for.
    """
    wanted = {manifest.file: needs(manifest, mount) for manifest in objects if manifest.kind == "ExternalSecret"}
    asked = {address for addresses in wanted.values() for address in addresses.values()}
    if unknown := sorted(set(values) - asked):
        raise Problem(
            f"no Secret of this stack is made of {listed(unknown)}; values are asked for {listed(sorted(asked))}"
        )
    made: list[Manifest] = []
    missing: set[Address] = set()
    for manifest in objects:
        if manifest.file not in wanted:
            made.append(manifest)
            continue
        addresses = wanted[manifest.file]
        lacking = {address for address in addresses.values() if address not in values}
        result = sealed_secret(manifest, scope)
        kept = kept_data(before.get(manifest.file, ""), result) if lacking else None
        if lacking and kept is None:
            missing |= lacking
            continue
        bound_to = label(scope, result["metadata"]["namespace"], manifest.name)
        result["spec"]["encryptedData"] = kept or {
            name: seal(values[address], key, bound_to) for name, address in sorted(addresses.items())
        }
        made.append(replace(manifest, content=result))
    if missing:
        raise Problem(
            f"values are needed for {listed(sorted(missing))}: give them as YAML with ARGS='… --values FILE' (or `-` for "
            "standard input), as in `dev/api-keys: {master-key: …}`"
        )
    return made


def needs(external: Manifest, mount: str = "") -> dict[str, Address]:
    """Which values a Secret is made of, by the name that its templates use."""
    spec = external.content["spec"]
    needed: dict[str, Address] = {
        # A whole secret is one value, and called like the variable.
        each["secretKey"]: (
            unspelled(mount, each["remoteRef"]["key"]),
            each["remoteRef"].get("property", each["secretKey"]),
        )
        for each in spec["data"]
    }
    documents = [unspelled(mount, each["extract"]["key"]) for each in spec.get("dataFrom", [])]
    used = re.findall(r"\{\{\s*\.(\w+)", " ".join(spec["target"]["template"]["data"].values()))
    extracted = [name for name in used if name not in needed]
    if extracted and len(documents) != 1:
        raise Problem(
            f"ExternalSecret {external.name} takes {', '.join(extracted)} from several documents: Sealed Secrets needs one"
        )
    return needed | {name: (documents[0], name) for name in extracted}


def sealed_secret(external: Manifest, scope: Scope) -> dict[str, Any]:
    """The SealedSecret in place of an ExternalSecret, its values left blank.

    The name is the same, and so are the templates: the controller has the functions that they use.
    """
    spec, metadata = external.content["spec"], external.content["metadata"]
    template = spec["target"]["template"]
    names = sorted(needs(external))
    annotation = SCOPE_ANNOTATION[scope]
    scoped = {annotation: "true"} if annotation else {}
    rest = {key: text for key, text in template["data"].items() if text != f"{{{{ .{key} }}}}" or key not in names}
    return {
        "apiVersion": "bitnami.com/v1alpha1",
        "kind": "SealedSecret",
        "metadata": metadata | {"annotations": metadata["annotations"] | scoped},
        "spec": {
            "encryptedData": dict.fromkeys(names, ""),
            "template": {
                "metadata": {
                    "labels": template["metadata"]["labels"],
                    "annotations": template["metadata"]["annotations"] | scoped,
                },
                "type": template["type"],
                **({"data": rest} if rest else {}),
            },
        },
    }


def kept_data(text: str, wanted: Mapping[str, Any]) -> dict[str, str] | None:
    """The encrypted values of a file that is there, if all else is as it should be: they are bound to its name."""
    try:
        there = mapping(stack_yaml.parse(text))
    except StackFileError:
        return None
    spec = mapping(there.get("spec"))
    data = mapping(spec.get("encryptedData"))
    blank = there | {"spec": spec | {"encryptedData": dict.fromkeys(data, "")}}
    return data if blank == wanted else None


def mapping(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


FORM = "the form is `document: {property: value}`"


def read_values(path: Path) -> Values:
    """Values from a file, or from standard input for `-`: document, property, value. No message repeats any of it.

    Raises:
        Problem: for what is not of this form.
    """
    if str(path) == "-":
        return parse_values(sys.stdin.read(), "standard input")
    try:
        return parse_values(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise Problem(f"cannot read the values {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Problem(f"{path} is not text in UTF-8") from None


def parse_values(text: str, where: str) -> Values:
    try:
        content: Any = stack_yaml.parse(text) or {}
    except StackFileError as error:
        raise Problem(f"{where} {error}. {FORM[0].upper()}{FORM[1:]}") from None
    if not isinstance(content, dict):
        raise Problem(f"{where} must be a map of documents: {FORM}")
    values: dict[Address, str] = {}
    for document, properties in cast("dict[Any, Any]", content).items():
        if not isinstance(properties, dict):
            raise Problem(f"{where}: {document} must be a map of properties: {FORM}")
        for name, value in cast("dict[Any, Any]", properties).items():
            if not isinstance(value, str) or not value:
                raise Problem(f"{where}: {document}#{name} must be a text that is not empty; write it in quotes")
            values[str(document), str(name)] = value
    return values


def listed(addresses: Sequence[Address]) -> str:
    return ", ".join(f"{document}#{name}" for document, name in addresses)
