// Package vault revokes credentials in HashiCorp Vault and proves that they no longer work.
//
// Three kinds of credentials are known: leases of a secrets engine (vault-lease), AppRoles (vault-approle) and single
// tokens (vault-token). For each, issuing is disabled first and what was issued is revoked after it, so that nothing can
// be issued in between. Vault answers 2xx to a revocation long before the credential stops working, and sometimes although
// it never does; therefore Capture issues one canary credential the same way as its holders get theirs, and Verify uses it.
// The canary's secret leaves the process only as Vault transit ciphertext.
//
// The worker's token needs these capabilities, and no more:
//
//	<mount>/roles/<role>                    read, create, update, delete
//	<mount>/creds/<role>                    read
//	auth/approle/role/<role>                read, create, update, delete
//	auth/approle/role/<role>/role-id        read, update
//	auth/approle/role/<role>/secret-id      list, create, update
//	auth/token/accessors                    list, sudo
//	auth/token/lookup-accessor              update
//	auth/token/revoke-accessor              update
//	auth/token/lookup-self                  read
//	sys/leases/lookup/<prefix>              list, sudo
//	sys/leases/lookup                       update
//	sys/leases/revoke                       update
//	sys/leases/revoke-prefix/<prefix>       update, sudo
//	sys/leases/count                        read (optional)
//	transit/encrypt/<key>, decrypt/<key>    update
//	<token_ref>                             read
package vault
