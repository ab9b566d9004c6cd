# litellm-up-STACK: the token of whoever runs `up`, `destroy` or `preview --refresh` of one stack. NAMESPACE is the stack's.
path "litellm/data/NAMESPACE/*"     { capabilities = ["create", "read", "update"] }
path "litellm/data/NAMESPACE/salt"  { capabilities = ["create", "update"] }
path "litellm/metadata/NAMESPACE/*" { capabilities = ["create", "read", "update", "delete", "list"] }
path "litellm/subkeys/NAMESPACE/*"  { capabilities = ["read"] }
path "litellm/subkeys/shared/*"     { capabilities = ["read"] }
path "litellm/config"               { capabilities = ["read"] }
path "auth/kubernetes/config"       { capabilities = ["read"] }
path "auth/kubernetes/role/litellm" { capabilities = ["read"] }
