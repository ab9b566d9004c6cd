"""What a secret is and what is none: both errors are defects. No value here is anybody's; all are made when the test runs."""

import base64
import hashlib
import random
import re
import string

import pytest

from infra.config.detector import is_secret, looks_secret, names_a_secret, secrets_in

LOWER, UPPER, DIGITS = string.ascii_lowercase, string.ascii_uppercase, string.digits
HEX, BASE62 = DIGITS + "abcdef", string.ascii_letters + DIGITS


def some(length: int, alphabet: str = BASE62, seed: int = 7) -> str:
    """Characters as a provider would choose them; the same ones in every run."""
    return "".join(random.Random(f"{seed}{length}{alphabet}").choices(alphabet, k=length))


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def web_token() -> str:
    parts = ['{"alg":"HS256","typ":"JWT"}', '{"sub":"1234567890"}', some(32)]
    return ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts)


def pem(kind: str) -> str:
    return f"-----BEGIN {kind}-----\n{some(64)}\n-----END {kind}-----"


BY_VALUE = {
    "Alibaba": "LTAI" + "5t" + some(18),
    "OpenAI": "sk-" + some(20) + "T3" + "BlbkFJ" + some(20),
    "OpenAI project": "sk-" + "proj-" + some(48),
    "Anthropic": "sk-" + "ant-api03-" + some(40),
    "OpenRouter": "sk-" + "or-v1-" + some(64, HEX),
    "LiteLLM": "sk-" + "1234",
    "LiteLLM generated": "sk-" + some(22),
    "DeepSeek": "sk-" + some(32, HEX),
    "Langfuse": "sk-" + "lf-" + some(8, HEX) + "-4b2a-" + some(12, HEX),
    "Google": "AI" + "za" + some(35),
    "Google, new": "AQ." + "Ab8" + some(40),
    "Google OAuth": "ya29" + ".a0" + some(60),
    "Hugging Face": "hf" + "_" + some(34),
    "Groq": "gsk" + "_" + some(52),
    "xAI": "xai" + "-" + some(80),
    "NVIDIA": "nvapi" + "-" + some(64),
    "Replicate": "r8" + "_" + some(37),
    "Perplexity": "pplx" + "-" + some(48, HEX),
    "Together": "tgp" + "_v1_" + some(43),
    "Together, old": some(64, HEX),
    "Fireworks": "fw" + "_" + some(22),
    "Cerebras": "csk" + "-" + some(48, LOWER + DIGITS),
    "Mistral": some(32),
    "Cohere": some(40),
    "Voyage": "pa" + "-" + some(43),
    "Jina": "jina" + "_" + some(32, HEX) + some(28),
    "Tavily": "tvly" + "-dev-" + some(32),
    "Pinecone": "pcsk" + "_" + some(60),
    "Azure OpenAI": some(32, HEX),
    "Azure OpenAI, new": some(84),
    "IBM watsonx": some(44, BASE62 + "-_"),
    "Databricks": "da" + "pi" + some(32, HEX),
    "Bedrock API key": "AB" + "SK" + encoded(some(60)),
    "Bedrock short-term": "bedrock" + "-api-key-" + encoded(some(60)),
    "AWS access key": "AK" + "IA" + some(16, UPPER + DIGITS),
    "AWS temporary access key": "AS" + "IA" + some(16, UPPER + DIGITS),
    "AWS secret key": some(40, BASE62 + "/+"),
    "JSON web token": web_token(),
    "Vault": "hvs" + "." + some(24),
    "Vault batch": "hvb" + "." + some(80),
    "GitHub": "gh" + "p_" + some(36),
    "GitHub app": "gh" + "s_" + some(36),
    "GitHub fine-grained": "github" + "_pat_" + some(22) + "_" + some(59),
    "GitLab": "glpat" + "-" + some(20),
    "Slack bot": "xox" + "b-" + some(11, DIGITS) + "-" + some(11, DIGITS) + "-" + some(24),
    "Slack app": "xapp" + "-1-A0" + some(9, UPPER + DIGITS) + "-" + some(13, DIGITS) + "-" + some(64, HEX),
    "Slack webhook": "https://hooks.slack.com/" + "services/T" + some(8) + "/B" + some(8) + "/" + some(24),
    "Slack workflow": "https://hooks.slack.com/"
    + "triggers/T"
    + some(8)
    + "/"
    + some(13, DIGITS)
    + "/"
    + some(32, HEX),
    "Discord webhook": "https://discord.com/api/" + "webhooks/" + some(18, DIGITS) + "/" + some(68),
    "Discord bot": "M" + some(23) + "." + some(6) + "." + some(27),
    "Teams webhook": "https://example.webhook.office.com/" + "webhookb2/" + some(36),
    "Google Chat webhook": "https://chat.googleapis.com/v1/spaces/A/messages?"
    + "key="
    + some(39)
    + "&token="
    + some(43),
    "Stripe": "sk" + "_live_" + some(24),
    "Stripe test": "rk" + "_test_" + some(24),
    "SendGrid": "SG" + "." + some(22) + "." + some(43),
    "Mailchimp": some(32, HEX) + "-us" + "12",
    "Twilio": "SK" + some(32, HEX),
    "Telegram": some(9, DIGITS) + ":" + some(35),
    "npm": "npm" + "_" + some(36),
    "PyPI": "pypi" + "-AgEIcHlwaS5vcmc" + some(80),
    "Docker Hub": "dckr" + "_pat_" + some(27),
    "Pulumi": "pul" + "-" + some(40, HEX),
    "DigitalOcean": "dop" + "_v1_" + some(64, HEX),
    "LangSmith": "lsv2" + "_pt_" + some(32, HEX) + "_" + some(10, HEX),
    "Grafana": "glsa" + "_" + some(32) + "_" + some(8, HEX),
    "New Relic": "NRAK" + "-" + some(27, UPPER + DIGITS),
    "Shopify": "shpat" + "_" + some(32, HEX),
    "Sentry token": "sntrys" + "_" + some(60),
    "Sentry DSN": f"https://{some(32, HEX)}@o1.ingest.sentry.io/2",
    "age": "AGE" + "-SECRET-KEY-1" + some(58, UPPER + DIGITS),
    "RSA key": pem("RSA " + "PRIVATE KEY"),
    "EC key": pem("EC " + "PRIVATE KEY"),
    "service account": '{"type": "service_account", "private_key": "' + pem("PRIVATE" + " KEY") + '"}',
    "bearer header": "Bearer " + some(12),
    "basic header": "Basic " + encoded("somebody:" + some(8)),
    "OTEL headers": "Authorization=Basic%20" + encoded("pk:" + some(12)),
    "key in headers": "x-tenant=a,api-key=" + some(40, HEX),
    "Postgres": "postgresql://somebody:" + some(6) + "@db.example.com/litellm",
    "Redis": "redis://:" + some(6) + "@redis.example.com:6379/0",
    "Redis, TLS": "rediss://default:" + some(6) + "@redis.example.com:6380",
    "proxy": "http://somebody:" + some(6) + "@proxy.example.com:3128",
    "Azure storage": "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=" + encoded(some(64)) + ";",
    "Service Bus": "Endpoint=sb://a.example.com/;SharedAccessKeyName=b;SharedAccessKey=" + encoded(some(32)),
    "SQL Server": "Server=db.example.com;Database=a;User Id=b;Password=" + some(9) + ";",
    "libpq": "host=db.example.com user=a password=" + some(9),
    "SAS URL": "https://a.blob.core.windows.net/b?sv=2024-01-01&sig=" + some(43) + "%3D",
    "presigned URL": "https://a.s3.amazonaws.com/b?X-Amz-Expires=60&X-Amz-Signature=" + some(64, HEX),
    "key in a query": "https://generativelanguage.googleapis.com/v1beta?key=" + some(39),
    "Azure function": "https://a.azurewebsites.net/api/b?code=" + some(54),
    "random hexadecimal": some(64, HEX),
}
"""Formats of real secrets, each wherever it stands."""

