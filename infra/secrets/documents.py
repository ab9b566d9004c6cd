"""Which documents a stack keeps in its secret store, where every value is, and which Secrets are made of them.

Plain data: nothing here knows which store it is.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pulumi

from components.cache.redis import alternating_template, configuration_template, user_of_redis
from components.gateway.files import key_of_file
from components.monitoring.scrape import TOKEN
from components.secrets.generation import GeneratedValue
from components.secrets.names import KEYS
from components.secrets.references import RemoteReference
from infra.config.database.cloudnative import CloudNativePgDatabase
from infra.config.database.common import SUPERUSER, DocumentCredentials, Login, SecretLogin
from infra.config.database.existing import ExistingDatabase, ReadReplica
from infra.config.database.kinds import CLUSTER, InClusterDatabase, pooler_of, takes_tokens
from infra.config.redis import ElastiCacheConfig, ExistingRedis, InClusterRedis, NoRedis
from infra.config.references import PropertyReference
from infra.config.stack import DOCKER_CONFIG, StackConfig
from infra.servers import Servers
from infra.turns import ONE_USER_EACH, OTHER_PASSWORD, PASSWORD, Turn, Turns

API_KEYS, SALT, DATABASE, DATABASE_ADMIN, REDIS, PROVIDERS, UI = (
    "api-keys",
    "salt",
    "database",
    "database-admin",
    "redis",
    "providers",
    "ui",
)
MASTER_KEY, SALT_KEY, USERNAME = "master-key", "salt-key", "username"
OTHER_USERNAME = "other-username"
"""The user of before, of two that take turns."""
HOST, PORT, URL = "host", "port", "url"
KEY = "key"
"""Property of a virtual key's document."""

A_HOST = """{{ if contains ":" .DATABASE_HOST }}[{{ .DATABASE_HOST }}]{{ else }}{{ .DATABASE_HOST }}{{ end }}"""
"""A host out of the login, as a URL has it: IPv6 addresses in brackets."""

IN_THE_NAMESPACE = "namespace:secrets"
"""The store of what is in Secrets of the gateway's namespace already. No engine of Vault can be called so."""

PASSWORD_LENGTH = 40


@dataclass(frozen=True)
class Generated:
    """A property whose value is generated."""

    length: int
    prefix: str = ""
    rotation: int = 0

    turn: int = 0
    """Of two users that take turns, which rotation this is."""

    generator: str | None = None
    """Name of what generates it. Defaults to document and property."""


@dataclass(frozen=True)
class StackSecret:
    """A property whose value is a secret of the stack's configuration."""

    variable: str


Property = Generated | StackSecret | str

Documents = Mapping[str, Mapping[str, Property]]


def documents(config: StackConfig, turns: Turns = ONE_USER_EACH) -> Documents:
    """The documents that the stack writes, and may write again. The salt key is not among them: it is written once.

    `turns` say whose values they are, which changes neither documents nor properties.
    """
    return {name: properties for name, properties in all_documents(config, turns) if properties}


def all_documents(config: StackConfig, turns: Turns) -> Iterator[tuple[str, Mapping[str, Property]]]:
    master, database, redis = config.keys.master, config.database, config.redis
    if not master.existing:
        yield API_KEYS, {MASTER_KEY: Generated(master.length, "sk-", master.rotation)}
    if not takes_tokens(database) and not login_of(config):
        user = database.alternate if turns.database.second else database.username
        password = Generated(PASSWORD_LENGTH, rotation=database.rotation, turn=turns.database.number)
        yield DATABASE, {USERNAME: user, PASSWORD: password}
    if isinstance(database, InClusterDatabase):
        yield DATABASE_ADMIN, {USERNAME: SUPERUSER, PASSWORD: Generated(PASSWORD_LENGTH)}
    if isinstance(redis, InClusterRedis | ElastiCacheConfig):
        yield REDIS, passwords_of_redis(redis.rotation, turns.redis)
    if page := config.ui.generates:
        yield UI, {PASSWORD: Generated(page.length, rotation=page.rotation)}
    yield PROVIDERS, {variable: StackSecret(variable) for variable in config.provider_keys}
    for name, key in config.access.keys.items():
        if key.existing is None:
            yield document_of_key(name), {KEY: Generated(key.length, "sk-", key.rotation)}


