"""Where pods have the certificates of authorities. Also read by the configuration, so without any SDK."""

FOLDER = "/etc/litellm-certificates"
DATABASE, REDIS, PROVIDERS = "database.crt", "redis.crt", "providers.crt"
"""Files there: the authorities of Postgres, of Redis, and of what LiteLLM asks over HTTPS."""


def path_of(file: str) -> str:
    return f"{FOLDER}/{file}"
