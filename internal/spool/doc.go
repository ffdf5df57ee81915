// Package spool is a journal on disk: what was appended is there after a crash, in its order, until it is done. It imports
// nothing of firebreak's and knows nothing of what it keeps.
//
// A folder holds segments. A segment is a sequence of records, each with a length and a checksum; a record is an entry, or
// says which entries are done. Many appends share one write and one fsync. A segment is removed when each of its entries is
// done. An entry may come back after a crash although it was done: whoever appends must be able to take it twice.
package spool
