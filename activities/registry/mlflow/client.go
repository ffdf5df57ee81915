// Package mlflow speaks to the model registry of MLflow over its REST API 2.0, and to nothing else of MLflow.
package mlflow

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"firebreak/activities/failure"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

const (
	// callTimeout bounds one call; Temporal repeats calls, so the client itself never does.
	callTimeout = 10 * time.Second
	// maxAnswer is the largest answer that is read. A page of versions is far smaller.
	maxAnswer = 8 << 20
	// root is the path under which the registry is.
	root = "/api/2.0/mlflow/"
)

// Client calls one MLflow server.
type Client struct {
	base     *url.URL
	settings Settings
	http     *http.Client
}

// Settings say where MLflow is and as whom to log in: with a token, or with a user and a password, or not at all.
type Settings struct{ Address, Token, User, Password string }

// NewClient builds a client from MLflow's own environment variables: MLFLOW_TRACKING_URI, and MLFLOW_TRACKING_TOKEN or
// MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD. Without MLFLOW_TRACKING_URI it returns nil: no registry is
// configured.
func NewClient() (*Client, error) {
	s := Settings{
		Address: os.Getenv("MLFLOW_TRACKING_URI"), Token: os.Getenv("MLFLOW_TRACKING_TOKEN"),
		User: os.Getenv("MLFLOW_TRACKING_USERNAME"), Password: os.Getenv("MLFLOW_TRACKING_PASSWORD"),
	}
	if s.Address == "" {
		return nil, nil
	}
	return New(s)
}

// New builds a client. It calls nothing.
func New(s Settings) (*Client, error) {
	// The value is not quoted in the error: an address may carry a password.
	u, err := url.Parse(s.Address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("MLFLOW_TRACKING_URI is not an address such as https://mlflow.example.com")
	}
	if u.User != nil {
		return nil, errors.New("MLFLOW_TRACKING_URI holds a user: set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD instead")
	}
	u.RawQuery, u.Fragment = "", ""
	return &Client{base: u, settings: s, http: &http.Client{
		Timeout: callTimeout,
		// A redirect could carry the credentials elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// WithTimeout returns a client that gives every call this long.
func (c *Client) WithTimeout(d time.Duration) *Client {
	other, client := *c, *c.http
	client.Timeout, other.http = d, &client
	return &other
}

// refusal is an answer of MLflow that is no success, or a call that did not reach it. It is tried again: a server comes
// back, a permission is mended. It has nothing of what the server said but its code, which is of a closed set.
type refusal struct {
	text   string
	status int
	code   string
	cause  error
	delay  time.Duration
}

// RetryDelay is how long a busy server asks to be left alone; zero if it did not.
func (r *refusal) RetryDelay() time.Duration { return r.delay }

// Error says which call went wrong, and how.
func (r *refusal) Error() string { return r.text }

// Unwrap returns the context's error if the call ended because of it.
func (r *refusal) Unwrap() error { return r.cause }

// refused reports whether MLflow answered with the code.
func refused(err error, code string) bool {
	var r *refusal
	return errors.As(err, &r) && r.code == code
}

// call sends a request and decodes the answer into out. Reads carry in as a query, writes as a document.
func (c *Client) call(ctx context.Context, method, path string, in map[string]any, out any) error {
	where := fmt.Sprintf("%s %s: MLflow at %s", method, path, c.base.Host)
	req, err := c.request(ctx, method, path, in)
	if err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	answer, err := c.http.Do(req)
	if err != nil {
		return unreached(ctx, where, err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	if err != nil {
		return unreached(ctx, where, err)
	}
	if answer.StatusCode != http.StatusOK {
		return denied(where, answer.StatusCode, answer.Header.Get("Retry-After"), body)
	}
	if len(body) > maxAnswer {
		return &refusal{text: fmt.Sprintf("%s answered more than %d bytes", where, maxAnswer)}
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return &refusal{text: where + " answered something that is not its JSON; is MLFLOW_TRACKING_URI right?"}
	}
	return nil
}

func (c *Client) request(ctx context.Context, method, path string, in map[string]any) (*http.Request, error) {
	u := c.base.JoinPath(root, path)
	var body io.Reader
	if method == http.MethodGet {
		q := url.Values{}
		for k, v := range in {
			q.Set(k, fmt.Sprint(v))
		}
		u.RawQuery = q.Encode()
	} else {
		raw, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	switch {
	case c.settings.Token != "":
		req.Header.Set("Authorization", "Bearer "+c.settings.Token)
	case c.settings.User != "":
		req.SetBasicAuth(c.settings.User, c.settings.Password)
	}
	return req, nil
}

// unreached words a call that brought no answer. The text of the transport's error has the URL in it, which is left out.
func unreached(ctx context.Context, where string, err error) error {
	if ended := ctx.Err(); ended != nil {
		return &refusal{text: where + " did not answer in time: " + ended.Error(), cause: ended}
	}
	var transport *url.Error
	if errors.As(err, &transport) {
		err = transport.Err
	}
	var slow interface{ Timeout() bool }
	if errors.As(err, &slow) && slow.Timeout() {
		return &refusal{text: where + " did not answer in time", cause: context.DeadlineExceeded}
	}
	return &refusal{text: where + " cannot be reached: " + err.Error()}
}

// denied words an answer that is no success.
func denied(where string, status int, retryAfter string, body []byte) error {
	var said struct {
		Code string `json:"error_code"`
	}
	_ = json.Unmarshal(body, &said) // a proxy answers in its own words; the status is enough then
	if strings.Trim(said.Code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") != "" || len(said.Code) > 60 {
		said.Code = ""
	}
	text := fmt.Sprintf("%s answered %d", where, status)
	switch {
	case status == http.StatusUnauthorized:
		text += ": set MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, to a login of the worker"
	case status == http.StatusForbidden:
		text += ": the worker's login may not do this; grant it EDIT on the registered model"
	case said.Code != "":
		text += " " + said.Code
	}
	r := &refusal{text: text, status: status, code: said.Code}
	if status == http.StatusTooManyRequests {
		r.delay = failure.RetryAfter(retryAfter)
	}
	return r
}
