package failure

import (
	"strconv"
	"time"
)

// LongestDelay bounds the pause that a busy provider may ask for: an incident does not wait for hours.
const LongestDelay = 5 * time.Minute

// RetryAfter is the pause that a header Retry-After asks for in seconds, at most LongestDelay; zero if it asks for none.
func RetryAfter(header string) time.Duration {
	seconds, err := strconv.Atoi(header)
	if err != nil || seconds <= 0 {
		return 0
	}
	return time.Duration(min(seconds, int(LongestDelay.Seconds()))) * time.Second
}
