package slackui

import (
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"firebreak/internal/incident"
)

// Summary is what lists show of an incident.
type Summary struct {
	Ref      Ref
	Kind     incident.Kind
	Asset    string
	Mode     incident.Mode
	Severity string
	Verdict  incident.Verdict
	Progress incident.Progress
	Opened   string
	// Asks are what waits for people.
	Asks []Ask
	// Link is the address of the incident's page, if there is one.
	Link string
}

// Ask is something that waits for people of the roles.
type Ask struct {
	What  string
	Roles []string
}

// Summarise reads a record for the lists.
func Summarise(rec *incident.Record, link string) Summary {
	s := Summary{
		Ref: RefOf(rec), Kind: rec.Kind, Asset: rec.Asset, Mode: rec.Mode, Severity: rec.Severity, Verdict: rec.Verdict,
		Progress: rec.Progress, Opened: instant(rec.OpenedAt), Link: link,
	}
	for i := range rec.Approvals {
		if a := &rec.Approvals[i]; a.Status == incident.ApprovalWaiting {
			s.Asks = append(s.Asks, Ask{What: "approval " + a.Step + ": " + a.Title, Roles: a.Roles})
		}
	}
	for i := range rec.Tasks {
		if t := &rec.Tasks[i]; t.Status == incident.TaskOpen || t.Status == incident.TaskOverdue {
			s.Asks = append(s.Asks, Ask{What: words(t.Status) + " task " + t.Step + ": " + t.Title, Roles: []string{t.Assignee}})
		}
	}
	return s
}

// mostListed bounds how many incidents a list shows: two blocks each, and the frame, fit into a message.
const mostListed = 15

// List answers a person who asks which incidents are open.
func List(open []Summary) Message {
	text := fmt.Sprintf("%d open incidents", len(open))
	blocks := fitting(func(most int) []slack.Block {
		return append([]slack.Block{slack.NewHeaderBlock(plainText(text))}, summaries(open, most/5)...)
	})
	return Message{Text: text, Blocks: blocks}
}

// Home is the app's home: what waits for the role of the person who looks, then every open incident.
func Home(open []Summary, role string) *slack.HomeTabViewRequest {
	blocks := fitting(func(most int) []slack.Block {
		out := []slack.Block{slack.NewHeaderBlock(plainText("firebreak"))}
		out = append(out, row(slack.NewButtonBlockElement(ActionDeclare, "", plainText("Declare an incident")))...)
		out = append(out, heading("Waiting for you"), paragraph(list(yours(open, role), "nothing"), most), heading("Open incidents"))
		return append(out, summaries(open, most/5)...)
	})
	return &slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: blocks}}
}

// yours lists what waits for the role, the most severe incidents first.
func yours(open []Summary, role string) []string {
	var out []string
	for _, s := range sorted(open) {
		for _, a := range s.Asks {
			if role != "" && slices.Contains(a.Roles, role) {
				out = append(out, marked(s.Mode, a.What+" ("+s.Ref.Incident+")"))
			}
		}
	}
	return out
}

// sorted puts live incidents before drills and the severe before the others.
func sorted(open []Summary) []Summary {
	out := slices.Clone(open)
	slices.SortStableFunc(out, func(a, b Summary) int {
		if a.Mode != b.Mode {
			if a.Mode == incident.Drill {
				return 1
			}
			return -1
		}
		return strings.Compare(orElse(a.Severity, "~"), orElse(b.Severity, "~"))
	})
	return out
}

func summaries(open []Summary, most int) []slack.Block {
	if len(open) == 0 {
		return []slack.Block{slack.NewSectionBlock(plainText("No incident is open."), nil, nil)}
	}
	all := sorted(open)
	var blocks []slack.Block
	for i := range all[:min(len(all), mostListed)] {
		s := &all[i]
		lines := []string{
			marked(s.Mode, Plain(fmt.Sprintf("%s %s of %s", orElse(s.Severity, "Incident"), s.Kind, s.Asset), most)),
			Plain(fmt.Sprintf("%s, %s, since %s", words(s.Verdict), words(s.Progress), s.Opened), maxLine),
		}
		if n := len(s.Asks); n > 0 {
			lines = append(lines, fmt.Sprintf("waiting for people: %d", n))
		}
		var accessory *slack.Accessory
		if b := button(ActionStatus, "Status", s.Ref); b != nil {
			accessory = slack.NewAccessory(b)
		}
		blocks = append(blocks, slack.NewSectionBlock(plainText(strings.Join(lines, "\n")), nil, accessory))
	}
	if n := len(all) - mostListed; n > 0 {
		blocks = append(blocks, small(fmt.Sprintf("and %d more; see 'trigger list'", n)))
	}
	return blocks
}
