// Package secret keeps secrets out of text that leaves a process: errors, logs and workflow history. It is the last net
// behind code that does not put them there in the first place.
package secret

import (
	"log/slog"
	"regexp"
)

// Redactor replaces what looks like a secret.
type Redactor struct{ pattern *regexp.Regexp }

// NewRedactor knows Vault tokens (hvs., hvb., hvr., s.), Slack tokens (xox?-, xapp-), keys of gateways and model providers
// (sk-), AWS access key ids (AKIA, ASIA), JSON web tokens (eyJ) and passwords in URLs.
func NewRedactor() *Redactor {
	return &Redactor{pattern: regexp.MustCompile(
		`\bhv[sbr]\.[A-Za-z0-9_-]{8,}|\bs\.[A-Za-z0-9]{24}\b|\bxox[a-z]-[A-Za-z0-9-]{8,}|\bxapp-[A-Za-z0-9-]{8,}|\bsk-[A-Za-z0-9_-]{8,}|` +
			`\b(?:AKIA|ASIA)[A-Z0-9]{12,}|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]*)?|://[^/\s:@]+:[^/\s@]+@`)}
}

// Mask is what a secret is replaced by.
const Mask = "[redacted]"

// Text returns s with every secret replaced.
func (r *Redactor) Text(s string) string { return r.pattern.ReplaceAllString(s, Mask) }

// Attr is a slog.HandlerOptions.ReplaceAttr that redacts texts and errors.
func (r *Redactor) Attr(_ []string, a slog.Attr) slog.Attr {
	switch a.Value.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(r.Text(a.Value.String()))
	case slog.KindAny:
		if err, ok := a.Value.Any().(error); ok {
			a.Value = slog.StringValue(r.Text(err.Error()))
		}
	}
	return a
}
