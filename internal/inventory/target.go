package inventory

import (
	"fmt"
	"slices"
	"strings"

	"firebreak/internal/incident"
)

// Query names a set of targets. It is all that a playbook can say about what a step acts on.
type Query string

// The queries. Each is answered from the blast radius and the inventory alone.
const (
	DatasetVersions Query = "radius.dataset_versions"
	Checkpoints     Query = "radius.checkpoints"
	// RegisteredCheckpoints are those of them that are in a model registry.
	RegisteredCheckpoints Query = "radius.registered_checkpoints"
	Endpoints             Query = "radius.endpoints"
	Writers               Query = "radius.writers"
	Callers               Query = "radius.callers"
	Readers               Query = "radius.readers"
	Keys                  Query = "radius.keys"
	Secrets               Query = "radius.secrets"
	// OtherCallers are the callers without a key at a gateway.
	OtherCallers Query = "radius.callers_without_gateway"
	// Consumers are the gateway keys of the cluster; UnpaidConsumers those of free accounts, PayingConsumers all others. Without
	// a cluster, Consumers are the free accounts, and PayingConsumers are all, because nobody is accused.
	Consumers       Query = "radius.consumers"
	UnpaidConsumers Query = "radius.unpaid_consumers"
	PayingConsumers Query = "radius.paying_consumers"
	RequestLogs     Query = "radius.request_logs"
	Stakeholders    Query = "radius.stakeholders"
)

// Queries lists the known queries.
func Queries() []Query {
	return []Query{
		DatasetVersions, Checkpoints, RegisteredCheckpoints, Endpoints, Writers, Callers, OtherCallers, Readers, Keys, Secrets,
		Consumers, UnpaidConsumers, PayingConsumers, RequestLogs, Stakeholders,
	}
}

// TargetKind is the section of the inventory that a target comes from.
type TargetKind string

// The kinds of targets. Objects stands for anything that is a prefix of objects in S3: a dataset version, a checkpoint or
// a request log.
const (
	ObjectsTarget     TargetKind = "objects"
	EndpointTarget    TargetKind = "endpoint"
	CredentialTarget  TargetKind = "credential"
	ConsumerTarget    TargetKind = "consumer"
	StakeholderTarget TargetKind = "stakeholder"
	// RegisteredTarget is a checkpoint in a model registry.
	RegisteredTarget TargetKind = "registered_checkpoint"
)

// Kind returns the kind of the targets that the query yields, or "" for an unknown query.
func (q Query) Kind() TargetKind {
	switch q {
	case DatasetVersions, Checkpoints, RequestLogs:
		return ObjectsTarget
	case RegisteredCheckpoints:
		return RegisteredTarget
	case Endpoints:
		return EndpointTarget
	case Writers, Callers, OtherCallers, Readers, Keys, Secrets:
		return CredentialTarget
	case Consumers, UnpaidConsumers, PayingConsumers:
		return ConsumerTarget
	case Stakeholders:
		return StakeholderTarget
	}
	return ""
}

// Target is one resolved asset with everything that an adapter needs to act on it, and no secret.
type Target struct {
	ID   string     `json:"id"`
	Kind TargetKind `json:"kind"`
	Env  string     `json:"env"`

	// URI is the S3 prefix of an objects target.
	URI string `json:"uri,omitempty"`
	// Digest is the root digest that the inventory records for an objects target, if any.
	Digest      string       `json:"digest,omitempty"`
	Endpoint    *Endpoint    `json:"endpoint,omitempty"`
	Credential  *Credential  `json:"credential,omitempty"`
	Stakeholder *Stakeholder `json:"stakeholder,omitempty"`
	// Consumer is the gateway key of a consumer target; Credential is its entry in the inventory.
	Consumer *Consumer `json:"consumer,omitempty"`
	// KnownGood is the checkpoint that an endpoint may be rolled back to; nil if there is none.
	KnownGood *Checkpoint `json:"known_good,omitempty"`
	// Rejected says why each other checkpoint is not known-good.
	Rejected []string `json:"rejected,omitempty"`
	// Review is what the selection could not decide and a person should look at.
	Review []string `json:"review,omitempty"`
	// Signer is the key that must have signed KnownGood; nil if the inventory does not have it.
	Signer *SigningKey `json:"signer,omitempty"`
	// Registered says under which name and version a checkpoint is in a model registry, that of KnownGood for an endpoint.
	Registered *Registered `json:"registered,omitempty"`
}

// Resolve answers a query for a blast radius. Targets of another environment than the mode allows are refused, however
// they came into the radius (rule N12).
func (inv *Inventory) Resolve(q Query, r incident.Radius, mode incident.Mode) ([]Target, error) {
	targets, err := inv.resolve(q, r)
	if err != nil {
		return nil, err
	}
	for _, t := range targets {
		if t.Kind != StakeholderTarget && !mode.Allows(t.Env) {
			return nil, fmt.Errorf("resolve %s: target %s is in environment %q, which a %s incident may not touch", q, t.ID, t.Env, mode)
		}
	}
	return targets, nil
}

