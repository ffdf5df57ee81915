package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"
)

// contender is one of the workflows that are compared.
type contender struct {
	name string
	run  func(context.Context) (cost, error)
}

// result is everything that was measured of one contender, by round.
type result struct {
	name   string
	rounds [][]cost
}

// interleave runs the contenders in turn, so that whatever else the machine does hits all of them.
func (b *bench) interleave(ctx context.Context, set settings, contenders []contender) ([]result, error) {
	results := make([]result, len(contenders))
	for i, c := range contenders {
		results[i] = result{name: c.name, rounds: make([][]cost, set.rounds)}
	}
	for n := -set.warmup; n < set.rounds*set.runs; n++ {
		for i, c := range contenders {
			spent, err := c.run(ctx)
			if err != nil {
				return nil, err
			}
			if n >= 0 {
				results[i].rounds[n/set.runs] = append(results[i].rounds[n/set.runs], spent)
			}
		}
	}
	return results, nil
}

func (r result) all() []cost { return slices.Concat(r.rounds...) }

// quantile returns the q-quantile of a figure of the costs, by nearest rank.
func quantile[T int | time.Duration | float64](values []T, q float64) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

func figures[T any](costs []cost, f func(cost) T) []T {
	out := make([]T, 0, len(costs))
	for _, c := range costs {
		out = append(out, f(c))
	}
	return out
}

func took(c cost) time.Duration { return c.took }

// report prints every contender and how the first compares with the others. A ratio's spread is that of the rounds' own.
func report(out io.Writer, set settings, results []result) {
	const median, tail = 0.5, 0.99
	fmt.Fprintf(out, "%d rounds of %d runs each, in turn; times in ms\n\n", set.rounds, set.runs)
	fmt.Fprintf(out, "%-10s %8s %8s %8s %8s  %10s %8s %6s %8s  %13s %13s %9s %9s\n", "", "p50", "p99", "min", "max",
		"activities", "wf tasks", "events", "KiB", "activity wait", "activity work", "task wait", "task work")
	for _, r := range results {
		all := r.all()
		times := figures(all, took)
		count := func(f func(cost) int) int { return quantile(figures(all, f), median) }
		mid := func(f func(cost) time.Duration) float64 { return ms(quantile(figures(all, f), median)) }
		fmt.Fprintf(out, "%-10s %8.1f %8.1f %8.1f %8.1f  %10d %8d %6d %8.1f  %13.1f %13.1f %9.1f %9.1f\n", r.name,
			ms(quantile(times, median)), ms(quantile(times, tail)), ms(slices.Min(times)), ms(slices.Max(times)),
			count(func(c cost) int { return c.activities }), count(func(c cost) int { return c.tasks }), count(func(c cost) int { return c.events }),
			float64(count(func(c cost) int { return c.bytes }))/1024,
			mid(func(c cost) time.Duration { return c.activityWait }), mid(func(c cost) time.Duration { return c.activityWork }),
			mid(func(c cost) time.Duration { return c.taskWait }), mid(func(c cost) time.Duration { return c.taskWork }))
	}
	fmt.Fprintln(out)
	for _, other := range results[1:] {
		var ratios []float64
		for i := range results[0].rounds {
			ratios = append(ratios, ratio(results[0].rounds[i], other.rounds[i], median))
		}
		fmt.Fprintf(out, "%s / %s: p50 %.3f (rounds %.3f to %.3f), p99 %.3f\n", results[0].name, other.name,
			ratio(results[0].all(), other.all(), median), slices.Min(ratios), slices.Max(ratios), ratio(results[0].all(), other.all(), tail))
	}
}

func ratio(a, b []cost, q float64) float64 {
	return quantile(figures(a, took), q).Seconds() / quantile(figures(b, took), q).Seconds()
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
