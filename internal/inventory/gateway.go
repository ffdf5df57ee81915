package inventory

import (
	"net/url"
	"slices"
	"strconv"
	"time"

	"firebreak/internal/incident"
)

// Gateway stands before endpoints and knows their consumers by keys. The only kind is litellm.
type Gateway struct {
	ID   string `yaml:"id" json:"id"`
	Kind string `yaml:"kind" json:"kind"`
	Env  string `yaml:"env" json:"env"`
	// URL takes the calls of administration. Replicas are the addresses of every instance, so that a proof reaches the one
	// whose cache is stale; without them URL is all there is to call.
	URL      string   `yaml:"url" json:"url"`
	Replicas []string `yaml:"replicas,omitempty" json:"replicas,omitempty"`
	// AdminKeyRef is the KV v2 path (mount/data/name#field) of the key for administration. It is a path, never the key.
	AdminKeyRef string `yaml:"admin_key_ref" json:"admin_key_ref"`
	// CacheTTL is how long an instance may go on by what it knew of a key, e.g. 60s. Nothing is proved before it is over.
	CacheTTL string `yaml:"cache_ttl" json:"cache_ttl"`
	// Stripped maps a route to one that answers the same without logprobs, further choices and long texts.
	Stripped map[string]string `yaml:"stripped,omitempty" json:"stripped,omitempty"`
}

// GatewayKey is a key at a gateway. KeyHash is the hexadecimal SHA-256 by which the gateway knows it; the key itself is
// nowhere in an inventory. Route is the model name that the key's holder calls.
type GatewayKey struct {
	ID      string `yaml:"id" json:"id"`
	Route   string `yaml:"route" json:"route"`
	KeyHash string `yaml:"key_hash" json:"key_hash"`
}

// Consumer is a key with its gateway and its tenant, as an adapter needs them.
type Consumer struct {
	Gateway Gateway `json:"gateway"`
	Route   string  `json:"route"`
	KeyHash string  `json:"key_hash"`
	// Tenant is nil if no endpoint of the inventory lists the key's holder.
	Tenant *Tenant `json:"tenant,omitempty"`
}

// Unpaid reports whether nobody pays for the key and no rule protects its holder. A holder of whom nothing is known may be
// a customer and is not unpaid.
func (c *Consumer) Unpaid() bool {
	return c.Tenant != nil && !c.Tenant.Allowlisted && slices.Contains([]string{"free", "trial", "unverified"}, c.Tenant.Tier)
}

// TTL is how long a stale cache may go on.
func (g *Gateway) TTL() (time.Duration, error) { return time.ParseDuration(g.CacheTTL) }

// Instances are the addresses to call for a proof.
func (g *Gateway) Instances() []string {
	if len(g.Replicas) == 0 {
		return []string{g.URL}
	}
	return g.Replicas
}

// Cluster narrows a blast radius to the keys that somebody named, and says of each that cannot be acted on why not.
func (inv *Inventory) Cluster(r *incident.Radius, keys []string) {
	r.Cluster = keys
	r.Unreached = nil
	holders := map[string]*Credential{}
	for i := range inv.Credentials {
		if c := &inv.Credentials[i]; c.Gateway != nil {
			holders[c.Gateway.KeyHash] = c
		}
	}
	for _, k := range keys {
		c, name := holders[k], "key "+incident.ShortKey(k)+" of the cluster "
		switch {
		case c == nil:
			r.Unreached = append(r.Unreached, name+"is not in the inventory: nothing was done to it")
		case !slices.Contains(r.Callers, c.ID):
			r.Unreached = append(r.Unreached, name+"("+c.ID+") is not granted on an affected endpoint: nothing was done to it")
		}
	}
}

// consumers are the gateway keys in the radius. With a cluster they are those of the cluster. Without one nobody is accused:
// free accounts alone may be slowed down, and every suspension is one that people decide on.
func (inv *Inventory) consumers(r incident.Radius, which Query) []Target {
	var out []Target
	for _, t := range inv.credentialTargets(r.Callers) {
		k := t.Credential.Gateway
		if k == nil || len(r.Cluster) > 0 && !slices.Contains(r.Cluster, k.KeyHash) {
			continue
		}
		g := find(inv.Gateways, func(g *Gateway) bool { return g.ID == k.ID })
		if g == nil {
			continue // the linter has refused it
		}
		t.Kind = ConsumerTarget
		t.Consumer = &Consumer{Gateway: *g, Route: k.Route, KeyHash: k.KeyHash, Tenant: inv.tenant(t.Credential)}
		if t.Consumer.in(which, len(r.Cluster) > 0) {
			out = append(out, t)
		}
	}
	return out
}

