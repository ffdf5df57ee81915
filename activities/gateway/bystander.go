package gateway

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// service is how the gateway served a key to which nothing was done.
type service struct {
	Calls  int           `json:"calls"`
	Errors int           `json:"errors"`
	P95    time.Duration `json:"p95_ns"`
	Gap    string        `json:"gap,omitempty"`
}

// String writes it for people.
func (v service) String() string {
	if v.Calls == 0 {
		return "not observed (" + v.Gap + ")"
	}
	return fmt.Sprintf("%d of %d calls served, p95 %s", v.Calls-v.Errors, v.Calls, v.P95.Round(time.Millisecond))
}

// harmedBy says how later service is worse than this, or "". A gateway's answers vary: only what is far slower counts.
func (v service) harmedBy(later service) string {
	const slack = 500 * time.Millisecond
	switch {
	case later.Errors > v.Errors:
		return fmt.Sprintf("%d of %d calls of a key outside the cluster are not served, before it were %d (%s)", later.Errors, later.Calls, v.Errors, later.Gap)
	case later.P95 > 2*v.P95+slack:
		return fmt.Sprintf("a key outside the cluster is served at a p95 of %s instead of %s", later.P95.Round(time.Millisecond), v.P95.Round(time.Millisecond))
	}
	return ""
}

// bystanderCalls is how often each instance is asked: enough to notice an error, too few to cost anything.
const bystanderCalls = 3

// serve calls every instance with the bystander.
func (s *session) serve(ctx context.Context, c canary) (service, error) {
	if c.Hash == "" {
		return service{Gap: c.Gap}, nil
	}
	key, err := s.open(ctx, c)
	if err != nil {
		return service{}, err
	}
	var out service
	var took []time.Duration
	for range bystanderCalls {
		for _, instance := range s.consumer.Gateway.Instances() {
			a, err := s.control.Call(ctx, instance, key, s.consumer.Route)
			if ctx.Err() != nil {
				return service{}, ctx.Err()
			}
			out.Calls++
			if err != nil || a.Outcome != Served {
				out.Errors++
				out.Gap = a.How
				if err != nil {
					out.Gap = err.Error()
				}
				continue
			}
			took = append(took, a.Took)
		}
	}
	out.P95 = percentile95(took)
	return out, nil
}

func percentile95(took []time.Duration) time.Duration {
	if len(took) == 0 {
		return 0
	}
	slices.Sort(took)
	return took[(len(took)*95+99)/100-1]
}

// unharmed finds whether a key outside the cluster is served as it was.
func (s *session) unharmed(ctx context.Context, st state, found *findings) error {
	if st.Before.Calls == st.Before.Errors {
		found.facts["others"] = "not observed: " + st.Before.Gap
		found.say("that others are unharmed was not observed: " + st.Before.Gap)
		return nil
	}
	now, err := s.serve(ctx, st.Bystander)
	if err != nil {
		return err
	}
	found.facts["others_before"], found.facts["others_now"] = st.Before.String(), now.String()
	harm := st.Before.harmedBy(now)
	found.check("others", harm == "", fmt.Sprintf("a key outside the cluster is unharmed: %s before, %s now", st.Before, now), harm)
	return nil
}
