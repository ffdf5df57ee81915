package evidence

import (
	"fmt"

	"firebreak/activities/failure"
)

// part is a range of an object's bytes. Numbers begin at 1.
type part struct {
	number   int32
	from, to int64 // to is the first byte after it
}

func (p part) size() int64 { return p.to - p.from }

// rangeText is how a request names the part's bytes, the last one included.
func (p part) rangeText() string { return fmt.Sprintf("bytes=%d-%d", p.from, p.to-1) }

// split cuts an object into parts. It depends on the size alone, so that each attempt cuts the same way; parts grow in
// whole MiB where there would be too many.
func split(size, usual int64) ([]part, error) {
	each := max(usual, smallestPart)
	if least := (size + mostParts - 1) / mostParts; least > each {
		each = (least + mib - 1) / mib * mib
	}
	if each > largestPart {
		return nil, failure.New(failure.Unsupported, "split %d bytes: a copy has at most %d parts of %d bytes; put a legal hold on it where it is", size, mostParts, int64(largestPart))
	}
	out := make([]part, 0, (size+each-1)/each)
	for from := int64(0); from < size; from += each {
		out = append(out, part{number: int32(len(out) + 1), from: from, to: min(from+each, size)})
	}
	return out, nil
}
