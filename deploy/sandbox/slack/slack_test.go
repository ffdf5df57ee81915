package slack_test

import (
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	slackgo "github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/slack"
)

const token = "xoxb-sandbox"

// start serves a workspace with two channels and one person, whose clock
// stands still, so that unique timestamps are the server's own doing.
func start(t *testing.T) (*slack.Server, *httptest.Server) {
	t.Helper()
	server := slack.New(slack.Options{
		Tokens:   []string{token},
		Channels: []string{"#legal", "incidents"},
		Users:    []slack.User{{ID: "U01LEG00001", Name: "lena", RealName: "Lena", Email: "lena@nordwall.example"}},
		Now:      func() time.Time { return time.Unix(1_700_000_000, 100_000) },
	})
	listener := httptest.NewServer(server)
	t.Cleanup(listener.Close)
	return server, listener
}

func client(listener *httptest.Server, with string) *slackgo.Client {
	return slackgo.New(with, slackgo.OptionAPIURL(listener.URL+"/api/"), slackgo.OptionHTTPClient(listener.Client()))
}

func channelID(t *testing.T, server *slack.Server, name string) string {
	t.Helper()
	for _, c := range server.Channels() {
		if c.Name == name {
			return c.ID
		}
	}
	t.Fatalf("no channel %s", name)
	return ""
}

func TestPostMessageKeepsWhatWasSent(t *testing.T) {
	t.Parallel()
	server, listener := start(t)
	api := client(listener, token)
	meta := slackgo.SlackMetadata{EventType: "firebreak_brief", EventPayload: map[string]any{"incident_id": "incident/x"}}

	id, ts, err := api.PostMessageContext(t.Context(), "#legal", slackgo.MsgOptionText("brief", false),
		slackgo.MsgOptionBlocks(slackgo.NewDividerBlock()), slackgo.MsgOptionMetadata(meta))
	require.NoError(t, err)
	require.Equal(t, channelID(t, server, "legal"), id)
	require.Equal(t, "1700000000.000100", ts)

	got := server.Messages("#legal")
	require.Len(t, got, 1)
	require.Equal(t, "brief", got[0].Text)
	require.JSONEq(t, `[{"type":"divider"}]`, string(got[0].Blocks))
	require.Equal(t, "incident/x", got[0].Metadata.EventPayload["incident_id"])
	require.Equal(t, got, server.Messages(id), "a channel has one content by name and by id")
}

func TestHistoryShowsMetadataOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	server, listener := start(t)
	api := client(listener, token)
	meta := slackgo.SlackMetadata{EventType: "firebreak_brief", EventPayload: map[string]any{"k": "v"}}
	_, _, err := api.PostMessageContext(t.Context(), "legal", slackgo.MsgOptionText("one", false), slackgo.MsgOptionMetadata(meta))
	require.NoError(t, err)

	for name, asked := range map[string]bool{"asked": true, "not asked": false} {
		page, err := api.GetConversationHistoryContext(t.Context(), &slackgo.GetConversationHistoryParameters{
			ChannelID: channelID(t, server, "legal"), IncludeAllMetadata: asked,
		})
		require.NoError(t, err, name)
		require.Len(t, page.Messages, 1, name)
		want := ""
		if asked {
			want = "firebreak_brief"
		}
		require.Equal(t, want, page.Messages[0].Metadata.EventType, name)
	}
}

func TestHistoryPagesNewestFirst(t *testing.T) {
	t.Parallel()
	server, listener := start(t)
	api := client(listener, token)
	var stamps []string
	for _, text := range []string{"a", "b", "c", "d", "e"} {
		_, ts, err := api.PostMessageContext(t.Context(), "#legal", slackgo.MsgOptionText(text, false))
		require.NoError(t, err)
		stamps = append(stamps, ts)
	}
	tests := map[string]struct {
		params slackgo.GetConversationHistoryParameters
		want   string
	}{
		"all":                {slackgo.GetConversationHistoryParameters{}, "edcba"},
		"pages of two":       {slackgo.GetConversationHistoryParameters{Limit: 2}, "ed cb a"},
		"after the second":   {slackgo.GetConversationHistoryParameters{Oldest: stamps[1]}, "edc"},
		"from the second":    {slackgo.GetConversationHistoryParameters{Oldest: stamps[1], Inclusive: true}, "edcb"},
		"before the second":  {slackgo.GetConversationHistoryParameters{Latest: stamps[1]}, "a"},
		"until the second":   {slackgo.GetConversationHistoryParameters{Latest: stamps[1], Inclusive: true}, "ba"},
		"seconds as a bound": {slackgo.GetConversationHistoryParameters{Oldest: "1699999999"}, "edcba"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			tc.params.ChannelID = channelID(t, server, "legal")
			var pages []string
			for {
				page, err := api.GetConversationHistoryContext(t.Context(), &tc.params)
				require.NoError(t, err)
				texts := ""
				for _, m := range page.Messages {
					texts += m.Text
				}
				pages = append(pages, texts)
				if !page.HasMore {
					break
				}
				tc.params.Cursor = page.ResponseMetaData.NextCursor
			}
			require.Equal(t, tc.want, strings.Join(pages, " "))
		})
	}
}

