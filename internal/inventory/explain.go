package inventory

import (
	"fmt"
	"slices"
	"strings"

	"firebreak/internal/incident"
)

// Reason says why one asset is in a blast radius.
type Reason struct {
	ID      string `json:"id"`
	Section string `json:"section"`
	// Path leads from the compromised asset to this one, both included; it is one of the shortest.
	Path []string `json:"path"`
	// Why says it in words.
	Why string `json:"why"`
	// Unknown is true if nothing proves that it is affected: its lineage is unknown, which counts as affected (V9).
	Unknown bool `json:"unknown_lineage,omitempty"`
}

// Explanation is a blast radius and how each asset came into it.
type Explanation struct {
	Asset   string          `json:"asset"`
	Radius  incident.Radius `json:"radius"`
	Reasons []Reason        `json:"reasons"`
	// Consumers are those of the callers who hold a key at a gateway.
	Consumers []KeyHolder `json:"consumers,omitempty"`
}

// KeyHolder is a caller that a gateway knows by a key, and what may be done about it.
type KeyHolder struct {
	// ID is the credential; Path leads to it.
	ID   string   `json:"id"`
	Path []string `json:"path"`
	// Gateway and Route are where it calls.
	Gateway string `json:"gateway"`
	Route   string `json:"route"`
	// Tenant is the customer who holds it, with its tier; empty if no endpoint lists the holder.
	Tenant      string `json:"tenant,omitempty"`
	Tier        string `json:"tier,omitempty"`
	Allowlisted bool   `json:"allowlisted,omitempty"`
	// Query is the most specific one of a playbook that yields it before anybody is accused: radius.consumers for a free
	// account, which may be slowed down, radius.paying_consumers for one that people decide on.
	Query Query `json:"query"`
}

// Explain follows a compromised asset as BlastRadius does, and says by which path each asset was reached.
func (inv *Inventory) Explain(asset string) (Explanation, error) {
	r, err := inv.BlastRadius(asset)
	if err != nil {
		return Explanation{}, err
	}
	w := &walk{inv: inv, index: inv.indexed(), env: inv.Env(asset)}
	x := &explainer{inv: inv, index: w.index, asset: asset, radius: r, out: Explanation{Asset: asset, Radius: r}}
	x.paths(w.roots(asset))
	for _, id := range r.DatasetVersions {
		x.lineage(id, "dataset_versions")
	}
	for _, id := range r.Checkpoints {
		x.lineage(id, "checkpoints")
	}
	x.models()
	x.endpoints()
	x.credentials(r.Writers, "write")
	x.credentials(r.Callers, "invoke")
	x.consumers()
	return x.out, nil
}

type explainer struct {
	inv    *Inventory
	index  *index
	asset  string
	radius incident.Radius
	out    Explanation
	// known and unknown say from where each node of the lineage was reached: from what is compromised, and from what may be.
	known, unknown []int32
	reason         map[string]*Reason
	// guessed are the assets of unknown lineage.
	guessed map[string]bool
}

func (x *explainer) paths(roots []string) {
	g := &x.index.lineage
	nodes, _ := g.numbers(roots)
	x.known, _ = g.next.reach(nodes)
	nodes, _ = g.numbers(x.radius.Unknown)
	x.unknown, _ = g.next.reach(nodes)
	x.reason, x.guessed = map[string]*Reason{}, setOf(x.radius.Unknown)
}

func (x *explainer) say(r Reason) {
	x.out.Reasons = append(x.out.Reasons, r)
	x.reason[r.ID] = &r
}

// trail goes back from a node to the root from which it was reached.
func (x *explainer) trail(via []int32, n int32) []string {
	var out []string
	for {
		out = append(out, x.index.lineage.ids[n])
		if via[n] == n {
			break
		}
		n = via[n]
	}
	slices.Reverse(out)
	return out
}

// lineage explains a dataset version or a checkpoint.
func (x *explainer) lineage(id, section string) {
	r := Reason{ID: id, Section: section}
	n, in := x.index.lineage.number[id]
	switch {
	case in && x.known[n] >= 0:
		r.Path = x.trail(x.known, n)
		r.Why = x.start(r.Path[0])
		if len(r.Path) > 1 {
			r.Why = "was made from " + r.Path[len(r.Path)-2]
		}
	case in && x.unknown[n] >= 0:
		r.Unknown = true
		r.Path = x.trail(x.unknown, n)
		r.Why = x.guess(r.Path[0])
		if len(r.Path) > 1 {
			r.Why = fmt.Sprintf("was made from %s, whose lineage is unknown and counts as affected", r.Path[len(r.Path)-2])
		}
	case x.guessed[id]:
		r.Unknown, r.Path, r.Why = true, []string{id}, x.guess(id)
	default:
		r.Path, r.Why = []string{id}, x.start(id)
	}
	if r.Path[0] != x.asset {
		r.Path = append([]string{x.asset}, r.Path...)
	}
	x.say(r)
}

