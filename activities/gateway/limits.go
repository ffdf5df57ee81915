package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"firebreak/activities/failure"
)

// throttled are the limits that L1 sets. None is ever raised.
func (s *session) throttled(before Limits) (Limits, error) {
	out := Limits{}
	for param, field := range map[string]string{"rpm": fieldRequests, "tpm": fieldTokens, "parallel": fieldParallel} {
		n, err := s.op.Integer(param)
		if err != nil {
			return nil, failure.New(failure.Invalid, "%w", err)
		}
		if has, err := strconv.Atoi(string(before[field])); err == nil && has < n {
			n = has
		}
		out[field] = json.RawMessage(strconv.Itoa(n))
	}
	out[fieldAliases] = before[fieldAliases]
	stripped := s.consumer.Gateway.Stripped[s.consumer.Route]
	if stripped == "" {
		return out, nil
	}
	var aliases map[string]any
	if err := json.Unmarshal(before[fieldAliases], &aliases); err != nil {
		return nil, failure.New(failure.Invalid, "the aliases of key %s are no object", s.op.Target.ID)
	}
	if aliases == nil {
		aliases = map[string]any{}
	}
	aliases[s.consumer.Route] = stripped
	raw, err := json.Marshal(aliases)
	if err != nil {
		return nil, fmt.Errorf("encode aliases: %w", err)
	}
	out[fieldAliases] = raw
	return out, nil
}

// unlimited are the limits with which a canary is issued.
func unlimited() Limits {
	l := Limits{}
	for _, name := range limitFields() {
		l[name] = json.RawMessage("null")
	}
	return l
}

// replace sets limits where they are as they were before, and reports false where they are as wanted already.
func (s *session) replace(ctx context.Context, hash string, before, wanted Limits) (bool, error) {
	k, err := s.control.Info(ctx, hash)
	switch {
	case errors.Is(err, errNoKey):
		return false, failure.New(failure.TargetChanged, "limit %s: the key was removed from gateway %s: %w", s.op.Target.ID, s.consumer.Gateway.ID, err)
	case err != nil:
		return false, err
	case k.limits().equal(wanted):
		return false, nil
	case !k.limits().equal(before):
		return false, failure.New(failure.TargetChanged, "limit %s: somebody set its limits to %s meanwhile; they are not overwritten", s.op.Target.ID, k.limits())
	}
	return true, s.control.Limit(ctx, hash, wanted, s.actor)
}

// canaryLimits does to the canary what is done to the consumer.
func (s *session) canaryLimits(ctx context.Context, c canary, wanted Limits) error {
	if c.Hash == "" {
		return nil
	}
	k, err := s.control.Info(ctx, c.Hash)
	if errors.Is(err, errNoKey) || err == nil && k.limits().equal(wanted) {
		return nil // one that somebody removed proves nothing any more, and Verify says so
	}
	if err == nil {
		err = s.control.Limit(ctx, c.Hash, wanted, s.actor)
	}
	if err != nil {
		return fmt.Errorf("canary: %w", err)
	}
	return nil
}

// putBack restores the saved limits and reads them back.
func (s *session) putBack(ctx context.Context, st state, set Limits) (bool, error) {
	saved := st.Key.limits()
	changed, err := s.replace(ctx, s.consumer.KeyHash, set, saved)
	if err != nil || !changed {
		return changed, err
	}
	k, err := s.control.Info(ctx, s.consumer.KeyHash)
	if err != nil {
		return true, err
	}
	if !k.limits().equal(saved) {
		return true, fmt.Errorf("restore limits of %s: the gateway says that they are %s, not %s", s.op.Target.ID, k.limits(), saved)
	}
	return true, nil
}
