"""What a secret looks like: by its form, or by the name of the place where it stands. Configuration, policy and reports all ask
here, and nowhere else."""

import base64
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any

FORMATS_OF_DETECT_SECRETS = (
    ("aws", "AWSKeyDetector"),
    ("azure_storage_key", "AzureStorageKeyDetector"),
    ("discord", "DiscordBotTokenDetector"),
    ("github_token", "GitHubTokenDetector"),
    ("gitlab_token", "GitLabTokenDetector"),
    ("jwt", "JwtTokenDetector"),
    ("mailchimp", "MailchimpDetector"),
    ("npm", "NpmDetector"),
    ("openai", "OpenAIDetector"),
    ("private_key", "PrivateKeyDetector"),
    ("pypi_token", "PypiTokenDetector"),
    ("sendgrid", "SendGridDetector"),
    ("slack", "SlackDetector"),
    ("square_oauth", "SquareOAuthDetector"),
    ("stripe", "StripeDetector"),
    ("telegram_token", "TelegramBotTokenDetector"),
    ("twilio", "TwilioKeyDetector"),
)
"""Detectors that find a secret by its form alone. Left out are those which need the line around it, and Artifactory's: it takes
words in capitals for passwords."""

WORTH_A_LOOK = re.compile(r"(?<![\w-])(?=[\w-]*\d)[\w-]{20,}|BEGIN |xox")
"""Whether any of those formats may be in a text: they are loaded for such a text only, as that takes a tenth of a second."""

LITERAL = r"(?!os\.environ/|\$|\{|<|\*|\[secret\]|%[({])"
"""Where a value begins that is no reference, no placeholder of a template and no mask."""

TAIL = rf"{LITERAL}[^\s\"',;&]"

PREFIXES = (
    # Providers of models, and tools that models call.
    *(
        "AIza",
        "LTAI",
        r"AQ\.Ab",
        r"ya29\.",
        "ABSK",
        "bedrock-api-key-",
        "hf_",
        "gsk_",
        "xai-",
        "nvapi-",
        "r8_",
        "rpa_",
        "pplx-",
    ),
    *("tgp_v1_", "fw_", "csk-", "jina_", "tvly-", "pcsk_", "apify_api_"),
    # Services around a gateway.
    *("github_pat_", "gh[oprsu]_", "glpat-", "npm_", "dckr_pat_", "pul-", "dop_v1_", "tskey-", "sbp_"),
    *(
        "sb_secret_",
        "AGE-SECRET-KEY-1",
        "lsv2_",
        "glsa_",
        "glc_",
        "NRAK-",
        "PMAK-",
        r"dt0c01\.",
        "sntry[su]_",
        "lin_api_",
    ),
    *("ntn_", "shpat_", "whsec_", "[rs]k_test_", "xapp-", "xox[abeoprs]-", r"xoxe\.", "phx_", "atlasv1-"),
)
"""How keys and tokens begin that say by themselves whose they are."""

