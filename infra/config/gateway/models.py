"""Entries of config key `gateway.models`: what each provider of models needs."""

import re
from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Literal, cast

from pydantic import Field, StringConstraints, model_validator

from infra.config.base import REGION_OR_VARIABLE, VARIABLE, Checked, Section, VariableName, http_url
from infra.config.detector import looks_secret
from infra.config.gateway.litellm_names import KEY_VARIABLES, PROVIDERS
from infra.config.plaintext import referenced_variables

Text = Annotated[str, StringConstraints(min_length=1)]

REFERENCED = r"os\.environ/[A-Za-z_][A-Za-z0-9_]*"


def url_or_reference(value: str) -> str:
    return value if re.fullmatch(REFERENCED, value) else http_url(value, "https://api.example.com/v1")


Url = Annotated[
    str,
    Checked(
        url_or_reference,
        "a URL with http:// or https://, without credentials, or os.environ/NAME",
        rf"^(https?://[^/@]|{REFERENCED}$)",
    ),
]
"""URL of an API, or a variable of the gateway that has one."""

Region = Annotated[str, StringConstraints(pattern=REGION_OR_VARIABLE)]
"""A region of AWS, or a variable of the gateway that names one."""

Parameters = dict[str, Any]
"""Free-form settings of LiteLLM. Secrets only as `os.environ/NAME`: `infra.config.sweep` looks for others."""

WITH_A_KEY = {
    *(
        "api_key",
        "api_base",
        "base_url",
        "litellm_credential_name",
        "mock_response",
        "azure_ad_token",
    ),
    *("client_secret", "headers", "extra_headers", "token"),
}
"""Parameters with which LiteLLM needs no variable for the key of a deployment."""

WITHOUT_PREFIX = {
    **dict.fromkeys(
        ("gpt-", "chatgpt-", "o1", "o3", "o4-", "text-embedding-", "dall-e-", "whisper-", "tts-"), "openai"
    ),
    **dict.fromkeys(("claude-",), "anthropic"),
}
"""How the models begin that LiteLLM knows without a prefix, and whose they are."""

NO_KEY = "none"
"""What LiteLLM sends to a server that asks for no key. Without a value it would send `OPENAI_API_KEY` there."""


class ModelBase(Section):
    """One deployment of a model. Deployments with the same `name` share its load."""

    PREFIX: ClassVar[str]
    """How LiteLLM names the provider, in front of the model: https://docs.litellm.ai/docs/providers."""

    AMBIGUOUS_PREFIX: ClassVar[bool] = False
    """Whether the provider has models whose own names begin with the prefix."""

    KEYLESS: ClassVar[str | None] = None
    """`api_key` for a deployment without one."""

    name: Text
    """The name that clients use (`model_name`). May be a pattern such as `openai/*`."""

    model: Text
    """The provider's name of the model, without LiteLLM's prefix."""

    params: Parameters = Field(default_factory=dict)
    """More `litellm_params`: `rpm`, `tpm`, `weight`, `timeout`, `guardrails`, …. Secrets only as `os.environ/NAME`."""

    info: Parameters = Field(default_factory=dict)
    """The entry's `model_info`: `mode`, `base_model`, prices, …."""

    @model_validator(mode="before")
    @classmethod
    def key_is_a_name(cls, data: object) -> object:
        # Here, not at the field: an error at the field carries its value, which may be a key.
        given: Any = cast("dict[str, Any]", data).get("apiKey") if isinstance(data, dict) else None
        if isinstance(given, str) and (not re.match(VARIABLE, given) or looks_secret(given)):
            raise ValueError(
                f"apiKey must be the name of an environment variable, such as {cls.usual_key()}, never the key itself. Put the "
                "key into providerKeys (a stack secret) or secretEnvironment; if this one was a real key, revoke it"
            )
        return cast("object", data)

    @model_validator(mode="after")
    def fits_together(self) -> "ModelBase":
        if not self.AMBIGUOUS_PREFIX and self.model.startswith(f"{self.PREFIX}/"):
            raise ValueError(f"model must be without {self.PREFIX}/, which the provider adds")
        taken = sorted(set(self.params) & set(self.own_params()))
        if taken:
            raise ValueError(f"params must not repeat what has a key of its own: {', '.join(taken)}")
        return self

    @classmethod
    def usual_key(cls) -> str:
        """The variable that usually has the key."""
        field = cls.model_fields.get("api_key")
        return (field and field.default) or f"{cls.PREFIX or 'gemini'}_API_KEY".upper()

    def own_params(self) -> dict[str, Any]:
        variable = getattr(self, "api_key", None)
        key = f"os.environ/{variable}" if variable else self.KEYLESS
        given = {"model": self.called, "api_base": getattr(self, "api_base", None), "api_key": key}
        return {name: value for name, value in (given | self.provider_params()).items() if value is not None}

    @property
    def called(self) -> str:
        """How LiteLLM calls the model: with the prefix of its provider."""
        return f"{self.PREFIX}/{self.model}"

    def provider_params(self) -> dict[str, Any]:
        """What only this provider has."""
        return {}

    def litellm_params(self) -> dict[str, Any]:
        """`litellm_params` of the entry in LiteLLM's `model_list`."""
        return self.own_params() | self.params

    def entry(self) -> dict[str, Any]:
        """The entry in LiteLLM's `model_list`."""
        entry: dict[str, Any] = {"model_name": self.name, "litellm_params": self.litellm_params()}
        return entry | ({"model_info": self.info} if self.info else {})

    @property
    def variables(self) -> frozenset[str]:
        """Environment variables that the deployment reads."""
        return frozenset(referenced_variables(self.entry()))


