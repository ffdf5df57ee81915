package evidence

import "firebreak/activities/evidence/pace"

const (
	mib = 1 << 20
	gib = 1 << 30
	// copyLimit is the largest object that CopyObject copies (Amazon S3, "Copying objects").
	copyLimit = 5 * gib
	// A multipart upload has at most so many parts of at least and at most so many bytes; the last may be smaller (Amazon
	// S3, "Multipart upload limits").
	mostParts    = 10_000
	smallestPart = 5 * mib
	largestPart  = 5 * gib
	// usualPart keeps what is copied again after a kill small, and the number of requests too.
	usualPart = 128 * mib

	// firstRequests is how many requests there are with the store at a time at first, mostRequests at the most. The store's
	// own answers decide in between.
	firstRequests = 8
	mostRequests  = 64
)

// Limits bound how a store copies. The zero value of each means the usual one, which is that of Amazon S3.
type Limits struct {
	// Whole is the size of the largest object that is copied with one request.
	Whole int64
	// Part is the size of a part of a larger one, unless that made too many parts.
	Part int64
	// Requests bounds how many requests are with the store at a time.
	Requests int
}

func (l Limits) filled() Limits {
	if l.Whole <= 0 {
		l.Whole = copyLimit
	}
	if l.Part <= 0 {
		l.Part = usualPart
	}
	if l.Requests <= 0 {
		l.Requests = mostRequests
	}
	return l
}

func (l Limits) pace() *pace.Pace { return pace.New(min(firstRequests, l.Requests), l.Requests) }