FORMATS = re.compile(
    rf"""
      (?<![\w.-]) sk-(?=[\w-]*\d|\w{{12}}|[\w-]{{20}})[\w-]{{4,}}               # OpenAI, Anthropic, LiteLLM and many more
    | (?<![\w.-]) hv[sbr]\.[\w-]{{6,}}                                        # Vault
    | (?<![\w.-]) (?:{"|".join(PREFIXES)}) (?=[\w.-]*\d) (?=[\w.-]*?[A-Za-z0-9]{{10}}) [\w.-]{{16,}} =*
    | (?<![\w.-]) (?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{{16,}}         # the whole access key, for a mask over it
    | (?<![\w.-]) eyJ[\w-]{{8,}}\.[\w-]{{8,}}(?:\.[\w-]+)?                      # the whole JSON web token, likewise
    | (?i:(?:^|[:=,"'\s]) (?:Bearer|Token|ApiKey|Api-Key)(?:\s|%20)+ {LITERAL}(?=[\w.~+/=-]*\d)[\w.~+/=-]{{6,}})
    | [a-zA-Z][a-zA-Z0-9+.-]{{0,30}}://[^/\s:@]*: {LITERAL}[^/\s@]+ @        # a URL with a password, and maybe a user
    | [a-zA-Z][a-zA-Z0-9+.-]{{0,30}}://(?=[\w-]*\d)[\w-]{{16,}}@                    # a URL with a token for its user: a DSN
    | (?i:[?&](?:api[-_]?key|key|(?:access[-_]?)?token|sig|(?:x-amz-)?signature|code|secret|password|auth)= {TAIL}{{8,}})
    | (?i:(?:^|[;\s])(?:AccountKey|SharedAccessKey|SharedAccessSignature|Password|Pwd)\s?=\s? {TAIL}{{4,}})
    | hooks\.slack\.com/(?:services|workflows|triggers)/{TAIL}{{8,}}
    | discord(?:app)?\.com/api/webhooks/{TAIL}{{8,}}
    | webhook\.office\.com/webhookb2/{TAIL}{{8,}}
    """,
    re.VERBOSE,
)
"""Formats that detect-secrets does not know, or knows in part."""

BASIC = re.compile(r"\bBasic(?:\s|%20)+([A-Za-z0-9+/]{6,}={0,2})")

PUBLIC = re.compile(
    r"-----BEGIN (?P<what>CERTIFICATE|(?:RSA )?PUBLIC KEY)-----.*?-----END (?P=what)-----"
    r"|ssh-(?:rsa|ed25519) \S+|\barn:aws[\w-]*:\S*|\bsha(?:256|384|512|1)[:-][A-Za-z0-9+/=]+"
    r"|\b(?:vpc|subnet|sg|eni|rtb|igw|nat|vol|ami|i|lt|tgw|vpce|eipalloc)-[0-9a-f]{8,17}\b"
    r"|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
    re.DOTALL,
)
"""What is no secret, however random it looks: certificates, public keys, ARNs, IDs of AWS, digests, UUIDs."""

PIECE = re.compile(r"[^\s,;:=\"'&?@()\[\]{}<>|]+=*")
TOKEN = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")
HEX = re.compile(r"(?i:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{48}|[0-9a-f]{64}|[0-9a-f]{84}|[0-9a-f]{128})")
CHANGE = re.compile(r"(?<=[a-z])(?=[A-Z0-9])|(?<=[A-Z])(?=[a-z0-9])|(?<=[0-9])(?=[A-Za-z])")
RANDOM_LENGTH, MOSTLY_CHANGES, LOWER_CHANGES = 30, 0.35, 0.28
"""Characters of a random token, and how often one kind of letter follows another in it: in words that is rare."""

DIGEST_NAMES = {
    "SHA",
    "SHA1",
    "SHA256",
    "HASH",
    "DIGEST",
    "CHECKSUM",
    "COMMIT",
    "REVISION",
    "ETAG",
    "FINGERPRINT",
    "TRACE",
}
"""Names of values that look like keys and are digests."""

SECRET_WORDS = {
    *(
        "KEY",
        "KEYS",
        "TOKEN",
        "TOKENS",
        "SECRET",
        "SECRETS",
        "PASSWORD",
        "PASSWORDS",
        "PASSWD",
        "PASS",
        "PWD",
        "PASSPHRASE",
    ),
    *("CREDENTIAL", "CREDENTIALS", "AUTHORIZATION", "COOKIE", "PAT", "DSN", "WEBHOOK"),
}
SECRET_ENDING = re.compile(
    r"(?:PASSWORD|PASSWD|SECRET|TOKEN|(?:API|ACCESS|SECRET|PRIVATE|MASTER|ACCOUNT|AUTH|ENCRYPTION|SUBSCRIPTION)KEYS?)$"
)
"""Words in one: PGPASSWORD, APIKEY."""

SECRET_NAMES = re.compile(
    r"CONNECTION_STRING|WEBHOOK_URLS?$|ACCESS_KEY_ID$|^OTEL_.*HEADERS$|^AUTH_VALUE$|^(?:BASIC|REDIS)_AUTH$"
)

