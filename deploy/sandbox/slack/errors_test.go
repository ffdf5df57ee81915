package slack_test

import (
	"strings"
	"testing"

	slackgo "github.com/slack-go/slack"
	"github.com/stretchr/testify/require"
)

func TestErrors(t *testing.T) {
	t.Parallel()
	server, listener := start(t)
	api := client(listener, token)
	id := channelID(t, server, "legal")
	post := func(api *slackgo.Client, channel string, options ...slackgo.MsgOption) error {
		_, _, err := api.PostMessageContext(t.Context(), channel, options...)
		return err
	}
	text := slackgo.MsgOptionText("x", false)
	history := func(channel, cursor string) error {
		_, err := api.GetConversationHistoryContext(t.Context(),
			&slackgo.GetConversationHistoryParameters{ChannelID: channel, Cursor: cursor})
		return err
	}
	header := slackgo.NewHeaderBlock(slackgo.NewTextBlockObject("plain_text", strings.Repeat("h", 151), false, false))
	tests := map[string]struct {
		call func() error
		want string
	}{
		"no token":          {func() error { return post(client(listener, ""), "#legal", text) }, "not_authed"},
		"wrong token":       {func() error { return post(client(listener, "xoxb-other"), "#legal", text) }, "invalid_auth"},
		"unknown channel":   {func() error { return post(api, "#nowhere", text) }, "channel_not_found"},
		"nothing to show":   {func() error { return post(api, "#legal") }, "no_text"},
		"text too long":     {func() error { return post(api, id, slackgo.MsgOptionText(strings.Repeat("x", 40_001), false)) }, "msg_too_long"},
		"header too long":   {func() error { return post(api, id, slackgo.MsgOptionBlocks(header)) }, "invalid_blocks"},
		"unknown thread":    {func() error { return post(api, id, text, slackgo.MsgOptionTS("1.000001")) }, "thread_not_found"},
		"metadata no type":  {func() error { return post(api, id, text, slackgo.MsgOptionMetadata(slackgo.SlackMetadata{})) }, "invalid_metadata_format"},
		"history by name":   {func() error { return history("#legal", "") }, "channel_not_found"},
		"history bad curs.": {func() error { return history(id, "x") }, "invalid_cursor"},
		"update nothing": {func() error {
			_, _, _, err := api.UpdateMessageContext(t.Context(), id, "1.000001", text)
			return err
		}, "message_not_found"},
		"ephemeral to nobody": {func() error {
			_, err := api.PostEphemeralContext(t.Context(), id, "U9", text)
			return err
		}, "user_not_in_channel"},
		"channel twice": {func() error {
			_, err := api.CreateConversationContext(t.Context(), slackgo.CreateConversationParams{ChannelName: "legal"})
			return err
		}, "name_taken"},
		"channel in capitals": {func() error {
			_, err := api.CreateConversationContext(t.Context(), slackgo.CreateConversationParams{ChannelName: "Legal"})
			return err
		}, "invalid_name_specials"},
		"unknown user": {func() error {
			_, err := api.GetUserInfoContext(t.Context(), "U9")
			return err
		}, "user_not_found"},
		"unknown address": {func() error {
			_, err := api.GetUserByEmailContext(t.Context(), "x@nordwall.example")
			return err
		}, "users_not_found"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) { require.EqualError(t, tc.call(), tc.want) })
	}
	require.Empty(t, server.Messages("#legal"), "a refused message is not stored")
}
