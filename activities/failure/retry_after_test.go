package failure_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/activities/failure"
)

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		header string
		want   time.Duration
	}{
		"none":              {"", 0},
		"seconds":           {"7", 7 * time.Second},
		"none at all":       {"0", 0},
		"the past":          {"-3", 0},
		"a day":             {"86400", failure.LongestDelay},
		"more than a clock": {"9223372036854775807", failure.LongestDelay},
		"a date":            {"Wed, 25 Nov 2026 08:00:00 GMT", 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, failure.RetryAfter(c.header))
		})
	}
}