HARMLESS_LAST_WORDS = {
    *("LIST", "INFO", "VALUES"),
    *(
        "ENDPOINT",
        "URL",
        "URLS",
        "URI",
        "NAME",
        "NAMES",
        "HEADER",
        "HEADERS",
        "PATH",
        "FILE",
        "DIR",
        "TTL",
        "LIMIT",
        "TIMEOUT",
    ),
    *(
        "SECONDS",
        "MINUTES",
        "HOURS",
        "DAYS",
        "INTERVAL",
        "DURATION",
        "EXPIRY",
        "AGE",
        "ENABLED",
        "DISABLED",
        "REQUIRED",
    ),
    *(
        "ALLOWED",
        "SCOPE",
        "SCOPES",
        "ID",
        "IDS",
        "TYPE",
        "TYPES",
        "COUNT",
        "SIZE",
        "LENGTH",
        "MAX",
        "MIN",
        "COST",
        "PREFIX",
    ),
    *(
        "SUFFIX",
        "FORMAT",
        "ALGORITHM",
        "POLICY",
        "MODE",
        "PROVIDER",
        "REGION",
        "VERSION",
        "ISSUER",
        "AUDIENCE",
        "CLAIM",
    ),
    *("FIELD", "ARN", "ALIAS", "ALIASES", "MANAGER", "SYSTEM", "SETTINGS", "PARAMS", "ROTATION", "GENERATE", "UPDATE"),
    *(
        "TEMPLATE",
        "CLASS",
        "COUNTER",
        "STRATEGY",
        "DESCRIPTION",
        "VALIDATION",
        "VALIDATE",
        "AUTH",
        "ROUTES",
        "LOCATION",
    ),
}

HARMLESS_NAMES = re.compile(
    r"(?:^|_)(?:PUBLIC|CACHE|SORT|PARTITION|PRIMARY|FOREIGN|TAG|LABEL|ROUTING|INDEX|GROUP|IDEMPOTENCY|HOSTED|METADATA)_KEYS?$"
    r"|^PREFIX_FOR_|^LITELLM_USER_API_KEY$|^(?:BOS|EOS|PAD|STOP|MASK|SEP|CLS|UNK|IMAGE)_TOKENS?$"
    r"|KUBERNETES_IO_.*SECRET$|^ON_PASS$|^PASS_THROUGH_|^EXISTING_SECRET$"
)
"""Keys of maps and caches, LiteLLM's names of keys that are elsewhere, tokens of language models, names of Secrets,
of which a chart calls one `existingSecret`."""

HARMLESS_VALUE = re.compile(
    r"""
      (?i:true|false|yes|no|on|off|none|null|\*)
    | (?i:empty|dummy|unused|placeholder|fake(?:[-_]?(?:api[-_]?)?key)?|not?[-_]?(?:key[-_]?)?(?:needed|required|used))
    | [-+]?[\d_.,]+(?:e[-+]?\d+)?%?                    # a number
    | (?:\d+(?:ns|us|ms|[smhdw]|mo))+                  # a duration
    | (?:file://|~?/|\.{1,2}/)[^\s?]*                  # a path
    | [\w./-]+\.(?:json|pem|crt|cer|p12|ya?ml|toml|txt)
    | oidc/\S+                                         # LiteLLM asks for a token when it needs one
    | x-[a-z-]+                                        # the name of a header
    | [A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+                    # the name of a variable
    | </?[^<>\s]+>
    | [a-zA-Z][a-zA-Z0-9+.-]*://[^\s@?]+               # a URL without user and query
    | [^\s@]+@[\w-]+(?:\.[\w-]+)+                      # a mail address
    """,
    re.VERBOSE,
)
"""Values that are no secret, whatever their place is called."""

SHORTEST_LICENSE = 16

REFERENCE = re.compile(r"os\.environ/([A-Za-z_]\w*)")
"""How a LiteLLM setting refers to an environment variable."""


