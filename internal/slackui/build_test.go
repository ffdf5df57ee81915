package slackui

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
)

// built is everything that can be built from a record.
type built struct {
	messages map[string]Message
	modals   map[string]*slack.ModalViewRequest
	home     *slack.HomeTabViewRequest
}

func buildAll(rec *incident.Record, o Options) built {
	out := built{messages: map[string]Message{}, modals: map[string]*slack.ModalViewRequest{}}
	out.messages["root"] = Root(rec, o)
	out.messages["status"] = Status(rec, o)
	for i, b := range Events(rec.Mode, 0, rec.Timeline) {
		out.messages[fmt.Sprintf("events-%d", i)] = b.Message
	}
	for i := range rec.Approvals {
		out.messages[fmt.Sprintf("approval-%d", i)] = ApprovalRequest(rec, &rec.Approvals[i], o)
		out.messages[fmt.Sprintf("approval-decided-%d", i)] = ApprovalDecided(rec, &rec.Approvals[i])
		out.messages["asked-again"] = AskedAgain(rec, rec.Approvals[i].Step)
		out.messages["no-longer-asked"] = NoLongerAsked(rec, rec.Approvals[i].Step)
	}
	for i := range rec.Tasks {
		out.messages[fmt.Sprintf("task-%d", i)] = TaskRequest(rec, &rec.Tasks[i], o)
		out.messages[fmt.Sprintf("task-done-%d", i)] = TaskDone(rec, &rec.Tasks[i])
	}
	for i := range rec.Waits {
		out.messages[fmt.Sprintf("wait-%d", i)] = WaitNotice(rec, &rec.Waits[i])
		out.messages[fmt.Sprintf("wait-ended-%d", i)] = WaitEnded(rec, &rec.Waits[i])
	}
	for i := range rec.Alerts {
		out.messages[fmt.Sprintf("page-%d", i)] = Page(&rec.Alerts[i], rec.Mode, rec.Summary, rec.Alerts[i].RawURI, o)
	}
	out.messages["duplicate"] = Duplicate(rec)
	out.messages["ephemeral"] = Ephemeral(rec.Summary)
	out.messages["help"] = Help()
	if row := Acknowledge(RefOf(rec)); row != nil {
		out.messages["acknowledge"] = Message{Text: "brief", Blocks: row}
	}
	var open []Summary
	for range 3 {
		open = append(open, Summarise(rec, o.Link))
	}
	if len(rec.Timeline) > 100 {
		for range 200 {
			open = append(open, Summarise(rec, o.Link))
		}
	}
	out.messages["list"], out.messages["list-empty"] = List(open), List(nil)
	out.home = Home(open, "IC")
	out.modals["declare"] = DeclareModal(append(incident.Kinds(), rec.Kind), rec.Asset)
	for _, v := range append(steering(), VerbDeny, VerbClose, VerbFalsePositive, VerbPause, VerbResume, VerbEndWait, VerbMore) {
		if m, err := ReasonModal(v, RefOf(rec), rec); err == nil {
			out.modals[string(v)] = m
		}
	}
	return out
}

func (b built) check(t *testing.T, mention ...string) {
	t.Helper()
	for name, m := range b.messages {
		t.Log(name)
		checkMessage(t, m, mention...)
	}
	for name, v := range b.modals {
		t.Log(name)
		checkModal(t, v)
	}
	checkMessage(t, Message{Text: "home", Blocks: b.home.Blocks.BlockSet})
}

// fill puts the text into every string of a value, and n entries into every list.
func fill(v reflect.Value, text string, n int) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(v.Index(i), text, min(n, 60))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for i := range n {
			entry := reflect.New(v.Type().Elem()).Elem()
			fill(entry, text, n)
			v.SetMapIndex(reflect.ValueOf(fmt.Sprint(text, i)).Convert(v.Type().Key()), entry)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i), text, n)
		}
	case reflect.Pointer:
		if v.Type().Elem() != reflect.TypeFor[incident.Receipt]() {
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem(), text, n)
		}
	case reflect.Int:
		v.SetInt(int64(n))
	case reflect.Bool:
		v.SetBool(n%2 == 1)
	default:
	}
}

// filled is a record that says the text everywhere but where code decides by it.
func filled(text string, n int, mode incident.Mode) *incident.Record {
	rec := new(incident.Record)
	fill(reflect.ValueOf(rec).Elem(), text, n)
	rec.Mode, rec.Progress = mode, incident.Responding
	statuses := []incident.StepStatus{incident.Pending, incident.Running, incident.Done, incident.Retrying, incident.Failed, incident.Skipped, incident.Undone}
	for i := range rec.Steps {
		rec.Steps[i].Status = statuses[i%len(statuses)]
		rec.Steps[i].ID += fmt.Sprint(i)
	}
	for i := range rec.Approvals {
		rec.Approvals[i].Status = incident.ApprovalWaiting
	}
	for i := range rec.Tasks {
		rec.Tasks[i].Status = incident.TaskOpen
	}
	return rec
}

