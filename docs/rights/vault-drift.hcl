# litellm-drift-STACK: the token of the nightly `preview --refresh`, which runs the code of main. It compares the documents with the
# state, and so reads their values; not that of the salt key.
path "litellm/data/NAMESPACE/*"     { capabilities = ["read"] }
path "litellm/data/NAMESPACE/salt"  { capabilities = ["deny"] }
path "litellm/metadata/NAMESPACE/*" { capabilities = ["read"] }
path "litellm/subkeys/NAMESPACE/*"  { capabilities = ["read"] }
path "litellm/subkeys/shared/*"     { capabilities = ["read"] }
path "litellm/config"               { capabilities = ["read"] }
path "auth/kubernetes/config"       { capabilities = ["read"] }
path "auth/kubernetes/role/litellm" { capabilities = ["read"] }
