package main

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/internal/alert"
)

func TestAlertPostsThatAreRefused(t *testing.T) {
	t.Parallel()
	valid := alertFile(t, "dataset-compromise.json")
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Del(name)
			if value != "" {
				r.Header.Set(name, value)
			}
		}
	}
	body := func(raw string) func(*http.Request) {
		return func(r *http.Request) { r.Body, r.ContentLength = io.NopCloser(strings.NewReader(raw)), int64(len(raw)) }
	}
	tests := map[string]struct {
		change func(*http.Request)
		code   int
		text   string
	}{
		"no token":           {header("Authorization", ""), 401, "bearer token is missing or wrong"},
		"wrong token":        {header("Authorization", "Bearer wrong-horse-battery-staple"), 401, "bearer token is missing or wrong"},
		"token with more":    {header("Authorization", "Bearer "+testToken+"x"), 401, "bearer token is missing or wrong"},
		"basic scheme":       {header("Authorization", "Basic "+testToken), 401, "bearer token is missing or wrong"},
		"bare token":         {header("Authorization", testToken), 401, "bearer token is missing or wrong"},
		"no content type":    {header("Content-Type", ""), 415, "must be application/json"},
		"form":               {header("Content-Type", "application/x-www-form-urlencoded"), 415, "must be application/json"},
		"multipart":          {header("Content-Type", "multipart/form-data; boundary=x"), 415, "must be application/json"},
		"json by suffix":     {header("Content-Type", "application/vnd.x+json"), 415, "must be application/json"},
		"compressed":         {header("Content-Encoding", "gzip"), 415, "without a Content-Encoding"},
		"empty":              {body(""), 400, "empty"},
		"cut off":            {body(string(valid[:100])), 400, "malformed body"},
		"two values":         {body(string(valid) + string(valid)), 400, "something follows the JSON value"},
		"deep":               {body(strings.Repeat("[", 100000)), 400, "deeper than"},
		"another version":    {body(strings.Replace(string(valid), `"4"`, `"5"`, 1)), 400, `unsupported version of the format: "5", want "4"`},
		"larger than it can": {body(string(valid) + strings.Repeat(" ", alert.MaxBytes)), 413, "larger than 1048576 bytes"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakeTemporal{}
			in, logs := newIntake(t, f)
			r := alertPost(bytes.NewReader(valid))
			tt.change(r)
			code, a := send(t, in, r)
			require.Equal(t, tt.code, code)
			require.Contains(t, a.Error, tt.text)
			require.Empty(t, f.alerts)
			require.Contains(t, logs.String(), "level=WARN")
			require.NotContains(t, logs.String(), testToken)
			require.NotContains(t, a.Error, testToken)
		})
	}
}

// countingBody yields n bytes and counts those that were asked for.
type countingBody struct{ left, read int }

func (c *countingBody) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, io.EOF
	}
	n := min(len(p), c.left)
	for i := range n {
		p[i] = ' '
	}
	c.left -= n
	c.read += n
	return n, nil
}

func TestAlertBodyOfTenMegabytesIsNotRead(t *testing.T) {
	t.Parallel()
	const size = 10 << 20
	in, _ := newIntake(t, &fakeTemporal{})

	declared := &countingBody{left: size}
	r := alertPost(declared)
	r.ContentLength = size
	code, _ := send(t, in, r)
	require.Equal(t, http.StatusRequestEntityTooLarge, code)
	require.Zero(t, declared.read)

	chunked := &countingBody{left: size}
	r = alertPost(chunked)
	r.ContentLength = -1
	code, _ = send(t, in, r)
	require.Equal(t, http.StatusRequestEntityTooLarge, code)
	require.LessOrEqual(t, chunked.read, alert.MaxBytes+64<<10)

	anonymous := &countingBody{left: size}
	r = alertPost(anonymous)
	r.ContentLength = -1
	r.Header.Del("Authorization")
	code, _ = send(t, in, r)
	require.Equal(t, http.StatusUnauthorized, code)
	require.Zero(t, anonymous.read, "a sender without the token is not read at all")
}
