package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/alert"
	"firebreak/internal/sns"
)

func payload(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile("../../testdata/alerts/" + name + ".json")
	require.NoError(t, err)
	return raw
}

func hmacHex(secret string, parts ...string) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(strings.Join(parts, "")))
	return "v1=" + hex.EncodeToString(m.Sum(nil))
}

// postAs is a post as the source's sender makes it.
func postAs(source string, raw []byte) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/alerts/"+source, bytes.NewReader(raw))
	r.Header.Set("Content-Type", "application/json")
	switch source {
	case alert.PagerDuty:
		r.Header.Set("X-PagerDuty-Signature", hmacHex("another-secret-of-theirs", string(raw))+","+hmacHex(testToken, string(raw)))
	case alert.Generic:
		timestamp := strconv.FormatInt(received.Unix(), 10)
		r.Header.Set("X-Firebreak-Timestamp", timestamp)
		r.Header.Set("X-Firebreak-Signature", hmacHex(testToken, "v1:", timestamp, ":", string(raw)))
	case alert.SNS:
		r.Header.Set("Content-Type", "text/plain; charset=UTF-8")
		r.Header.Set("X-Amz-Sns-Message-Type", "Notification")
	case alert.CloudEvents:
		r.Header.Set("Content-Type", "application/cloudevents+json; charset=utf-8")
		fallthrough
	default:
		r.Header.Set("Authorization", "Bearer "+testToken)
	}
	return r
}

// verified is a verifier of SNS messages that says what a test wants.
type verified struct{ verify, confirm error }

func (v verified) Verify(context.Context, *alert.Envelope) error  { return v.verify }
func (v verified) Confirm(context.Context, *alert.Envelope) error { return v.confirm }

func TestEverySourceIsTakenIn(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		source  string
		outcome string
		text    string
	}{
		"alertmanager/extraction-event": {alert.Alertmanager, "started", "incident/extraction-event/credit-api"},
		"grafana/firing":                {alert.Grafana, "started", "incident/extraction-event/credit-api"},
		"grafana/resolved":              {alert.Grafana, "no_open_incident", "incident/extraction-event/credit-api"},
		"pagerduty/triggered":           {alert.PagerDuty, "triaged", "field firebreak_kind is missing"},
		"pagerduty/resolved":            {alert.PagerDuty, "no_open_incident", "field firebreak_kind is missing"},
		"datadog/triggered":             {alert.Datadog, "started", "incident/extraction-event/credit-api"},
		"datadog/no-data":               {alert.Datadog, "triaged", "the monitor has no data"},
		"generic/firing":                {alert.Generic, "started", "incident/backdoor-discovery/credit-scorer@17"},
		"cloudevents/structured":        {alert.CloudEvents, "started", "incident/backdoor-discovery/credit-scorer@17"},
		"eventbridge/custom":            {alert.EventBridge, "started", "incident/dataset-compromise/loan-applications@2026-07-31"},
		"eventbridge/guardduty":         {alert.EventBridge, "triaged", "field firebreak_kind is missing"},
		"sns/alarm":                     {alert.SNS, "triaged", "field firebreak_kind is missing"},
		"sns/unsubscribe":               {alert.SNS, "triaged", "the subscription of the topic was ended"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakeTemporal{}
			in, logs := newIntake(t, f)
			in.sources[alert.SNS] = snsSource(verified{})
			code, a := send(t, in, postAs(tt.source, payload(t, name)))
			require.Equal(t, http.StatusOK, code, a)
			require.Len(t, a.Alerts, 1)
			require.Equal(t, tt.outcome, a.Alerts[0].Outcome)
			require.Contains(t, a.Alerts[0].IncidentID+a.Alerts[0].Reason, tt.text)
			require.NotContains(t, logs.String(), testToken)
			for _, al := range f.alerts {
				require.Equal(t, payload(t, name), unzipped(t, al.Raw))
				require.NotEmpty(t, al.Fields)
			}
		})
	}
}

func TestPostsWithoutAnAlertAreAnswered2xx(t *testing.T) {
	t.Parallel()
	f := &fakeTemporal{}
	in, _ := newIntake(t, f)
	in.sources[alert.SNS] = snsSource(verified{})
	for name, source := range map[string]string{"pagerduty/ping": alert.PagerDuty, "pagerduty/acknowledged": alert.PagerDuty, "sns/subscribe": alert.SNS} {
		code, a := send(t, in, postAs(source, payload(t, name)))
		require.Equal(t, http.StatusOK, code)
		require.NotEmpty(t, a.Note)
	}
	require.Empty(t, f.alerts)
	require.Empty(t, f.triaged)
}