// hostile are texts that try to break out.
func hostile() []string {
	return []string{
		"<!channel> <!here> @here @channel <@U01ICC00001> <#C01GENERAL|x> <https://evil.example|approve here>",
		"*bold* _it_ ~s~ `code` ```\nblock``` > quote & &lt;!channel&gt; &amp;lt;",
		"line one\nVerdict: contained\r\n[known] all is well\u2028\u2029\u0085",
		"\u202egnirts\u202c \u200b\u200d\ufeff \x00\x07\x1b[31m :fire: 🔥 \U000e0041",
		"\xff\xfe\xc3\x28", "", " ", "\n", strings.Repeat("é", 400), strings.Repeat("𝕏", 300),
	}
}

func TestNothingSmugglesMarkup(t *testing.T) {
	t.Parallel()
	for i, text := range hostile() {
		for _, mode := range []incident.Mode{incident.Live, incident.Drill} {
			t.Run(fmt.Sprintf("text %d, %s", i, mode), func(t *testing.T) {
				t.Parallel()
				rec := filled(text, 2, mode)
				buildAll(rec, Options{Link: text, Mention: []string{text}}).check(t)
				rec.ID, rec.PlanDigest = "incident/x/"+text, digest
				buildAll(rec, Options{Link: "https://firebreak.example/", Mention: []string{"U01ICC00001"}}).check(t, "U01ICC00001")
			})
		}
	}
}

func TestMonstrousRecordsFit(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"long":              strings.Repeat("monstrous ", 300),
		"escaped in JSON":   strings.Repeat("<&>", 700),
		"four bytes each":   strings.Repeat("𝕏", 2000),
		"short, many times": "x",
	} {
		for _, mode := range []incident.Mode{incident.Live, incident.Drill} {
			t.Run(name+", "+string(mode), func(t *testing.T) {
				t.Parallel()
				rec := filled(text, 3, mode)
				// Many of everything, but for lists within lists.
				many := filled(text, 1, mode)
				for range 120 {
					rec.Steps = append(rec.Steps, many.Steps...)
					rec.Clocks = append(rec.Clocks, many.Clocks...)
					rec.Gaps = append(rec.Gaps, text)
					rec.Timeline = append(rec.Timeline, many.Timeline...)
				}
				rec.Tasks[0].Outcomes = nil
				for i := range 60 {
					rec.Tasks[0].Outcomes = append(rec.Tasks[0].Outcomes, fmt.Sprint("outcome ", i))
				}
				rec.ID = "incident/x/" + Shorten(text, 300)
				for i := range rec.Approvals {
					rec.Approvals[i].PlanDigest = digest
					rec.Approvals[i].Unlocks = rec.Gaps
				}
				var people []string
				for i := range 100 {
					people = append(people, fmt.Sprintf("U01ICC%05d", i))
				}
				buildAll(rec, Options{Link: "https://firebreak.example/", Mention: people}).check(t, people...)
			})
		}
	}
}

// An empty record is one whose plan is not resolved yet.
func TestEmptyRecordsFit(t *testing.T) {
	t.Parallel()
	buildAll(&incident.Record{}, Options{}).check(t)
	buildAll(&incident.Record{
		Approvals: make([]incident.Approval, 1), Tasks: make([]incident.Task, 1), Waits: make([]incident.Wait, 1),
		Alerts: make([]incident.Alert, 1), Timeline: make([]incident.Event, 1), Clocks: make([]incident.Clock, 1), Steps: make([]incident.Step, 1),
	}, Options{}).check(t)
}

func TestADrillIsMarkedEverywhere(t *testing.T) {
	t.Parallel()
	rec := record()
	rec.Mode = incident.Drill
	all := buildAll(rec, Options{})
	unmarked := []string{"ephemeral", "help", "list-empty", "acknowledge"}
	for name, m := range all.messages {
		raw, err := json.Marshal(m.Blocks)
		require.NoError(t, err)
		if strings.Contains(strings.Join(unmarked, " "), name) {
			continue
		}
		require.Contains(t, string(raw), "DRILL", name)
		if name != "list" {
			require.True(t, strings.HasPrefix(m.Text, "DRILL - "), "%s: %s", name, m.Text)
		}
	}
}

func TestEventsAreAllShownOnce(t *testing.T) {
	t.Parallel()
	for _, length := range []int{1, 50, 700, 5000} {
		var events []incident.Event
		for i := range 300 {
			events = append(events, incident.Event{At: time.Unix(int64(i), 0), Step: "s", What: fmt.Sprintf("#%d. %s", i, strings.Repeat("<", length))})
		}
		next := 7
		text := ""
		for _, b := range Events(incident.Drill, 7, events) {
			require.Equal(t, next, b.First)
			require.Positive(t, b.Count)
			next += b.Count
			checkMessage(t, b.Message)
			raw, err := json.Marshal(b.Blocks)
			require.NoError(t, err)
			text += string(raw)
		}
		require.Equal(t, 307, next)
		for i := range events {
			require.Equal(t, 1, strings.Count(text, fmt.Sprintf("#%d. ", i)))
		}
	}
}

func FuzzBuilders(f *testing.F) {
	for _, text := range hostile() {
		f.Add(text, 3)
	}
	f.Fuzz(func(t *testing.T, text string, n int) {
		n = max(0, min(n, 5))
		rec := filled(text, n, incident.Drill)
		buildAll(rec, Options{Link: text, Mention: []string{text}}).check(t)
		rec.ID = "incident/" + text
		buildAll(rec, Options{Link: "https://x.example/" + text}).check(t)
	})
}