class OpenAI(ModelBase):
    """OpenAI."""

    PREFIX = "openai"
    provider: Literal["openai"]
    """`openai`: OpenAI's own API."""
    api_base: Url | None = None
    """Base URL of the API. Defaults to the provider's."""
    api_key: VariableName = "OPENAI_API_KEY"
    """Name of the environment variable with the API key, never the key."""


class Anthropic(ModelBase):
    """Anthropic."""

    PREFIX = "anthropic"
    provider: Literal["anthropic"]
    """`anthropic`: Anthropic's own API."""
    api_base: Url | None = None
    """Base URL of the API. Defaults to the provider's."""
    api_key: VariableName = "ANTHROPIC_API_KEY"
    """Name of the environment variable with the API key, never the key."""


class Azure(ModelBase):
    """Azure OpenAI."""

    PREFIX = "azure"
    provider: Literal["azure"]
    """`azure`: Azure OpenAI; `model` is the name of the deployment."""
    api_base: Url
    """URL of the resource: `https://example.openai.azure.com`."""
    api_version: Text | None = None
    """Version of the API, such as `2024-10-21`. Defaults to LiteLLM's."""
    api_key: VariableName | None = "AZURE_API_KEY"
    """Name of the environment variable with the API key, never the key. `null` with Entra ID: LiteLLM logs in with the workload
    identity of the pods, or with `tenant_id`, `client_id` and `client_secret` in `params`."""

    def provider_params(self) -> dict[str, Any]:
        return {"api_version": self.api_version}


class Bedrock(ModelBase):
    """Amazon Bedrock."""

    PREFIX = "bedrock"
    provider: Literal["bedrock"]
    """`bedrock`: Amazon Bedrock; `model` is the ID or ARN of a model or of an inference profile. Without `apiKey` the pods call
    it as themselves: with the IAM role that the stack makes for them (`gateway.createIamRole`), or one that they have."""
    region: Region
    """AWS region of the model: `eu-central-1`. With `os.environ/NAME` the pods need a key, or a role that is there."""
    api_key: VariableName | None = None
    """Name of the environment variable with a Bedrock API key, never the key. Defaults to no key."""

    def provider_params(self) -> dict[str, Any]:
        return {"aws_region_name": self.region}


