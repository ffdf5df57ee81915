package slack_test

import (
	"strings"
	"testing"

	slackgo "github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/slack"
)

func TestIncidentChannel(t *testing.T) {
	t.Parallel()
	server, app := startApp(t)
	made, err := app.api.CreateConversationContext(t.Context(), slackgo.CreateConversationParams{ChannelName: "inc-1", IsPrivate: true})
	require.NoError(t, err)
	members := func() []string {
		ids, _, err := app.api.GetUsersInConversationContext(t.Context(), &slackgo.GetUsersInConversationParameters{ChannelID: made.ID})
		require.NoError(t, err)
		return ids
	}
	require.Equal(t, []string{slack.AppUser}, members())
	_, _, err = app.api.PostMessageContext(t.Context(), made.ID, slackgo.MsgOptionText("x", false))
	require.NoError(t, err)
	require.Empty(t, as(t, server, lena).Sees("inc-1"), "a private channel is its members'")

	_, err = app.api.InviteUsersToConversationContext(t.Context(), made.ID, lena)
	require.NoError(t, err)
	require.Equal(t, []string{slack.AppUser, lena}, members())
	require.Len(t, as(t, server, lena).Sees("inc-1"), 1)
	for users, want := range map[string]string{lena: "already_in_channel", "U9": "user_not_found", slack.AppUser: "cant_invite_self", "": "no_user"} {
		_, err := app.api.InviteUsersToConversationContext(t.Context(), made.ID, users)
		require.EqualError(t, err, want)
	}
	_, err = app.api.PostEphemeralContext(t.Context(), made.ID, ida, slackgo.MsgOptionText("x", false))
	require.EqualError(t, err, "user_not_in_channel")

	topic, err := app.api.SetTopicOfConversationContext(t.Context(), made.ID, "credit-api")
	require.NoError(t, err)
	require.Equal(t, "credit-api", topic.Topic.Value)
	_, err = app.api.SetTopicOfConversationContext(t.Context(), made.ID, strings.Repeat("x", 251))
	require.EqualError(t, err, "too_long")
}

func TestChannelsThatTheAppIsNotIn(t *testing.T) {
	t.Parallel()
	server, app := startApp(t)
	id := channelID(t, server, "legal")
	server.Remove("legal", slack.AppUser)
	post := func(channel string) error {
		_, _, err := app.api.PostMessageContext(t.Context(), channel, slackgo.MsgOptionText("x", false))
		return err
	}
	require.EqualError(t, post("#legal"), "not_in_channel")
	_, err := app.api.GetConversationHistoryContext(t.Context(), &slackgo.GetConversationHistoryParameters{ChannelID: id})
	require.EqualError(t, err, "not_in_channel")
	info, err := app.api.GetConversationInfoContext(t.Context(), &slackgo.GetConversationInfoInput{ChannelID: id})
	require.NoError(t, err)
	require.False(t, info.IsMember)
	_, _, _, err = app.api.JoinConversationContext(t.Context(), id)
	require.NoError(t, err)
	require.NoError(t, post("#legal"))

	private, err := app.api.CreateConversationContext(t.Context(), slackgo.CreateConversationParams{ChannelName: "secret", IsPrivate: true})
	require.NoError(t, err)
	_, _, _, err = app.api.JoinConversationContext(t.Context(), private.ID)
	require.EqualError(t, err, "method_not_supported_for_channel_type")
	server.Remove("secret", slack.AppUser)
	require.EqualError(t, post(private.ID), "channel_not_found")
}

func TestDirectMessages(t *testing.T) {
	t.Parallel()
	server, app := startApp(t)
	opened, _, was, err := app.api.OpenConversationContext(t.Context(), &slackgo.OpenConversationParameters{Users: []string{lena}})
	require.NoError(t, err)
	require.False(t, was)
	again, _, was, err := app.api.OpenConversationContext(t.Context(), &slackgo.OpenConversationParameters{Users: []string{lena}})
	require.NoError(t, err)
	require.True(t, was)
	require.Equal(t, opened.ID, again.ID)
	id, _, err := app.api.PostMessageContext(t.Context(), lena, slackgo.MsgOptionText("for you", false))
	require.NoError(t, err)
	require.Equal(t, opened.ID, id, "a person's id is the direct message")
	require.Len(t, as(t, server, lena).Sees(slack.AppUser), 1)
	require.Empty(t, as(t, server, ida).Sees(id))
	require.Len(t, server.Messages(lena), 1)
	require.Len(t, server.Channels(), 2, "a direct message is no channel")
	_, _, _, err = app.api.OpenConversationContext(t.Context(), &slackgo.OpenConversationParameters{Users: []string{"U9"}})
	require.EqualError(t, err, "user_not_found")
}

