package litellmfake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// entry is a row of the spend log.
type entry struct {
	key    string
	at     time.Time
	status string
}

// count is a window of the limiter, which begins with its first request.
type count struct {
	begun time.Time
	n     int
}

// known is a key as an instance sees it.
func (g *Gateway) known(i int, hash string) row {
	if c, found := g.caches[i][hash]; found && (g.stale || time.Now().Before(c.until)) {
		return c.row
	}
	r := g.read(hash)
	if r != nil {
		g.caches[i][hash] = cached{row: r, until: time.Now().Add(g.settings.CacheTTL)}
	}
	return r
}

func (g *Gateway) chat(i int, key string, in map[string]json.RawMessage) answer {
	hash := Hash(key)
	r := g.known(i, hash)
	if r == nil {
		return refused(http.StatusUnauthorized, "Authentication Error, Invalid proxy server token passed. Received API Key = "+key+", Key Hash (Token) ="+hash+". Unable to find token in cache or `LiteLLM_VerificationTokenTable`")
	}
	if string(r["blocked"]) == "true" {
		return refused(http.StatusUnauthorized, "Authentication Error, Key is blocked. Update via `/key/unblock` if you're an admin.")
	}
	if at, err := time.Parse(time.RFC3339, r.text("expires")); err == nil && time.Now().After(at) {
		return refused(http.StatusUnauthorized, "Authentication Error - Expired Key. Key Expiry time "+r.text("expires"))
	}
	var aliases map[string]string
	_ = json.Unmarshal(r["aliases"], &aliases)
	model := row(in).text("model")
	if aliases[model] != "" {
		model = aliases[model]
	}
	var models []string
	if _ = json.Unmarshal(r["models"], &models); len(models) > 0 && !slices.Contains(models, model) {
		return refused(http.StatusForbidden, "key not allowed to access model. This key can only access models="+fmt.Sprint(models)+". Tried to access "+model)
	}
	if limit, err := strconv.Atoi(string(r["rpm_limit"])); err == nil && g.over(i, hash, limit) {
		g.spend = append(g.spend, entry{hash, time.Now(), "failure"})
		return refused(http.StatusTooManyRequests, fmt.Sprintf("Rate limit exceeded for api_key: %s. Limit type: requests. Current limit: %d, Remaining: 0. Limit resets at: soon", hash, limit))
	}
	return g.complete(hash, model, in)
}

// over counts a request and reports whether it is one too many.
func (g *Gateway) over(i int, hash string, limit int) bool {
	name := hash
	if g.settings.Apart {
		name = fmt.Sprint(i, hash)
	}
	c := g.counts[name]
	if c == nil || time.Since(c.begun) >= g.settings.Window {
		c = &count{begun: time.Now()}
		g.counts[name] = c
	}
	if c.n >= limit {
		return true
	}
	c.n++
	return false
}

// complete asks the model.
func (g *Gateway) complete(hash, model string, in map[string]json.RawMessage) answer {
	n, logprobs := 1, string(in["logprobs"]) == "true"
	if v, err := strconv.Atoi(string(in["n"])); err == nil {
		n = v
	}
	if slices.Contains(g.settings.Plain, model) && (n > 1 || logprobs) {
		return refused(http.StatusBadRequest, "litellm.UnsupportedParamsError: this model does not support parameters: ['n', 'logprobs']")
	}
	if slices.Contains(g.settings.Stripped, model) {
		n, logprobs = 1, false
	}
	switch g.upstream {
	case 0:
	case http.StatusTooManyRequests:
		return refused(g.upstream, "litellm.RateLimitError: OpenAIException - Rate limit reached for the organization")
	default:
		return refused(g.upstream, "litellm.InternalServerError: the model is down")
	}
	var choices []map[string]any
	for i := range n {
		c := map[string]any{"index": i, "finish_reason": "length", "message": map[string]string{"role": "assistant", "content": "a"}}
		if logprobs {
			c["logprobs"] = map[string]any{"content": []any{map[string]any{"token": "a", "logprob": -0.1}}}
		}
		choices = append(choices, c)
	}
	g.spend = append(g.spend, entry{hash, time.Now(), "success"})
	return ok(map[string]any{"id": "chatcmpl-1", "object": "chat.completion", "model": model, "choices": choices})
}

// logs are the rows of whole days, the newest first.
func (g *Gateway) logs(q url.Values) answer {
	from, err := time.Parse(time.DateOnly, q.Get("start_date"))
	to, err2 := time.Parse(time.DateOnly, q.Get("end_date"))
	if err != nil || err2 != nil || q.Get("summarize") != "false" {
		return refused(http.StatusBadRequest, "time data does not match format '%Y-%m-%d'")
	}
	rows := []map[string]any{}
	for _, e := range slices.Backward(g.spend) {
		if e.key == q.Get("api_key") && !e.at.Before(from) && !e.at.After(to) {
			rows = append(rows, map[string]any{"api_key": e.key, "startTime": e.at.UTC().Format("2006-01-02T15:04:05.000Z"), "status": e.status, "total_tokens": 2, "spend": 0.001})
		}
	}
	return ok(rows)
}
