"""Where pods have the certificates of authorities. Also read by the configuration, so without any SDK."""

FOLDER = "/etc/litellm-certificates"
DATABASE, REDIS = "database.crt", "redis.crt"
"""Files there: the authorities of Postgres and of Redis."""


def path_of(file: str) -> str:
    return f"{FOLDER}/{file}"
