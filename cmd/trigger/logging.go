package main

import (
	"io"
	"log/slog"
	"regexp"
)

// secretShapes are the forms of tokens of Vault, Slack and AWS, of JSON Web Tokens and of authorization headers. None
// should ever reach a log line; this is the net under that rule.
var secretShapes = regexp.MustCompile(`hv[sbr]\.[\w-]{8,}|\bs\.[A-Za-z0-9]{24,}|xox[abprs]-[\w-]+|\bA[KS]IA[A-Z0-9]{12,}|` +
	`\beyJ[\w-]{10,}[\w.-]*|(?i:bearer) +\S+`)

// newLogger writes text lines with anything that looks like a secret taken out.
func newLogger(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{ReplaceAttr: redact}))
}

func redact(_ []string, a slog.Attr) slog.Attr {
	switch v := a.Value.Any().(type) {
	case string:
		a.Value = slog.StringValue(secretShapes.ReplaceAllString(v, "[redacted]"))
	case error:
		a.Value = slog.StringValue(secretShapes.ReplaceAllString(v.Error(), "[redacted]"))
	}
	return a
}
