// Package alert decodes what alerting systems post into incident.Alert values.
//
// A decoder trusts nothing: it bounds size and depth, cleans text, keeps only the few labels that decide something, and
// reports each alert it cannot use instead of dropping it. It does no I/O and imports only internal/incident.
package alert
