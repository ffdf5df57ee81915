package notify

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/activities/failure"
	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

func newThreadFake(t *testing.T) (*fakeSlack, *Threads) {
	f, l := newFake(t)
	return f, &Threads{workspace: l, api: l.api.(threadAPI), pace: newPace(0)}
}

// responding is an incident at its first approval.
func responding() incident.Record {
	return incident.Record{
		ID: "incident/dataset-compromise/loans@7", Kind: incident.DatasetCompromise, Asset: "loans@7", Mode: incident.Live, Requester: "sec-1",
		Severity: "SEV1", Progress: incident.Responding, Verdict: incident.NotContained, OpenedAt: detected, PlanDigest: plan("a"),
		Approvals: []incident.Approval{{
			Step: "approve-containment", Title: "Take the endpoints down", Roles: []string{"IC"}, Quorum: 1, PlanDigest: plan("a"),
			Status: incident.ApprovalWaiting, AskedAt: detected, ExpiresAt: detected.Add(5 * time.Minute), Unlocks: []string{"disable-endpoints: endpoint.disable on credit-api"},
		}},
		Timeline: events(0, 3),
	}
}

func plan(digit string) string { return "sha256:" + strings.Repeat(digit, 64) }

func events(from, to int) []incident.Event {
	var out []incident.Event
	for i := from; i < to; i++ {
		out = append(out, incident.Event{At: detected.Add(time.Duration(i) * time.Second), What: fmt.Sprintf("event number %d.", i)})
	}
	return out
}

// scene is a thread as the workflow keeps it: it hands in what it was handed out, and the events after that.
type scene struct {
	t       *testing.T
	threads *Threads
	thread  playbooks.Thread
	record  incident.Record
}

func (s *scene) input() *playbooks.ThreadUpdate {
	u := &playbooks.ThreadUpdate{
		Thread: s.thread, Record: s.record, Oncall: inventory.Oncall{Channel: "#ir-legal", PageURL: "https://firebreak.example"},
		People: []inventory.Person{{ID: "ic-1", Role: "IC", Slack: "U01ICC00001"}, {ID: "do-1", Role: "DO", Slack: "U01DOO00001"}},
	}
	u.Record.Timeline = s.record.Timeline[min(s.thread.Shown, len(s.record.Timeline)):]
	// Through JSON, as workflow history does.
	raw, err := json.Marshal(u)
	require.NoError(s.t, err)
	out := new(playbooks.ThreadUpdate)
	require.NoError(s.t, json.Unmarshal(raw, out))
	return out
}

func (s *scene) update() {
	s.t.Helper()
	out, err := s.threads.Update(s.t.Context(), s.input())
	require.NoError(s.t, err)
	requireNoToken(s.t, out)
	s.thread = *out
}

func begin(t *testing.T) (*fakeSlack, *scene) {
	f, threads := newThreadFake(t)
	return f, &scene{t: t, threads: threads, record: responding()}
}

// texts are the notifications' texts of what is in the channel now.
func (f *fakeSlack) texts() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for _, m := range f.messages {
		out = append(out, m["text"].(string))
	}
	return out
}

func (f *fakeSlack) count(method string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[method]
}

// lines counts in how many messages each event is shown.
func (f *fakeSlack) lines(n int) []int {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]int, n)
	for i := range out {
		for _, m := range f.messages {
			if blocks, ok := m["blocks"].(json.RawMessage); ok && strings.Contains(string(blocks), fmt.Sprintf("event number %d.", i)) {
				out[i]++
			}
		}
	}
	return out
}

func once(n int) []int { return slices.Repeat([]int{1}, n) }

