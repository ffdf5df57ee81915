package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"time"

	"github.com/slack-go/slack"
)

// slackDelivery is one thing that Slack sent, by HTTP or by Socket Mode. Exactly one of the pointers is set.
type slackDelivery struct {
	at          time.Time
	command     *slack.SlashCommand
	interaction *slackInteraction
	event       *slackEvent
}

// slackInteraction is what is read of a click, a submitted modal or a search in one. The rest of the payload, the message
// above all, is not believed and not read.
type slackInteraction struct {
	Type     string `json:"type"`
	APIAppID string `json:"api_app_id"`
	Team     struct {
		ID string `json:"id"`
	} `json:"team"`
	User struct {
		ID string `json:"id"`
	} `json:"user"`
	Channel struct {
		ID string `json:"id"`
	} `json:"channel"`
	Container struct {
		MessageTS string `json:"message_ts"`
		ThreadTS  string `json:"thread_ts"`
		ViewID    string `json:"view_id"`
	} `json:"container"`
	TriggerID   string        `json:"trigger_id"`
	ResponseURL string        `json:"response_url"`
	Actions     []slackAction `json:"actions"`
	View        *slackView    `json:"view"`
	// ActionID, BlockID and Value are those of a search in a modal.
	ActionID string `json:"action_id"`
	BlockID  string `json:"block_id"`
	Value    string `json:"value"`
}

// slackAction is one click. Selected is set where an option of a menu was chosen instead.
type slackAction struct {
	ActionID string `json:"action_id"`
	BlockID  string `json:"block_id"`
	Value    string `json:"value"`
	ActionTS string `json:"action_ts"`
	Selected *struct {
		Value string `json:"value"`
	} `json:"selected_option"`
}

// value is what the button or the chosen option carries.
func (a slackAction) value() string {
	if a.Selected != nil {
		return a.Selected.Value
	}
	return a.Value
}

// slackView is what is read of a modal: which one it is, what firebreak put into it, and what the person chose.
type slackView struct {
	ID              string           `json:"id"`
	CallbackID      string           `json:"callback_id"`
	PrivateMetadata string           `json:"private_metadata"`
	ExternalID      string           `json:"external_id"`
	State           *slack.ViewState `json:"state"`
}

// slackEvent is a delivery of the Events API.
type slackEvent struct {
	Type      string `json:"type"`
	Challenge string `json:"challenge"`
	TeamID    string `json:"team_id"`
	APIAppID  string `json:"api_app_id"`
	EventID   string `json:"event_id"`
	Event     struct {
		Type string `json:"type"`
		User string `json:"user"`
		Tab  string `json:"tab"`
	} `json:"event"`
}

// The types of payloads that are acted on.
const (
	slackBlockActions   = string(slack.InteractionTypeBlockActions)
	slackViewSubmission = string(slack.InteractionTypeViewSubmission)
	slackSuggestion     = string(slack.InteractionTypeBlockSuggestion)
	slackEventCallback  = "event_callback"
	slackURLCheck       = "url_verification"
	slackHomeOpened     = "app_home_opened"
)

// slackUserID is what Slack's ids of people look like. One that does not is nobody's.
var slackUserID = regexp.MustCompile(`^[UW][A-Z0-9]{2,31}$`)

// single reads a form in which no name comes twice: of two values nobody could say which one was meant.
func single(body []byte) (url.Values, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, errors.New("the form cannot be read")
	}
	for name, values := range form {
		if len(values) != 1 {
			return nil, fmt.Errorf("the form has %d values of %.40q", len(values), name)
		}
	}
	return form, nil
}

// commandForm reads a slash command that came by HTTP.
func commandForm(body []byte) (slackDelivery, error) {
	form, err := single(body)
	if err != nil {
		return slackDelivery{}, err
	}
	return checkedCommand(slack.SlashCommand{
		TeamID: form.Get("team_id"), APIAppID: form.Get("api_app_id"), UserID: form.Get("user_id"), ChannelID: form.Get("channel_id"),
		Command: form.Get("command"), Text: form.Get("text"), ResponseURL: form.Get("response_url"), TriggerID: form.Get("trigger_id"),
	})
}

// commandJSON reads a slash command that came by Socket Mode.
func commandJSON(raw []byte) (slackDelivery, error) {
	var command slack.SlashCommand
	if err := json.Unmarshal(raw, &command); err != nil {
		return slackDelivery{}, errors.New("the command cannot be read")
	}
	return checkedCommand(command)
}

func checkedCommand(command slack.SlashCommand) (slackDelivery, error) {
	if !slackUserID.MatchString(command.UserID) || command.TriggerID == "" {
		return slackDelivery{}, errors.New("the command names no user or has no trigger_id")
	}
	return slackDelivery{command: &command}, nil
}

// interactionForm reads a click or a modal that came by HTTP.
func interactionForm(body []byte) (slackDelivery, error) {
	form, err := single(body)
	if err != nil {
		return slackDelivery{}, err
	}
	return interactionJSON([]byte(form.Get("payload")))
}

// interactionJSON reads a click or a modal.
func interactionJSON(raw []byte) (slackDelivery, error) {
	var in slackInteraction
	if err := json.Unmarshal(raw, &in); err != nil {
		return slackDelivery{}, errors.New("the payload cannot be read")
	}
	if !slackUserID.MatchString(in.User.ID) {
		return slackDelivery{}, errors.New("the payload names no user")
	}
	switch {
	case in.Type == slackBlockActions && len(in.Actions) != 1:
		// Slack sends one action at a time; of several, which one was confirmed would be a guess.
		return slackDelivery{}, fmt.Errorf("the payload has %d actions, not one", len(in.Actions))
	case in.Type == slackViewSubmission && (in.View == nil || in.View.ID == ""):
		return slackDelivery{}, errors.New("the payload has no view")
	}
	return slackDelivery{interaction: &in}, nil
}

// eventJSON reads a delivery of the Events API.
func eventJSON(raw []byte) (slackDelivery, error) {
	var event slackEvent
	if err := json.Unmarshal(raw, &event); err != nil {
		return slackDelivery{}, errors.New("the event cannot be read")
	}
	if event.Type == slackEventCallback && event.EventID == "" {
		return slackDelivery{}, errors.New("the event has no event_id")
	}
	return slackDelivery{event: &event}, nil
}

// origin is the workspace and the app that the delivery is of, and who did it.
func (d *slackDelivery) origin() (team, app, user string) {
	switch {
	case d.command != nil:
		return d.command.TeamID, d.command.APIAppID, d.command.UserID
	case d.interaction != nil:
		return d.interaction.Team.ID, d.interaction.APIAppID, d.interaction.User.ID
	default:
		return d.event.TeamID, d.event.APIAppID, d.event.Event.User
	}
}