BEGINNINGS = (
    *("AIza", "AQ.Ab", "ya29.", "ABSK", "bedrock-api-key-", "hf_", "gsk_", "xai-", "nvapi-", "r8_", "rpa_", "pplx-"),
    *("tgp_v1_", "fw_", "csk-", "jina_", "tvly-", "pcsk_", "apify_api_", "github_pat_", "glpat-", "npm_", "dckr_pat_"),
    *("gho_", "ghp_", "ghr_", "ghs_", "ghu_", "pul-", "dop_v1_", "tskey-", "sbp_", "sb_secret_", "lsv2_", "glsa_"),
    *("glc_", "NRAK-", "PMAK-", "dt0c01.", "sntrys_", "sntryu_", "lin_api_", "ntn_", "shpat_", "whsec_", "rk_test_"),
    *("sk_test_", "xapp-", "xoxa-", "xoxb-", "xoxe-", "xoxo-", "xoxp-", "xoxr-", "xoxs-", "xoxe.", "phx_", "atlasv1-"),
    *("sk-", "hvs.", "hvb.", "hvr."),
)
"""What says by itself that a key follows, also one that does not look random."""

BY_NAME = (
    *(
        "OPENAI_API_KEY",
        "OPENAI_API_KEY_2",
        "AZURE_API_KEY_EASTUS",
        "WATSONX_APIKEY",
        "WATSONX_ZENAPIKEY",
        "apiKey",
        "api_key",
    ),
    *("clientSecret", "client_secret", "MICROSOFT_CLIENT_SECRET", "accessToken", "HF_TOKEN", "AWS_SECRET_ACCESS_KEY"),
    *("AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN", "PGPASSWORD", "MYSQL_PWD", "SMTP_PASSWORD", "DB_PASS", "UI_PASSWORD"),
    *(
        "OTEL_HEADERS",
        "OTEL_EXPORTER_OTLP_HEADERS",
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
        "GITHUB_PAT",
        "AZURE_DEVOPS_PAT",
    ),
    *(
        "AZURE_STORAGE_CONNECTION_STRING",
        "connectionString",
        "APPLICATIONINSIGHTS_CONNECTION_STRING",
        "VERTEX_CREDENTIALS",
    ),
    *("LITELLM_MASTER_KEY", "LITELLM_SALT_KEY", "X-Api-Key", "Ocp-Apim-Subscription-Key", "Authorization", "cookie"),
    *(
        "redis_password",
        "langfuse_secret",
        "LANGFUSE_SECRET_KEY",
        "auth_value",
        "aws_session_token",
        "SSL_KEY_PASSPHRASE",
    ),
    *(
        "GITHUB_WEBHOOK_SECRET",
        "webhook_token",
        "privateKey",
        "drain_endpoint_token",
        "LAGO_API_KEY",
        "ARIZE_SPACE_KEY",
        "database_password",
        "basic_auth",
    ),
)
"""Places whose value is a secret, also one of seven letters."""

