// Package sns proves that a message comes from a pinned topic of Amazon SNS, and confirms subscriptions to it.
//
// It reaches nothing but the SNS host of a pinned topic's region, and the certificate authorities' download hosts for
// intermediate certificates. It has no AWS credential and needs none.
package sns