func TestThreadFollowsAnIncident(t *testing.T) {
	t.Parallel()
	f, s := begin(t)
	s.update()
	require.Equal(t, []string{
		"SEV1 dataset-compromise of loans@7: not contained (incident/dataset-compromise/loans@7)",
		"Approval needed: Take the endpoints down (incident/dataset-compromise/loans@7, approve-containment)",
		"20:00:02 event number 2. (and 2 before it)",
	}, f.texts())
	require.Equal(t, once(3), f.lines(3))
	require.Contains(t, f.forms[1]["blocks"], "U01ICC00001", "the role that is asked is called")
	require.NotContains(t, f.forms[1]["blocks"], "U01DOO00001")
	require.Contains(t, f.forms[1]["blocks"], "https://firebreak.example/")
	require.Equal(t, 3, s.thread.Shown)
	require.Len(t, s.thread.Asked, 1)

	posts, edits := f.posts(), f.count("chat.update")
	s.update()
	require.Equal(t, posts, f.posts(), "nothing is new")
	require.Equal(t, edits, f.count("chat.update"))

	s.record.Approvals[0].Status, s.record.Approvals[0].DecidedAt = incident.ApprovalGranted, detected.Add(time.Minute)
	s.record.Approvals[0].Decisions = []incident.Decision{{Person: "ic-1", Role: "IC", Approve: true, Counted: true, At: detected.Add(time.Minute)}}
	s.record.Verdict = incident.Contained
	s.record.Timeline = events(0, 5)
	s.update()
	require.Equal(t, posts+1, f.posts(), "the new events in one message")
	require.Contains(t, f.texts()[0], "contained (incident")
	require.Contains(t, f.texts()[1], "Approval granted: Take the endpoints down")
	require.NotContains(t, string(f.messages[1]["blocks"].(json.RawMessage)), "firebreak.approve", "decided, it has no buttons")
	require.Equal(t, once(5), f.lines(5))
	require.Empty(t, s.thread.Asked)
	require.Equal(t, 1, f.count("conversations.history"), "the root is looked for once")
}

func TestThreadAfterLostAnswers(t *testing.T) {
	t.Parallel()
	tests := map[string]string{"the post is done, its answer is lost": "chat.postMessage", "the edit is done, its answer is lost": "chat.update"}
	for name, method := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, s := begin(t)
			// Each call in turn loses its answer.
			for nth := 1; nth <= 8; nth++ {
				s.record.Timeline = events(0, 3*nth)
				s.record.AlertCount = nth
				f.set(func() { f.execute = method })
				if out, err := s.threads.Update(t.Context(), s.input()); err == nil {
					s.thread = *out
					continue
				}
				s.update()
			}
			f.set(func() { f.execute = "" })
			s.update()
			require.Equal(t, once(24), f.lines(24))
			require.Len(t, slices.DeleteFunc(f.texts(), func(s string) bool { return !strings.HasPrefix(s, "SEV1") }), 1)
			require.Len(t, slices.DeleteFunc(f.texts(), func(s string) bool { return !strings.HasPrefix(s, "Approval") }), 1)
		})
	}
}

// A workflow that gave up on an update comes again with an old state and more events.
func TestThreadGoesOnWhereAnAttemptStopped(t *testing.T) {
	t.Parallel()
	for refused := 2; refused <= 3; refused++ {
		t.Run(fmt.Sprintf("post %d is refused", refused), func(t *testing.T) {
			t.Parallel()
			f, s := begin(t)
			f.set(func() {
				f.before = func(w http.ResponseWriter, m string) bool {
					if m == "chat.postMessage" && f.calls[m] >= refused {
						w.Header().Set("Retry-After", "7")
						w.WriteHeader(http.StatusTooManyRequests)
						return true
					}
					return false
				}
			})
			_, err := s.threads.Update(t.Context(), s.input())
			var limited *RateLimitError
			require.ErrorAs(t, err, &limited)
			require.Equal(t, 7*time.Second, limited.RetryDelay())
			f.set(func() { f.before = nil })
			s.record.Timeline = events(0, 6)
			s.update()
			require.Equal(t, once(6), f.lines(6))
			require.Equal(t, 3, f.posts())
		})
	}
}

