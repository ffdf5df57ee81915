package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/slack-go/slack"

	"firebreak/activities/failure"
	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// slackAPI is what this package calls of Slack's Web API.
type slackAPI interface {
	GetConversationsContext(context.Context, *slack.GetConversationsParameters) ([]slack.Channel, string, error)
	GetConversationHistoryContext(context.Context, *slack.GetConversationHistoryParameters) (*slack.GetConversationHistoryResponse, error)
	GetConversationRepliesContext(context.Context, *slack.GetConversationRepliesParameters) ([]slack.Message, bool, string, error)
	PostMessageContext(context.Context, string, ...slack.MsgOption) (string, string, error)
}

// Legal is the action legal.notify.
type Legal struct {
	api      slackAPI
	channels *channels
	ways     ways
}

// NewLegal returns the action for a workspace.
func NewLegal(client *slack.Client) *Legal {
	return &Legal{api: client, channels: &channels{ids: map[string]string{}}, ways: newWays()}
}

// posted is Effect.State: what Verify compares with and Undo answers to.
type posted struct {
	ChannelID string `json:"channel_id"`
	TS        string `json:"ts"`
	Digest    string `json:"digest"`
	// Mail is there instead of ChannelID and TS if legal was told by mail.
	Mail *accepted `json:"mail,omitempty"`
}

// Capture records the channel. It calls nothing, since nothing is going to be replaced.
func (l *Legal) Capture(_ context.Context, op *playbooks.Operation) (*incident.Capture, error) {
	to, err := stakeholder(op)
	if err != nil {
		return nil, err
	}
	state, err := json.Marshal(map[string]string{"channel": to.Channel})
	if err != nil {
		return nil, fmt.Errorf("encode channel: %w", err)
	}
	return &incident.Capture{Summary: "the brief goes to " + to.Channel, State: state, At: time.Now().UTC()}, nil
}

// Do tells legal in Slack, or by mail where Slack cannot or must not be used. Who was told by mail is not told again when Slack
// comes back.
func (l *Legal) Do(ctx context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	to, err := stakeholder(op)
	if err != nil {
		return nil, err
	}
	if op.Brief == nil {
		return nil, failure.New(failure.Invalid, "operation %s has no brief for legal", op.ID)
	}
	if was, ok := toldByMail(op); ok && was.Digest == newBrief(op).digest() {
		before := *op.Effect
		before.Changed = false
		return &before, nil
	}
	return l.ways.tell(ctx, routeOf(op),
		func(ctx context.Context) (*incident.Effect, error) { return l.postBrief(ctx, op, to) },
		func(ctx context.Context, why string) (*incident.Effect, error) {
			return l.mailBrief(ctx, op, to.Channel, why)
		})
}

// postBrief posts the brief, unless the channel's history has it already under the operation's id.
func (l *Legal) postBrief(ctx context.Context, op *playbooks.Operation, to *inventory.Stakeholder) (*incident.Effect, error) {
	id, err := l.channels.id(ctx, l.api, to.Channel)
	if err != nil {
		return nil, err
	}
	brief := newBrief(op)
	state := posted{ChannelID: id, Digest: brief.digest()}
	// An altered message is not the brief: legal is told again.
	state.TS, err = l.find(ctx, firstSignal(op), to.Channel, id, func(m *slack.Message) bool {
		return carries(m, briefEvent, keyOf(op)) && digest(m.Text, m.Blocks.BlockSet) == state.Digest
	})
	if err != nil {
		return nil, err
	}
	if state.TS != "" {
		return effect("legal was told in "+to.Channel+" before", false, to.Channel, state)
	}
	if state.TS, err = l.post(ctx, keyOf(op), to.Channel, id, brief, ""); err != nil {
		return nil, err
	}
	return effect("legal told in "+to.Channel, true, to.Channel, state)
}

// Verify reads the message back by its timestamp. The proof holds if it is there, is the operation's and reads as it was
// posted. Of a mail it can only show the mail server's receipt, and says so.
func (l *Legal) Verify(ctx context.Context, op *playbooks.Operation) (*incident.Proof, error) {
	to, err := stakeholder(op)
	if err != nil {
		return nil, err
	}
	if was, ok := toldByMail(op); ok {
		return verifyMail(op, to.Channel, was)
	}
	was, ok := told(op)
	if !ok {
		return nil, failure.New(failure.Invalid, "operation %s has no message to verify", op.ID)
	}
	page, err := l.history(ctx, to.Channel, &slack.GetConversationHistoryParameters{
		ChannelID: was.ChannelID, Oldest: was.TS, Latest: was.TS, Inclusive: true, Limit: 1, IncludeAllMetadata: true,
	})
	if err != nil {
		return nil, err
	}
	proof := &incident.Proof{
		Method: "message " + was.TS + " read back from the history of " + to.Channel,
		Facts:  map[string]string{incident.FactChannel: to.Channel, incident.FactTS: was.TS, incident.FactDigest: was.Digest},
		At:     time.Now().UTC(),
	}
	switch {
	case len(page.Messages) == 0 || page.Messages[0].Timestamp != was.TS:
		proof.Method += ": it is not there"
	case !carries(&page.Messages[0], briefEvent, keyOf(op)):
		proof.Method += ": it is not the brief of this operation"
	case digest(page.Messages[0].Text, page.Messages[0].Blocks.BlockSet) != was.Digest:
		proof.Method += ": it was altered"
	default:
		proof.Method += ": operation and text are those that were posted"
		proof.Proved = true
	}
	return proof, nil
}

func stakeholder(op *playbooks.Operation) (*inventory.Stakeholder, error) {
	if op.Target.Stakeholder == nil || op.Target.Stakeholder.Channel == "" {
		return nil, failure.New(failure.Invalid, "target %s is not a stakeholder with a channel", op.Target.ID)
	}
	return op.Target.Stakeholder, nil
}

// told returns what Do posted.
func told(op *playbooks.Operation) (posted, bool) {
	var p posted
	if op.Effect == nil || json.Unmarshal(op.Effect.State, &p) != nil {
		return posted{}, false
	}
	return p, p.TS != "" && p.ChannelID != ""
}

func effect(summary string, changed bool, channel string, state posted) (*incident.Effect, error) {
	encoded, err := json.Marshal(state)
	if err != nil {
		return nil, fmt.Errorf("encode message: %w", err)
	}
	return &incident.Effect{
		Summary: summary, Changed: changed, State: encoded, At: time.Now().UTC(),
		Facts: map[string]string{incident.FactChannel: channel, incident.FactTS: state.TS, incident.FactDigest: state.Digest, FactWay: bySlack},
	}, nil
}
