# What firebreak's worker may do in Vault: revoke, prove that it revoked, and restore issuing. It can read no secret but
# the copies of tokens that it must prove dead, and it can neither change policies nor use another engine.
#
# List the mounts and roles of your inventory's credentials; never widen a path to sys/*.

# vault-lease: the role is removed before, and restored after; one canary is issued to be proved dead.
path "aws/roles/ci-registry-push" { capabilities = ["create", "read", "update", "delete"] }
path "aws/creds/ci-registry-push" { capabilities = ["read"] }
path "aws-stg/roles/stg-registry-push" { capabilities = ["create", "read", "update", "delete"] }
path "aws-stg/creds/stg-registry-push" { capabilities = ["read"] }
path "sys/leases/lookup" { capabilities = ["create", "update"] }
path "sys/leases/lookup/*" { capabilities = ["list", "sudo"] }
path "sys/leases/revoke" { capabilities = ["create", "update"] }
path "sys/leases/revoke-prefix/aws/creds/ci-registry-push*" { capabilities = ["create", "update", "sudo"] }
path "sys/leases/revoke-prefix/aws-stg/creds/stg-registry-push*" { capabilities = ["create", "update", "sudo"] }
path "sys/leases/count" { capabilities = ["read"] }

# vault-approle: the role and the tokens that were issued from it.
path "auth/approle/role/ingest-loans" { capabilities = ["create", "read", "update", "delete"] }
path "auth/approle/role/ingest-loans/role-id" { capabilities = ["create", "read", "update"] }
path "auth/approle/role/ingest-loans/secret-id" { capabilities = ["create", "update", "list"] }
path "auth/approle/role/ingest-loans/secret-id-accessor/destroy" { capabilities = ["create", "update"] }
path "auth/token/accessors" { capabilities = ["list", "sudo"] }
path "auth/token/accessors/" { capabilities = ["list", "sudo"] }

# vault-token: one token by its accessor, and the copy that the verifier uses.
path "auth/token/lookup-accessor" { capabilities = ["create", "update"] }
path "auth/token/revoke-accessor" { capabilities = ["create", "update"] }
path "secret/data/brightcart-api-key" { capabilities = ["read"] }

# Canaries travel through workflow history as ciphertext of this key.
path "transit/encrypt/firebreak" { capabilities = ["create", "update"] }
path "transit/decrypt/firebreak" { capabilities = ["create", "update"] }

# Evidence manifests are signed with these keys. Read shows their public halves; nothing here lets a private one out.
path "transit/sign/firebreak-evidence" { capabilities = ["create", "update"] }
path "transit/keys/firebreak-evidence" { capabilities = ["read"] }
path "transit/sign/firebreak-drill-evidence" { capabilities = ["create", "update"] }
path "transit/keys/firebreak-drill-evidence" { capabilities = ["read"] }