def passwords_of_redis(rotation: int, turn: Turn) -> dict[str, Property]:
    """The password; where two users take turns, both of them, each with the name of its user."""
    if not turn.alternates:
        return {PASSWORD: Generated(PASSWORD_LENGTH, rotation=rotation)}
    generators = (f"{REDIS}-{PASSWORD}", f"{REDIS}-alternate-{PASSWORD}")
    own, other = reversed(generators) if turn.second else generators
    return {
        USERNAME: user_of_redis(turn.number),
        PASSWORD: Generated(PASSWORD_LENGTH, rotation=rotation, turn=turn.number, generator=own),
        OTHER_USERNAME: user_of_redis(turn.number - 1),
        OTHER_PASSWORD: Generated(PASSWORD_LENGTH, rotation=turn.before, turn=turn.number - 1, generator=other),
    }


def made_in_the_store(config: StackConfig) -> dict[str, dict[str, GeneratedValue]]:
    """The values that are generated in the store's own client; none where Pulumi's state has them."""
    if config.secrets.generation == "state":
        return {}
    generated = {
        document: {name: each for name, each in properties.items() if isinstance(each, Generated)}
        for document, properties in documents(config).items()
    }
    return {
        document: {
            name: {"length": each.length, "prefix": each.prefix, "rotation": each.rotation}
            for name, each in values.items()
        }
        for document, values in generated.items()
        if values
    }


def document_of_key(name: str) -> str:
    """The document of a virtual key: one of its own, so that somebody can be let to read it and nothing else."""
    return f"{KEYS}{name}"


def login_of(config: StackConfig) -> Login | None:
    """LiteLLM's login to its database, when somebody else wrote it."""
    if isinstance(config.database, CloudNativePgDatabase):
        return SecretLogin.model_validate({"kubernetesSecret": f"{CLUSTER}-app"})
    return config.database.login if isinstance(config.database, ExistingDatabase) else None


def read_replica(config: StackConfig) -> ReadReplica | None:
    return config.database.read_replica if isinstance(config.database, ExistingDatabase) else None


@dataclass(frozen=True)
class SecretContent:
    """One Kubernetes Secret: the values it is made of, its keys, and the documents whose change changes it."""

    values: Mapping[str, RemoteReference]
    template: Mapping[str, pulumi.Input[str]]
    documents: tuple[str, ...]

    extract: tuple[str, ...] = ()
    """Documents that are taken as a whole."""

    type: str = "Opaque"
    """Type of the Secret."""

    of_bundles: Mapping[str, RemoteReference] = field(default_factory=dict[str, RemoteReference])
    """Values of the documents that are taken as a whole, one by one."""

    steady: bool = False
    """Whether the Secret keeps its name when a value changes."""


OF_THE_GATEWAY = (API_KEYS, DATABASE, REDIS, PROVIDERS, UI)
"""Documents of the stack that LiteLLM's environment is made of."""


def rotations(config: StackConfig) -> dict[str, int]:
    """By which counter each value of them was generated: whatever changes one of these writes another value."""
    return {
        f"{document}/{name}": content.rotation
        for document, properties in documents(config).items()
        if document in OF_THE_GATEWAY
        for name, content in properties.items()
        if isinstance(content, Generated)
    }


