package e2e_test

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/scenario"
	"firebreak/deploy/sandbox/slack"
	"firebreak/deploy/sandbox/stack"
	"firebreak/internal/incident"
	"firebreak/internal/slackui"
)

// The people of the inventory as Slack knows them.
const (
	inCommand  = "U01IC000001"
	onSecurity = "U01SEC00001"
	modelOwner = "U01MLO00001"
	dataOwner  = "U01DO000001"
	inLegal    = "U01LEG00001"
)

const oncallChannel = "#incidents"

// workspace is Slack as people use it.
type workspace struct {
	*stack.Stack
	t   *testing.T
	ctx context.Context
}

// inSlack brings up a stack whose trigger is reached by Slack.
func inSlack(t *testing.T, socket bool) workspace {
	t.Helper()
	s, err := stack.Start(t.Context(), stack.Options{Data: t.TempDir(), Log: io.Discard, SocketMode: socket})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Stop()) })
	return workspace{Stack: s, t: t, ctx: bounded(t)}
}

func (w workspace) as(user string) *slack.Person {
	w.t.Helper()
	p, err := w.Slack.As(user)
	require.NoError(w.t, err)
	return p
}

// sees waits for a message in a channel that the person sees and that holds all the texts, and returns the newest.
func (w workspace) sees(user, channel string, texts ...string) slack.Message {
	w.t.Helper()
	var found *slack.Message
	require.Eventually(w.t, func() bool {
		found = nil
		for _, m := range w.as(user).Sees(channel) {
			all := m.Text + string(m.Blocks)
			if holdsAll(all, texts) {
				found = &m
			}
		}
		return found != nil
	}, time.Minute, 50*time.Millisecond, "%s does not see %q in %s: %s", user, texts, channel, w.shown(user, channel))
	return *found
}

func (w workspace) shown(user, channel string) string {
	var b strings.Builder
	for _, m := range w.as(user).Sees(channel) {
		b.WriteString(m.Text + "\n" + string(m.Blocks) + "\n\n")
	}
	return b.String()
}

func holdsAll(text string, parts []string) bool {
	for _, p := range parts {
		if !strings.Contains(text, p) {
			return false
		}
	}
	return true
}

// asked waits for the request for an approval in the incident's thread.
func (w workspace) asked(title string) slack.Message {
	w.t.Helper()
	return w.sees(inCommand, oncallChannel, title, slackui.ActionApprove)
}

// declare fills the modal of /incident declare in, as the person.
func (w workspace) declare(user string, kind incident.Kind, asset, mode string) error {
	w.t.Helper()
	p := w.as(user)
	require.NoError(w.t, p.Slash(w.ctx, oncallChannel, "/incident declare"))
	require.Eventually(w.t, func() bool { return p.Modal() != nil }, 10*time.Second, 20*time.Millisecond, "no modal opened")
	options, err := p.Options(w.ctx, slackui.ActionAsset, asset[:5])
	require.NoError(w.t, err)
	require.NotEmpty(w.t, options, "the inventory is searched")
	return p.Submit(w.ctx, slack.Values{
		slackui.FieldKind: {string(kind)}, slackui.ActionAsset: {asset}, slackui.FieldMode: {mode}, slackui.FieldSummary: {"rows differ from the signed manifest"},
	})
}

