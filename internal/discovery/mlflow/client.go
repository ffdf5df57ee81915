package mlflow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Limits of what is asked and answered.
const (
	maxAnswer      = 16 << 20
	requestTimeout = 30 * time.Second
	attempts       = 4
	mostWait       = 10 * time.Second
)

// Client reads one tracking server. Token is sent as a bearer token; without one, User and Password are sent if they are set.
type Client struct {
	base                  *url.URL
	token, user, password string
	http                  *http.Client
	// wait is the time before the second attempt; it doubles.
	wait time.Duration
}

// New checks the address of a tracking server. An address with a password in it is refused: it would show in errors and in the
// list of processes.
func New(address, token, user, password string) (*Client, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("the address of MLflow is none such as https://mlflow.example.com")
	case u.User != nil:
		return nil, errors.New("the address of MLflow has a name or password in it: set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD instead")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("the address of MLflow has a query or fragment: give the address of the server alone")
	}
	return &Client{base: u, token: token, user: user, password: password, wait: 500 * time.Millisecond, http: &http.Client{
		Timeout: requestTimeout,
		// A redirect to another place would take the token there.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// absent is what the server says of something that it has not.
type absent struct{ code string }

func (e *absent) Error() string { return "it is not there (" + e.code + ")" }

// get reads one answer into out. Servers that are busy are asked again.
func (c *Client) get(ctx context.Context, path string, query url.Values, out any) error {
	wait := c.wait
	for n := 1; ; n++ {
		again, after, err := c.once(ctx, path, query, out)
		if err == nil {
			return nil
		}
		if !again || n == attempts || ctx.Err() != nil {
			return fmt.Errorf("ask MLflow for %s: %w", path, err)
		}
		timer := time.NewTimer(min(max(wait, after), mostWait))
		select {
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("ask MLflow for %s: %w", path, ctx.Err())
		case <-timer.C:
		}
		wait *= 2
	}
}

// once asks once; again says that another attempt may help, and after how long the server would like it.
func (c *Client) once(ctx context.Context, path string, query url.Values, out any) (again bool, after time.Duration, err error) {
	u := c.base.JoinPath("api/2.0/mlflow", path)
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return false, 0, errors.New("the request cannot be made")
	}
	req.Header.Set("Accept", "application/json")
	switch {
	case c.token != "":
		req.Header.Set("Authorization", "Bearer "+c.token)
	case c.user != "":
		req.SetBasicAuth(c.user, c.password)
	}
	res, err := c.http.Do(req)
	if err != nil {
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err // without the address, which has the query in it
		}
		return true, 0, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return true, 0, err
	}
	if len(raw) > maxAnswer {
		return false, 0, fmt.Errorf("the answer is larger than %d bytes", maxAnswer)
	}
	if res.StatusCode != http.StatusOK {
		again, err := refusal(res.StatusCode, raw)
		seconds, _ := strconv.Atoi(res.Header.Get("Retry-After"))
		return again, time.Duration(seconds) * time.Second, err
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return false, 0, errors.New("the answer is no JSON of MLflow: is this the address of a tracking server?")
	}
	return false, 0, nil
}

// refusal reads an error of MLflow. Its message may quote the request and is not repeated.
func refusal(status int, raw []byte) (again bool, err error) {
	var body struct {
		Code string `json:"error_code"`
	}
	_ = json.Unmarshal(raw, &body) // a proxy answers in HTML
	code := strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' || r == '_' {
			return r
		}
		return -1
	}, body.Code)
	code = code[:min(len(code), 60)]
	switch {
	case code == "RESOURCE_DOES_NOT_EXIST":
		return false, &absent{code}
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return false, fmt.Errorf("HTTP %d: set MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, to what may read the registry", status)
	case status >= 300 && status < 400:
		return false, fmt.Errorf("HTTP %d: it leads elsewhere; give the address at which MLflow answers", status)
	case status == http.StatusTooManyRequests || status >= 500:
		return true, fmt.Errorf("HTTP %d %s", status, code)
	}
	return false, fmt.Errorf("HTTP %d %s", status, code)
}