class Contents:
    """The Secrets of a stack; `locate` says where in the store a property of its own documents is."""

    def __init__(
        self,
        config: StackConfig,
        servers: Servers,
        locate: Callable[[str, str], RemoteReference],
        turns: Turns = ONE_USER_EACH,
    ) -> None:
        self.config = config
        self.turns = turns
        self.servers = servers
        self.own = locate
        self.written = documents(config)

    def master_key(self) -> RemoteReference:
        return self.given(self.config.keys.master.existing) or self.own(API_KEYS, MASTER_KEY)

    def salt_key(self) -> RemoteReference:
        return self.given(self.config.keys.salt.existing) or self.own(SALT, SALT_KEY)

    def gateway(self) -> SecretContent:
        """The environment of LiteLLM. Values are named like variables, as they are in a bundle of all of them."""
        values = {
            "LITELLM_MASTER_KEY": self.master_key(),
            "LITELLM_SALT_KEY": self.salt_key(),
            "REDIS_USERNAME": self.redis_username(),
            "REDIS_PASSWORD": self.redis_password(),
            "REDIS_SENTINEL_PASSWORD": self.sentinel_password(),
            "UI_PASSWORD": self.own(UI, PASSWORD) if self.config.ui.generates else None,
            **{variable: self.own(PROVIDERS, variable) for variable in self.config.provider_keys},
            **{variable: to_remote(given) for variable, given in self.config.documents_by_variable.items()},
        }
        handed_on = {variable: reference for variable, reference in values.items() if reference}
        values, template = dict(handed_on), dict[str, pulumi.Input[str]](plain(*handed_on))
        if not takes_tokens(self.config.database):
            values |= {in_the_url(part): reference for part, reference in self.login().items()}
            template["DATABASE_URL"] = pulumi.Output.all(*self.servers.database).apply(self.url)
            if pooler := pooler_of(self.config.database):
                template["DIRECT_URL"] = template["DATABASE_URL"]
                template["DATABASE_URL"] = self.url_of(pooler.host, pooler.port, pooled=True)
            if replica := read_replica(self.config):
                template["DATABASE_URL_READ_REPLICA"] = self.url_of(replica.host, replica.port)
        whole = bundles(values)
        singly = {
            name: reference
            for name, reference in values.items()
            if {"mount", "store"} & reference.keys() or reference["key"] not in whole
        }
        bundled = {name: reference for name, reference in values.items() if name not in singly}
        made = self.content(singly, template, *OF_THE_GATEWAY)
        return replace(made, extract=whole, of_bundles=bundled)

    def files(self) -> SecretContent | None:
        """The files of LiteLLM that are secrets; None when there are none. Names of files are no names in a template."""
        given = self.config.gateway.secret_files
        names = {f"FILE_{number}": name for number, name in enumerate(sorted(given))}
        values = {alias: to_remote(given[name]) for alias, name in names.items()}
        template = {key_of_file(name): f"{{{{ .{alias} }}}}" for alias, name in names.items()}
        return self.content(values, template) if values else None

    def metrics_key(self) -> SecretContent | None:
        """The key with which metrics are asked for; None where they have a port without one, or nobody asks."""
        monitoring = self.config.monitoring
        if monitoring.scraped and monitoring.key:
            return self.content({TOKEN: to_remote(monitoring.key)}, plain(TOKEN))
        if monitoring.scraped and (name := monitoring.access_key):
            return self.content({TOKEN: self.virtual_key(name)}, plain(TOKEN), document_of_key(name))
        return None

    def virtual_key(self, name: str) -> RemoteReference:
        """Where the value of one of `access.keys` is."""
        return self.given(self.config.access.keys[name].existing) or self.own(document_of_key(name), KEY)

    def certificate(self) -> SecretContent | None:
        """The certificate of the Ingress, when it is in the store."""
        tls = self.config.ingress.tls
        if tls is None or tls.certificate is None or tls.private_key is None:
            return None
        values = {"certificate": to_remote(tls.certificate), "key": to_remote(tls.private_key)}
        template: dict[str, pulumi.Input[str]] = {"tls.crt": "{{ .certificate }}", "tls.key": "{{ .key }}"}
        return replace(self.content(values, template), type="kubernetes.io/tls")

    def image_pull(self) -> SecretContent | None:
        """Logins to image registries, as one docker config; None when no document has them."""
        given = self.config.pods.image_pull_document
        if given is None:
            return None
        content = self.content({"config": to_remote(given)}, {DOCKER_CONFIG: "{{ .config }}"})
        return replace(content, type="kubernetes.io/dockerconfigjson")

    def url(self, address: Sequence[Any]) -> str:
        """The connection URL, as a template over the parts of the login."""
        given, (host, port) = self.login(), address
        if URL in given:
            return f"{{{{ .{in_the_url(URL)} }}}}"
        where = A_HOST if HOST in given else host
        return self.url_of(where, f"{{{{ .{in_the_url(PORT)} }}}}" if PORT in given else int(port))

    def url_of(self, host: str, port: int | str, *, pooled: bool = False) -> str:
        """The connection URL of a server that has LiteLLM's database, or of the pooler in front of it."""
        section = self.config.database
        name = in_the_url(DATABASE) if DATABASE in self.login() else None
        parameters = section.pooler_parameters if pooled and not isinstance(section, InClusterDatabase) else None
        user = in_the_url(USERNAME) if USERNAME in self.login() else None
        return section.url_template(host, port, user, in_the_url(PASSWORD), name, parameters)

    def database_role(self) -> SecretContent | None:
        """LiteLLM's role in Postgres, for the Job that creates it; None when it has no password."""
        if takes_tokens(self.config.database):
            return None
        login = self.login()
        named = {} if USERNAME in login else {USERNAME: self.config.database.username}
        return self.content(login, {**plain(USERNAME, PASSWORD), **named}, DATABASE)

    def migration(self) -> SecretContent | None:
        """The URL of the database past any pooler, for the Job that migrates it; None when it logs in with tokens.

        No other value is in it, and it keeps its name when the password changes: a migration is due when image or database do.
        """
        if takes_tokens(self.config.database):
            return None
        template = {"DATABASE_URL": pulumi.Output.all(*self.servers.database).apply(self.url)}
        values = {in_the_url(part): reference for part, reference in self.login().items()}
        return replace(self.content(values, template, DATABASE), steady=True)

    def database_admin(self) -> SecretContent | None:
        """Who creates that role; None when it is a Kubernetes Secret already, or nobody does."""
        database = self.config.database
        values: dict[str, RemoteReference] | None = None
        if isinstance(database, InClusterDatabase):
            values = {name: self.own(DATABASE_ADMIN, name) for name in (USERNAME, PASSWORD)}
        elif isinstance(database, ExistingDatabase) and isinstance(database.admin, DocumentCredentials):
            values = credentials(database.admin)
        elif self.servers.managed_admin is not None:
            values = {name: {"key": self.servers.managed_admin, "property": name} for name in (USERNAME, PASSWORD)}
        return self.content(values, plain(USERNAME, PASSWORD), DATABASE_ADMIN) if values else None

    def redis(self) -> SecretContent | None:
        """The configuration file of the Redis in the cluster."""
        redis = self.config.redis
        if not isinstance(redis, InClusterRedis):
            return None
        alternates = self.turns.redis.alternates
        configuration = (alternating_template if alternates else configuration_template)(redis.max_memory_bytes)
        values = {name: self.own(REDIS, name) for name in ((USERNAME, PASSWORD) if alternates else (PASSWORD,))}
        return self.content(values, plain(PASSWORD) | {"redis.conf": configuration}, REDIS)

    def redis_users(self) -> SecretContent | None:
        """Both users of the Redis in the cluster, for the Jobs of a rotation; None where there is one."""
        if not self.turns.redis.alternates:
            return None
        # Names with a hyphen are none in a template.
        names = {name.replace("-", "_"): name for name in (USERNAME, PASSWORD, OTHER_USERNAME, OTHER_PASSWORD)}
        values = {alias: self.own(REDIS, name) for alias, name in names.items()}
        return self.content(values, {name: f"{{{{ .{alias} }}}}" for alias, name in names.items()}, REDIS)

    def login(self) -> dict[str, RemoteReference]:
        """Where each part of LiteLLM's login is: what of it the configuration does not have itself."""
        given = login_of(self.config)
        if given is None:
            return {name: self.own(DATABASE, name) for name in (USERNAME, PASSWORD)}
        if isinstance(given, SecretLogin):
            whole = given.kubernetes_secret
            return {
                part: {"key": whole, "property": name, "store": IN_THE_NAMESPACE}
                for part, name in given.properties.items()
            }
        return {part: to_remote(given.at(name)) for part, name in given.properties.items()}

    def redis_password(self) -> RemoteReference | None:
        redis = self.config.redis
        if isinstance(redis, ExistingRedis):
            return self.given(redis.password)
        return None if isinstance(redis, NoRedis) else self.own(REDIS, PASSWORD)

    def redis_username(self) -> RemoteReference | None:
        """The user, where whoever writes the password says whose it is. Elsewhere the configuration does."""
        return self.given(self.config.redis.user) if isinstance(self.config.redis, ExistingRedis) else None

    def sentinel_password(self) -> RemoteReference | None:
        sentinel = self.config.redis.sentinel if isinstance(self.config.redis, ExistingRedis) else None
        return self.given(sentinel.password) if sentinel else None

    def given(self, reference: PropertyReference | None) -> RemoteReference | None:
        return to_remote(reference) if reference else None

    def content(
        self, values: Mapping[str, RemoteReference], template: Mapping[str, pulumi.Input[str]], *names: str
    ) -> SecretContent:
        return SecretContent(values, template, tuple(name for name in names if name in self.written))


