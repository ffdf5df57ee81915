package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"firebreak/activities/failure"
	"firebreak/internal/incident"
	"firebreak/playbooks"
)

// WithEmail lets legal be told by mail where Slack cannot or must not be used. A nil mailer leaves Slack alone.
func (l *Legal) WithEmail(m *Mailer) *Legal {
	l.ways.mail = m
	return l
}

// routeOf is who is told of an operation, and by which ways.
func routeOf(op *playbooks.Operation) route {
	var r route
	if to := op.Target.Stakeholder; to != nil {
		r.email = to.Email
	}
	if op.Brief != nil {
		r.exposed = op.Brief.Radius.Communications
	}
	return r
}

// toldByMail returns the receipt of the mail that told legal, or nil.
func toldByMail(op *playbooks.Operation) (posted, bool) {
	var p posted
	if op.Effect == nil || json.Unmarshal(op.Effect.State, &p) != nil {
		return posted{}, false
	}
	return p, p.Mail != nil
}

// mailBrief sends the brief. A mail cannot be looked for as a message in Slack can; its id is what a repetition is known by.
func (l *Legal) mailBrief(ctx context.Context, op *playbooks.Operation, channel, why string) (*incident.Effect, error) {
	brief := newBrief(op)
	body := []string{
		"This comes by e-mail because " + plain(why, mostLine) + ".",
		"The same brief in " + channel + ", or this mail once more, is a repetition and no other incident.",
		"", brief.letterText(),
		"To acknowledge: " + command("acknowledge", op.IncidentID),
	}
	return l.mail(ctx, op, channel, why, "legal told", brief, letter{body: strings.Join(body, "\n") + "\n", to: op.Target.Stakeholder.Email})
}

// mailWithdrawal takes the brief back. answers is the mail that told legal, if one did.
func (l *Legal) mailWithdrawal(ctx context.Context, op *playbooks.Operation, channel, why, answers string) (*incident.Effect, error) {
	withdrawal := newWithdrawal(op)
	body := "This comes by e-mail because " + plain(why, mostLine) + ".\n\n" + withdrawal.letterText()
	return l.mail(ctx, op, channel, why, "the brief is withdrawn", withdrawal, letter{body: body, to: op.Target.Stakeholder.Email, answers: answers})
}

func (l *Legal) mail(ctx context.Context, op *playbooks.Operation, channel, why, summary string, m message, mail letter) (*incident.Effect, error) {
	mail.id, mail.root = l.ways.mail.messageID(m.event, op.ID), l.ways.mail.messageID(op.IncidentID)
	mail.subject = m.subject()
	taken, err := l.ways.mail.send(ctx, &mail)
	if err != nil {
		return nil, err
	}
	return byMail(summary, why, channel, posted{Digest: m.digest(), Mail: taken})
}

// verifyMail proves what can be proved of a mail: that a mail server took responsibility for this brief (RFC 5321, 6.1). The
// receipt is its answer; nothing can be read back, and nobody is claimed to have read anything.
func verifyMail(op *playbooks.Operation, channel string, was posted) (*incident.Proof, error) {
	if op.Brief == nil {
		return nil, failure.New(failure.Invalid, "operation %s has no brief for legal", op.ID)
	}
	a := was.Mail
	proof := &incident.Proof{
		Method: fmt.Sprintf("e-mail %s to %d addresses", a.MessageID, len(a.To)),
		Facts: map[string]string{
			incident.FactChannel: channel, incident.FactTS: a.MessageID, incident.FactDigest: was.Digest, FactWay: byEmail, FactAnswer: a.Answer,
		},
		At: time.Now().UTC(),
	}
	switch brief := newBrief(op); {
	case len(a.To) == 0 || a.MessageID == "":
		proof.Method += ": no mail server took it"
	case brief.digest() != was.Digest:
		proof.Method += ": it was another brief"
	default:
		proof.Proved = true
		proof.Method += fmt.Sprintf(": accepted by the mail server %s (%s). Accepted is not read: only an acknowledgement says that", a.Server, orUnknown(a.Answer))
	}
	if len(a.Refused) > 0 {
		proof.Method += fmt.Sprintf("; it refused %d addresses: %s", len(a.Refused), plain(strings.Join(a.Refused, "; "), mostLine))
	}
	return proof, nil
}

// mailRef is what the id of a mail of ours looks like, in the place of a message's timestamp.
var mailRef = regexp.MustCompile(`^<[0-9a-f]{32}@[^<>@\s]{1,253}>$`)

// mailReminder sends a reminder, under the brief if that was a mail.
func (l *Legal) mailReminder(ctx context.Context, r *playbooks.Reminder, why string) (*incident.Effect, error) {
	m := newReminder(r)
	mail := letter{
		id: l.ways.mail.messageID(m.event, r.ID), root: l.ways.mail.messageID(r.IncidentID), to: r.Email, subject: m.subject(),
		body: "This comes by e-mail because " + plain(why, mostLine) + ".\n\n" + m.letterText(),
	}
	if mailRef.MatchString(r.ThreadTS) {
		mail.answers = r.ThreadTS
	}
	taken, err := l.ways.mail.send(ctx, &mail)
	if err != nil {
		return nil, err
	}
	return byMail("legal reminded", why, r.Channel, posted{Digest: m.digest(), Mail: taken})
}

// bare is a word that a shell takes as it is.
var bare = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9@._/:+-]{0,300}$`)

// command is a line for people to type. A word that a shell could read otherwise is named, not repeated: alerts must not write
// commands.
func command(verb, incidentID string) string {
	if !bare.MatchString(incidentID) {
		incidentID = "INCIDENT"
	}
	return "trigger " + verb + " " + incidentID + " --as YOU"
}
