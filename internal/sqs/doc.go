// Package sqs takes messages from one queue of Amazon SQS by long poll, and deletes each only after it has been handed on.
//
// It is the only AWS client that cmd/trigger may reach. Its role may receive, delete and extend messages of that one queue,
// see deploy/iam/trigger-sqs.json.
package sqs
