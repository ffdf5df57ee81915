package main

import (
	"context"
	"fmt"
	"io"
	"slices"
)

// contender runs one round and returns its rate in alerts a second.
type contender func(context.Context) (float64, error)

// compare lets two contenders take turns and prints their rates and how the first compares with the second.
func compare(ctx context.Context, out io.Writer, rounds int, what, name string, ours contender, floorName string, floor contender) error {
	var rates, floors, ratios []float64
	// The first round only warms up.
	for n := -1; n < rounds; n++ {
		a, err := ours(ctx)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", what, name, err)
		}
		b, err := floor(ctx)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", what, floorName, err)
		}
		if n >= 0 {
			rates, floors, ratios = append(rates, a), append(floors, b), append(ratios, a/b)
		}
	}
	fmt.Fprintf(out, "%s, %d rounds in turn\n", what, rounds)
	for _, c := range []struct {
		name  string
		rates []float64
	}{{name, rates}, {floorName, floors}} {
		fmt.Fprintf(out, "  %-38s median %8.0f (%.0f to %.0f)\n", c.name, median(c.rates), slices.Min(c.rates), slices.Max(c.rates))
	}
	fmt.Fprintf(out, "  ratio of the medians %.2f; of the rounds: median %.2f (%.2f to %.2f)\n\n",
		median(rates)/median(floors), median(ratios), slices.Min(ratios), slices.Max(ratios))
	return nil
}

func median(v []float64) float64 {
	sorted := slices.Sorted(slices.Values(v))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