func TestSourcesRefuse(t *testing.T) {
	t.Parallel()
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	stale := func(d time.Duration) func(*http.Request) {
		return func(r *http.Request) {
			timestamp := strconv.FormatInt(received.Add(d).Unix(), 10)
			r.Header.Set("X-Firebreak-Timestamp", timestamp)
			r.Header.Set("X-Firebreak-Signature", hmacHex(testToken, "v1:", timestamp, ":", string(payload(t, "generic/firing"))))
		}
	}
	tests := map[string]struct {
		source, file string
		change       func(*http.Request)
		sns          verified
		code         int
		text         string
	}{
		"pagerduty, no signature":    {alert.PagerDuty, "pagerduty/triggered", header("X-PagerDuty-Signature", ""), verified{}, 401, "the signature is missing or wrong"},
		"pagerduty, wrong signature": {alert.PagerDuty, "pagerduty/triggered", header("X-PagerDuty-Signature", hmacHex("x", "y")), verified{}, 401, "the signature is missing or wrong"},
		"pagerduty, a token instead": {alert.PagerDuty, "pagerduty/triggered", func(r *http.Request) {
			r.Header.Del("X-PagerDuty-Signature")
			r.Header.Set("Authorization", "Bearer "+testToken)
		}, verified{}, 401, "the signature is missing or wrong"},
		"generic, stale":             {alert.Generic, "generic/firing", stale(-301 * time.Second), verified{}, 401, "more than five minutes"},
		"generic, in the future":     {alert.Generic, "generic/firing", stale(301 * time.Second), verified{}, 401, "more than five minutes"},
		"generic, another time":      {alert.Generic, "generic/firing", header("X-Firebreak-Timestamp", strconv.FormatInt(received.Unix()+1, 10)), verified{}, 401, "the signature is missing or wrong"},
		"generic, wrong media":       {alert.Generic, "generic/firing", header("Content-Type", "text/plain"), verified{}, 415, "must be application/json"},
		"grafana, no token":          {alert.Grafana, "grafana/firing", header("Authorization", ""), verified{}, 401, "bearer token"},
		"datadog, wrong token":       {alert.Datadog, "datadog/triggered", header("Authorization", "Bearer x"), verified{}, 401, "bearer token"},
		"eventbridge, basic":         {alert.EventBridge, "eventbridge/custom", header("Authorization", "Basic "+testToken), verified{}, 401, "bearer token"},
		"cloudevents, batch":         {alert.CloudEvents, "cloudevents/structured", header("Content-Type", "application/cloudevents-batch+json"), verified{}, 415, "must be application/cloudevents+json or application/json"},
		"sns, a form":                {alert.SNS, "sns/alarm", header("Content-Type", "application/x-www-form-urlencoded"), verified{}, 415, "must be text/plain"},
		"sns, untrusted":             {alert.SNS, "sns/alarm", nil, verified{verify: fmt.Errorf("%w: the signature is wrong", sns.ErrUntrusted)}, 403, "the signature is wrong"},
		"sns, cannot say now":        {alert.SNS, "sns/alarm", nil, verified{verify: fmt.Errorf("%w: dial 10.0.0.1", sns.ErrUnavailable)}, 503, "send it again"},
		"sns, not confirmed":         {alert.SNS, "sns/subscribe", nil, verified{confirm: fmt.Errorf("%w: dial 10.0.0.1", sns.ErrUnavailable)}, 503, "send it again"},
		"sns, wrong place":           {alert.SNS, "sns/subscribe", nil, verified{confirm: fmt.Errorf("%w: the URL does not lead", sns.ErrUntrusted)}, 403, "does not lead"},
		"sns, another form":          {alert.SNS, "generic/firing", nil, verified{}, 400, "malformed body"},
		"pagerduty, another form":    {alert.PagerDuty, "generic/firing", nil, verified{}, 400, "as the webhooks of version 3 have"},
		"eventbridge, another form":  {alert.EventBridge, "generic/firing", nil, verified{}, 400, "it is no EventBridge event"},
		"datadog, another's version": {alert.Grafana, "alertmanager/extraction-event", nil, verified{}, 400, "unsupported version of the format"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakeTemporal{}
			in, logs := newIntake(t, f)
			in.sources[alert.SNS] = snsSource(tt.sns)
			r := postAs(tt.source, payload(t, tt.file))
			if tt.change != nil {
				tt.change(r)
			}
			code, a := send(t, in, r)
			require.Equal(t, tt.code, code, a)
			require.Contains(t, a.Error, tt.text)
			require.NotContains(t, a.Error, "10.0.0.1")
			require.Empty(t, f.alerts)
			require.Empty(t, f.triaged)
			require.Contains(t, logs.String(), "level=WARN")
		})
	}
}

