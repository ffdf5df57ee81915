// Package alert decodes what alerting systems send into Signals, one strict decoder a sender.
//
// A decoder trusts nothing: it bounds size and depth, cleans text, bounds the fields it takes over and derives the key from
// the sender's own id. It decides nothing: package route does. It does no I/O and imports only internal/incident.
package alert