// A whole incident without leaving Slack: declared in a modal, followed in its thread, approved with buttons, its tasks
// checked off, the brief acknowledged, closed with a reason. Once over HTTP, once by Socket Mode.
func TestAnIncidentIsRunFromSlack(t *testing.T) {
	t.Parallel()
	for name, socket := range map[string]bool{"HTTP": false, "Socket Mode": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := inSlack(t, socket)
			require.NoError(t, w.declare(onSecurity, incident.DatasetCompromise, "loan-applications@2026-07-31", "live"))
			id := incident.WorkflowID(incident.DatasetCompromise, "loan-applications@2026-07-31", "")
			w.sees(inCommand, oncallChannel, id)

			// Two of different roles approve; each sees at once what came of it.
			request := w.asked("C8 Take the endpoints")
			require.NoError(t, w.as(modelOwner).Click(w.ctx, oncallChannel, request.TS, slackui.ActionApprove))
			w.sees(modelOwner, oncallChannel, "1 of 2")
			require.NoError(t, w.as(inCommand).Click(w.ctx, oncallChannel, request.TS, slackui.ActionApprove))
			rec := until(t, w.ctx, w.Stack, id, func(rec *incident.Record) bool {
				return step(t, rec, "disable-endpoints", "credit-api").Verified
			})
			for _, a := range rec.Approvals {
				for _, d := range a.Decisions {
					require.Equal(t, "slack", d.Via)
				}
			}

			revoke := w.asked("C5 Revoke the shared credentials")
			require.NoError(t, w.as(dataOwner).Click(w.ctx, oncallChannel, revoke.TS, slackui.ActionApprove))

			// A task of two is checked off by both.
			task := w.sees(inCommand, oncallChannel, "C11 Establish the scope", slackui.ActionTask+":0")
			require.NoError(t, w.as(dataOwner).Click(w.ctx, oncallChannel, task.TS, slackui.ActionTask+":1"))
			require.NoError(t, w.as(modelOwner).Click(w.ctx, oncallChannel, task.TS, slackui.ActionTask+":1"))
			until(t, w.ctx, w.Stack, id, func(rec *incident.Record) bool { return outcomeOf(rec, "poison-scope") == "inconclusive" })

			brief := w.sees(inLegal, "#ir-legal", slackui.ActionAcknowledge)
			require.NoError(t, w.as(inLegal).Click(w.ctx, "#ir-legal", brief.TS, slackui.ActionAcknowledge))
			until(t, w.ctx, w.Stack, id, func(rec *incident.Record) bool { return rec.Legal.AcknowledgedBy == "leg-1" })

			require.NoError(t, w.as(inCommand).Slash(w.ctx, oncallChannel, "/incident status "+id))
			w.sees(inCommand, oncallChannel, "contained", id)

			require.NoError(t, w.as(inCommand).Slash(w.ctx, oncallChannel, "/incident close "+id))
			require.Eventually(t, func() bool { return w.as(inCommand).Modal() != nil }, 10*time.Second, 20*time.Millisecond)
			require.NoError(t, w.as(inCommand).Submit(w.ctx, slack.Values{
				slackui.FieldReason: {"recovery goes on outside of this drill"}, slackui.FieldHandOver: {"hand_over_clocks"}}))
			rec = until(t, w.ctx, w.Stack, id, func(rec *incident.Record) bool { return rec.Progress == incident.Closed })
			w.sees(inCommand, oncallChannel, "closed")
			require.Equal(t, incident.Contained, rec.Verdict, gaps(rec))
		})
	}
}

func outcomeOf(rec *incident.Record, step string) string {
	for _, t := range rec.Tasks {
		if t.Step == step {
			return t.Outcome
		}
	}
	return ""
}

