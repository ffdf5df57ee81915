package notify

import (
	"context"

	"github.com/slack-go/slack"

	"firebreak/activities/failure"
	"firebreak/internal/incident"
	"firebreak/playbooks"
)

// pageEvent is the type of the metadata by which a page is found again.
const pageEvent = "firebreak_page"

// FactRaw is where the raw alert is kept.
const FactRaw = "raw_uri"

// Pager is the activity notify.page.
type Pager struct{ desk *Legal }

// NewPager returns the activity for a workspace. A nil mailer leaves Slack alone.
func NewPager(client *slack.Client, m *Mailer) *Pager {
	return &Pager{desk: NewLegal(client).WithEmail(m)}
}

// Page tells on-call of an alert for which no incident was started, once under the page's id: in Slack, or by mail where Slack
// cannot be used or the inventory names no channel.
func (p *Pager) Page(ctx context.Context, in playbooks.Page) (*incident.Effect, error) {
	switch ways := p.desk.ways; {
	case in.ID == "" || in.Alert.Source == "" || in.Reason == "":
		return nil, failure.New(failure.Invalid, "a page needs an id, an alert and a reason")
	case in.Oncall.Channel == "" && len(in.Oncall.Email) == 0:
		return nil, failure.New(failure.Invalid, "page on-call: the inventory names nobody; add oncall.channel or oncall.email")
	case in.Oncall.Channel == "" && ways.mail == nil:
		return nil, failure.New(failure.Invalid, "page on-call: the inventory names no channel, and the worker has no mail server: add oncall.channel, or set SMTP_ADDRESS")
	}
	e, err := p.tell(ctx, in)
	if err == nil && in.RawURI != "" {
		e.Facts[FactRaw] = in.RawURI
	}
	return e, err
}

func (p *Pager) tell(ctx context.Context, in playbooks.Page) (*incident.Effect, error) {
	inMail := func(ctx context.Context, why string) (*incident.Effect, error) { return p.mail(ctx, in, why) }
	if in.Oncall.Channel == "" {
		return inMail(ctx, "the inventory names no channel of on-call")
	}
	return p.desk.ways.tell(ctx, route{email: in.Oncall.Email},
		func(ctx context.Context) (*incident.Effect, error) { return p.post(ctx, in) }, inMail)
}

// post posts the page in the channel, unless it is there already.
func (p *Pager) post(ctx context.Context, in playbooks.Page) (*incident.Effect, error) {
	channel := in.Oncall.Channel
	id, err := p.desk.channels.id(ctx, p.desk.api, channel)
	if err != nil {
		return nil, err
	}
	m, of := newPage(in), key{in.ID, in.ID}
	state := posted{ChannelID: id, Digest: m.digest()}
	state.TS, err = p.desk.find(ctx, in.Alert.ReceivedAt, channel, id, func(found *slack.Message) bool { return carries(found, pageEvent, of) })
	if err != nil {
		return nil, err
	}
	if state.TS != "" {
		return effect("on-call was paged in "+channel+" before", false, channel, state)
	}
	if state.TS, err = p.desk.post(ctx, of, channel, id, m, ""); err != nil {
		return nil, err
	}
	return effect("on-call paged in "+channel, true, channel, state)
}

func (p *Pager) mail(ctx context.Context, in playbooks.Page, why string) (*incident.Effect, error) {
	m := newPage(in)
	mailer := p.desk.ways.mail
	taken, err := mailer.send(ctx, &letter{
		id: mailer.messageID(m.event, in.ID), root: mailer.messageID(in.ID), to: in.Oncall.Email, subject: m.subject(),
		body: "This comes by e-mail because " + plain(why, mostLine) + ".\n\n" + m.letterText(),
	})
	if err != nil {
		return nil, err
	}
	return byMail("on-call paged", why, in.Oncall.Channel, posted{Digest: m.digest(), Mail: taken})
}