func (c *Consumer) in(which Query, named bool) bool {
	switch which {
	case Consumers:
		return named || c.Unpaid()
	case UnpaidConsumers:
		return named && c.Unpaid()
	case PayingConsumers:
		return !named || !c.Unpaid()
	}
	return false
}

// tenant is the customer who holds the key. Where several of its endpoints know the holder, an allow-listed entry wins.
func (inv *Inventory) tenant(c *Credential) *Tenant {
	var out *Tenant
	for _, g := range c.Grants {
		e := inv.Endpoint(g.Asset)
		if e == nil {
			continue
		}
		for i := range e.Tenants {
			t := &e.Tenants[i]
			if slices.Contains(c.Holders, t.ID) && (out == nil || t.Allowlisted) {
				out = t
			}
		}
	}
	return out
}

// withoutGateway are the callers whose credentials no gateway holds.
func (inv *Inventory) withoutGateway(r incident.Radius) []Target {
	return slices.DeleteFunc(inv.credentialTargets(r.Callers), func(t Target) bool { return t.Credential.Gateway != nil })
}

// maxCacheTTL bounds how long a proof has to wait: it must end within its attempt.
const maxCacheTTL = 5 * time.Minute

// gateways checks that each gateway can be called and proved, and that each key names one by the hash.
func (l *linter) gateways() {
	envs := map[string]string{}
	for i := range l.inv.Gateways {
		g := &l.inv.Gateways[i]
		envs[g.ID] = g.Env
		if g.Kind != "litellm" {
			l.add(of("gateways", i, "kind"), "gateways", "gateway %s is of kind %q; known: litellm", g.ID, g.Kind)
		}
		l.environment(of("gateways", i, "env"), g.ID, g.Env)
		l.address(of("gateways", i, "url"), g, g.URL)
		for j, address := range g.Replicas {
			l.address(of("gateways", i, "replicas", strconv.Itoa(j)), g, address)
		}
		if ttl, err := g.TTL(); err != nil || ttl < 0 || ttl > maxCacheTTL {
			l.add(of("gateways", i, "cache_ttl"), "gateways", "gateway %s: cache_ttl %q is not a duration of at most %s", g.ID, g.CacheTTL, maxCacheTTL)
		}
	}
	for i := range l.inv.Credentials {
		if c := &l.inv.Credentials[i]; c.Gateway != nil {
			l.gatewayKey(i, c, envs)
		}
	}
}

// address does not repeat what is wrong: a password may be in it.
func (l *linter) address(at place, g *Gateway, address string) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
		l.add(at, "gateways", "gateway %s: url and replicas must be http or https addresses without a password", g.ID)
	}
}

func (l *linter) gatewayKey(i int, c *Credential, envs map[string]string) {
	k := c.Gateway
	env, known := envs[k.ID]
	switch {
	case c.Kind != "api-key":
		l.add(of("credentials", i, "kind"), "gateways", "credential %s is of kind %s; only an api-key is held by a gateway", c.ID, c.Kind)
	case !known:
		l.add(of("credentials", i, "gateway", "id"), "N11", "%s: gateway %q is not in gateways", c.ID, k.ID)
	case env != c.Env:
		l.add(of("credentials", i, "env"), "gateways", "credential %s is in environment %q, its gateway %s in %q", c.ID, c.Env, k.ID, env)
	}
	if !incident.IsKeyHash(k.KeyHash) {
		l.add(of("credentials", i, "gateway", "key_hash"), "gateways", "credential %s: gateway.key_hash is not a SHA-256 in 64 lower-case hexadecimal digits; never write the key itself", c.ID)
	}
	if k.Route == "" {
		l.add(of("credentials", i, "gateway", "route"), "gateways", "credential %s: gateway.route is empty; it is the model name that the holder calls", c.ID)
	}
}
