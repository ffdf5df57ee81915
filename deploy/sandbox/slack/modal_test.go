package slack_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	slackgo "github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/slack"
)

func TestSubmitSendsWhatWasEntered(t *testing.T) {
	t.Parallel()
	server, app := startApp(t)
	person := openModal(t, server, app)
	require.Equal(t, "Declare", person.Modal().Title)
	require.NoError(t, person.Submit(t.Context(), slack.Values{
		"reason": {"leak"}, "flags": {"drill", "Page on-call"}, "since/day": {"2026-09-14"},
	}))
	got := app.last().payload(t)
	require.Equal(t, slackgo.InteractionTypeViewSubmission, got.Type)
	require.Equal(t, "declare", got.View.CallbackID)
	require.Equal(t, "meta", got.View.PrivateMetadata)
	values := got.View.State.Values
	require.Equal(t, "leak", values["reason"]["text"].Value)
	require.Equal(t, "2", values["severity"]["level"].SelectedOption.Value, "what was not touched keeps its initial value")
	require.Len(t, values["more"]["flags"].SelectedOptions, 2)
	require.Equal(t, "2026-09-14", values["since"]["day"].SelectedDate)
	require.Empty(t, values["asset"]["pick"].SelectedOption.Value)
	require.Nil(t, person.Modal(), "an empty answer closes the modal")
}

func TestTheFormRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		values slack.Values
		want   string
	}{
		"required":             {slack.Values{}, "reason: Please complete this required field."},
		"too long":             {slack.Values{"reason": {strings.Repeat("x", 21)}}, "no more than 20"},
		"not an option":        {slack.Values{"reason": {"x"}, "level": {"9"}}, "not one of the options"},
		"not a date":           {slack.Values{"reason": {"x"}, "day": {"14.9.2026"}}, "not like"},
		"two for one":          {slack.Values{"reason": {"x", "y"}}, "one value"},
		"not offered":          {slack.Values{"reason": {"x"}, "pick": {"credit-api"}}, "load them first"},
		"unknown input":        {slack.Values{"reason": {"x"}, "other": {"x"}}, "no input"},
		"a button is no input": {slack.Values{"reason": {"x"}, "add": {"x"}}, "no value"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, app := startApp(t)
			person := openModal(t, server, app)
			require.ErrorContains(t, person.Submit(t.Context(), tc.values), tc.want)
			require.NotNil(t, person.Modal())
			require.Len(t, app.all(), 1, "nothing reaches the app")
		})
	}
}

func TestWhatTheAppAnswersASubmission(t *testing.T) {
	t.Parallel()
	next := modal()
	next.Title = plain("Next")
	view, err := json.Marshal(next)
	require.NoError(t, err)
	tests := map[string]struct {
		answer, wrong, title string
		check                func(*testing.T, *slack.View)
	}{
		"nothing":        {"", "", "", nil},
		"clear":          {`{"response_action":"clear"}`, "", "", nil},
		"update":         {`{"response_action":"update","view":` + string(view) + `}`, "", "Next", nil},
		"push":           {`{"response_action":"push","view":` + string(view) + `}`, "", "Next", func(t *testing.T, v *slack.View) { require.NotEmpty(t, v.PreviousID) }},
		"errors":         {`{"response_action":"errors","errors":{"reason":"too vague"}}`, "reason: too vague", "Declare", func(t *testing.T, v *slack.View) { require.Equal(t, "too vague", v.Errors["reason"]) }},
		"error nowhere":  {`{"response_action":"errors","errors":{"tools":"x"}}`, "trouble connecting", "Declare", func(t *testing.T, v *slack.View) { require.NotEmpty(t, v.Trouble) }},
		"no errors":      {`{"response_action":"errors","errors":{}}`, "trouble connecting", "Declare", nil},
		"unknown action": {`{"response_action":"explode"}`, "trouble connecting", "Declare", nil},
		"text":           {`fine`, "trouble connecting", "Declare", nil},
		"a broken view":  {`{"response_action":"update","view":{"type":"home"}}`, "trouble connecting", "Declare", nil},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, app := startApp(t)
			person := openModal(t, server, app)
			app.says("/interact", "application/json", tc.answer)
			err := person.Submit(t.Context(), slack.Values{"reason": {"leak"}})
			if tc.wrong == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, tc.wrong)
			}
			v := person.Modal()
			if tc.title == "" {
				require.Nil(t, v)
				return
			}
			require.Equal(t, tc.title, v.Title)
			if tc.check != nil {
				tc.check(t, v)
			}
		})
	}
}