func TestThreadMarksDuplicates(t *testing.T) {
	t.Parallel()
	f, s := begin(t)
	before := s.thread
	s.update()
	f.set(func() {
		for _, m := range f.messages[1:] {
			again := clone(m)
			again["ts"] = fmt.Sprintf("1789000000.%06d", len(f.messages)+1)
			f.messages = append(f.messages, again)
		}
	})
	s.thread = before
	s.update()
	require.Equal(t, once(3), f.lines(3))
	texts := f.texts()
	require.Len(t, texts, 5)
	require.Equal(t, []string{"Duplicate (incident/dataset-compromise/loans@7)", "Duplicate (incident/dataset-compromise/loans@7)"}, texts[3:])
	require.Equal(t, 3, f.posts())
	s.thread = before
	edits := f.count("chat.update")
	s.update()
	require.Equal(t, edits, f.count("chat.update"), "a duplicate is marked once")
}

func TestThreadAsksAgain(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*incident.Record)
		was    string
		posts  int
	}{
		"the plan changed":       {func(r *incident.Record) { r.Approvals[0].PlanDigest = plan("b") }, "Asked again below: approval approve-containment", 4},
		"escalated":              {func(r *incident.Record) { r.Approvals[0].ExpiresAt = detected.Add(time.Hour) }, "Asked again below: approval approve-containment", 4},
		"one of two has decided": {func(r *incident.Record) { r.Approvals[0].Quorum = 2 }, "Approval needed", 3},
		"timed out":              {func(r *incident.Record) { r.Approvals[0].Status = incident.ApprovalTimedOut }, "Approval timed out", 3},
		"closed meanwhile":       {func(r *incident.Record) { r.Progress = incident.Closed }, "No longer asked: approval approve-containment", 3},
		"the record lost it":     {func(r *incident.Record) { r.Approvals = nil }, "No longer asked", 3},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, s := begin(t)
			s.update()
			tt.change(&s.record)
			s.update()
			s.update()
			require.Contains(t, f.texts()[1], tt.was)
			require.Equal(t, tt.posts, f.posts())
		})
	}
}

func TestThreadOfTasksAndWaits(t *testing.T) {
	t.Parallel()
	f, s := begin(t)
	s.record.Approvals = nil
	s.record.Tasks = []incident.Task{{Step: "poison-scope", Title: "Scope the poison", Assignee: "DO", Instructions: "Compare.", Outcomes: []string{"confirmed", "refuted"}, Status: incident.TaskOpen, AskedAt: detected, DueAt: detected.Add(time.Hour)}}
	s.record.Waits = []incident.Wait{{Step: "hold", Title: "Watch", Until: detected.Add(time.Hour)}}
	s.update()
	require.Contains(t, f.texts()[1], "Task for DO: Scope the poison")
	require.Contains(t, f.forms[1]["blocks"], "U01DOO00001")
	require.Contains(t, f.texts()[2], "Waiting until")
	s.record.Tasks[0].Status, s.record.Tasks[0].Outcome, s.record.Tasks[0].By = incident.TaskDone, "confirmed", "do-1"
	s.record.Waits[0].EndedAt, s.record.Waits[0].EndedBy = detected.Add(time.Minute), "ic-1"
	s.update()
	require.Contains(t, f.texts()[1], "Task done: Scope the poison")
	require.Contains(t, f.texts()[2], "Wait ended by ic-1")
	require.Equal(t, 4, f.posts())
	require.Empty(t, s.thread.Asked)
}

func TestThreadThatWasDeleted(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*fakeSlack){
		"all of it": func(f *fakeSlack) { f.messages = nil },
		"the root, of which a tombstone stays": func(f *fakeSlack) {
			f.messages[0] = map[string]any{"type": "message", "subtype": "tombstone", "ts": f.messages[0]["ts"], "thread_ts": "", "text": "This message was deleted."}
		},
	}
	for name, remove := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, s := begin(t)
			s.update()
			old := s.thread.TS
			f.set(func() {
				remove(f)
				// The fake's timestamps count its messages: others keep them from being given out again.
				for range 9 {
					f.messages = append(f.messages, map[string]any{"type": "message", "ts": "1788999999.000001", "thread_ts": "other", "text": ""})
				}
			})
			s.record.Timeline = events(0, 4)
			s.update()
			require.NotEqual(t, old, s.thread.TS)
			require.Len(t, s.thread.Asked, 1, "what is open is asked again")
			require.Equal(t, 6, f.posts())
			s.update()
			require.Equal(t, 6, f.posts())
		})
	}
}

