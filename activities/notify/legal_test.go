package notify

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/activities/failure"
	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/internal/legal"
	"firebreak/playbooks"
)

var detected = time.Date(2026, 9, 9, 20, 0, 0, 0, time.UTC)

// clocks are those of a European lender.
func clocks() []legal.Clock {
	table, err := legal.Shipped()
	if err != nil {
		panic(err)
	}
	return table.Open(legal.Profile{
		AIActRoles: []string{"provider"}, AIActHighRisk: true, GDPRRoles: []string{"controller"}, LeadAuthority: "DE", NIS2: true,
		FinancialEntity: true, USStates: []string{"CA"}, Contracts: []legal.Contract{{Party: "brightcart", NotifyHours: 24}},
		Owners: []string{"leg-1", "leg-2", "exe-1"},
	}, legal.Data{
		Categories: []string{"personal"}, Subjects: 410000, Roles: []string{"controller"},
		Residents: []legal.Residents{{Jurisdiction: "DE", Count: 290000}, {Jurisdiction: "FR", Count: 96000}, {Jurisdiction: "US-CA", Count: 24000}},
	}, detected)
}

func operation() *playbooks.Operation {
	const id = "incident/dataset-compromise/loan-applications@2026-07-31"
	return &playbooks.Operation{
		ID: id + "/tell-legal/#ir-legal", IncidentID: id, Kind: incident.DatasetCompromise, Mode: incident.Live, Step: "tell-legal",
		Target: inventory.Target{ID: "#ir-legal", Kind: inventory.StakeholderTarget, Stakeholder: &inventory.Stakeholder{Channel: "#ir-legal"}},
		Brief: &playbooks.Brief{
			IncidentID: id, Kind: incident.DatasetCompromise, Mode: incident.Live, Title: "Training dataset compromised",
			Asset: "loan-applications@2026-07-31", Summary: "unexpected writer on s3://nordwall-data/loan-applications/",
			DetectedAt: detected,
			Radius: incident.Radius{
				DatasetVersions: []string{"loan-applications@2026-07-31"}, Checkpoints: []string{"credit-scorer@17"}, Models: []string{"credit-scorer"},
				Endpoints: []string{"credit-api", "credit-batch"}, Writers: []string{"ci-registry-push"}, PersonalData: true, HighRisk: true,
				Unknown: []string{"credit-eval@2026-05-15"},
			},
			Data:    []string{"loan-applications: personal, about 410000 subjects (DE 290000, FR 96000, US-CA 24000), controller"},
			Regimes: []string{"GDPR (lead authority DE)", "EU AI Act (provider, high-risk)", "DORA"},
			Actions: []string{"vault.revoke on ci-registry-push", "endpoint.disable on credit-api"},
			AsOf:    detected.Add(time.Minute), NextBriefAt: detected.Add(30 * time.Minute), Severity: "SEV1",
			ATLAS: []string{"AML.T0020"}, Playbook: "dataset-compromise.yaml sha256:00ff", Clocks: clocks(),
			Systems:       []string{"credit-scorer in lending: consumer credit scoring; EU AI Act provider, class high, Annex III 5b"},
			ModelExposure: []string{"[suspected] Weights or outputs of credit-scorer could reveal training data."},
			ThirdParties:  []string{"contract with brightcart: notice within 24 h"},
		},
	}
}

// done runs Do and hands its effect to the stages after it, through JSON as workflow history does.
func done(t *testing.T, l *Legal, op *playbooks.Operation) *incident.Effect {
	t.Helper()
	e, err := l.Do(t.Context(), op)
	require.NoError(t, err)
	requireNoToken(t, e)
	encoded, err := json.Marshal(e)
	require.NoError(t, err)
	op.Effect = new(incident.Effect)
	require.NoError(t, json.Unmarshal(encoded, op.Effect))
	return e
}

func TestLegalIsToldOnceAndProved(t *testing.T) {
	t.Parallel()
	f, l := newFake(t)
	op := operation()
	c, err := l.Capture(t.Context(), op)
	require.NoError(t, err)
	require.Contains(t, c.Summary, "#ir-legal")
	require.Empty(t, f.calls, "Capture calls nothing")

	first := done(t, l, op)
	require.True(t, first.Changed)
	require.Equal(t, "#ir-legal", first.Facts[incident.FactChannel])
	for range 5 {
		f.say("thanks, on it") // the brief moves to a later page
	}
	second := done(t, l, op)
	require.False(t, second.Changed)
	require.Equal(t, first.Facts, second.Facts)
	require.Equal(t, 1, f.posts())

	proof, err := l.Verify(t.Context(), op)
	require.NoError(t, err)
	require.True(t, proof.Proved, proof.Method)
	require.Equal(t, first.Facts[incident.FactTS], proof.Facts[incident.FactTS])

	other := operation()
	other.ID += "-2"
	require.True(t, done(t, l, other).Changed, "another operation has a brief of its own")
}

