package main

import (
	"fmt"
	"io"
	"slices"
	"time"
)

// report prints what the rounds of one load took, and how fast firebreak was in units of s5cmd: 1.0 is as fast.
func report(out io.Writer, l load, rounds []round) {
	fmt.Fprintf(out, "%s: %d objects of %d bytes, %d rounds in turn; seconds\n\n", l.name, l.objects, l.each, len(rounds))
	var ratios []float64
	for _, c := range []struct {
		name string
		took func(round) time.Duration
	}{
		{"s5cmd: copy", func(r round) time.Duration { return r.s5cmd }},
		{"firebreak: copy, hash, lock, manifest", func(r round) time.Duration { return r.preserve }},
		{"firebreak: read all back (no counterpart)", func(r round) time.Duration { return r.prove }},
	} {
		var times []float64
		for _, r := range rounds {
			times = append(times, c.took(r).Seconds())
		}
		mid := median(times)
		fmt.Fprintf(out, "%-42s median %7.2f (%.2f to %.2f)  %8.1f MB/s %8.0f objects/s\n", c.name, mid, slices.Min(times), slices.Max(times),
			float64(l.bytes())/1e6/mid, float64(l.objects)/mid)
	}
	for _, r := range rounds {
		ratios = append(ratios, r.s5cmd.Seconds()/r.preserve.Seconds())
	}
	fmt.Fprintf(out, "\nfirebreak / s5cmd, throughput: median %.2f (%.2f to %.2f)\n\n", median(ratios), slices.Min(ratios), slices.Max(ratios))
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