// The message that asks was deleted: what is open is asked again as soon as it changes.
func TestThreadRequestThatWasDeleted(t *testing.T) {
	t.Parallel()
	f, s := begin(t)
	s.update()
	f.set(func() {
		f.messages[1] = map[string]any{"type": "message", "subtype": "tombstone", "ts": f.messages[1]["ts"], "thread_ts": "", "text": ""}
	})
	s.record.Approvals[0].Quorum = 2
	s.update()
	require.Equal(t, 4, f.posts())
	require.Len(t, s.thread.Asked, 1)
}

func TestThreadOfAnotherRun(t *testing.T) {
	t.Parallel()
	f, s := begin(t)
	s.update()
	first := s.thread.TS
	s.thread = playbooks.Thread{}
	s.record.OpenedAt = detected.Add(time.Hour)
	s.update()
	require.NotEqual(t, first, s.thread.TS)
	require.Equal(t, 6, f.posts())
}

func TestThreadOfADrillIsMarked(t *testing.T) {
	t.Parallel()
	f, s := begin(t)
	s.record.Mode = incident.Drill
	s.update()
	for i, text := range f.texts() {
		require.True(t, strings.HasPrefix(text, "DRILL - "), text)
		require.Contains(t, f.forms[i]["blocks"], "DRILL")
	}
}

func TestWrongThreadUpdates(t *testing.T) {
	t.Parallel()
	f, s := begin(t)
	noChannel, noIncident := s.input(), s.input()
	noChannel.Oncall.Channel, noIncident.Record.ID = "", ""
	for _, u := range []*playbooks.ThreadUpdate{nil, noChannel, noIncident} {
		_, err := s.threads.Update(t.Context(), u)
		code, final := failure.CodeOf(err)
		require.True(t, final)
		require.Equal(t, failure.Invalid, code)
	}
	require.Zero(t, f.posts())
}

func TestThreadWhileSlackIsDown(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"conversations.list", "conversations.history", "conversations.replies", "chat.postMessage", "chat.update"} {
		for name, answer := range map[string]func(http.ResponseWriter){
			"503": func(w http.ResponseWriter) { w.WriteHeader(503) }, "dropped": func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
			"scope missing": refuse("missing_scope"), "repeats the token": refuse(botTokenForTests),
		} {
			t.Run(method+"/"+name, func(t *testing.T) {
				t.Parallel()
				f, s := begin(t)
				if method == "chat.update" || method == "conversations.replies" {
					s.update()
					s.record.AlertCount++
				}
				f.set(func() {
					f.before = func(w http.ResponseWriter, m string) bool {
						if m == method {
							answer(w)
						}
						return m == method
					}
				})
				_, err := s.threads.Update(t.Context(), s.input())
				require.Error(t, err)
				_, final := failure.CodeOf(err)
				require.False(t, final)
				requireNoToken(t, err)
				f.set(func() { f.before = nil })
				s.update()
				require.Equal(t, 3, f.posts())
			})
		}
	}
}

func TestPaceSpreadsTheMessagesOfAChannel(t *testing.T) {
	t.Parallel()
	p := newPace(40 * time.Millisecond)
	start := time.Now()
	for range 3 {
		require.NoError(t, p.wait(t.Context(), "C01"))
	}
	require.GreaterOrEqual(t, time.Since(start), 80*time.Millisecond)
	require.NoError(t, p.wait(t.Context(), "C02"))
}

func FuzzEventsRange(f *testing.F) {
	f.Add("incident/x/thread/1/events/3-7")
	f.Add("incident/x/thread/1/events/+3-07")
	f.Fuzz(func(t *testing.T, id string) {
		first, next, ok := eventsRange(id, "incident/x/thread/1")
		if ok {
			require.Equal(t, id, eventsID("incident/x/thread/1", first, next))
			require.Less(t, first, next)
		}
	})
}
