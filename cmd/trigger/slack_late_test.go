package main

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/slackui"
	"firebreak/workflows"
)

const (
	eventually = 10 * time.Second
	tick       = 2 * time.Millisecond
	// slackPatience is when Slack gives up.
	slackPatience = 3 * time.Second
)

// Whatever Temporal does, Slack has its answer in time, and people hear what is the matter.
func TestAnswersWhileTemporalHangs(t *testing.T) {
	t.Parallel()
	rec := waitingRecord()
	c, f, _ := newCockpit(t, blocked{})
	deny := func(string) *http.Request {
		return slackSigned("/slack/interactions", formType, interactionBody(click(f, slackMLO, slackui.ActionDeny, approveButton(t, rec, "approve-rollback"))), testSecret, received)
	}
	for name, request := range map[string]func(string) *http.Request{
		"list": func(string) *http.Request {
			return slackSigned("/slack/commands", formType, commandBody(f, slackIC, "list"), testSecret, received)
		},
		"approve": func(string) *http.Request {
			return slackSigned("/slack/interactions", formType, interactionBody(click(f, slackMLO, slackui.ActionApprove, approveButton(t, rec, "approve-rollback"))), testSecret, received)
		},
		"deny": deny,
	} {
		began := time.Now()
		w := c.serve(request(name))
		require.Less(t, time.Since(began), slackPatience, name)
		require.Equal(t, http.StatusOK, w.Code)
		if name == "list" {
			require.Contains(t, w.Body.String(), "Temporal has not answered yet")
		}
	}
	require.Len(t, f.made("views.open"), 1, "the form for a reason comes without the record")
}

func TestAnswersWhileSlackHangs(t *testing.T) {
	t.Parallel()
	rec := waitingRecord()
	desk := desks(rec)
	c, f, _ := newCockpit(t, desk)
	f.mu.Lock()
	f.hang = make(chan struct{})
	f.mu.Unlock()
	for n := range slackJobs + 10 {
		began := time.Now()
		require.Equal(t, http.StatusOK, c.interact(click(f, slackMLO, slackui.ActionApprove, approveButton(t, rec, "approve-rollback"))).Code, n)
		require.Less(t, time.Since(began), slackPatience)
	}
	require.Len(t, desk.decided, slackJobs+10, "decisions are taken while nobody can be told")
	began := time.Now()
	require.Equal(t, http.StatusOK, c.typed(f, slackMLO, "close").Code)
	require.Less(t, time.Since(began), slackPatience)
}

func TestTooMuchAtOnceIsSaid(t *testing.T) {
	t.Parallel()
	rec := waitingRecord()
	c, f, logs := newCockpit(t, blocked{})
	c.jobs.slots = make(chan struct{}, 1)
	c.jobs.ackWithin = tick
	require.Equal(t, http.StatusOK, c.typed(f, slackIC, "list").Code)
	require.Contains(t, c.typed(f, slackIC, "list").Body.String(), "nothing was done")
	require.Equal(t, http.StatusServiceUnavailable, c.interact(click(f, slackMLO, slackui.ActionApprove, approveButton(t, rec, "approve-rollback"))).Code)
	require.Contains(t, logs.String(), "too many are being worked on")
	require.Equal(t, http.StatusOK, c.typed(f, slackIC, "help").Code)
}

// A delivery that came to nothing is tried again when it comes again: only what took effect is taken once.
func TestRedeliveryAfterFailureIsTriedAgain(t *testing.T) {
	t.Parallel()
	rec := waitingRecord()
	desk := desks(rec)
	desk.err = context.DeadlineExceeded
	c, f, _ := newCockpit(t, desk)
	p := click(f, slackMLO, slackui.ActionApprove, approveButton(t, rec, "approve-rollback"))
	c.interact(p)
	f.told(t, "Temporal did not answer in time")
	desk.err = nil
	r := slackSigned("/slack/interactions", formType, interactionBody(p), testSecret, received)
	r.Header.Set("X-Slack-Retry-Num", "1")
	require.Equal(t, http.StatusOK, c.serve(r).Code)
	f.told(t, "Recorded for mlo-1")
	require.Len(t, desk.decided, 1)
}

// stuck answers its record, and holds decisions until it is released.
type stuck struct {
	*fakeDesk
	release chan struct{}
}

func (s stuck) decide(ctx context.Context, id string, d workflows.DecideApproval) (workflows.DecisionOutcome, error) {
	select {
	case <-s.release:
		return s.fakeDesk.decide(ctx, id, d)
	case <-ctx.Done():
		return workflows.DecisionOutcome{}, ctx.Err()
	}
}

func TestShutdownFinishesWhatWasAcknowledged(t *testing.T) {
	t.Parallel()
	rec := waitingRecord()
	desk := stuck{desks(rec), make(chan struct{})}
	c, f, _ := newCockpit(t, desk)
	c.jobs.ackWithin = tick
	stop := c.start(t.Context())
	require.Equal(t, http.StatusOK, c.interact(click(f, slackMLO, slackui.ActionApprove, approveButton(t, rec, "approve-rollback"))).Code)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		stop()
	}()
	require.Eventually(t, func() bool {
		return strings.Contains(c.typed(f, slackIC, "list").Body.String(), "nothing was done")
	}, eventually, tick, "nothing new is taken")
	close(desk.release)
	<-stopped
	require.Len(t, desk.decided, 1)
	f.told(t, "Recorded for mlo-1")
}