func TestSubmissionThatIsNotAnsweredKeepsTheModal(t *testing.T) {
	t.Parallel()
	server, app := startApp(t, impatient)
	person := openModal(t, server, app)
	server.Lose("view_submission", 1)
	noticed(t, person.Submit(t.Context(), slack.Values{"reason": {"leak"}}), "operation_timeout")
	require.Contains(t, person.Modal().Trouble, "trouble connecting")
	require.NoError(t, person.Submit(t.Context(), nil), "what was entered is still there")
	require.Equal(t, "leak", app.last().payload(t).View.State.Values["reason"]["text"].Value)
}

func TestClose(t *testing.T) {
	t.Parallel()
	server, app := startApp(t)
	person := openModal(t, server, app)
	require.NoError(t, person.CloseModal(t.Context()))
	require.Nil(t, person.Modal())
	got := app.last().payload(t)
	require.Equal(t, slackgo.InteractionTypeViewClosed, got.Type)
	require.Equal(t, "declare", got.View.CallbackID)
	require.ErrorContains(t, person.CloseModal(t.Context()), "no modal")
	require.ErrorContains(t, person.Submit(t.Context(), nil), "no modal")
}

func TestExternalOptions(t *testing.T) {
	t.Parallel()
	server, app := startApp(t)
	person := openModal(t, server, app)
	app.says("/options", "application/json", `{"options":[{"text":{"type":"plain_text","text":"credit-api"},"value":"endpoint/1"}]}`)
	_, err := person.Options(t.Context(), "pick", "cr")
	require.ErrorContains(t, err, "at least 3")
	options, err := person.Options(t.Context(), "pick", "cred")
	require.NoError(t, err)
	require.Equal(t, "credit-api", options[0].Label())
	got := app.last().payload(t)
	require.Equal(t, slackgo.InteractionTypeBlockSuggestion, got.Type)
	require.Equal(t, []string{"pick", "asset", "cred"}, []string{got.ActionID, got.BlockID, got.Value})

	app.says("/options", "application/json", `{"options":[{"text":{"type":"plain_text","text":"`+strings.Repeat("x", 76)+`"},"value":"1"}]}`)
	_, err = person.Options(t.Context(), "pick", "long")
	noticed(t, err, "invalid_response")
	_, err = person.Options(t.Context(), "level", "long")
	require.ErrorContains(t, err, "no external select")

	require.NoError(t, person.Submit(t.Context(), slack.Values{"reason": {"x"}, "pick": {"endpoint/1"}}))
	require.Equal(t, "endpoint/1", app.last().payload(t).View.State.Values["asset"]["pick"].SelectedOption.Value)
}

func TestModalButtonUpdatesTheView(t *testing.T) {
	t.Parallel()
	server, app := startApp(t)
	person := openModal(t, server, app)
	app.on("/interact", func(_ http.ResponseWriter, r received) {
		p := r.payload(t)
		next := modal()
		next.Title = plain("More")
		_, err := app.api.UpdateView(next, "", p.View.Hash, p.View.ID)
		if err != nil {
			t.Error(err)
		}
	})
	require.NoError(t, person.ClickModal(t.Context(), "add", slack.Values{"reason": {"typed so far"}}))
	got := app.last().payload(t)
	require.Equal(t, "view", got.Container.Type)
	require.Equal(t, "typed so far", got.View.State.Values["reason"]["text"].Value)
	require.Equal(t, "More", person.Modal().Title)
	app.says("/interact", "text/plain", "")
	require.NoError(t, person.Submit(t.Context(), nil), "the input keeps its value through the update")
	require.Equal(t, "typed so far", app.last().payload(t).View.State.Values["reason"]["text"].Value)
}

