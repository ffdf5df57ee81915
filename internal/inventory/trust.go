package inventory

import (
	"encoding/pem"
	"slices"
	"strings"
)

// SigningKey is a key with which checkpoints are signed. Only the public half is known here.
type SigningKey struct {
	ID string `yaml:"id" json:"id"`
	// PublicKey is a PEM block "PUBLIC KEY" with an ECDSA key on P-256, P-384 or P-521.
	PublicKey string `yaml:"public_key" json:"public_key"`
	// TrustedFrom and TrustedUntil bound when its signatures count; empty means no bound.
	TrustedFrom  string `yaml:"trusted_from,omitempty" json:"trusted_from,omitempty"`
	TrustedUntil string `yaml:"trusted_until,omitempty" json:"trusted_until,omitempty"`
	// CompromisedSince is the earliest time at which somebody else may have held the private half.
	CompromisedSince string `yaml:"compromised_since,omitempty" json:"compromised_since,omitempty"`
}

// Quarantined is something that is suspect and is no asset of its own: a base model, a code commit, an image, a training
// run, an adapter or a signing key, by the words by which checkpoints name it.
type Quarantined struct {
	Ref    string `yaml:"ref" json:"ref"`
	Reason string `yaml:"reason" json:"reason"`
}

// Registered is the place of a checkpoint in a model registry. Platform is mlflow.
type Registered struct {
	Platform string `json:"platform"`
	Name     string `json:"name"`
	Version  string `json:"version"`
	// Reject says that rejecting the version starts nothing.
	Reject bool `json:"reject,omitempty"`
}

// SigningKey returns the key with the id, or nil.
func (inv *Inventory) SigningKey(id string) *SigningKey {
	return find(inv.SigningKeys, func(k *SigningKey) bool { return k.ID == id })
}

// Registered returns where the checkpoint is registered, or nil.
func (inv *Inventory) Registered(c *Checkpoint) *Registered {
	m := inv.Model(c.Model)
	if m == nil || m.Registry.Platform == "" || m.Registry.Name == "" {
		return nil
	}
	version := c.RegistryVersion
	if version == "" {
		_, version, _ = strings.Cut(c.ID, "@")
	}
	if version == "" {
		return nil
	}
	return &Registered{Platform: m.Registry.Platform, Name: m.Registry.Name, Version: version, Reject: m.Registry.Reject}
}

// quarantined says why one of the words by which a checkpoint names what it was made with is suspect, or "".
func (inv *Inventory) quarantined(words ...string) string {
	for i := range inv.Quarantined {
		if q := &inv.Quarantined[i]; q.Ref != "" && slices.Contains(words, q.Ref) {
			return q.Ref + " is quarantined (" + q.Reason + ")"
		}
	}
	return ""
}

// madeWith are the words by which a checkpoint names what it was made with, assets aside.
func (c *Checkpoint) madeWith() []string {
	words := []string{c.Built.RunID, c.Built.CodeCommit, c.Built.ImageDigest, c.Built.Base, c.Signer.Key}
	base, _, _ := strings.Cut(c.Built.Base, "@")
	return append(append(words, base), c.Files.Adapters...)
}

// trust checks signing keys, quarantined things and registries: what is wrong there would show only in an incident.
func (l *linter) trust() {
	for i := range l.inv.SigningKeys {
		k := &l.inv.SigningKeys[i]
		if k.ID == "" || l.ids[k.ID] != "" {
			l.add(of("signing_keys", i, "id"), "N6", "signing key %q has no id of its own", k.ID)
			continue
		}
		l.ids[k.ID] = "signing_keys"
		if !isPublicKey(k.PublicKey) {
			l.add(of("signing_keys", i, "public_key"), "signing_keys", "public_key of %s is not one PEM block \"PUBLIC KEY\"", k.ID)
		}
		for field, text := range map[string]string{"trusted_from": k.TrustedFrom, "trusted_until": k.TrustedUntil, "compromised_since": k.CompromisedSince} {
			if _, ok := parseTime(text); !ok && text != "" {
				l.add(of("signing_keys", i, field), "signing_keys", "%s of %s is %q, want a time such as 2026-09-01T08:00:00Z", field, k.ID, text)
			}
		}
	}
	for i := range l.inv.Checkpoints {
		if c := &l.inv.Checkpoints[i]; len(l.inv.SigningKeys) > 0 {
			l.want(of("checkpoints", i, "signer", "key"), c.ID, "signer key", c.Signer.Key, "signing_keys")
		}
	}
	for i, q := range l.inv.Quarantined {
		if q.Ref == "" || q.Reason == "" {
			l.add(of("quarantined", i), "quarantined", "entry %q needs a ref and a reason", q.Ref)
		}
	}
	for i, m := range l.inv.Models {
		r, known := m.Registry, slices.Contains([]string{"mlflow", "sagemaker"}, m.Registry.Platform)
		switch {
		case r.Platform == "" && r.Name == "":
		case !known:
			l.add(of("models", i, "registry", "platform"), "models", "registry of %s has platform %q and name %q; known platforms: mlflow, sagemaker", m.ID, r.Platform, r.Name)
		case r.Name == "":
			l.add(of("models", i, "registry", "name"), "models", "registry of %s has platform %q and name %q: name what it is registered as", m.ID, r.Platform, r.Name)
		}
		if r.Reject && r.Platform != "sagemaker" {
			l.add(of("models", i, "registry", "reject"), "models", "registry of %s: reject is for platform sagemaker", m.ID)
		}
	}
}

// isPublicKey looks at the block alone: whoever verifies with the key reads what is in it.
func isPublicKey(text string) bool {
	block, rest := pem.Decode([]byte(text))
	return block != nil && block.Type == "PUBLIC KEY" && len(block.Bytes) > 0 && strings.TrimSpace(string(rest)) == ""
}
