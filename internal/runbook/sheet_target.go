package runbook

import (
	"strings"

	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// describeTarget says everything about a target that a person needs to act on it by hand, in the words of ByHand.
func describeTarget(action playbooks.Action, t *inventory.Target) string {
	parts := []string{t.ID}
	add := func(name, value string) {
		if value != "" && value != "none" {
			parts = append(parts, name+" "+value)
		}
	}
	switch {
	case t.Endpoint != nil:
		describeEndpoint(add, t.Endpoint)
	case t.Consumer != nil:
		describeConsumer(add, t.Consumer)
	case t.Credential != nil:
		describeCredential(add, t.Credential)
	case t.Kind == inventory.ObjectsTarget:
		bucket, prefix, _ := strings.Cut(strings.TrimPrefix(withoutVersion(t.URI), "s3://"), "/")
		add("BUCKET", bucket)
		add("PREFIX", prefix)
		add("root digest", t.Digest)
	}
	if action.NeedsKnownGood {
		describeKnownGood(add, t)
	}
	return strings.Join(parts, "; ")
}

func describeEndpoint(add func(name, value string), e *inventory.Endpoint) {
	add("platform", e.Serving.Platform)
	add("CLUSTER", e.Serving.Cluster)
	add("NAMESPACE", e.Serving.Namespace)
	add("NAME", e.Serving.Name)
	add("COMPONENT", e.Serving.Component)
	add("PARKED", e.Serving.Parked)
	add("route", e.Serving.Route)
	add("disable by", e.Disable.Method)
	add("at", e.Disable.ConfigRef)
	add("PROBE_URL", e.Probe.URL)
	add("REPLICAS_SELECTOR", e.Serving.ReplicasSelector)
	add("DIGEST_HEADER", e.Probe.ExpectDigestHeader)
}

func describeCredential(add func(name, value string), c *inventory.Credential) {
	add("kind", c.Kind)
	add("MOUNT", c.Vault.Mount)
	add("ROLE", c.Vault.Role)
	add("LEASE_PREFIX", c.Vault.LeasePrefix)
	add("ACCESSOR", c.Vault.Accessor)
	add("SECRET_ID_ACCESSORS", strings.Join(c.Vault.SecretIDs, ", "))
	add("SERIALS", strings.Join(c.Vault.Serials, ", "))
	add("KEY", c.Vault.Key)
	add("SECRET_PATH", c.Vault.Path)
	add("ADDRESS", c.Vault.Address)
	add("held by", strings.Join(c.Holders, ", "))
	if c.Shared {
		add("shared:", "others' work stops with it")
	}
	add("issue again:", c.Reissue.How)
	add("by", c.Reissue.Owner)
}

func describeConsumer(add func(name, value string), c *inventory.Consumer) {
	add("GATEWAY", c.Gateway.URL)
	add("INSTANCES", strings.Join(c.Gateway.Instances(), ", "))
	add("KEY_HASH", c.KeyHash)
	add("ROUTE", c.Route)
	add("STRIPPED", c.Gateway.Stripped[c.Route])
	add("caches last", c.Gateway.CacheTTL)
	if t := c.Tenant; t != nil {
		add("tenant", t.ID)
		add("tier", t.Tier)
		add("call first:", t.AccountOwner)
		if t.Allowlisted {
			add("allow-listed:", "never without an approval")
		}
	}
}

func describeKnownGood(add func(name, value string), t *inventory.Target) {
	if t.KnownGood == nil {
		add("KNOWN_GOOD:", "there is none, leave it contained ("+strings.Join(t.Rejected, "; ")+")")
		return
	}
	add("KNOWN_GOOD", t.KnownGood.ID)
	add("KNOWN_GOOD_URI", withoutVersion(t.KnownGood.URI))
	add("root digest", t.KnownGood.RootDigest)
}

// withoutVersion drops the version id of a prefix, which pins nothing.
func withoutVersion(uri string) string {
	uri, _, _ = strings.Cut(uri, "?")
	return uri
}