func TestSourceWithoutSecretIsNotServed(t *testing.T) {
	t.Parallel()
	in, _ := newIntake(t, &fakeTemporal{})
	delete(in.sources, alert.Grafana)
	for _, source := range []string{alert.Grafana, alert.SNS, "nagios"} {
		w := httptest.NewRecorder()
		in.routes().ServeHTTP(w, postAs(source, payload(t, "grafana/firing")))
		require.Equal(t, http.StatusNotFound, w.Code, source)
	}
}

func TestSecretsOfSources(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	const first, second, third = "5f1c9a3be0d7248c5f1c", "a07d55c1b92e4f13a07d", "c3e81f7264ab90d5c3e8"
	a := &app{env: newEnvironment([]string{"FIREBREAK_GRAFANA_SECRET_FILE=" + file("grafana", first+"\n"), tokenVariable + "=" + testToken})}
	sources, err := a.sources("", []string{"generic=" + file("two", first+"\n"+second+"\n"), "generic=" + file("one", third)}, func() time.Time { return received })
	require.NoError(t, err)
	in, _ := newIntake(t, &fakeTemporal{})
	in.sources = sources
	require.Equal(t, []string{"alertmanager", "generic", "grafana"}, in.served())
	raw := payload(t, "generic/firing")
	for secret, want := range map[string]int{first: 200, second: 200, third: 200, testToken: 401} {
		r := postAs(alert.Generic, raw)
		r.Header.Set("X-Firebreak-Signature", hmacHex(secret, "v1:", r.Header.Get("X-Firebreak-Timestamp"), ":", string(raw)))
		code, _ := send(t, in, r)
		require.Equal(t, want, code)
	}
	r := postAs(alert.Grafana, payload(t, "grafana/firing"))
	code, _ := send(t, in, r)
	require.Equal(t, http.StatusUnauthorized, code, "the secret of one source is none of another's")
	r.Header.Set("Authorization", "Bearer "+first)
	r.Body = io.NopCloser(bytes.NewReader(payload(t, "grafana/firing")))
	code, _ = send(t, in, r)
	require.Equal(t, http.StatusOK, code)
}

// Strangers who send large bodies slowly take bounded memory, and hold up no sender of small posts or with a token.
func TestStrangersWithLargeBodiesHoldNobodyUp(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	f := &fakeTemporal{}
	in, _ := newIntake(t, f)
	in.large = make(chan struct{}, 2)
	address, done := listening(t, ctx, in, defaultLimits())
	var slow []net.Conn
	for range 6 {
		conn, err := net.Dial("tcp", address)
		require.NoError(t, err)
		t.Cleanup(func() { conn.Close() })
		_, err = fmt.Fprintf(conn, "POST /alerts/pagerduty HTTP/1.1\r\nHost: trigger\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
			alert.MaxBytes, strings.Repeat(" ", smallBody+1))
		require.NoError(t, err)
		slow = append(slow, conn)
	}
	require.Eventually(t, func() bool { return len(in.large) == 2 }, 10*time.Second, time.Millisecond)
	refused := 0
	for _, conn := range slow {
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(time.Second)))
		if answer, err := io.ReadAll(conn); err == nil {
			require.Contains(t, string(answer), "503 Service Unavailable")
			refused++
		}
	}
	require.Equal(t, 4, refused, "two are read, the others are told to come again")
	require.Equal(t, http.StatusOK, postTo(t, address, alertFile(t, "dataset-compromise.json")))
	r := postAs(alert.PagerDuty, payload(t, "pagerduty/triggered"))
	r.RequestURI, r.URL.Scheme, r.URL.Host = "", "http", address
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode, "a small post needs no slot")
	for _, conn := range slow {
		conn.Close()
	}
	require.Eventually(t, func() bool { return len(in.large) == 0 }, 10*time.Second, time.Millisecond, "slots are given back")
	stop()
	require.NoError(t, <-done)
}
