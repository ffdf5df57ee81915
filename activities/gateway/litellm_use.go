package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Call asks the model for one token, with everything that L1 takes from answers: several choices and log probabilities.
// What is neither an answer, nor a refusal of a blocked key, nor one for being over a limit, tells nothing and is an error: a
// key that expired is refused too. A model that knows neither choices nor probabilities is asked again without them.
func (l *LiteLLM) Call(ctx context.Context, instance, key, model string) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, l.dataTimeout)
	defer cancel()
	plain := map[string]any{"model": model, "max_tokens": 1, "messages": []map[string]string{{"role": "user", "content": "ping"}}}
	full := maps.Clone(plain)
	full["n"], full["logprobs"], full["top_logprobs"] = 2, true, 1
	a, status, err := l.ask(ctx, instance, key, full)
	if status == http.StatusBadRequest {
		a, _, err = l.ask(ctx, instance, key, plain)
	}
	return a, err
}

func (l *LiteLLM) ask(ctx context.Context, instance, key string, body map[string]any) (Answer, int, error) {
	begun := time.Now()
	r, err := l.send(ctx, http.MethodPost, strings.TrimSuffix(instance, "/")+"/v1/chat/completions", key, "", body)
	if err != nil {
		return Answer{}, 0, fmt.Errorf("use a key: gateway at %s %w", hostOf(instance), err)
	}
	a := Answer{Took: time.Since(begun), How: fmt.Sprintf("HTTP %d", r.status)}
	message := r.said(key)
	switch {
	case r.status == http.StatusOK:
		a, err = served(instance, a, r.body)
		return a, r.status, err
	case (r.status == http.StatusUnauthorized || r.status == http.StatusForbidden) && saysBlocked(message):
		a.Outcome = Blocked
		return a, r.status, nil
	case r.status == http.StatusTooManyRequests && saysLimited(message):
		a.Outcome = Limited
		return a, r.status, nil
	}
	return a, r.status, fmt.Errorf("use a key: gateway at %s answered %d, which says nothing about the key: %s", hostOf(instance), r.status, message)
}

func served(instance string, a Answer, raw []byte) (Answer, error) {
	var body struct {
		Choices []struct {
			Logprobs json.RawMessage `json:"logprobs"`
		} `json:"choices"`
	}
	if err := json.Unmarshal(raw, &body); err != nil || len(body.Choices) == 0 {
		return a, fmt.Errorf("use a key: gateway at %s answered 200 without a completion", hostOf(instance))
	}
	a.Outcome, a.Choices = Served, len(body.Choices)
	for _, c := range body.Choices {
		a.Logprobs = a.Logprobs || len(c.Logprobs) > 0 && string(c.Logprobs) != "null"
	}
	return a, nil
}

// mostRows is how many rows LiteLLM returns of the spend log at most, the newest.
const mostRows = 10_000

// Usage reads the spend log. Its filter knows whole days only, so that the rows are counted here.
func (l *LiteLLM) Usage(ctx context.Context, consumer string, since time.Time) (Usage, error) {
	day := func(t time.Time) string { return t.UTC().Format(time.DateOnly) }
	query := url.Values{
		"api_key": {consumer}, "summarize": {"false"}, "start_date": {day(since)}, "end_date": {day(time.Now().Add(24 * time.Hour))},
	}
	var rows []struct {
		StartTime string  `json:"startTime"`
		Status    string  `json:"status"`
		Tokens    int64   `json:"total_tokens"`
		Spend     float64 `json:"spend"`
	}
	if err := l.admin(ctx, http.MethodGet, "/spend/logs?"+query.Encode(), nil, "", &rows); err != nil {
		return Usage{}, err
	}
	u := Usage{Partial: len(rows) >= mostRows}
	for _, r := range rows {
		at, err := logTime(r.StartTime)
		if err != nil {
			return Usage{}, fmt.Errorf("GET /spend/logs: gateway at %s answered a row whose startTime is no time", l.host())
		}
		switch {
		case at.Before(since):
		case r.Status == "failure":
			u.Refused++
		default:
			u.Requests++
			u.Tokens += r.Tokens
			u.Spend += r.Spend
			if at.After(u.Last) {
				u.Last = at
			}
		}
	}
	return u, nil
}

// logTime reads a time of the spend log; LiteLLM leaves the zone out where it means UTC.
func logTime(text string) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return at, nil
	}
	return time.Parse("2006-01-02T15:04:05.999999999", strings.Replace(text, " ", "T", 1))
}