func (inv *Inventory) resolve(q Query, r incident.Radius) ([]Target, error) {
	var out []Target
	switch q {
	case DatasetVersions:
		for _, id := range r.DatasetVersions {
			v := inv.DatasetVersion(id)
			out = append(out, Target{ID: id, Kind: ObjectsTarget, Env: inv.Env(id), URI: v.URI, Digest: v.RootDigest})
		}
	case Checkpoints:
		for _, id := range r.Checkpoints {
			c := inv.Checkpoint(id)
			out = append(out, Target{ID: id, Kind: ObjectsTarget, Env: inv.Env(id), URI: c.URI, Digest: c.RootDigest})
		}
	case RegisteredCheckpoints:
		out = inv.registeredTargets(r)
	case RequestLogs:
		for _, id := range r.Endpoints {
			e := inv.Endpoint(id)
			if strings.HasPrefix(e.LogStream, "s3://") {
				out = append(out, Target{ID: id + "/requests", Kind: ObjectsTarget, Env: e.Env, URI: e.LogStream})
			}
		}
	case Endpoints:
		s := inv.Selector(r)
		for _, id := range r.Endpoints {
			out = append(out, inv.endpointTarget(inv.Endpoint(id), s))
		}
	case Writers:
		out = inv.credentialTargets(r.Writers)
	case Callers:
		out = inv.credentialTargets(r.Callers)
	case Readers:
		out = inv.credentialTargets(inv.readers(r))
	case Keys:
		out = inv.credentialTargets(inv.keys(r))
	case Secrets:
		out = inv.credentialTargets(inv.secrets(r))
	case OtherCallers:
		out = inv.withoutGateway(r)
	case Consumers, UnpaidConsumers, PayingConsumers:
		out = inv.consumers(r, q)
	case Stakeholders:
		out = inv.stakeholderTargets(r)
	default:
		return nil, fmt.Errorf("unknown target query %q", q)
	}
	return out, nil
}

// endpointTarget is an endpoint with what it may be rolled back to.
func (inv *Inventory) endpointTarget(e *Endpoint, s *Selector) Target {
	chosen := s.Select(e.Model)
	t := Target{ID: e.ID, Kind: EndpointTarget, Env: e.Env, Endpoint: e, KnownGood: chosen.Checkpoint, Rejected: chosen.Rejected, Review: chosen.Review}
	if c := chosen.Checkpoint; c != nil {
		t.Signer, t.Registered = inv.SigningKey(c.Signer.Key), inv.Registered(c)
	}
	return t
}

// registeredTargets are the affected checkpoints that are in a model registry.
func (inv *Inventory) registeredTargets(r incident.Radius) []Target {
	var out []Target
	for _, id := range r.Checkpoints {
		c := inv.Checkpoint(id)
		if at := inv.Registered(c); at != nil {
			out = append(out, Target{ID: id, Kind: RegisteredTarget, Env: inv.Env(id), URI: c.URI, Digest: c.RootDigest, Registered: at})
		}
	}
	return out
}

// credentialTargets are the credentials in the order of the inventory.
func (inv *Inventory) credentialTargets(ids []string) []Target {
	places := inv.indexed().credentials
	var found []int
	for _, id := range ids {
		if i, ok := places[id]; ok {
			found = append(found, i)
		}
	}
	slices.Sort(found)
	var out []Target
	for _, i := range slices.Compact(found) {
		c := &inv.Credentials[i]
		out = append(out, Target{ID: c.ID, Kind: CredentialTarget, Env: c.Env, Credential: c})
	}
	return out
}

// stakeholderTargets are the channels of legal for the affected models, each once, with the addresses of all who share it.
func (inv *Inventory) stakeholderTargets(r incident.Radius) []Target {
	var out []Target
	for _, i := range members(inv.indexed().stakeholdersOf, r.Models) {
		s := &inv.Stakeholders[i]
		if !slices.Contains(s.Notify, "legal") {
			continue
		}
		if j := slices.IndexFunc(out, func(t Target) bool { return t.ID == s.Channel }); j >= 0 {
			out[j].Stakeholder.addEmail(s.Email)
			continue
		}
		told := *s
		told.Email = slices.Clone(s.Email)
		out = append(out, Target{ID: s.Channel, Kind: StakeholderTarget, Env: inv.Env(s.Asset), Stakeholder: &told})
	}
	for i := range out {
		if len(out[i].Stakeholder.Email) == 0 {
			out[i].Stakeholder.Email = inv.counsel()
		}
	}
	return out
}

// addEmail adds the addresses that are new. It is for copies only.
func (s *Stakeholder) addEmail(list []string) {
	for _, a := range list {
		if !slices.Contains(s.Email, a) {
			s.Email = append(s.Email, a)
		}
	}
}
