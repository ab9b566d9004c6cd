"""The APIs of CloudNativePG. Also read by what looks whether they are served, so without any SDK."""

API = "postgresql.cnpg.io/v1"
OBJECT_STORES = "barmancloud.cnpg.io/v1"
"""The Barman Cloud plugin, with which CloudNativePG backs up to an object store."""

PORT = 5432
