package legal

import (
	"slices"
	"time"
)

// deadline computes when a duty that runs from an instant ends. It is zero if the calendar gives none. Hours elapse between
// instants, whatever local clocks do meanwhile. A month ends on the same day of a later month, or on its last day if that
// month has no such day (Regulation 1182/71 Art. 3(2)(c)).
func (c *Clock) deadline(from time.Time) time.Time {
	from = from.UTC()
	n := c.Rule.Amount
	switch c.Calendar {
	case Hours:
		return from.Add(time.Duration(n) * time.Hour)
	case Days:
		if c.Rule.YearEnd {
			return time.Date(from.Year()+1, time.January, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, n)
		}
		return from.AddDate(0, 0, n)
	case Months:
		return addMonths(from, n)
	case BusinessDays:
		return addBusinessDays(from, n, c.Rule.Business)
	case NoCalendar:
	}
	return time.Time{}
}

// addMonths goes to the same day and time so many months on, or to the last day of that month.
func addMonths(t time.Time, n int) time.Time {
	year, month, day := t.Date()
	last := time.Date(year, month+time.Month(n)+1, 0, 0, 0, 0, 0, time.UTC).Day()
	return time.Date(year, month+time.Month(n), min(day, last), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// addBusinessDays returns the end of the n-th business day after the day of t. It is zero beyond the days that the calendar
// covers.
func addBusinessDays(t time.Time, n int, b *Business) time.Time {
	if b == nil {
		return time.Time{}
	}
	local := t.Add(time.Duration(b.OffsetMinutes) * time.Minute)
	day := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, time.UTC)
	for n > 0 {
		day = day.AddDate(0, 0, 1)
		if day.Format(time.DateOnly) > b.Through {
			return time.Time{}
		}
		if b.working(day) {
			n--
		}
	}
	return day.Add(time.Duration(b.EndMinutes) * time.Minute)
}

func (b *Business) working(day time.Time) bool {
	return day.Weekday() != time.Saturday && day.Weekday() != time.Sunday && !slices.Contains(b.Holidays, day.Format(time.DateOnly))
}

// compressed shortens the time from an instant to a deadline, for a drill.
func (c *Clock) compressed(from, due time.Time) time.Time {
	if c.Rule.Compress <= 1 || due.IsZero() {
		return due
	}
	return from.Add(due.Sub(from) / time.Duration(c.Rule.Compress))
}