// Whoever may not decide is told why, and the refusal is in the incident's record. Nothing that waits is done.
func TestWhatSlackMayNotDecide(t *testing.T) {
	t.Parallel()
	w := inSlack(t, false)
	require.NoError(t, w.declare(inCommand, incident.DatasetCompromise, "loan-applications@2026-07-31", "live"))
	id := incident.WorkflowID(incident.DatasetCompromise, "loan-applications@2026-07-31", "")
	request := w.asked("C8 Take the endpoints")
	cases := []struct{ name, user, reason string }{
		{"an outsider", stack.OutsiderSlack, "is not in the inventory"},
		{"the requester", inCommand, "ic-1 started the incident and cannot approve it"},
		{"another role", dataOwner, "holds none of the roles that are still wanted"},
	}
	for _, c := range cases {
		before := refusals(t, w, id)
		_ = w.as(c.user).Click(w.ctx, oncallChannel, request.TS, slackui.ActionApprove)
		w.sees(c.user, oncallChannel, c.reason)
		until(t, w.ctx, w.Stack, id, func(*incident.Record) bool { return refusals(t, w, id) > before })
	}

	// The same click twice over, as Slack sends it again, is one decision; a second click of the same person is refused.
	w.Slack.Duplicate("block_actions", 1, 2)
	require.NoError(t, w.as(modelOwner).Click(w.ctx, oncallChannel, request.TS, slackui.ActionApprove))
	until(t, w.ctx, w.Stack, id, func(rec *incident.Record) bool { return granted(rec, "approve-containment") == 1 })
	_ = w.as(modelOwner).Click(w.ctx, oncallChannel, request.TS, slackui.ActionApprove)
	w.sees(modelOwner, oncallChannel, "mlo-1 has decided already")

	// Who forges Slack's signature changes nothing.
	w.Slack.Forge("block_actions", 1)
	require.Error(t, w.as(inLegal).Click(w.ctx, oncallChannel, request.TS, slackui.ActionApprove))

	// A target is added: the request of the old plan decides nothing any more.
	output, code, err := w.CLI(w.ctx, "add-target", id, "assist-kb@2026-09-01", "--as", "ida@nordwall.example", "--reason", "same writer")
	require.NoError(t, err)
	require.Zero(t, code, output)
	_ = w.as(inLegal).Click(w.ctx, oncallChannel, request.TS, slackui.ActionApprove)
	w.sees(inLegal, oncallChannel, "the decision was made on plan")
	rec, err := scenario.Status(w.ctx, w.Client, id)
	require.NoError(t, err)
	require.Empty(t, changes(w.VaultProxy, w.KubernetesProxy), "nothing that waits for the approval was done")
	require.NotEqual(t, incident.Contained, rec.Verdict)
}

func granted(rec *incident.Record, step string) int {
	n := 0
	for i := range rec.Approvals {
		if rec.Approvals[i].Step == step {
			n += rec.Approvals[i].Granted()
		}
	}
	return n
}

func refusals(t *testing.T, w workspace, id string) int {
	t.Helper()
	rec, err := scenario.Status(w.ctx, w.Client, id)
	require.NoError(t, err)
	n := 0
	for _, e := range rec.Timeline {
		if strings.HasPrefix(e.What, "refused a decision of ") {
			n++
		}
	}
	return n
}

// Slack waits three seconds. While Temporal is away people are told so within them, and that the command line is another way.
func TestSlackAnswersWhileTemporalIsAway(t *testing.T) {
	t.Parallel()
	w := inSlack(t, false)
	require.NoError(t, w.declare(onSecurity, incident.DatasetCompromise, "loan-applications@2026-07-31", "live"))
	request := w.asked("C8 Take the endpoints")
	require.NoError(t, w.Temporal.Kill())
	began := time.Now()
	require.NoError(t, w.as(modelOwner).Click(w.ctx, oncallChannel, request.TS, slackui.ActionApprove), "Slack had an answer in its three seconds")
	require.Less(t, time.Since(began), 3*time.Second)
	w.sees(modelOwner, oncallChannel, "Temporal")
	require.NoError(t, w.Temporal.Restart(w.ctx))
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		rec, err := scenario.Status(w.ctx, w.Client, incident.WorkflowID(incident.DatasetCompromise, "loan-applications@2026-07-31", ""))
		if err != nil || granted(rec, "approve-containment") > 1 {
			c.Errorf("%v", err)
		}
	}, time.Minute, 200*time.Millisecond)
}

// Text of an alert is shown and never obeyed: it calls nobody and links nowhere.
func TestAlertTextCannotMentionAnybody(t *testing.T) {
	t.Parallel()
	w := inSlack(t, false)
	body := scenario.Webhook(string(incident.DatasetCompromise), scenario.Asset(incident.DatasetCompromise),
		"<!channel> <@U01IC000001> <https://evil.example|approve here> @here", time.Now())
	status, answer, err := scenario.Post(w.ctx, w.Stack, w.AlertToken, body)
	require.NoError(t, err)
	require.Equal(t, 200, status, answer)
	w.asked("C5 Revoke")
	for _, channel := range []string{oncallChannel, "#ir-legal"} {
		for _, m := range w.Slack.Messages(channel) {
			for _, mention := range m.Mentions {
				require.NotEqual(t, "broadcast", mention.Kind, "%+v in %s", mention, m.Text)
			}
			require.NotContains(t, m.Text+string(m.Blocks), "<https://evil.example")
		}
	}
}
