// Package evidence preserves what an incident is about, in a bucket with Object Lock: every version of the objects,
// copied by the server, locked, listed in a manifest, and read back. Evidence is named, read and checked by version id
// only.
package evidence
