"""What `make secrets` does: read each credential where it is, and compare."""

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any

from components.secrets.references import RemoteReference
from infra.cluster import kubeconfig_path
from infra.config.references import within
from infra.config.stack import StackConfig
from infra.kubernetes_api import UNREACHABLE, RefusedError
from infra.reason import reason
from infra.secrets.documents import SALT, SALT_KEY, documents
from infra.secrets.store import Store, place_in
from infra.target import OFFLINE_CLUSTER, resolve_store
from tools.client.stored import Read, Stored
from tools.credentials.copies import Copy, Pod, Source, look, secret_reader
from tools.credentials.credential import Credential, Fingerprint, InStore, fingerprints, in_secret
from tools.credentials.memory import look as look_at_pods
from tools.credentials.report import as_json, exit_code, lines
from tools.engine import operations
from tools.engine.operations import Workplace
from tools.engine.stack_file import Stack
from tools.offline.plan import checked
from tools.problem import Problem
from tools.process import environment


def show(place: Workplace, name: str, overlays: Sequence[Path], *, machine: bool) -> tuple[int, str]:
    """The exit code, and the report. The key of the fingerprints is made for this run, and forgotten with it.

    Neither Pulumi's command line nor the state of the stack is needed.

    Raises:
        Problem: when the configuration is wrong, or the cluster cannot be asked.
    """
    place = operations.quiet(place)
    operations.must_have_a_cluster(place, Stack.read(place.project, name, overlays))
    stack, variables = operations.settle(place, name, overlays, create_cluster=False)
    config = checked(stack)
    if config.shared:
        raise Problem(f"stack {name} is what others share, and has no credentials of LiteLLM: ask one of its stacks")
    namespace = config.namespace or f"litellm-{name}"
    with environment(variables):
        try:
            cluster = place.connect(kubeconfig_path({**place.environment, **variables}), stack.context)
            copies = look(cluster, namespace)
            memory = look_at_pods(cluster, namespace) if config.secrets.by_pods else {}
        except (RefusedError, *UNREACHABLE) as error:
            raise Problem(
                f"the Secrets and pods of namespace {namespace} cannot be looked at: {reason(error)}. It takes the right to "
                "list secrets, pods, externalsecrets and secretstores there (docs/rights.md)"
            ) from None
        store, problems = resolve_store(config, name, OFFLINE_CLUSTER, offline=False)
        try:
            read = import_module(f"tools.client.{config.secrets.kind}").reader(store, problems)
        except Problem as problem:
            read = refusing(str(problem))
        fingerprint = fingerprints(secrets.token_bytes(32))
        found = credentials(config, store, read, secret_reader(cluster, namespace), copies, fingerprint, memory)
    now = datetime.now(UTC)
    return exit_code(found), as_json(name, found, now) if machine else "\n".join(lines(name, found, now))


def refusing(why: str) -> Read:
    """What reads from a store that cannot be asked."""

    def refuse(_key: str, _mount: str | None) -> Stored | None:
        raise Problem(why)

    return refuse


def credentials(
    config: StackConfig,
    store: Store,
    read: Read,
    read_secret: Read,
    copies: Sequence[Copy],
    fingerprint: Fingerprint,
    memory: Mapping[Source, tuple[Pod, ...]] = MappingProxyType({}),
) -> list[Credential]:
    """Every credential that the stack writes, or that a Secret of its namespace or a pod has, in the order of their places.

    `read` reads the store; `read_secret` the Secrets of the namespace, where one of them is what others are made of. `memory`
    has the pods that fetch a value themselves.
    """
    fetched = {store.place(reference_of(source)): (source, pods) for source, pods in memory.items()}
    by_place: dict[str, tuple[Read, RemoteReference, list[Copy]]] = {}
    stored, in_cluster = once(read), once(read_secret)
    for reference in written(config, store):
        by_place[store.place(reference)] = stored, reference, []
    for copy in copies:
        reference = reference_of(copy.source)
        place, its = store.place(reference), stored
        if copy.source.in_secrets:
            place, its = f"Secret {place_in(reference)}", in_cluster
        by_place.setdefault(place, (its, reference, []))[2].append(copy)
    for place, (source, _) in fetched.items():
        by_place.setdefault(place, (stored, reference_of(source), []))
    return [
        Credential(
            place,
            in_store(reference, its, fingerprint),
            tuple(in_secret(each, fingerprint) for each in found),
            fetched[place][1] if place in fetched else (),
        )
        for place, (its, reference, found) in sorted(by_place.items())
    ]


def once(read: Read) -> Read:
    """The same for many values: each document is read once, and refused once."""
    known: dict[tuple[str, str | None], Stored | Problem | None] = {}

    def read_once(key: str, mount: str | None) -> Stored | None:
        if (key, mount) not in known:
            try:
                known[key, mount] = read(key, mount)
            except Problem as problem:
                known[key, mount] = problem
        found = known[key, mount]
        if isinstance(found, Problem):
            raise found
        return found

    return read_once


def written(config: StackConfig, store: Store) -> Iterator[RemoteReference]:
    """The values that the stack writes itself."""
    for document, properties in documents(config).items():
        yield from (store.locate(document, name) for name in properties)
    if not config.keys.salt.existing:
        yield store.locate(SALT, SALT_KEY)


def reference_of(source: Source) -> RemoteReference:
    reference: RemoteReference = {"key": source.document}
    if source.property is not None:
        reference["property"] = source.property
    if source.mount is not None:
        reference["mount"] = source.mount
    return reference


def in_store(reference: RemoteReference, read: Read, fingerprint: Fingerprint) -> InStore:
    """One value where it comes from."""
    try:
        stored = read(str(reference["key"]), reference.get("mount"))
    except Problem as problem:
        return InStore(None, unknown=str(problem))
    if stored is None:
        return InStore(None)
    try:
        value = stored.text if "property" not in reference else within(stored.values, str(reference["property"]))
    except (KeyError, TypeError, IndexError):
        return InStore(None, stored.version, stored.written)
    return InStore(fingerprint(text_of(value)), stored.version, stored.written)


def text_of(value: Any) -> str:
    """A value as External Secrets Operator writes it into a Secret."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
