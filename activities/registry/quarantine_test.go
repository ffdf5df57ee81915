package registry

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/activities/failure"
	"firebreak/activities/registry/mlflow"
	"firebreak/activities/registry/mlflow/mlflowfake"
	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

var _ stages = (*Quarantine)(nil)

// ward is a registry with a suspect version 17 that two aliases name, and a version 16.
type ward struct {
	server *mlflowfake.Server
	a      *Quarantine
	op     *playbooks.Operation
	before mlflowfake.Version
}

func newWard(t *testing.T) *ward {
	t.Helper()
	s := mlflowfake.New(t)
	s.Put("credit", "16", mlflowfake.Version{Status: "READY", Stage: "Archived", Source: "s3://registry/credit/16/"})
	s.Put("credit", "17", mlflowfake.Version{Status: "READY", Stage: "Production", Source: "s3://registry/credit/17/", Tags: map[string]string{"team": "risk", IncidentTag: "an earlier one"}})
	s.Point("credit", "prod", "17")
	s.Point("credit", "latest", "17")
	s.Point("credit", "previous", "16")
	w := &ward{server: s, op: &playbooks.Operation{
		ID: "incident/backdoor-discovery/credit/quarantine/credit-scorer@17", IncidentID: "incident/backdoor-discovery/credit", Step: "quarantine-registry", Action: "registry.quarantine",
		Target: inventory.Target{ID: "credit-scorer@17", Kind: inventory.RegisteredTarget, Registered: &inventory.Registered{Platform: "mlflow", Name: "credit", Version: "17"}},
	}}
	w.before, _ = s.State("credit", "17")
	w.a = NewQuarantine(mlflowClient(t, s.URL, mlflowfake.Token))
	return w
}

// mlflowClient is the product's own client, set up as in production.
func mlflowClient(t *testing.T, url, token string) *mlflow.Client {
	t.Helper()
	c, err := mlflow.New(mlflow.Settings{Address: url, Token: token})
	require.NoError(t, err)
	return c
}

func (w *ward) capture(t *testing.T) {
	t.Helper()
	c, err := w.a.Capture(t.Context(), w.op)
	require.NoError(t, err)
	text, err := json.Marshal(c)
	require.NoError(t, err)
	require.NotContains(t, string(text), mlflowfake.Token)
	w.op.Capture = &incident.Capture{}
	require.NoError(t, json.Unmarshal(text, w.op.Capture))
}

func (w *ward) do(t *testing.T) *incident.Effect {
	t.Helper()
	e, err := w.a.Do(t.Context(), w.op)
	require.NoError(t, err)
	w.op.Effect = e
	return e
}

func (w *ward) verify(t *testing.T) *incident.Proof {
	t.Helper()
	p, err := w.a.Verify(t.Context(), w.op)
	require.NoError(t, err)
	return p
}

func TestQuarantineOnceProvedAndUndone(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	w.capture(t)
	require.False(t, w.verify(t).Proved)
	require.True(t, w.do(t).Changed)
	writes := len(w.server.Writes())
	require.False(t, w.do(t).Changed)
	require.Len(t, w.server.Writes(), writes)

	v, aliases := w.server.State("credit", "17")
	require.Empty(t, aliases)
	require.Equal(t, "Archived", v.Stage)
	require.Equal(t, map[string]string{"team": "risk", StatusTag: Quarantined, IncidentTag: w.op.IncidentID, OperationTag: w.op.ID}, v.Tags)
	_, others := w.server.State("credit", "16")
	require.Equal(t, []string{"previous"}, others, "no other version is moved to")
	proof := w.verify(t)
	require.True(t, proof.Proved, proof.Method)

	undone, err := w.a.Undo(t.Context(), w.op)
	require.NoError(t, err)
	require.True(t, undone.Changed)
	v, aliases = w.server.State("credit", "17")
	require.Equal(t, w.before, v, "byte for byte")
	require.Equal(t, []string{"latest", "prod"}, aliases)
	undone, err = w.a.Undo(t.Context(), w.op)
	require.NoError(t, err)
	require.False(t, undone.Changed)
}