def bundles(values: Mapping[str, RemoteReference]) -> tuple[str, ...]:
    """Documents of several values, all of which are called like the variables: those are extracted as a whole."""
    by_document: dict[str, list[bool]] = {}
    for name, reference in values.items():
        if isinstance(key := reference["key"], str) and not {"mount", "store"} & reference.keys():
            by_document.setdefault(key, []).append(reference.get("property") == name)
    return tuple(sorted(key for key, same in by_document.items() if len(same) > 1 and all(same)))


def in_the_url(part: str) -> str:
    """How a part of the login is called where the URL is made of it. `database` would be called like a document of Postgres."""
    return "DATABASE_NAME" if part == DATABASE else f"DATABASE_{part.upper()}"


def to_remote(reference: PropertyReference) -> RemoteReference:
    remote: RemoteReference = {"key": reference.document}
    if reference.property is not None:
        remote["property"] = reference.property
    if reference.mount is not None:
        remote["mount"] = reference.mount
    return remote


def credentials(given: DocumentCredentials) -> dict[str, RemoteReference]:
    return {
        USERNAME: to_remote(given.at(given.username_property)),
        PASSWORD: to_remote(given.at(given.password_property)),
    }


def plain(*names: str) -> dict[str, str]:
    return {name: f"{{{{ .{name} }}}}" for name in names}
