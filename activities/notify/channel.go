package notify

import (
	"context"
	"strings"
	"sync"

	"github.com/slack-go/slack"
)

// channels finds channels by name. Pages that were read are kept, so that a search which Slack interrupts with a rate limit
// goes on where it stopped when it is tried again.
type channels struct {
	mu     sync.Mutex
	ids    map[string]string
	cursor string
}

// mostPages bounds a search, at 1000 channels a page.
const mostPages = 100

// id returns the id of the channel with the name, which may begin with #.
func (c *channels) id(ctx context.Context, api slackAPI, name string) (string, error) {
	name = strings.TrimPrefix(name, "#")
	what := "find channel #" + name
	c.mu.Lock()
	defer c.mu.Unlock()
	if id := c.ids[name]; id != "" {
		return id, nil
	}
	for range mostPages {
		page, next, err := api.GetConversationsContext(ctx, &slack.GetConversationsParameters{
			Cursor: c.cursor, Limit: 1000, ExcludeArchived: true, Types: []string{"public_channel", "private_channel"},
		})
		if err != nil {
			if refusedWith(err, "invalid_cursor") {
				c.cursor = ""
			}
			return "", explain(ctx, what, err)
		}
		for i := range page {
			c.ids[page[i].Name] = page[i].ID
		}
		c.cursor = next
		if id := c.ids[name]; id != "" {
			return id, nil
		}
		if next == "" {
			break
		}
	}
	c.cursor = ""
	const gone = "channel_not_found"
	return "", &refusedError{code: gone, text: what + ": slack shows no such channel: " + remedy(gone)}
}

// forget drops a channel that turned out to be gone, e.g. because it was made anew.
func (c *channels) forget(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.ids, strings.TrimPrefix(name, "#"))
}