func TestDoAgainAfterItsAnswerWasLost(t *testing.T) {
	t.Parallel()
	f, l := newFake(t)
	op := operation()
	f.set(func() { f.execute = "chat.postMessage" })
	_, err := l.Do(t.Context(), op)
	require.ErrorContains(t, err, "slack cannot be reached")
	require.Equal(t, 1, f.posts(), "the message was posted")
	require.False(t, done(t, l, op).Changed)
	require.Equal(t, 1, f.posts())
}

func TestUnknownChannel(t *testing.T) {
	t.Parallel()
	_, l := newFake(t)
	op := operation()
	op.Target.Stakeholder = &inventory.Stakeholder{Channel: "#no-such"}
	_, err := l.Do(t.Context(), op)
	require.ErrorContains(t, err, "find channel #no-such: slack shows no such channel: channel_not_found: create the channel, or invite the bot")
}

func TestVerifySeesWhatHappenedToTheMessage(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*fakeSlack)
		proved bool
		says   string
	}{
		"untouched":    {func(*fakeSlack) {}, true, "are those that were posted"},
		"deleted":      {func(f *fakeSlack) { f.messages = nil }, false, "it is not there"},
		"text altered": {func(f *fakeSlack) { f.messages[0]["text"] = "all is well" }, false, "it was altered"},
		"blocks altered": {func(f *fakeSlack) {
			f.messages[0]["blocks"] = json.RawMessage(`[{"type":"header","text":{"type":"plain_text","text":"all is well"}}]`)
		}, false, "it was altered"},
		"block added": {func(f *fakeSlack) {
			var blocks []json.RawMessage
			_ = json.Unmarshal(f.messages[0]["blocks"].(json.RawMessage), &blocks)
			more, _ := json.Marshal(append(blocks, json.RawMessage(`{"type":"divider"}`)))
			f.messages[0]["blocks"] = json.RawMessage(more)
		}, false, "it was altered"},
		"another's": {func(f *fakeSlack) {
			f.messages[0]["metadata"] = json.RawMessage(`{"event_type":"firebreak_legal_brief","event_payload":{"operation":"other"}}`)
		}, false, "it is not the brief of this operation"},
		"metadata gone": {func(f *fakeSlack) { delete(f.messages[0], "metadata") }, false, "it is not the brief of this operation"},
		"stored as Slack stores it": {func(f *fakeSlack) {
			f.messages[0]["text"] = "  " + f.messages[0]["text"].(string)
		}, true, "are those that were posted"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, l := newFake(t)
			op := operation()
			done(t, l, op)
			f.set(func() { tt.change(f) })
			proof, err := l.Verify(t.Context(), op)
			require.NoError(t, err)
			require.Equal(t, tt.proved, proof.Proved, proof.Method)
			require.Contains(t, proof.Method, tt.says)
			require.Equal(t, !tt.proved, done(t, l, op).Changed, "legal is told again if and only if the brief is not there as it was")
		})
	}
}

func TestWrongOperations(t *testing.T) {
	t.Parallel()
	_, l := newFake(t)
	noBrief, noChannel := operation(), operation()
	noBrief.Brief = nil
	noChannel.Target.Stakeholder = nil
	_, errBrief := l.Do(t.Context(), noBrief)
	_, errChannel := l.Do(t.Context(), noChannel)
	_, errVerify := l.Verify(t.Context(), operation())
	for _, err := range []error{errBrief, errChannel, errVerify} {
		code, final := failure.CodeOf(err)
		require.True(t, final)
		require.Equal(t, failure.Invalid, code)
	}
}

// A sender's clock decides DetectedAt; one in the future must not hide the brief from the search.
func TestFirstSignalInTheFuture(t *testing.T) {
	t.Parallel()
	f, l := newFake(t)
	op := operation()
	op.Brief.DetectedAt = time.Now().Add(90 * 24 * time.Hour)
	require.True(t, done(t, l, op).Changed)
	require.False(t, done(t, l, op).Changed)
	require.Equal(t, 1, f.posts())
}