class OpenRouter(ModelBase):
    """OpenRouter."""

    PREFIX = "openrouter"
    AMBIGUOUS_PREFIX = True
    provider: Literal["openrouter"]
    """`openrouter`: OpenRouter; `model` is its name there, such as `google/gemini-2.5-pro`."""
    api_base: Url | None = None
    """Base URL of the API. Defaults to the provider's."""
    api_key: VariableName = "OPENROUTER_API_KEY"
    """Name of the environment variable with the API key, never the key."""


class Vllm(ModelBase):
    """A vLLM server."""

    PREFIX = "hosted_vllm"
    provider: Literal["vllm"]
    """`vllm`: a vLLM server, in the cluster or elsewhere."""
    api_base: Url
    """Base URL of its OpenAI API: `http://vllm.models.svc.cluster.local:8000/v1`."""
    api_key: VariableName | None = None
    """Name of the environment variable with the API key, never the key. Defaults to no key."""


class OpenAICompatible(ModelBase):
    """Any server that speaks OpenAI's API."""

    PREFIX = "openai"
    AMBIGUOUS_PREFIX = True
    KEYLESS = NO_KEY
    provider: Literal["openai-compatible"]
    """`openai-compatible`: any server that speaks OpenAI's API."""
    api_base: Url
    """Base URL of its OpenAI API, usually ending in `/v1`."""
    api_key: VariableName | None = None
    """Name of the environment variable with the API key, never the key. Defaults to no key."""


class LiteLLM(ModelBase):
    """Any provider that LiteLLM knows, written as in its own config.yaml."""

    PREFIX = ""
    AMBIGUOUS_PREFIX = True
    provider: Literal["litellm"]
    """`litellm`: any provider; `model` has LiteLLM's own prefix, and what else the provider needs is in `params`."""
    model: Text
    """The model with LiteLLM's prefix: `gemini/gemini-2.5-pro`, `vertex_ai/gemini-2.5-pro`, `azure_ai/…`, or `*`."""
    api_base: Url | None = None
    """Base URL of the API. Defaults to the provider's."""
    api_key: VariableName | None = None
    """Name of the environment variable with the API key, never the key. Defaults to what LiteLLM reads for the provider, if
    anything: `GEMINI_API_KEY`."""

    @property
    def called(self) -> str:
        return self.model

    @property
    def key_variables(self) -> tuple[str, ...]:
        """Variables of which LiteLLM takes the key; empty where the deployment has one, or may do without."""
        own = self.api_key or self.api_base or bool(WITH_A_KEY & set(self.params))
        return () if own else KEY_VARIABLES.get(self.of_provider, ())

    @property
    def of_provider(self) -> str:
        """The provider that LiteLLM calls for the model: named by a parameter, by the prefix, or known by the model's name."""
        prefix, slash, _ = self.model.partition("/")
        known = next((provider for start, provider in WITHOUT_PREFIX.items() if self.model.startswith(start)), "")
        return str(self.params.get("custom_llm_provider") or (prefix if slash else known))

    def unknown_prefix(self, own: Iterable[str]) -> str | None:
        """The prefix, when LiteLLM has no such provider; `own` are the providers of the gateway's own code."""
        prefix, slash, _ = self.model.partition("/")
        known = not slash or "custom_llm_provider" in self.params or prefix in PROVIDERS or prefix in set(own)
        return None if known else prefix


class Mock(ModelBase):
    """A model that always gives the same answer, without any provider: for tests and demonstrations."""

    PREFIX = "openai"
    KEYLESS = NO_KEY
    provider: Literal["mock"]
    """`mock`: answers by itself. Costs nothing and needs no key."""
    model: Text = "mock"
    """What the answer gives as its model."""
    response: Text = "Hello from LiteLLM."
    """The answer to every request."""

    def provider_params(self) -> dict[str, Any]:
        return {"mock_response": self.response}


Model = Annotated[
    OpenAI | Anthropic | Azure | Bedrock | OpenRouter | Vllm | OpenAICompatible | LiteLLM | Mock,
    Field(discriminator="provider"),
]
"""One deployment of a model; `provider` says which keys it has."""
