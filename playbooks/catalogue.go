package playbooks

import (
	"slices"
	"time"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
)

// Effect is what an action does to its target; it decides what must come before it.
type Effect string

// The effect classes. A volatile act can be reversed, but destroys facts that must be captured first.
const (
	Observe       Effect = "observe"
	Reversible    Effect = "reversible"
	Volatile      Effect = "volatile"
	ReplacesState Effect = "replaces_state"
	Deletes       Effect = "deletes"
)

// Queue is the Temporal task queue on which an action's activities run. A long copy must never hold a containment slot.
type Queue string

// The task queues.
const (
	ContainQueue  Queue = "contain"
	EvidenceQueue Queue = "evidence"
	NotifyQueue   Queue = "notify"
	DrillQueue    Queue = "drill"
)

// Stage is one of the four activities that make up an action.
type Stage string

// The stages of an action. Each is an activity of its own, so that a retried Do can never overwrite what Capture saved.
const (
	Capture Stage = "capture"
	Do      Stage = "do"
	Verify  Stage = "verify"
	Undo    Stage = "undo"
)

// Stages lists the stages in the order in which they run.
func Stages() []Stage { return []Stage{Capture, Do, Verify, Undo} }

// ActivityName is the name under which a stage of an action is registered.
func ActivityName(action string, stage Stage) string { return action + "." + string(stage) }

// Action is one entry of the catalogue.
type Action struct {
	// Name is capability.verb.
	Name string
	// Doc is one sentence for people.
	Doc    string
	Role   incident.Role
	Effect Effect
	Queue  Queue
	// Targets is the kind of target that the action takes.
	Targets inventory.TargetKind
	// Params are the parameters that a step may set under with.
	Params []Param
	// Timeout bounds one attempt of one stage.
	Timeout time.Duration
	// Proof says how Verify proves the effect by another path.
	Proof string
	// Reversal says what Undo does.
	Reversal string
	// Supersedes names the actions whose earlier effect on the same target this one ends; their proofs are then no longer
	// watched.
	Supersedes []string
	// Decision says why the action may only follow a person's decision; empty if it need not.
	Decision string
	// NeedsKnownGood is true if a target without a known-good checkpoint cannot be acted on.
	NeedsKnownGood bool
}

