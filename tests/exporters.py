"""Metrics of other exporters that alerts ask for, as these document them: what LiteLLM does not know itself."""

SERIES: dict[str, frozenset[str]] = {
    # CloudNativePG, "Monitoring": the metrics of each instance.
    "cnpg_backends_total": frozenset({"datname", "usename", "application_name", "state", "pod"}),
    "cnpg_pg_settings_setting": frozenset({"name", "pod"}),
    # prometheus-community/postgres_exporter, its collectors `stat_database` and `settings`.
    "pg_stat_database_numbackends": frozenset({"datid", "datname"}),
    "pg_settings_max_connections": frozenset({"server"}),
    # kube-state-metrics, "Job Metrics".
    "kube_job_failed": frozenset({"job_name", "namespace", "condition", "reason"}),
    # External Secrets Operator, "Metrics".
    "externalsecret_status_condition": frozenset({"name", "namespace", "condition", "status"}),
    # cert-manager, "Prometheus Metrics".
    "certmanager_certificate_expiration_timestamp_seconds": frozenset(
        {"name", "namespace", "issuer_name", "issuer_kind", "issuer_group"}
    ),
    # prometheus/blackbox_exporter, its prober `http`.
    "probe_ssl_earliest_cert_expiry": frozenset(),
}

OF_TARGETS = frozenset({"namespace", "exported_namespace", "pod", "instance", "job"})
"""Labels that Prometheus gives to whatever it scrapes."""
