# litellm-reader: what External Secrets Operator reads with. Made once by an administrator, for all stacks and environments:
# ACCESSOR is that of the auth method at auth/kubernetes/, and a login sees the documents of its own namespace.
path "litellm/data/{{identity.entity.aliases.ACCESSOR.metadata.service_account_namespace}}/*" {
  capabilities = ["read"]
}
path "litellm/data/ephemeral/{{identity.entity.aliases.ACCESSOR.metadata.service_account_namespace}}/*" {
  capabilities = ["read"]
}
# What stacks refer to and somebody else writes (providerDocuments, keys.master.existing, database.admin, …).
path "litellm/data/shared/*" {
  capabilities = ["read"]
}
