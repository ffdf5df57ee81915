package gateway

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// adminTimeout bounds one call of administration, dataTimeout one call as a consumer, which may wait for a model.
	adminTimeout = 10 * time.Second
	dataTimeout  = 30 * time.Second
	// mostBytes bounds what is read of an answer. A page of 10,000 rows of the spend log is the longest.
	mostBytes = 64 << 20
	// canaryLife is how long a canary can be used. It outlives every watch, and does not stay for ever if nobody removes it.
	canaryLife = "90d"
)

// errNoKey means that the gateway knows no key with the hash.
var errNoKey = errors.New("the gateway knows no key with this hash")

// LiteLLM is LiteLLM's proxy: its endpoints /key/*, /spend/logs and /v1/chat/completions.
type LiteLLM struct {
	url      string
	adminKey string
	client   *http.Client
	// adminTimeout and dataTimeout bound one call of administration and one as a consumer.
	adminTimeout, dataTimeout time.Duration
}

var _ ConsumerControl = (*LiteLLM)(nil)

// NewLiteLLM returns a client for the proxy at the address. It calls nothing. Redirects are not followed and no proxy is used:
// the key for administration goes to no other server.
func NewLiteLLM(address, adminKey string) *LiteLLM {
	return &LiteLLM{url: strings.TrimSuffix(address, "/"), adminKey: adminKey, adminTimeout: adminTimeout, dataTimeout: dataTimeout, client: &http.Client{
		Transport:     &http.Transport{DialContext: (&net.Dialer{Timeout: 3 * time.Second}).DialContext, TLSHandshakeTimeout: 3 * time.Second, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// WithTimeout returns a client that gives every call this long.
func (l *LiteLLM) WithTimeout(d time.Duration) *LiteLLM {
	c := *l
	c.adminTimeout, c.dataTimeout = d, d
	return &c
}

// Info reads a key by its hash.
func (l *LiteLLM) Info(ctx context.Context, consumer string) (Key, error) {
	var out struct {
		Info map[string]json.RawMessage `json:"info"`
	}
	if err := l.admin(ctx, http.MethodGet, "/key/info?key="+url.QueryEscape(consumer), nil, "", &out); err != nil {
		return Key{}, err
	}
	if at := string(out.Info["deleted_at"]); at != "" && at != "null" {
		return Key{}, errNoKey
	}
	k := Key{Fields: map[string]json.RawMessage{}}
	for _, name := range recordedFields() {
		if raw := out.Info[name]; len(raw) > 0 {
			k.Fields[name] = raw
		}
	}
	if raw := out.Info["metadata"]; len(raw) > 0 {
		sum := sha256.Sum256(raw)
		k.MetadataSHA256 = hex.EncodeToString(sum[:])
	}
	return k, nil
}

// Limit changes limits with POST /key/update. A null takes a limit away.
func (l *LiteLLM) Limit(ctx context.Context, consumer string, limits Limits, actor string) error {
	body := map[string]any{"key": consumer}
	for name, raw := range limits {
		body[name] = raw
	}
	if string(limits[fieldAliases]) == "null" {
		body[fieldAliases] = json.RawMessage("{}")
	}
	return l.admin(ctx, http.MethodPost, "/key/update", body, actor, nil)
}

// Block is POST /key/block or /key/unblock.
func (l *LiteLLM) Block(ctx context.Context, consumer string, blocked bool, actor string) error {
	path := "/key/unblock"
	if blocked {
		path = "/key/block"
	}
	return l.admin(ctx, http.MethodPost, path, map[string]any{"key": consumer}, actor, nil)
}

// Issue is POST /key/generate. The key can do little harm: it is for these models, has a budget of one unit and ends by itself.
func (l *LiteLLM) Issue(ctx context.Context, name string, models []string, actor string) (key, hash string, err error) {
	var out struct {
		Key string `json:"key"`
	}
	body := map[string]any{"key_alias": name, "models": models, "max_budget": 1, "duration": canaryLife, "metadata": map[string]string{"firebreak": actor}}
	if err := l.admin(ctx, http.MethodPost, "/key/generate", body, actor, &out); err != nil {
		return "", "", err
	}
	if out.Key == "" {
		return "", "", fmt.Errorf("POST /key/generate: gateway at %s answered without a key", l.host())
	}
	sum := sha256.Sum256([]byte(out.Key))
	return out.Key, hex.EncodeToString(sum[:]), nil
}

// Withdraw is POST /key/delete. That the key is gone already is no error.
func (l *LiteLLM) Withdraw(ctx context.Context, hash, actor string) error {
	return l.remove(ctx, map[string]any{"keys": []string{hash}}, actor)
}

// WithdrawNamed is Withdraw for a key whose hash nobody has learnt.
func (l *LiteLLM) WithdrawNamed(ctx context.Context, name, actor string) error {
	return l.remove(ctx, map[string]any{"key_aliases": []string{name}}, actor)
}

func (l *LiteLLM) remove(ctx context.Context, which map[string]any, actor string) error {
	err := l.admin(ctx, http.MethodPost, "/key/delete", which, actor, nil)
	if errors.Is(err, errNoKey) {
		return nil
	}
	return err
}

// admin makes one call of administration.
func (l *LiteLLM) admin(ctx context.Context, method, path string, body any, actor string, out any) error {
	ctx, cancel := context.WithTimeout(ctx, l.adminTimeout)
	defer cancel()
	plain, _, _ := strings.Cut(path, "?")
	where := fmt.Sprintf("%s %s: gateway at %s", method, plain, l.host())
	r, err := l.send(ctx, method, l.url+path, l.adminKey, actor, body)
	if err != nil {
		return fmt.Errorf("%s %w", where, err)
	}
	message := r.said(l.adminKey)
	switch {
	case r.status == http.StatusNotFound && saysNoKey(message):
		return fmt.Errorf("%s: %w", where, errNoKey)
	case r.status == http.StatusUnauthorized || r.status == http.StatusForbidden:
		return fmt.Errorf("%s answered %d: the key for administration is not valid or not an admin's; check admin_key_ref", where, r.status)
	case r.status == http.StatusTooManyRequests:
		return &busyError{text: where + " answered 429: it is busy", delay: r.pause()}
	case r.status/100 != 2:
		return fmt.Errorf("%s answered %d: %s", where, r.status, message)
	case out == nil:
		out = &map[string]json.RawMessage{}
	}
	if err := json.Unmarshal(r.body, out); err != nil {
		return fmt.Errorf("%s answered what is no JSON of the expected form", where)
	}
	return nil
}

// send makes a request and reads the answer. Its errors hold neither key nor address: the caller names the host.
func (l *LiteLLM) send(ctx context.Context, method, address, key, actor string, body any) (reply, error) {
	var reader io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return reply{}, errors.New("cannot be asked: encode request")
		}
		reader = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, address, reader)
	if err != nil {
		return reply{}, errors.New("cannot be asked: its address is not valid")
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Content-Type", "application/json")
	if actor != "" {
		req.Header.Set("litellm-changed-by", actor)
	}
	resp, err := l.client.Do(req)
	if err != nil {
		return reply{}, unreachable(ctx, err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, mostBytes+1))
	if err != nil {
		return reply{}, unreachable(ctx, err)
	}
	if len(raw) > mostBytes {
		return reply{}, fmt.Errorf("answered more than %d bytes", mostBytes)
	}
	return reply{status: resp.StatusCode, retryAfter: resp.Header.Get("Retry-After"), body: raw}, nil
}

func unreachable(ctx context.Context, err error) error {
	if ended := ctx.Err(); ended != nil {
		return fmt.Errorf("did not answer in time: %w", ended)
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return errors.New("cannot be reached: " + redact(err.Error()))
}

// host is the gateway's address without a path.
func (l *LiteLLM) host() string { return hostOf(l.url) }

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "an address that is not valid"
	}
	return u.Host
}
