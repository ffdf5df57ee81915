package sagemaker_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/activities/conformance"
	"firebreak/activities/failure"
	"firebreak/activities/serving/sagemaker"
	"firebreak/activities/serving/sagemaker/sagemakerfake"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// version is the operation that quarantines version 17 of the group credit.
func (w *world) version() *playbooks.Operation {
	w.aws.Package("credit", 16, "Approved", "")
	w.aws.Package("credit", 17, "Approved", "by the risk board")
	op := w.operation("registry.quarantine")
	op.Target = inventory.Target{
		ID: "credit-scorer@17", Kind: inventory.RegisteredTarget, Registered: &inventory.Registered{Platform: "sagemaker", Name: "credit", Version: "17", Reject: true},
	}
	return op
}

func (w *world) packages() *sagemaker.Packages { return sagemaker.NewPackages(w.client) }

func TestPackagesConform(t *testing.T) {
	t.Parallel()
	for name, described := range map[string]string{"approved with a word": "by the risk board", "approved without": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conformance.Run(t, func(t *testing.T) *conformance.Subject {
				w := newWorld(t, parking)
				op := w.version()
				w.aws.Package("credit", 17, "Approved", described)
				decide := func(*testing.T) { w.aws.Package("credit", 17, "PendingManualApproval", "look again") }
				return &conformance.Subject{
					Action: w.packages(), Operation: op, Provider: w.provider, State: w.state,
					Secrets: []string{sagemakerfake.SecretKey, sagemakerfake.SessionToken}, Absent: func(*testing.T) { w.aws.DropPackages() },
					Change: decide, ChangeAfter: decide,
					Hollow: func(*testing.T) {
						w.aws.AfterDeciding(func() { w.aws.Package("credit", 17, "Approved", "a pipeline") })
					},
				}
			})
		})
	}
}

func TestPackagesSayThatAPipelineMayDeploy(t *testing.T) {
	t.Parallel()
	w := newWorld(t, parking)
	op := w.version()
	run(t, w.packages(), op)
	require.Contains(t, op.Effect.Summary, "Rejected instead of Approved; a pipeline that listens")
	effect, err := w.packages().Undo(t.Context(), op)
	require.NoError(t, err)
	require.Contains(t, effect.Summary, "may deploy now")
}

// Rejecting may be a pipeline's order to deploy: without the inventory's word it is a person's.
func TestPackagesAreRejectedByHandWithoutTheInventorysWord(t *testing.T) {
	t.Parallel()
	w := newWorld(t, parking)
	op := w.version()
	op.Target.Registered.Reject = false
	_, err := w.packages().Capture(t.Context(), op)
	code, _ := failure.CodeOf(err)
	require.Equal(t, failure.Unsupported, code)
	require.ErrorContains(t, err, "models[].registry.reject")
}

func TestPackagesRefuse(t *testing.T) {
	t.Parallel()
	cases := map[string]func(*inventory.Registered){
		"another registry":    func(r *inventory.Registered) { r.Platform = "mlflow" },
		"a version by name":   func(r *inventory.Registered) { r.Version = "prod" },
		"a version not there": func(r *inventory.Registered) { r.Version = "99" },
		"a group not there":   func(r *inventory.Registered) { r.Name = "nobodys" },
	}
	for name, spoil := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, parking)
			op := w.version()
			spoil(op.Target.Registered)
			_, err := w.packages().Capture(t.Context(), op)
			code, _ := failure.CodeOf(err)
			require.Equal(t, failure.Invalid, code, "%v", err)
		})
	}
}