// start says why the closure starts where it does.
func (x *explainer) start(id string) string {
	switch {
	case id == x.asset:
		return "is the asset that the incident is about"
	case x.inv.Dataset(x.asset) != nil:
		return "is a version of " + x.asset
	case x.inv.Endpoint(x.asset) != nil:
		return "answers at " + x.asset + ", or may"
	}
	return "is a checkpoint of " + x.asset + " in production, or may be"
}

// guess says why something of unknown lineage counts as affected.
func (x *explainer) guess(id string) string {
	var from []string
	for _, f := range x.inv.MadeFrom(id) {
		if x.inv.Dataset(f) != nil {
			from = append(from, f)
		}
	}
	if len(from) == 0 {
		return "has no recorded lineage: nobody knows that it was not made from it, so it counts as affected"
	}
	return "was made from " + strings.Join(from, ", ") + " of an unrecorded version, so it counts as affected"
}

// models are reached by their first checkpoint, one that surely is affected before one that may be.
func (x *explainer) models() {
	for _, id := range x.radius.Models {
		if by := x.by(id, false); by != nil {
			x.say(Reason{ID: id, Section: "models", Path: append(slices.Clone(by.Path), id), Why: "has the checkpoint " + by.ID, Unknown: by.Unknown})
		}
	}
}

// by is the reason of an affected checkpoint of the model.
func (x *explainer) by(model string, serving bool) *Reason {
	var best *Reason
	for _, i := range x.index.checkpointsOf[model] {
		c := &x.inv.Checkpoints[i]
		r := x.reason[c.ID]
		if r == nil || serving && !c.serving() {
			continue
		}
		if best == nil || best.Unknown && !r.Unknown || best.Unknown == r.Unknown && len(r.Path) < len(best.Path) {
			best = r
		}
	}
	return best
}

func (x *explainer) endpoints() {
	for _, id := range x.radius.Endpoints {
		e := x.inv.Endpoint(id)
		switch by := x.by(e.Model, true); {
		case id == x.asset:
			x.say(Reason{ID: id, Section: "endpoints", Path: []string{id}, Why: "is the asset that the incident is about"})
		case by != nil:
			x.say(Reason{ID: id, Section: "endpoints", Path: append(slices.Clone(by.Path), id), Why: "answers with " + by.ID, Unknown: by.Unknown})
		default:
			if by = x.by(e.Model, false); by != nil {
				x.say(Reason{ID: id, Section: "endpoints", Path: append(slices.Clone(by.Path), id), Why: "may answer with " + by.ID + ": nothing says which checkpoint it serves", Unknown: true})
			}
		}
	}
}

// credentials are reached by what they may write or call.
func (x *explainer) credentials(ids []string, verb string) {
	for _, id := range ids {
		c := at(x.inv.Credentials, x.index.credentials, id)
		for _, g := range c.Grants {
			by := x.reason[x.granted(g.Asset)]
			if by == nil || !slices.Contains(g.Verbs, verb) {
				continue
			}
			x.say(Reason{ID: id, Section: "credentials", Path: append(slices.Clone(by.Path), id), Why: "may " + verb + " " + g.Asset, Unknown: by.Unknown})
			break
		}
	}
}

// consumers are found as a playbook finds them without a cluster.
func (x *explainer) consumers() {
	r := x.radius
	r.Cluster = nil
	for _, t := range x.inv.consumers(r, PayingConsumers) { // all of them, because nobody is accused
		c := t.Consumer
		h := KeyHolder{ID: t.ID, Gateway: c.Gateway.ID, Route: c.Route, Query: PayingConsumers}
		if by := x.reason[t.ID]; by != nil {
			h.Path = by.Path
		}
		if c.Tenant != nil {
			h.Tenant, h.Tier, h.Allowlisted = c.Tenant.ID, c.Tenant.Tier, c.Tenant.Allowlisted
		}
		if c.Unpaid() {
			h.Query = Consumers
		}
		x.out.Consumers = append(x.out.Consumers, h)
	}
}

// granted is the affected asset that a grant is about.
func (x *explainer) granted(asset string) string {
	if x.reason[asset] != nil {
		return asset
	}
	for _, id := range x.radius.DatasetVersions {
		if x.inv.DatasetVersion(id).Dataset == asset {
			return id
		}
	}
	for _, id := range x.radius.Models {
		if "registry/"+x.inv.Model(id).Family == asset {
			return id
		}
	}
	return ""
}
