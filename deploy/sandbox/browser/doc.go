// Package browser looks at the incident page with a real browser: at the width of a phone, in the dark, without scripts, and
// while an incident changes. It needs Chromium and nothing of the sandbox's servers; see Find.
package browser
