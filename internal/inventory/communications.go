package inventory

import "slices"

// Kinds of credentials that open where people talk about an incident: a token of the Slack workspace, or one of the identity
// provider behind it.
const (
	SlackToken            = "slack-token"
	IdentityProviderToken = "idp-token"
)

// communications finds the credentials that let whoever did this read along where people talk: those of Slack or its identity
// provider that an affected asset or its system holds, or that are granted something on an affected asset. Protected ones
// count too, since nothing is done to them: people are told by another way.
func (w *walk) communications() {
	affected := setOf(slices.Concat(w.out.DatasetVersions, w.out.Checkpoints, w.out.Models, w.out.Endpoints))
	for _, id := range w.out.Models {
		affected[w.inv.Model(id).System] = true
	}
	for i := range w.inv.Credentials {
		c := &w.inv.Credentials[i]
		if c.Env != w.env || c.Kind != SlackToken && c.Kind != IdentityProviderToken {
			continue
		}
		within := func(asset string) bool { return asset != "" && affected[asset] }
		if slices.ContainsFunc(c.Holders, within) || slices.ContainsFunc(c.granted(), within) {
			w.out.Communications = append(w.out.Communications, c.ID)
		}
	}
}
