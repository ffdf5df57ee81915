package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
	"firebreak/internal/slackui"
	"firebreak/workflows"
)

// delayed is an operator whose answers take a time.
type delayed struct {
	operator
	rec  *incident.Record
	took time.Duration
}

func (d delayed) record(context.Context, string, string) (*incident.Record, error) { return d.rec, nil }

func (d delayed) decide(context.Context, string, workflows.DecideApproval) (workflows.DecisionOutcome, error) {
	time.Sleep(d.took)
	return workflows.DecisionOutcome{Accepted: true, Message: "recorded"}, nil
}

// TestAnswersUnderLoad prints how long Slack waits for its answers. The figures are not asserted: they are the machine's.
func TestAnswersUnderLoad(t *testing.T) {
	t.Parallel()
	const clicks, atATime = 400, 40
	rec := waitingRecord()
	for name, op := range map[string]operator{
		"decisions in 20 ms": delayed{rec: rec, took: 20 * time.Millisecond},
		"decisions in 2 s":   delayed{rec: rec, took: 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, f, _ := newCockpit(t, op)
			server := httptest.NewServer(c.mount(http.NotFoundHandler()))
			t.Cleanup(server.Close)
			value := approveButton(t, rec, "approve-rollback")
			took := make([]time.Duration, clicks)
			busy := make([]bool, clicks)
			places := make(chan struct{}, atATime)
			var all sync.WaitGroup
			for n := range clicks {
				places <- struct{}{}
				all.Go(func() {
					defer func() { <-places }()
					body := interactionBody(click(f, slackMLO, slackui.ActionApprove, value))
					r := slackSigned(server.URL+"/slack/interactions", formType, body, testSecret, received)
					r.RequestURI = ""
					began := time.Now()
					w, err := server.Client().Do(r)
					took[n] = time.Since(began)
					if err == nil {
						busy[n] = w.StatusCode == http.StatusServiceUnavailable
						_ = w.Body.Close()
					}
				})
			}
			all.Wait()
			refused := 0
			for _, b := range busy {
				if b {
					refused++
				}
			}
			slices.Sort(took)
			t.Logf("%d clicks, %d at a time: p50 %s, p99 %s, max %s; %d told that it is too much",
				clicks, atATime, took[clicks/2], took[clicks*99/100], took[clicks-1], refused)
		})
	}
}

// BenchmarkSlackClick is a click from its signature to its durable answer, of an incident that answers at once.
func BenchmarkSlackClick(b *testing.B) {
	rec := waitingRecord()
	c, f, _ := newCockpit(b, delayed{rec: rec})
	value := approveButton(b, rec, "approve-rollback")
	b.ReportAllocs()
	for b.Loop() {
		w := c.interact(click(f, slackMLO, slackui.ActionApprove, value))
		require.Equal(b, http.StatusOK, w.Code)
	}
}

// BenchmarkSlackForgery is a request whose signature is wrong: what an attacker can make the trigger do.
func BenchmarkSlackForgery(b *testing.B) {
	c, f, _ := newCockpit(b, nil)
	c.log = discard()
	body := commandBody(f, slackIC, "help")
	b.ReportAllocs()
	for b.Loop() {
		require.Equal(b, http.StatusUnauthorized, c.serve(slackSigned("/slack/commands", formType, body, "wrong", received)).Code)
	}
}