// Whatever call fails, and whether or not it acted, trying again ends in the same state, and so does undoing.
func TestQuarantineIsResumed(t *testing.T) {
	t.Parallel()
	for _, acted := range []bool{false, true} {
		for n := 1; n <= 9; n++ {
			w := newWard(t)
			w.capture(t)
			count := 0
			w.server.Fail(func(call string) (int, bool) {
				if call[:3] == "GET" {
					return 0, false
				}
				if count++; count == n {
					return 500, acted
				}
				return 0, false
			})
			_, err := w.a.Do(t.Context(), w.op)
			if err != nil {
				_, final := failure.CodeOf(err)
				require.False(t, final, "%d %v: %v", n, acted, err)
				require.NotContains(t, err.Error(), mlflowfake.Token)
				w.do(t)
			}
			require.True(t, w.verify(t).Proved)
			count = -100
			for try := range 12 {
				count = -try
				if _, err = w.a.Undo(t.Context(), w.op); err == nil {
					break
				}
			}
			require.NoError(t, err)
			v, aliases := w.server.State("credit", "17")
			require.Equal(t, w.before, v)
			require.Equal(t, []string{"latest", "prod"}, aliases)
		}
	}
}

func TestQuarantineRefusesAVersionThatChanged(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*ward){
		"a new alias":         func(w *ward) { w.server.Point("credit", "canary", "17") },
		"an alias moved away": func(w *ward) { w.server.Point("credit", "prod", "16") },
		"another stage": func(w *ward) {
			v, _ := w.server.State("credit", "17")
			v.Stage = "Staging"
			w.server.Put("credit", "17", v)
		},
		"a quarantine of another": func(w *ward) {
			v, _ := w.server.State("credit", "17")
			v.Tags[OperationTag] = "another"
			w.server.Put("credit", "17", v)
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWard(t)
			w.capture(t)
			change(w)
			_, err := w.a.Do(t.Context(), w.op)
			requireCode(t, failure.TargetChanged, err)
			require.Empty(t, w.server.Writes())
		})
	}
}

func TestQuarantineIsNotProved(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		spoil  func(*ward)
		method string
	}{
		"while an alias points at it": {func(w *ward) { w.server.Point("credit", "prod", "17") }, "its aliases are prod"},
		"without its tag": {func(w *ward) {
			v, _ := w.server.State("credit", "17")
			delete(v.Tags, StatusTag)
			w.server.Put("credit", "17", v)
		}, `its tag firebreak.status is ""`},
		"in a stage of deployment": {func(w *ward) {
			v, _ := w.server.State("credit", "17")
			v.Stage = "Production"
			w.server.Put("credit", "17", v)
		}, "its stage is Production"},
		"of a version that is not there": {func(w *ward) { w.op.Target.Registered.Version = "18" }, "version 18 of credit is not there"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWard(t)
			w.capture(t)
			w.do(t)
			tt.spoil(w)
			proof := w.verify(t)
			require.False(t, proof.Proved)
			require.Contains(t, proof.Method, tt.method)
		})
	}
}

func TestUndoOfAQuarantineRespectsOthers(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	w.capture(t)
	w.do(t)
	w.server.Point("credit", "prod", "16")
	_, err := w.a.Undo(t.Context(), w.op)
	requireCode(t, failure.TargetChanged, err)
	require.ErrorContains(t, err, "alias prod points at version 16 by now")
	_, aliases := w.server.State("credit", "16")
	require.Equal(t, []string{"previous", "prod"}, aliases)

	v, _ := w.server.State("credit", "17")
	v.Tags[OperationTag] = "another"
	w.server.Put("credit", "17", v)
	_, err = w.a.Undo(t.Context(), w.op)
	requireCode(t, failure.TargetChanged, err)
}

// An alias that was moved on while Do works is left where it is.
func TestQuarantineLeavesAnAliasThatMovedOn(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	w.capture(t)
	w.server.Before(func(call string) {
		if call == "DELETE registered-models/alias" {
			w.server.Point("credit", "prod", "16")
		}
	})
	w.do(t)
	_, aliases := w.server.State("credit", "16")
	require.Equal(t, []string{"previous", "prod"}, aliases)
}
