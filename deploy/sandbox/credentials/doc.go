// Package credentials holds what the sandbox's real Vault and a real PostgreSQL say of the actions on credentials: that each
// works with the policy that firebreak ships and nothing else does, that what was revoked is refused where it opens, and
// that no fault of Vault looks like containment.
package credentials
