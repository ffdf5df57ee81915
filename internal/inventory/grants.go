package inventory

import (
	"slices"

	"firebreak/internal/incident"
)

// holdings are the names by which grants speak of the affected data and models.
func (inv *Inventory) holdings(r incident.Radius) []string {
	out := slices.Concat(r.DatasetVersions, r.Checkpoints, r.Models)
	for _, id := range r.DatasetVersions {
		out = append(out, inv.DatasetVersion(id).Dataset)
	}
	for _, id := range r.Models {
		out = append(out, "registry/"+inv.Model(id).Family)
	}
	return out
}

// granted lists the credentials of the radius' environment that may do one of the verbs with what is affected, but for
// protected ones (V11).
func (inv *Inventory) granted(r incident.Radius, fits func(*Credential) bool, verbs ...string) []string {
	affected := slices.Concat(inv.holdings(r), r.Endpoints)
	assets := setOf(affected)
	var out []string
	for _, i := range members(inv.indexed().grantedOn, affected) {
		c := &inv.Credentials[i]
		may := slices.ContainsFunc(verbs, func(verb string) bool { return c.can(verb, assets) })
		if may && c.Env == r.Environment && !c.Protected && fits(c) {
			out = append(out, c.ID)
		}
	}
	return out
}

// readers can read the affected data and models. Keys that decrypt them are asked for by themselves.
func (inv *Inventory) readers(r incident.Radius) []string {
	return inv.granted(r, func(c *Credential) bool { return c.Kind != transitKind }, "read")
}

// keys are the transit keys with which the affected data and models can be decrypted.
func (inv *Inventory) keys(r incident.Radius) []string {
	return inv.granted(r, func(c *Credential) bool { return c.Kind == transitKind }, "decrypt")
}

// secrets are the credentials of the radius whose holders read them in Vault's KV engine.
func (inv *Inventory) secrets(r incident.Radius) []string {
	return inv.granted(r, func(c *Credential) bool { return c.Vault.Path != "" }, "read", "write", "invoke")
}

// transitKind is the kind of a key, which opens nothing by itself.
const transitKind = "vault-transit"
