package main

import (
	"fmt"
	"io"
	"slices"
)

// report prints what the rounds of one load took, and how fast firebreak was in units of s5cmd: 1.0 is as fast.
func report(out io.Writer, l load, rounds []round) {
	fmt.Fprintf(out, "%s: %d objects of %d bytes, %d rounds in turn; medians\n\n", l.name, l.objects, l.each, len(rounds))
	fmt.Fprintf(out, "%-42s %8s %17s %9s %10s %12s %12s\n", "", "seconds", "from - to", "MB/s", "objects/s", "client CPU s", "server CPU s")
	for _, c := range []struct {
		name  string
		spent func(round) spent
	}{
		{"s5cmd: copy", func(r round) spent { return r.s5cmd }},
		{"firebreak: copy, hash, lock, manifest", func(r round) spent { return r.preserve }},
		{"firebreak: read all back (no counterpart)", func(r round) spent { return r.prove }},
	} {
		var took, client, server []float64
		for _, r := range rounds {
			s := c.spent(r)
			took, client, server = append(took, s.took), append(client, s.client), append(server, s.server)
		}
		mid := median(took)
		fmt.Fprintf(out, "%-42s %8.2f %8.2f - %6.2f %9.1f %10.0f %12.2f %12.2f\n", c.name, mid, slices.Min(took), slices.Max(took),
			float64(l.bytes())/1e6/mid, float64(l.objects)/mid, median(client), median(server))
	}
	var times, work []float64
	for _, r := range rounds {
		times = append(times, r.s5cmd.took/r.preserve.took)
		work = append(work, (r.s5cmd.client+r.s5cmd.server)/(r.preserve.client+r.preserve.server))
	}
	fmt.Fprintf(out, "\nfirebreak / s5cmd: throughput %.2f (%.2f to %.2f), work per CPU second %.2f (%.2f to %.2f)\n\n",
		median(times), slices.Min(times), slices.Max(times), median(work), slices.Min(work), slices.Max(work))
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