func TestRateLimitIsObeyed(t *testing.T) {
	t.Parallel()
	c, f, logs := newCockpit(t, desks())
	f.answers["/hooks/1"] = []func(http.ResponseWriter){limited(1)}
	began := time.Now()
	c.typed(f, slackIC, "status")
	f.told(t, "No incident is open")
	require.Eventually(t, func() bool { return len(f.made("/hooks/1")) == 2 }, eventually, tick)
	require.GreaterOrEqual(t, time.Since(began), time.Second)

	// An expired response_url is not the end: the channel is next, then the person's own conversation.
	f.answers["/hooks/1"] = []func(http.ResponseWriter){func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound) }}
	f.answers["chat.postEphemeral"] = []func(http.ResponseWriter){refusing("not_in_channel")}
	c.typed(f, slackIC, "status")
	require.Eventually(t, func() bool { return len(f.made("chat.postMessage")) == 1 }, eventually, tick)
	require.NotContains(t, logs.String(), "/hooks/1", "a response_url is a secret")
}

// A response_url leads to Slack or is not called.
func TestResponseURLOnlyToSlack(t *testing.T) {
	t.Parallel()
	f := newFakeSlack(t)
	c, mine, logs := newCockpit(t, desks())
	for _, address := range []string{
		f.URL + "/hooks/1", "http://169.254.169.254/latest", "file:///etc/passwd", "://", mine.URL[:len(mine.URL)-1], "http://x@" + strings.TrimPrefix(mine.URL, "http://"),
		strings.Replace(mine.URL, "127.0.0.1", "127.0.0.1.evil.example", 1),
	} {
		require.Error(t, c.answers.respond(t.Context(), place{responseURL: address}, "x", nil), address)
	}
	require.Empty(t, f.made(""))
	p := click(mine, slackIC, slackui.ActionStatus, "x")
	p["response_url"] = f.URL + "/hooks/1"
	c.interact(p)
	mine.told(t, "Refused")
	require.Empty(t, f.made(""))
	require.Equal(t, "https", newAnswers("x", "", discard()).hooks.Scheme)
	require.Equal(t, slackHooks, newAnswers("x", "", discard()).hooks.Host)
	require.NotContains(t, logs.String(), f.URL)
}

func TestSeenForgetsWithTime(t *testing.T) {
	t.Parallel()
	now := received
	s := newSeen(func() time.Time { return now })
	one, first := s.claim("a")
	require.True(t, first)
	_, first = s.claim("a")
	require.False(t, first)
	now = now.Add(2 * signatureWindow)
	_, first = s.claim("a")
	require.False(t, first, "a request signed for the future is still valid")
	s.forget(one)
	_, first = s.claim("a")
	require.True(t, first)
	now = now.Add(seenFor)
	_, first = s.claim("a")
	require.True(t, first)
	require.Len(t, s.order, 1)
	for n := range seenLimit + 5 {
		s.claim(strings.Repeat("k", n%7) + time.Duration(n).String())
	}
	require.LessOrEqual(t, len(s.known), seenLimit)
}

// Temporal knows a delivery by one id, whichever process sends it.
func TestUpdateIDReachesTemporal(t *testing.T) {
	t.Parallel()
	f, d := newFrontend(t)
	f.open[loanIncident] = true
	_, err := d.decide(withUpdateID(t.Context(), "slack-0123"), loanIncident, workflows.DecideApproval{Step: "s", Person: "p"})
	require.NoError(t, err)
	_, err = d.decide(t.Context(), loanIncident, workflows.DecideApproval{Step: "s", Person: "p"})
	require.NoError(t, err)
	require.Equal(t, "slack-0123", f.updates[0].GetRequest().GetMeta().GetUpdateId())
	require.NotEmpty(t, f.updates[1].GetRequest().GetMeta().GetUpdateId())
	require.NotEqual(t, "slack-0123", f.updates[1].GetRequest().GetMeta().GetUpdateId())
}

// Two deliveries are one exactly if Slack means one by them.
func TestDeliveryKeys(t *testing.T) {
	t.Parallel()
	f := newFakeSlack(t)
	key := func(p map[string]any) string {
		d, err := interactionForm([]byte(interactionBody(p)))
		require.NoError(t, err)
		return d.key()
	}
	p := click(f, slackMLO, slackui.ActionApprove, "v")
	first := key(p)
	p["response_url"] = "https://hooks.slack.com/other"
	p["trigger_id"] = "another"
	require.Equal(t, first, key(p), "a click is known by its own time stamp")
	p["user"] = map[string]any{"id": slackSEC}
	require.NotEqual(t, first, key(p))
	require.NotEqual(t, first, key(click(f, slackMLO, slackui.ActionApprove, "v")), "a second click is another one")

	s := submit(f, slackMLO, slackMLO, slackui.CallbackReason, "m", reasonState("a"))
	first = key(s)
	s["trigger_id"] = "another"
	require.Equal(t, first, key(s), "a modal is sent once")
	s["view"].(map[string]any)["state"] = map[string]any{"values": reasonState("b")}
	require.NotEqual(t, first, key(s))
}
