// Package vault acts on credentials in HashiCorp Vault and proves that they no longer work.
//
// vault.revoke cuts a credential off, by its kind in the inventory:
//
//	vault-lease      what a secrets engine issued for a role
//	vault-aws        the same of the AWS engine, whose session tokens only time ends
//	vault-database   the same of the database engine, with the sessions that its logins opened
//	vault-approle    an AppRole with its secret ids and every token that it gave out
//	vault-secret-id  some or all secret ids of an AppRole that stays, and the tokens that it gave out
//	vault-token      one token, by its accessor
//	vault-pki        certificates, by their serials
//
// For each, issuing is disabled first and what was issued is revoked after it, so that nothing can be issued in between.
// Vault answers 2xx to a revocation long before the credential stops working, and sometimes although it never does;
// therefore Capture issues one canary credential the same way as its holders get theirs, where that is possible, and Verify
// uses it. The canary's secret leaves the process only as Vault transit ciphertext.
//
// What cuts nothing off is an action of its own: vault.rotate (vault-transit) ends what a key can decrypt, vault.withdraw and
// vault.destroy take a secret out of KV v2. What a proof leaves open, such as copies that were read, is a gap of its own.
//
// Login is the worker's own way in. What its token may do, and no more, is in deploy/vault/contain.hcl.
package vault
