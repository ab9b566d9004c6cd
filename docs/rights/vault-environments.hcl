# litellm-environments: the token of whoever makes and removes ephemeral environments.
path "litellm/data/ephemeral/*"                  { capabilities = ["create", "read", "update"] }
path "litellm/data/ephemeral/+/salt"             { capabilities = ["create", "update"] }
path "litellm/metadata/ephemeral/*"              { capabilities = ["create", "read", "update", "delete", "list"] }
path "litellm/metadata/ephemeral"                { capabilities = ["list"] }
path "litellm/subkeys/ephemeral/*"               { capabilities = ["read"] }
path "litellm/subkeys/shared/*"                  { capabilities = ["read"] }
path "litellm/config"                            { capabilities = ["read"] }
path "auth/kubernetes/config"                    { capabilities = ["read"] }
path "auth/kubernetes/role/litellm-environments" { capabilities = ["read"] }
