// Package ingest runs the real trigger against a real Temporal server and keeps the books: what was acknowledged to a sender,
// and what Temporal holds. No worker runs: an alert is durable when it is in a history, whoever reads it.
package ingest
