// Package conformance is the test that every adapter of firebreak passes, whatever it acts on: an endpoint, a registry or
// the consumers of a gateway.
//
// An adapter's test hands Run a Subject, one action on one target in a world of its own. The kit runs the action's four
// stages through a Provider, a proxy that stands between the adapter and its server and can break one thing at a time; the
// server behind it is a fake or a real one. A Subject says where a rule is not meant for it, with the reason.
package conformance
