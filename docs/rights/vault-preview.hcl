# litellm-preview-STACK: the token of a pull request's preview. Names and settings, no value, and nothing is written.
path "litellm/metadata/NAMESPACE/*" { capabilities = ["read"] }
path "litellm/subkeys/NAMESPACE/*"  { capabilities = ["read"] }
path "litellm/subkeys/shared/*"     { capabilities = ["read"] }
path "litellm/config"               { capabilities = ["read"] }
path "auth/kubernetes/config"       { capabilities = ["read"] }
path "auth/kubernetes/role/litellm" { capabilities = ["read"] }
