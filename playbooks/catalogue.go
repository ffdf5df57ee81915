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
	// Supersedes names the action whose effect on the same target this one ends; its proof is then no longer watched.
	Supersedes string
	// NeedsKnownGood is true if a target without a known-good checkpoint cannot be acted on.
	NeedsKnownGood bool
}

// Catalogue lists every action. A test holds it against what the worker registers.
func Catalogue() []Action {
	probe := []Param{
		{Name: "probes", Kind: Integer, Default: "5", Min: 1, Max: 100, Doc: "how many calls from outside must all agree"},
		{Name: "interval", Kind: Duration, Default: "200ms", Min: int64(10 * time.Millisecond), Max: int64(time.Minute), Doc: "time between two calls; probes x interval should outlast every cache"},
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
		},
		{
			Name: "endpoint.disable", Doc: "Takes a KServe InferenceService out of service (serving.kserve.io/stop).",
			Role: incident.RoleContainment, Effect: Reversible, Queue: ContainQueue, Targets: inventory.EndpointTarget, Timeout: 2 * time.Minute,
			Params: probe, Proof: "the endpoint is called from outside and every call is refused", Reversal: "the saved annotation is restored",
		},
		{
			Name: "endpoint.enable", Doc: "Puts a KServe InferenceService back into service after its rollback.",
			Role: incident.RoleRecovery, Effect: Reversible, Queue: ContainQueue, Targets: inventory.EndpointTarget, Timeout: 5 * time.Minute,
			Params: probe, NeedsKnownGood: true, Supersedes: "endpoint.disable",
			Proof:    "the endpoint is called from outside and every answer carries the digest of the known-good checkpoint",
			Reversal: "the endpoint is taken out of service again",
		},
		{
			Name: "checkpoint.rollback", Doc: "Points an endpoint at its known-good checkpoint, whose bytes are hashed before and after.",
			Role: incident.RoleRecovery, Effect: ReplacesState, Queue: ContainQueue, Targets: inventory.EndpointTarget, Timeout: 30 * time.Minute,
			NeedsKnownGood: true,
			Proof:          "the platform's object is read back and the checkpoint's bytes are hashed again from the store",
			Reversal:       "the saved storageUri is restored",
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
				Role: incident.RoleContainment, Effect: Volatile, Params: probe,
				Proof:    "a canary blocked beside it is used on every instance past the caches' lifetime and must be refused; the gateway's log shows no request of the key; a key outside the cluster is served as before",
				Reversal: "the key is let in again, unless it was blocked before",
			}),
		consumer("consumer.unblock", "Lets a key in again that consumer.block blocked in this incident.",
			Action{
				Role: incident.RoleRecovery, Effect: Reversible, Params: probe, Supersedes: "consumer.block",
				Proof: "the canary that was blocked beside it is used on every instance and is served", Reversal: "the key is blocked again",
			}),
		consumer("consumer.restore", "Puts the limits back that consumer.throttle found in this incident.",
			Action{
				Role: incident.RoleRecovery, Effect: Reversible, Supersedes: "consumer.throttle",
				Proof: "the limits are read back, and a canary is served oftener than the cap allowed", Reversal: "the key is limited again",
			}),
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
