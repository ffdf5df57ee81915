package page_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"firebreak/internal/incident"
)

// corpus is what strangers write into alerts.
var corpus = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `javascript:alert(1)`, `</title><script>alert(1)</script>`,
	`</textarea><script>alert(1)</script>`, `<svg/onload=alert(1)>`, `{{.R}}`, `${alert(1)}`, `]]><script>alert(1)</script>`, `<!--<script>`, `&lt;script&gt;`,
	`https://evil.example/login`, `[click](https://evil.example)`, "\u202Egnp.exe", "\u2066x\u2069", "a\x00b\x1b[2Jc", "\xff\xfe", `<a href=https://evil.example>x</a>`,
	`<iframe srcdoc="<script>alert(1)</script>">`, `<meta http-equiv=refresh content=0;url=https://evil.example>`, `<base href=https://evil.example>`, `\"/><style>*{display:none}</style>`,
}

// fill puts a text into every string of a value.
func fill(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		fill(v.Elem(), text)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Date(2026, 9, 14, 6, 0, 0, 0, time.UTC)))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i), text)
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(v.Index(i), text)
		}
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int:
		v.SetInt(2)
	}
}

// hostile is a record in which every string is the text, in a state that shows as much as there is to show.
func hostile(text string) *incident.Record {
	r := &incident.Record{}
	fill(reflect.ValueOf(r).Elem(), text)
	r.ID, r.Progress, r.Paused = loans, incident.Responding, true
	r.Steps[0].Target, r.Radius.Endpoints[0] = text, text
	r.Approvals[0].Status, r.Approvals[1].Status = incident.ApprovalWaiting, incident.ApprovalDenied
	r.Approvals[0].Roles, r.Approvals[0].Decisions[0].Counted = []string{"IC"}, false
	r.Tasks[0].Status, r.Tasks[1].Status = incident.TaskOpen, incident.TaskDone
	r.Waits[0].EndedAt, r.Waits[0].EndedBy = time.Time{}, ""
	r.ClosedAt, r.Legal.AcknowledgedBy = time.Time{}, ""
	return r
}

// TestTextIsData shows that no text of a record becomes an element, an attribute that acts, or a link.
func TestTextIsData(t *testing.T) {
	t.Parallel()
	plain := shape(t, newHouse(t, "ic-1", hostile("plain")).get(loansURL).Body.String())
	for i, text := range corpus {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, "ic-1", hostile(text))
			for _, path := range []string{loansURL, "/incidents"} {
				page := h.get(path).Body.String()
				require.Equal(t, -1, strings.IndexFunc(page, func(r rune) bool { return r != '\n' && r != '\t' && !unicode.IsPrint(r) }), "nothing acts unseen")
				if path == loansURL {
					require.Equal(t, plain, shape(t, page), "the page has the same elements, whatever the text says")
				}
			}
			record := h.get(loansURL + ".json")
			require.Equal(t, "application/json", record.Header().Get("Content-Type"))
			require.True(t, json.Valid(record.Body.Bytes()))
			require.NotContains(t, record.Body.String(), "<script")
		})
	}
}

// shape is the page's elements and attributes' names, and where its links lead but for the incident's own and its children's.
func shape(t *testing.T, page string) []string {
	t.Helper()
	var out []string
	z := html.NewTokenizer(strings.NewReader(page))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return out
		case html.StartTagToken, html.SelfClosingTagToken:
			token := z.Token()
			text := token.Data
			for _, a := range token.Attr {
				text += " " + a.Key
				switch a.Key {
				case "href", "action", "src":
					require.Truef(t, strings.HasPrefix(a.Val, "/") && !strings.HasPrefix(a.Val, "//") || strings.HasPrefix(a.Val, "#"), "%s leads away", a.Val)
				}
				require.False(t, strings.HasPrefix(a.Key, "on") || a.Key == "style", a.Key)
			}
			out = append(out, text)
		default:
		}
	}
}

// TestMonstrousRecord shows that an incident without measure is still a page.
func TestMonstrousRecord(t *testing.T) {
	t.Parallel()
	r := hostile(strings.Repeat("<é", 300))
	r.Summary, r.Tasks[0].Instructions, r.Steps[0].Reason = strings.Repeat("<é", 100_000), strings.Repeat("\n", 100_000), strings.Repeat("&", 100_000)
	r.Steps, r.Timeline, r.Clocks = grow(r.Steps, 5000), grow(r.Timeline, 20_000), grow(r.Clocks, 200)
	r.Tasks, r.Approvals, r.Waits, r.Children = grow(r.Tasks, 200), grow(r.Approvals, 200), grow(r.Waits, 200), grow(r.Children, 200)
	for i := range r.Timeline {
		r.Timeline[i] = incident.Event{At: r.OpenedAt, What: "x"}
	}
	for i := range r.Steps {
		r.Steps[i] = incident.Step{ID: "s", Target: fmt.Sprint("e", i), Role: incident.RoleContainment}
		r.Radius.Endpoints = append(r.Radius.Endpoints, fmt.Sprint("e", i))
		r.Radius.Checkpoints = append(r.Radius.Checkpoints, fmt.Sprint("c", i))
	}
	h := newHouse(t, "ic-1", r)
	began := time.Now()
	w := h.get(loansURL)
	require.Equal(t, 200, w.Code)
	require.Less(t, w.Body.Len(), 8<<20)
	require.Less(t, time.Since(began), 10*time.Second)
	require.Contains(t, w.Body.String(), "earlier events are in the record")
	require.Contains(t, w.Body.String(), "and 4978 more, in the record")
}

func grow[T any](list []T, n int) []T {
	for len(list) < n {
		list = append(list, list[0])
	}
	return list
}

func TestEmptyRecord(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "ic-1", &incident.Record{ID: loans, Progress: incident.Opening})
	w := h.get(loansURL)
	require.Equal(t, 200, w.Code)
	require.Contains(t, w.Body.String(), "the plan is being resolved")
	require.Contains(t, w.Body.String(), "Nothing waits for anybody.")
}

// FuzzPage looks for a text that breaks out of its place.
func FuzzPage(f *testing.F) {
	for _, s := range corpus {
		f.Add(s)
	}
	h := newHouse(f, "ic-1")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 500 || text == "" {
			t.Skip()
		}
		// A later time makes the page look again.
		h.records[loans], h.now = hostile(text), h.now.Add(time.Minute)
		shape(t, h.get(loansURL).Body.String())
	})
}
