# What firebreak's worker may do in Vault: revoke, rotate, withdraw, prove that it did, and restore issuing. It can read no
# secret but the copies of tokens that it must prove dead, it can decrypt nothing but its own canaries, and it can neither
# create tokens, nor change policies, nor use another engine.
#
# List the mounts and roles of your inventory's credentials; never widen a path to sys/*. The test of package
# deploy/sandbox/credentials shows that each action works with this policy and what is refused.

# vault-lease and vault-aws: the role is removed before, and restored after; one canary is issued to be proved dead.
path "aws/roles/ci-registry-push" { capabilities = ["create", "read", "update", "delete"] }
path "aws/creds/ci-registry-push" { capabilities = ["read"] }
path "aws-stg/roles/stg-registry-push" { capabilities = ["create", "read", "update", "delete"] }
path "aws-stg/creds/stg-registry-push" { capabilities = ["read"] }
path "sys/leases/revoke-prefix/aws/creds/ci-registry-push" { capabilities = ["create", "update", "sudo"] }
path "sys/leases/revoke-prefix/aws-stg/creds/stg-registry-push" { capabilities = ["create", "update", "sudo"] }

# vault-database: the same, and a login of a second role that may see and end open sessions. The
# names of the roles tell whether their users can be told apart.
path "database/roles/loan-reader" { capabilities = ["create", "read", "update", "delete"] }
path "database/creds/loan-reader" { capabilities = ["read"] }
path "database/roles" { capabilities = ["list"] }
path "database/roles/" { capabilities = ["list"] }
path "database/creds/firebreak-sessions" { capabilities = ["read"] }
path "sys/leases/revoke-prefix/database/creds/loan-reader" { capabilities = ["create", "update", "sudo"] }

# All of them: what leases there are under the prefixes above, which of them Vault has given up, and one of the worker's own back.
# Revoking one lease cannot be narrowed by a path: Vault takes the lease's id from the body.
path "sys/leases/lookup" { capabilities = ["create", "update"] }
path "sys/leases/lookup/aws/creds/ci-registry-push" { capabilities = ["list", "sudo"] }
path "sys/leases/lookup/aws/creds/ci-registry-push/" { capabilities = ["list", "sudo"] }
path "sys/leases/lookup/aws-stg/creds/stg-registry-push" { capabilities = ["list", "sudo"] }
path "sys/leases/lookup/aws-stg/creds/stg-registry-push/" { capabilities = ["list", "sudo"] }
path "sys/leases/lookup/database/creds/loan-reader" { capabilities = ["list", "sudo"] }
path "sys/leases/lookup/database/creds/loan-reader/" { capabilities = ["list", "sudo"] }
path "sys/leases" { capabilities = ["read", "list", "sudo"] }
path "sys/leases/revoke" { capabilities = ["create", "update"] }
path "sys/leases/count" { capabilities = ["read"] }

# vault-approle: the role and the tokens that were issued from it.
path "auth/approle/role/ingest-loans" { capabilities = ["create", "read", "update", "delete"] }
path "auth/approle/role/ingest-loans/role-id" { capabilities = ["create", "read", "update"] }
path "auth/approle/role/ingest-loans/secret-id" { capabilities = ["create", "update", "list"] }
path "auth/approle/role/ingest-loans/secret-id/" { capabilities = ["list"] }
path "auth/token/accessors" { capabilities = ["list", "sudo"] }
path "auth/token/accessors/" { capabilities = ["list", "sudo"] }

# vault-secret-id: the secret ids of a role that stays, and the tokens that were issued with them.
path "auth/approle/role/label-studio" { capabilities = ["read"] }
path "auth/approle/role/label-studio/role-id" { capabilities = ["read"] }
path "auth/approle/role/label-studio/secret-id" { capabilities = ["create", "update", "list"] }
path "auth/approle/role/label-studio/secret-id/" { capabilities = ["list"] }
path "auth/approle/role/label-studio/secret-id-accessor/destroy" { capabilities = ["create", "update"] }

# vault-token: one token by its accessor, and the copy that the verifier uses.
path "auth/token/lookup-accessor" { capabilities = ["create", "update"] }
path "auth/token/revoke-accessor" { capabilities = ["create", "update"] }
path "secret/data/brightcart-api-key" { capabilities = ["read"] }

# vault-pki: the role, and single certificates by their serial. CRL and OCSP are public.
path "pki/roles/feature-store" { capabilities = ["create", "read", "update", "delete"] }
path "pki/cert/*" { capabilities = ["read"] }
path "pki/revoke" { capabilities = ["create", "update"] }

# vault-transit: rotate and raise the bar. A rewrap shows that a version is refused without showing what was encrypted.
path "transit/keys/loan-applications" { capabilities = ["read"] }
path "transit/keys/loan-applications/rotate" { capabilities = ["create", "update"] }
path "transit/keys/loan-applications/config" {
  capabilities = ["create", "update"]
  allowed_parameters = { "min_decryption_version" = [], "min_encryption_version" = [] }
}
path "transit/encrypt/loan-applications" { capabilities = ["create", "update"] }
path "transit/rewrap/loan-applications" { capabilities = ["create", "update"] }

# vault.withdraw on a secret in KV v2: its metadata and the names of its keys, never its values. Only with vault.destroy in
# one of your playbooks also: path "secret/destroy/hub-token" { capabilities = ["create", "update"] }
path "secret/metadata/hub-token" { capabilities = ["read"] }
path "secret/subkeys/hub-token" { capabilities = ["read"] }
path "secret/delete/hub-token" { capabilities = ["create", "update"] }
path "secret/undelete/hub-token" { capabilities = ["create", "update"] }

# Canaries travel through workflow history as ciphertext of this key.
path "transit/encrypt/firebreak" { capabilities = ["create", "update"] }
path "transit/decrypt/firebreak" { capabilities = ["create", "update"] }

# Evidence manifests are signed with these keys. Read shows their public halves; nothing here lets a private one out.
path "transit/sign/firebreak-evidence" { capabilities = ["create", "update"] }
path "transit/keys/firebreak-evidence" { capabilities = ["read"] }
path "transit/sign/firebreak-drill-evidence" { capabilities = ["create", "update"] }
path "transit/keys/firebreak-drill-evidence" { capabilities = ["read"] }

# The worker's own login: it looks at itself and renews itself, also without Vault's default policy.
path "auth/token/lookup-self" { capabilities = ["read"] }
path "auth/token/renew-self" { capabilities = ["create", "update"] }
