// Package e2e holds the end-to-end tests: the real binaries against the real servers of the sandbox, one thing broken at a
// time.
package e2e
