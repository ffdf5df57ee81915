// Package browser opens a real browser for tests, and its own tests look at the incident page with it: at the width of a
// phone, in the dark, without scripts, and while an incident changes. It needs Chromium and nothing of the sandbox's servers;
// see Find.
package browser