BY_NAME_AND_VALUE = (
    ("SLACK_WEBHOOK_URL", "https://alerts.example.com/T0"),
    ("alert_to_webhook_url", "https://alerts.example.com/T0"),
    ("SENTRY_DSN", "https://sentry.example.com/2"),
    ("LITELLM_LICENSE", "from-the-vendor-for-one-year"),
    ("litellm_license", "from-the-vendor-for-one-year"),
    ("LITELLM_LICENSE", "sixteen-letters-"),
    ("STABILITY_API_KEY", "1b2c3d4e-0000-4444-8888-123456789abc"),
    ("SERVICE_TOKEN", "i-" + "0a1b2c3d4e5f60718"),
    ("DB_PASSWORD", "ssh-" + "hunter" + "two"),
    ("DB_PASSWORD", "arn" + ":hunter" + "two"),
)

HARMLESS = (
    ("GOOGLE_APPLICATION_CREDENTIALS", "/etc/google/credentials.json"),
    ("vertex_credentials", "/app/vertex.json"),
    ("vertex_credentials", "vertex.json"),
    ("AZURE_AD_TOKEN", "oidc/azure/api://litellm"),
    ("aws_web_identity_token", "oidc/google/https://litellm.example.com"),
    ("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/run/secrets/eks.amazonaws.com/serviceaccount/token"),
    ("LITELLM_KEY_ROTATION_ENABLED", "true"),
    ("LITELLM_KEY_ROTATION_CHECK_INTERVAL_SECONDS", "86400"),
    ("IAM_TOKEN_DB_AUTH", "True"),
    ("AZURE_SCOPE", "https://cognitiveservices.azure.com/.default"),
    ("GENERIC_SCOPE", "openid profile email"),
    ("GENERIC_TOKEN_ENDPOINT", "https://id.example.com/oauth2/token"),
    ("JWT_PUBLIC_KEY_URL", "https://id.example.com/.well-known/jwks.json"),
    ("LITELLM_TRIM_MAX_INPUT_TOKENS", "1000"),
    ("prompt_cache_key", "support-chat"),
    ("cache_key", "model-and-messages"),
    ("hosted_keys", "OPENAI_API_KEY"),
    ("hosted_keys", "openai-production"),
    ("prefix_for_stored_virtual_keys", "litellm/"),
    ("primary_secret_name", "litellm_secrets"),
    ("litellm_user_api_key", "x-api-key"),
    ("litellm_key_header_name", "X-Litellm-Key"),
    ("key_management_system", "aws_secret_manager"),
    ("custom_key_generate", "custom_auth.generate"),
    ("custom_auth", "custom_auth.user_api_key_auth"),
    ("token_rate_limit_type", "output"),
    ("public_key", "pk-lf-of-this-project"),
    ("LANGFUSE_PUBLIC_KEY", "pk-lf-of-this-project"),
    ("eos_token", "</s>"),
    ("stop_token", "<|im_end|>"),
    ("token", "os.environ/HF_TOKEN"),
    ("Authorization", "Bearer os.environ/PASS_THROUGH_KEY"),
    ("api_key", "none"),
    ("api_key", "fake-key"),
    ("api_key", "EMPTY"),
    ("api_key", "not-needed"),
    ("on_pass", "allow"),
    ("api_key_env", "OPENAI_API_KEY"),
    ("key_ttl", "30d"),
    ("PASSWORD_POLICY_MIN_LENGTH", "12"),
    ("KMS_KEY_ID", "1234abcd-12ab-34cd-56ef-1234567890ab"),
    ("kms_key", "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"),
    ("secret", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:litellm/prod-AbCdEf"),
    ("role", "arn:aws:iam::123456789012:role/litellm-production-gateway"),
    ("topic", "arn:aws:sns:eu-central-1:123456789012:a-topic-with-a-name-of-many-letters-1"),
    ("profile", "arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/abcdef123456"),
    ("model", "claude-sonnet-4-5-20250929"),
    ("model", "anthropic.claude-3-5-sonnet-20241022-v2:0"),
    ("model", "us.anthropic.claude-sonnet-4-20250514-v1:0"),
    ("model", "meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8"),
    ("model", "hosted_vllm/Qwen/Qwen2.5-VL-72B-Instruct-AWQ"),
    ("model", "openai/gpt-4o-mini-2024-07-18"),
    ("model", "accounts/fireworks/models/deepseek-v3p1-terminus"),
    ("model", "nvidia/llama-3.1-nemotron-nano-vl-8b-v1"),
    ("model", "DeepSeek-R1-Distill-Qwen-32B-Q4_K_M.gguf"),
    ("base_url", "https://example.openai.azure.com/openai/deployments/gpt-4o?api-version=2024-10-21"),
    ("api_base", "http://vllm.models.svc.cluster.local:8000/v1"),
    ("OTEL_ENDPOINT", "https://otel.example.com:4318/v1/traces"),
    ("url", "redis://redis.example.com:6379/0"),
    ("url", "postgresql://litellm@db.example.com:5432/litellm?sslmode=require"),
    ("HTTPS_PROXY", "http://proxy.example.com:3128"),
    ("host", "litellm.c9akciq32rgt.eu-central-1.rds.amazonaws.com"),
    ("host", "k8s-litellm-litellm-0a1b2c3d4e-1234567890.eu-central-1.elb.amazonaws.com"),
    ("image", "ghcr.io/berriai/litellm-non_root:v1.106.2@sha256:" + some(64, HEX)),
    ("image", "sha256:" + some(64, HEX)),
    ("GIT_COMMIT", some(40, HEX)),
    ("checksum/config", some(64, HEX)),
    ("team_id", "1b2c3d4e-0000-4444-8888-123456789abc"),
    ("AZURE_TENANT_ID", "1b2c3d4e-0000-4444-8888-123456789abc"),
    ("timeout", "600"),
    ("budget_duration", "30d"),
    ("ttl", "1h30m"),
    ("expiry", "2026-11-26T01:15:53.123456Z"),
    ("ca", pem("CERTIFICATE")),
    ("certificate", pem("PUBLIC KEY")),
    ("known_host", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5" + some(43)),
    ("cidr", "10.0.0.0/8,fd00::/8"),
    ("version", "bluebook-engine-preview-v2-2026-01-01"),
    ("description", "Bearer tokens are checked by the gateway, basic authentication is off"),
    ("greeting", "Hello from LiteLLM."),
    ("group", "platform-team@example.com"),
    ("license", "apache-2.0"),
    ("nginx.ingress.kubernetes.io/auth-tls-secret", "litellm/clients"),
    ("nginx.ingress.kubernetes.io/configuration-snippet", 'more_set_headers "X-Frame-Options: DENY";'),
    (
        "alb.ingress.kubernetes.io/certificate-arn",
        "arn:aws:acm:eu-west-1:123456789012:certificate/1b2c3d4e-0000-4444-8888-1",
    ),
    ("elbv2.k8s.aws/pod-readiness-gate-inject", "enabled"),
    ("tags", "environment=production,team=platform-engineering-and-operations"),
    ("NO_PROXY", "localhost,127.0.0.1,.svc,.cluster.local,kubernetes.default"),
    ("cron", "0 3 * * *"),
    ("locale", "de_DE.UTF-8"),
    ("size", "4096Mi"),
    ("label", "task-litellm-production-2026"),
    ("api_key", ""),
    ("api_key", " "),
    ("LITELLM_LICENSE", "apache-2.0"),
    ("LITELLM_LICENSE", "fifteen-letters"),
    ("tls_secret", pem("CERTIFICATE")),
    ("verification_key", pem("PUBLIC KEY")),
    ("description", "Basic knowledge of networks"),
    ("number", some(32, DIGITS)),
    ("word", some(32, "abcdef")),
    ("suffix", some(20)),
    ("SLACK_WEBHOOK_URL", "alerts-of-the-team"),
    ("host", "averyveryverylongnameofaservice12"),
    ("name", "a1b2c3d4-e5f6a7b8-c9d0e1f2-a3b4c5d6"),
)


def test_the_tables_are_as_long_as_they_should_be() -> None:
    assert len(BY_VALUE) >= 80
    assert len(HARMLESS) >= 60


@pytest.mark.parametrize("value", BY_VALUE.values(), ids=BY_VALUE)
def test_a_secret_is_known_by_its_form_wherever_it_stands(value: str) -> None:
    assert is_secret("FOO", value)


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_a_secret_is_known_by_how_it_begins_alone(beginning: str) -> None:
    """Random characters would be found without it."""
    rest = LOWER[:16] + "1"
    assert not looks_secret(rest)
    assert looks_secret(beginning + rest)


@pytest.mark.parametrize("name", BY_NAME)
def test_a_secret_is_known_by_the_name_of_its_place(name: str) -> None:
    assert is_secret(name, "hunter" + "two")


@pytest.mark.parametrize(("name", "value"), BY_NAME_AND_VALUE)
def test_a_secret_is_known_by_a_name_that_is_harmless_elsewhere(name: str, value: str) -> None:
    assert is_secret(name, value)


@pytest.mark.parametrize(("name", "value"), HARMLESS)
def test_what_is_no_secret_is_none(name: str, value: str) -> None:
    assert not is_secret(name, value)


@pytest.mark.parametrize("value", BY_VALUE.values(), ids=BY_VALUE)
def test_what_is_found_is_part_of_the_text_so_that_a_report_can_mask_it(value: str) -> None:
    text = value
    for found in secrets_in(value):
        text = text.replace(found, "")
    assert not looks_secret(text)


@pytest.mark.parametrize("length", range(8, 12))
def test_a_login_is_found_with_and_without_its_padding(length: int) -> None:
    login = "Basic " + encoded("somebody:" + LOWER[:length])
    assert looks_secret(login)
    assert looks_secret(login.rstrip("="))


def test_words_of_names_are_found_in_every_way_of_writing_them() -> None:
    assert all(names_a_secret(name) for name in ("client_secret", "CLIENT_SECRET", "clientSecret", "client-secret"))


def test_random_tokens_of_any_provider_are_found() -> None:
    """A provider whose format nobody knows: letters and digits, as many as keys have."""
    found = [looks_secret(some(length, seed=seed)) for length in (32, 40, 44, 64) for seed in range(200)]
    assert sum(found) / len(found) > 0.97


OF_A_SECRET = """
AGE ALGORITHM ALIAS ALIASES ALLOWED ARN AUDIENCE AUTH CLAIM CLASS COST COUNT COUNTER DAYS DESCRIPTION DIR
DISABLED DURATION ENABLED ENDPOINT EXPIRY FIELD FILE FORMAT GENERATE HEADER HEADERS HOURS ID IDS INFO INTERVAL
ISSUER LENGTH LIMIT LIST LOCATION MANAGER MAX MIN MINUTES MODE NAME NAMES PARAMS PATH POLICY PREFIX PROVIDER
REGION REQUIRED ROTATION ROUTES SCOPE SCOPES SECONDS SETTINGS SIZE STRATEGY SUFFIX SYSTEM TEMPLATE TIMEOUT TTL
TYPE TYPES UPDATE URI URL URLS VALIDATE VALIDATION VALUES VERSION
"""


@pytest.mark.parametrize("word", re.findall(r"\w+", OF_A_SECRET))
def test_what_a_name_says_of_a_secret_is_none(word: str) -> None:
    """`API_KEY_HEADER` is the name of a header, and `TOKEN_TTL` a time; the value may be any text."""
    assert not names_a_secret(f"API_KEY_{word}")
    assert names_a_secret(f"{word}_API_KEY")


DIGESTS = "CHECKSUM COMMIT DIGEST ETAG FINGERPRINT HASH REVISION SHA SHA1 SHA256 TRACE"


@pytest.mark.parametrize("word", re.findall(r"\w+", DIGESTS))
def test_a_digest_is_none_where_its_place_is_called_so(word: str) -> None:
    digest = hashlib.sha1(word.encode(), usedforsecurity=False).hexdigest()
    assert looks_secret(digest, "VALUE")
    assert not looks_secret(digest, f"IMAGE_{word}")


def test_a_path_is_none_however_its_parts_look() -> None:
    assert looks_secret(some(40))
    assert not looks_secret(f"/var/lib/{some(40)}")