func TestPeopleJoin(t *testing.T) {
	t.Parallel()
	server, app := startApp(t)
	server.AddUsers(slack.User{ID: "U03", Name: "omar"}, slack.User{ID: ida, Name: "ida2"})
	users, err := app.api.GetUsersContext(t.Context())
	require.NoError(t, err)
	var names []string
	for _, u := range users {
		names = append(names, u.Name)
	}
	require.Equal(t, []string{"firebreak", "lena", "ida2", "omar"}, names)
	_, err = app.api.PostEphemeralContext(t.Context(), channelID(t, server, "legal"), "U03", slackgo.MsgOptionText("x", false))
	require.NoError(t, err, "who joins is in the workspace's channels")
}

func TestDeleteAndPermalink(t *testing.T) {
	t.Parallel()
	server, app := startApp(t)
	id, ts, err := app.api.PostMessageContext(t.Context(), "#legal", slackgo.MsgOptionText("x", false))
	require.NoError(t, err)
	theirs, err := as(t, server, lena).Say("legal", "mine", "")
	require.NoError(t, err)
	link, err := app.api.GetPermalinkContext(t.Context(), &slackgo.PermalinkParameters{Channel: id, Ts: ts})
	require.NoError(t, err)
	require.Contains(t, link, "/channels/legal#m")
	_, _, err = app.api.DeleteMessageContext(t.Context(), id, theirs)
	require.EqualError(t, err, "cant_delete_message")
	_, _, _, err = app.api.UpdateMessageContext(t.Context(), id, theirs, slackgo.MsgOptionText("y", false))
	require.EqualError(t, err, "cant_update_message")
	_, _, err = app.api.DeleteMessageContext(t.Context(), id, ts)
	require.NoError(t, err)
	_, _, err = app.api.DeleteMessageContext(t.Context(), id, ts)
	require.EqualError(t, err, "message_not_found")
	_, err = app.api.GetPermalinkContext(t.Context(), &slackgo.PermalinkParameters{Channel: id, Ts: ts})
	require.EqualError(t, err, "message_not_found")
}

func TestMentionsAreRecorded(t *testing.T) {
	t.Parallel()
	marked := func(text string, verbatim bool) slackgo.MsgOption {
		return slackgo.MsgOptionBlocks(slackgo.NewSectionBlock(slackgo.NewTextBlockObject("mrkdwn", text, false, verbatim), nil, nil))
	}
	tests := map[string]struct {
		say  slackgo.MsgOption
		want []slack.Mention
	}{
		"escaped":            {slackgo.MsgOptionText("<!channel> <@U1>", true), nil},
		"broadcast":          {slackgo.MsgOptionText("<!channel> <!here|here>", false), []slack.Mention{{Kind: "broadcast", ID: "channel"}, {Kind: "broadcast", ID: "here"}}},
		"people":             {slackgo.MsgOptionText("<@U1> <#C1|x> <!subteam^S1>", false), []slack.Mention{{Kind: "user", ID: "U1"}, {Kind: "channel", ID: "C1"}, {Kind: "group", ID: "S1"}}},
		"a date is none":     {slackgo.MsgOptionText("<!date^1^{date}|now> <https://x.example|x>", false), nil},
		"words in text":      {slackgo.MsgOptionText("@channel", false), nil},
		"in a block":         {marked("hi <@U1>", true), []slack.Mention{{Kind: "user", ID: "U1"}}},
		"words in a block":   {marked("hi @here", false), []slack.Mention{{Kind: "broadcast", ID: "here", Guessed: true}}},
		"verbatim words":     {marked("hi @here", true), nil},
		"an address is none": {marked("x@here.example", false), nil},
		"plain text":         {slackgo.MsgOptionBlocks(slackgo.NewSectionBlock(plain("<!channel> @here"), nil, nil)), nil},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, app := startApp(t)
			_, _, err := app.api.PostMessageContext(t.Context(), "#legal", tc.say)
			require.NoError(t, err)
			require.Equal(t, tc.want, server.Messages("legal")[0].Mentions)
		})
	}
}