// Catalogue lists every action. A test holds it against what the worker registers.
func Catalogue() []Action {
	probe := []Param{
		{Name: "probes", Kind: Integer, Default: "5", Min: 1, Max: 100, Doc: "how many calls from outside must all agree"},
		{Name: "interval", Kind: Duration, Default: "200ms", Min: int64(10 * time.Millisecond), Max: int64(time.Minute), Doc: "time between two calls; probes x interval should outlast every cache"},
	}
	stage := []Param{
		{Name: "percent", Kind: Integer, Default: "5", Min: 1, Max: 99, Doc: "the share of the traffic that is let in"},
		{Name: "hold", Kind: Duration, Default: "15m", Min: 0, Max: int64(24 * time.Hour), Doc: "how long the share is held and measured; the step's timeout must be longer"},
		{Name: "max_errors", Kind: Integer, Default: "1", Min: 0, Max: 50, Doc: "per cent of the calls that may fail otherwise than by being refused"},
		{Name: "probes", Kind: Integer, Default: "200", Min: 1, Max: 10_000, Doc: "how many calls from outside measure the share; few calls cannot show a small one"},
		{Name: "interval", Kind: Duration, Default: "20ms", Min: 0, Max: int64(time.Minute), Doc: "time between two calls"},
	}
	snapshot := func(name, doc string) Action {
		return Action{
			Name: name, Doc: doc, Role: incident.RoleEvidence, Effect: Observe, Queue: EvidenceQueue,
			Targets: inventory.ObjectsTarget, Timeout: 30 * time.Minute,
			Proof:    "every locked version is read back by its version id and hashed; deleting one by version id is refused",
			Reversal: "nothing is removed: evidence stays locked until its retention ends",
		}
	}
	limits := []Param{
		{Name: "rpm", Kind: Integer, Default: "2", Min: 1, Max: 60, Doc: "the cap on requests a minute; the proof makes a few calls more"},
		{Name: "tpm", Kind: Integer, Default: "1000", Min: 1, Max: 1_000_000, Doc: "the cap on tokens a minute"},
		{Name: "parallel", Kind: Integer, Default: "1", Min: 1, Max: 100, Doc: "how many requests at a time"},
	}
	consumer := func(name, doc string, a Action) Action {
		// A proof waits until every cache is over, and may wait for the window of a cap to begin anew.
		a.Name, a.Doc, a.Queue, a.Targets, a.Timeout = name, doc, ContainQueue, inventory.ConsumerTarget, 8*time.Minute
		return a
	}
	return []Action{
		{
			Name: "vault.revoke", Doc: "Disables re-issue of a credential in Vault, then revokes what was issued, synchronously.",
			Role: incident.RoleContainment, Effect: Volatile, Queue: ContainQueue, Targets: inventory.CredentialTarget, Timeout: time.Minute,
			Proof:    "a credential issued before the revocation is used and must be refused; the leases or accessors are gone",
			Reversal: "issuing is restored so that owners can get new credentials; what was revoked stays revoked",
			Decision: "cannot be undone in full",
		},
		{
			Name: "vault.rotate", Doc: "Rotates a transit key and lets nothing be decrypted any more that an older version encrypted.",
			Role: incident.RoleContainment, Effect: Reversible, Queue: ContainQueue, Targets: inventory.CredentialTarget, Timeout: time.Minute,
			Proof:    "ciphertext made before is refused, and what is encrypted now can be opened",
			Reversal: "older versions may decrypt again; the new version stays",
			Decision: "makes data unreadable that was not rewrapped before",
		},
		{
			Name: "vault.withdraw", Doc: "Deletes the versions of a secret in KV v2, so that nobody reads it there any more; copies stay valid.",
			Role: incident.RoleContainment, Effect: Reversible, Queue: ContainQueue, Targets: inventory.CredentialTarget, Timeout: time.Minute,
			Proof:    "the versions are marked deleted and a read of their keys is refused",
			Reversal: "the versions are undeleted",
			Decision: "stops every holder that reads the secret there",
		},
		{
			Name: "vault.destroy", Doc: "Destroys the data of the versions of a secret in KV v2 for good; copies stay valid.",
			Role: incident.RoleContainment, Effect: Deletes, Queue: ContainQueue, Targets: inventory.CredentialTarget, Timeout: time.Minute,
			Proof:    "the versions are marked destroyed and a read of their keys is refused",
			Reversal: "nothing: what was destroyed stays destroyed",
			Decision: "cannot be undone",
		},
		{
			Name: "endpoint.disable", Doc: "Takes an endpoint out of service, in the way that its platform does best.",
			Role: incident.RoleContainment, Effect: Reversible, Queue: ContainQueue, Targets: inventory.EndpointTarget, Timeout: 2 * time.Minute,
			Params: probe, Proof: "the endpoint is called from outside and every call is refused", Reversal: "what was captured is restored, byte for byte",
		},
		{
			Name: "endpoint.isolate", Doc: "Cuts an endpoint's traffic and keeps its replicas alive for forensics, where the platform can; elsewhere it does as endpoint.disable.",
			Role: incident.RoleContainment, Effect: Reversible, Queue: ContainQueue, Targets: inventory.EndpointTarget, Timeout: 2 * time.Minute,
			Params: probe, Proof: "the endpoint is called from outside and every call is refused", Reversal: "what was captured is restored, byte for byte",
		},
		{
			Name: "endpoint.shift", Doc: "Lets a share of the traffic in to the known-good checkpoint and refuses the rest: one stage of a recovery.",
			Role: incident.RoleRecovery, Effect: Reversible, Queue: ContainQueue, Targets: inventory.EndpointTarget, Timeout: time.Hour,
			Params: stage, NeedsKnownGood: true, Supersedes: []string{"endpoint.disable", "endpoint.isolate", "endpoint.shift"},
			Proof:    "the endpoint is called from outside for as long as the stage is held: the share answers with the digest of the known-good checkpoint, and the rest is refused",
			Reversal: "the endpoint is taken out of service altogether, never back to what it served before",
		},
		{
			Name: "endpoint.enable", Doc: "Puts an endpoint back into service after its rollback.",
			Role: incident.RoleRecovery, Effect: Reversible, Queue: ContainQueue, Targets: inventory.EndpointTarget, Timeout: 5 * time.Minute,
			Params: probe, NeedsKnownGood: true, Supersedes: []string{"endpoint.disable", "endpoint.isolate", "endpoint.shift"},
			Proof:    "the endpoint is called from outside and every answer carries the digest of the known-good checkpoint",
			Reversal: "the endpoint is taken out of service again",
		},
		{
			Name: "checkpoint.rollback", Doc: "Points an endpoint at its known-good checkpoint, whose bytes are hashed before and after.",
			Role: incident.RoleRecovery, Effect: ReplacesState, Queue: ContainQueue, Targets: inventory.EndpointTarget, Timeout: 30 * time.Minute,
			NeedsKnownGood: true,
			Proof:          "the platform's object is read back and the checkpoint's bytes are hashed again from the store",
			Reversal:       "what was captured is restored, byte for byte",
		},
		{
			Name: "checkpoint.verify", Doc: "Reads the known-good candidate: its signature, every byte, and whether loading it would run code.",
			// It is the first act of a recovery: where it does not take place, what is contained stays contained.
			Role: incident.RoleRecovery, Effect: Observe, Queue: EvidenceQueue, Targets: inventory.EndpointTarget, Timeout: 30 * time.Minute,
			NeedsKnownGood: true,
			Proof:          "the signature is read and verified again, and the store has the same current version of every file",
			Reversal:       "nothing was changed",
		},
		{
			Name: "registry.quarantine", Doc: "Tags a version in MLflow as quarantined and takes away the aliases and the stage by which it would be deployed; rejects one in SageMaker.",
			Role: incident.RoleEradication, Effect: Reversible, Queue: ContainQueue, Targets: inventory.RegisteredTarget, Timeout: time.Minute,
			Proof:    "a search finds the tag, and none of the model's aliases points at the version; SageMaker's list says that it is rejected",
			Reversal: "the saved tags, aliases and stage, or approval, are restored, unless somebody has decided otherwise since",
		},
		snapshot("dataset.snapshot", "Copies the dataset's object versions to the evidence store under Object Lock."),
		snapshot("checkpoint.snapshot", "Copies the checkpoint's object versions to the evidence store under Object Lock."),
		snapshot("log.snapshot", "Copies an endpoint's request log to the evidence store under Object Lock."),
		consumer("consumer.throttle", "Caps a consumer's requests and tokens at the gateway (LiteLLM) and strips its answers where the gateway has a route for that.",
			Action{
				Role: incident.RoleContainment, Effect: Reversible, Params: limits,
				Proof:    "a canary under the same limits is used on every instance past the caches' lifetime: its rate is at most the cap and its answers lack the fields; the gateway's log shows no more of the key; a key outside the cluster is served as before",
				Reversal: "the saved limits are restored",
			}),
		consumer("consumer.block", "Blocks a consumer's key at the gateway (LiteLLM).",
			Action{
				Role: incident.RoleContainment, Effect: Volatile, Params: probe, Decision: "shuts a customer out",
				Proof:    "a canary blocked beside it is used on every instance past the caches' lifetime and must be refused; the gateway's log shows no request of the key; a key outside the cluster is served as before",
				Reversal: "the key is let in again, unless it was blocked before",
			}),
		consumer("consumer.unblock", "Lets a key in again that consumer.block blocked in this incident.",
			Action{
				Role: incident.RoleRecovery, Effect: Reversible, Params: probe, Supersedes: []string{"consumer.block"},
				Proof: "the canary that was blocked beside it is used on every instance and is served", Reversal: "the key is blocked again",
			}),
		consumer("consumer.restore", "Puts the limits back that consumer.throttle found in this incident.",
			Action{
				Role: incident.RoleRecovery, Effect: Reversible, Supersedes: []string{"consumer.throttle"},
				Proof: "the limits are read back, and a canary is served oftener than the cap allowed", Reversal: "the key is limited again",
			}),
		{
			Name: "replica.capture", Doc: "Captures what is lost when an endpoint's replicas stop: processes, connections, loaded files with digests, logs, settings without their values, and the latest requests.",
			Role: incident.RoleEvidence, Effect: Observe, Queue: EvidenceQueue, Targets: inventory.EndpointTarget, Timeout: 10 * time.Minute,
			Params: []Param{
				{Name: "within", Kind: Duration, Default: "100s", Min: int64(time.Second), Max: int64(8 * time.Minute), Doc: "what is not captured by then is a gap; keep it below the step's budget"},
				{Name: "recent", Kind: Duration, Default: "1h", Min: int64(time.Minute), Max: int64(24 * time.Hour), Doc: "how far back requests are taken from the log stream"},
				{Name: "log_bytes", Kind: Integer, Default: "4194304", Min: 1024, Max: 64 << 20, Doc: "how much of the end of each container's log is kept"},
			},
			Proof:    "every item is read back by its version id and hashed, and is locked; deleting one by version id is refused",
			Reversal: "nothing is removed: evidence stays locked until its retention ends",
		},
		{
			Name: "legal.notify", Doc: "Posts the legal brief to the stakeholders' Slack channel, or mails it where Slack cannot or must not be used.",
			Role: incident.RoleNotification, Effect: Observe, Queue: NotifyQueue, Targets: inventory.StakeholderTarget, Timeout: time.Minute,
			Proof:    "the message is read back from the channel's history; of a mail, the mail server's receipt",
			Reversal: "a withdrawal is posted in the message's thread",
		},
	}
}

// FindAction returns the catalogue's entry with the name.
func FindAction(name string) (Action, bool) {
	all := Catalogue()
	i := slices.IndexFunc(all, func(a Action) bool { return a.Name == name })
	if i < 0 {
		return Action{}, false
	}
	return all[i], true
}