func TestThreads(t *testing.T) {
	t.Parallel()
	server, listener := start(t)
	api := client(listener, token)
	id, root, err := api.PostMessageContext(t.Context(), "#incidents", slackgo.MsgOptionText("root", false))
	require.NoError(t, err)
	_, first, err := api.PostMessageContext(t.Context(), id, slackgo.MsgOptionText("first", false), slackgo.MsgOptionTS(root))
	require.NoError(t, err)
	_, _, err = api.PostMessageContext(t.Context(), id, slackgo.MsgOptionText("second", false), slackgo.MsgOptionTS(first))
	require.NoError(t, err, "an answer to a reply joins the thread")

	replies, more, _, err := api.GetConversationRepliesContext(t.Context(),
		&slackgo.GetConversationRepliesParameters{ChannelID: id, Timestamp: root})
	require.NoError(t, err)
	require.False(t, more)
	require.Len(t, replies, 3)
	require.Equal(t, []string{"root", "first", "second"}, []string{replies[0].Text, replies[1].Text, replies[2].Text})
	require.Equal(t, 2, replies[0].ReplyCount)
	require.Equal(t, root, replies[2].ThreadTimestamp)

	page, err := api.GetConversationHistoryContext(t.Context(), &slackgo.GetConversationHistoryParameters{ChannelID: id})
	require.NoError(t, err)
	require.Len(t, page.Messages, 1, "replies are not in the history")
	require.Len(t, server.Messages(id), 3)
}

func TestUpdateChangesOnlyWhatIsGiven(t *testing.T) {
	t.Parallel()
	server, listener := start(t)
	api := client(listener, token)
	id, ts, err := api.PostMessageContext(t.Context(), "#legal", slackgo.MsgOptionText("before", false),
		slackgo.MsgOptionBlocks(slackgo.NewDividerBlock()))
	require.NoError(t, err)

	_, _, text, err := api.UpdateMessageContext(t.Context(), id, ts, slackgo.MsgOptionText("after", false))
	require.NoError(t, err)
	require.Equal(t, "after", text)
	got := server.Messages(id)
	require.Len(t, got, 1)
	require.Equal(t, "after", got[0].Text)
	require.NotNil(t, got[0].Blocks)
	require.False(t, got[0].Edited.IsZero())

	_, _, _, err = api.UpdateMessageContext(t.Context(), id, ts, slackgo.MsgOptionBlocks())
	require.NoError(t, err)
	require.Nil(t, server.Messages(id)[0].Blocks, "an empty array removes the blocks")
}

func TestEphemeralIsNotInTheHistory(t *testing.T) {
	t.Parallel()
	server, listener := start(t)
	api := client(listener, token)
	_, err := api.PostEphemeralContext(t.Context(), "#legal", "U01LEG00001", slackgo.MsgOptionText("only you", false))
	require.NoError(t, err)
	got := server.Messages("#legal")
	require.Len(t, got, 1)
	require.Equal(t, "U01LEG00001", got[0].EphemeralFor)
	page, err := api.GetConversationHistoryContext(t.Context(),
		&slackgo.GetConversationHistoryParameters{ChannelID: got[0].ChannelID})
	require.NoError(t, err)
	require.Empty(t, page.Messages)
}

func TestChannelsAndUsers(t *testing.T) {
	t.Parallel()
	server, listener := start(t)
	api := client(listener, token)

	auth, err := api.AuthTestContext(t.Context())
	require.NoError(t, err)
	require.Equal(t, "firebreak", auth.User)
	require.NotEmpty(t, auth.BotID)

	made, err := api.CreateConversationContext(t.Context(), slackgo.CreateConversationParams{ChannelName: "inc-1", IsPrivate: true})
	require.NoError(t, err)
	info, err := api.GetConversationInfoContext(t.Context(), &slackgo.GetConversationInfoInput{ChannelID: made.ID})
	require.NoError(t, err)
	require.Equal(t, "inc-1", info.Name)
	require.True(t, info.IsPrivate)
	require.Len(t, server.Channels(), 3)

	var names []string
	params := &slackgo.GetConversationsParameters{Limit: 1}
	for {
		page, next, err := api.GetConversationsContext(t.Context(), params)
		require.NoError(t, err)
		for _, c := range page {
			names = append(names, c.Name)
		}
		if next == "" {
			break
		}
		params.Cursor = next
	}
	require.Equal(t, []string{"legal", "incidents"}, names, "private channels are listed only when asked for")

	user, err := api.GetUserInfoContext(t.Context(), "U01LEG00001")
	require.NoError(t, err)
	require.Equal(t, "Lena", user.RealName)
	user, err = api.GetUserByEmailContext(t.Context(), "lena@nordwall.example")
	require.NoError(t, err)
	require.Equal(t, "U01LEG00001", user.ID)
}

func TestTimestampsAreUniqueUnderLoad(t *testing.T) {
	t.Parallel()
	server, listener := start(t)
	api := client(listener, token)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 10 {
				_, _, err := api.PostMessageContext(t.Context(), "#legal", slackgo.MsgOptionText("x", false))
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	seen := make(map[string]bool)
	for _, m := range server.Messages("#legal") {
		seen[m.TS] = true
	}
	require.Len(t, seen, 80)
}