func TestViewsPushedUpdatedAndRefused(t *testing.T) {
	t.Parallel()
	server, app := startApp(t)
	person := openModal(t, server, app)
	for range 2 {
		require.NoError(t, person.ClickModal(t.Context(), "add", nil))
		_, err := app.api.PushView(app.last().payload(t).TriggerID, modal())
		require.NoError(t, err)
	}
	require.NoError(t, person.ClickModal(t.Context(), "add", nil))
	_, err := app.api.PushView(app.last().payload(t).TriggerID, modal())
	require.EqualError(t, err, "push_limit_reached")

	top := person.Modal()
	_, err = app.api.UpdateView(modal(), "", "old", top.ID)
	require.EqualError(t, err, "hash_conflict")
	_, err = app.api.UpdateView(modal(), "", "", "V0")
	require.EqualError(t, err, "not_found")
	named := modal()
	named.ExternalID = "incident-1"
	_, err = app.api.UpdateView(named, "", top.Hash, top.ID)
	require.NoError(t, err)
	_, err = app.api.UpdateView(named, "", "", top.PreviousID)
	require.EqualError(t, err, "duplicate_external_id")
	_, err = app.api.UpdateView(named, "incident-1", "", "")
	require.NoError(t, err)

	require.NoError(t, person.CloseModal(t.Context()))
	require.Equal(t, top.PreviousID, person.Modal().ID, "closing shows the modal below")
}

func TestHome(t *testing.T) {
	t.Parallel()
	server, app := startApp(t)
	person := as(t, server, lena)
	require.Nil(t, person.Home())
	require.ErrorContains(t, person.ClickHome(t.Context(), "x"), "no home")
	home := slackgo.HomeTabViewRequest{Type: slackgo.VTHomeTab, Blocks: slackgo.Blocks{BlockSet: []slackgo.Block{
		slackgo.NewActionBlock("b", slackgo.NewButtonBlockElement("declare", "v", plain("Declare"))),
	}}}
	published, err := app.api.PublishView(lena, home, "")
	require.NoError(t, err)
	_, err = app.api.PublishView(lena, home, "old")
	require.EqualError(t, err, "hash_conflict")
	_, err = app.api.PublishView("U9", home, "")
	require.EqualError(t, err, "invalid_arguments")
	require.NoError(t, person.ClickHome(t.Context(), "declare"))
	got := app.last().payload(t)
	require.Equal(t, published.ID, got.View.ID)
	require.Equal(t, slackgo.VTHomeTab, got.View.Type)
	require.NoError(t, open(app.api, got.TriggerID))
	require.NotNil(t, person.Modal())
}

func TestViewsAreChecked(t *testing.T) {
	t.Parallel()
	server, app := startApp(t)
	tests := map[string]struct {
		change func(*slackgo.ModalViewRequest)
		want   string
	}{
		"long title":    {func(v *slackgo.ModalViewRequest) { v.Title = plain(strings.Repeat("t", 25)) }, "/view/title/text"},
		"no title":      {func(v *slackgo.ModalViewRequest) { v.Title = nil }, "/view/title"},
		"no submit":     {func(v *slackgo.ModalViewRequest) { v.Submit = nil }, "submit"},
		"home":          {func(v *slackgo.ModalViewRequest) { v.Type = slackgo.VTHomeTab }, "must be modal"},
		"long metadata": {func(v *slackgo.ModalViewRequest) { v.PrivateMetadata = strings.Repeat("m", 3001) }, "/view/private_metadata"},
		"101 blocks": {func(v *slackgo.ModalViewRequest) {
			for len(v.Blocks.BlockSet) <= 100 {
				v.Blocks.BlockSet = append(v.Blocks.BlockSet, slackgo.NewDividerBlock())
			}
		}, "no more than 100"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, as(t, server, lena).Slash(t.Context(), "legal", "/incident"))
			view := modal()
			tc.change(&view)
			res, err := app.api.OpenView(app.last().form.Get("trigger_id"), view)
			require.EqualError(t, err, "invalid_arguments")
			require.Contains(t, strings.Join(res.ResponseMetadata.Messages, " "), tc.want)
		})
	}
	res, err := http.Post(app.URL, "text/plain", strings.NewReader("unsigned"))
	require.NoError(t, err)
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	require.Equal(t, http.StatusUnauthorized, res.StatusCode)
}