def is_secret(name: str, value: str) -> bool:
    """Whether a text is a secret, by the name of its place or by its form. A reference is none, nor what stands around it."""
    if not value.strip() or REFERENCE.search(value):
        return looks_secret(REFERENCE.sub("", value), name)
    return (names_a_secret(name) and not harmless(name, value)) or looks_secret(value, name)


def looks_secret(value: str, name: str = "") -> bool:
    """Whether a value has, or contains, the form of a secret; `name` may say that it is a digest."""
    return next(secrets_in(value, name), None) is not None


def names_a_secret(name: str) -> bool:
    """Whether what is called so is a secret: `OPENAI_API_KEY` and `clientSecret` are, `GENERIC_TOKEN_ENDPOINT` is not."""
    words = words_of(name)
    joined = "_".join(words)
    if SECRET_NAMES.search(joined):
        return True
    if not words or words[-1] in HARMLESS_LAST_WORDS or HARMLESS_NAMES.search(joined):
        return False
    if words[-1] == "LICENSE" and len(words) > 1:
        return True
    return bool(SECRET_WORDS & set(words)) or any(SECRET_ENDING.search(word) for word in words)


def harmless(name: str, value: str) -> bool:
    """Whether a value cannot be the secret that its name speaks of."""
    text, words = value.strip(), words_of(name)
    named = SECRET_WORDS & set(words)
    if named and named <= {"WEBHOOK", "DSN"}:
        return "://" not in text
    if "LICENSE" in words and len(text) < SHORTEST_LICENSE:
        return True
    return bool(
        HARMLESS_VALUE.fullmatch(text) or (PUBLIC.fullmatch(text) and text.startswith(("arn:", "ssh-", "-----")))
    )


def secrets_in(text: str, name: str = "") -> Iterator[str]:
    """The parts of a text that have the form of a secret."""
    rest = PUBLIC.sub(" ", text)
    yield from (found[0].lstrip(":=,\"' ;") for found in FORMATS.finditer(rest))
    yield from (found[0] for found in BASIC.finditer(rest) if is_login(found[1]))
    if not DIGEST_NAMES & set(words_of(name)):
        yield from (piece for piece in PIECE.findall(rest) if is_random(piece))
    if WORTH_A_LOOK.search(rest):
        for detector in detectors():
            yield from (found for found in detector.analyze_string(rest) if found)


@cache
def detectors() -> tuple[Any, ...]:
    """The detectors of detect-secrets. None of them is asked to verify anything: nothing leaves this machine."""
    return tuple(
        getattr(import_module(f"detect_secrets.plugins.{module}"), name)() for module, name in FORMATS_OF_DETECT_SECRETS
    )


def is_login(encoded: str) -> bool:
    """Whether this is user:password as in a header of HTTP, and not a word."""
    try:
        return b":" in base64.b64decode(encoded + "=" * (-len(encoded) % 4))
    except ValueError:
        return False


def is_random(piece: str) -> bool:
    """Whether a word is none: hexadecimal digits of the length of a key, or letters and digits in a wild mix."""
    if HEX.fullmatch(piece):
        return bool(re.search(r"\d", piece) and re.search(r"[a-fA-F]", piece))
    if not TOKEN.fullmatch(piece) or piece.startswith("/"):
        return False
    segments = [segment for segment in re.split(r"[+/=_-]", piece) if segment]
    letters = sum(len(segment) for segment in segments)
    if letters < RANDOM_LENGTH or len(re.findall(r"\d", piece)) < 2:
        return False
    share = sum(len(CHANGE.findall(segment)) for segment in segments) / letters
    if re.search(r"[a-z]", piece) and re.search(r"[A-Z]", piece):
        return share > MOSTLY_CHANGES
    return share > LOWER_CHANGES and max(map(len, segments)) >= RANDOM_LENGTH


@cache
def words_of(name: str) -> tuple[str, ...]:
    """The words of a name in capitals: of `clientSecret`, `client_secret` and `CLIENT-SECRET` alike."""
    return tuple(word.upper() for word in re.findall(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+", name))
