package modelserver

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// policyPause is how long a policy may take until it is enforced: a network plug-in is not at once, either.
const policyPause = 200 * time.Millisecond

// networkPolicy is what a network plug-in reads of a NetworkPolicy. An expression instead of labels is not understood, and
// selects nothing.
type networkPolicy struct {
	Metadata struct {
		Namespace string `json:"namespace"`
	} `json:"metadata"`
	Spec struct {
		PodSelector struct {
			MatchLabels      map[string]string `json:"matchLabels"`
			MatchExpressions []any             `json:"matchExpressions"`
		} `json:"podSelector"`
		Ingress     []any    `json:"ingress"`
		PolicyTypes []string `json:"policyTypes"`
	} `json:"spec"`
}

// selects reports whether the policy is about what comes in to pods of the namespace with the labels.
func (p *networkPolicy) selects(namespace string, labels map[string]string) bool {
	if p.Metadata.Namespace != namespace || len(p.Spec.PodSelector.MatchExpressions) > 0 {
		return false
	}
	if len(p.Spec.PolicyTypes) > 0 && !slices.Contains(p.Spec.PolicyTypes, "Ingress") {
		return false
	}
	for name, value := range p.Spec.PodSelector.MatchLabels {
		if labels[name] != value {
			return false
		}
	}
	return true
}

// enforce reads the policies again and again. What was read last holds while the API does not answer.
func (s *Server) enforce(ctx context.Context) {
	for ctx.Err() == nil {
		if policies, err := s.kube.policies(ctx); err == nil {
			s.mu.Lock()
			s.policies = policies
			s.mu.Unlock()
		}
		sleep(ctx, policyPause)
	}
}

func (k *kubernetes) policies(ctx context.Context) ([]networkPolicy, error) {
	res, err := k.do(ctx, http.MethodGet, "/apis/networking.k8s.io/v1/networkpolicies", nil)
	if err != nil {
		return nil, fmt.Errorf("list network policies: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	var list struct {
		Items []networkPolicy `json:"items"`
	}
	if err := json.NewDecoder(res.Body).Decode(&list); err != nil {
		return nil, fmt.Errorf("decode list of network policies: %w", err)
	}
	return list.Items, nil
}

// cutOff reports whether the network lets nothing in to an endpoint's pods: a policy selects them, and none that does has
// a rule that lets anything in.
func (s *Server) cutOff(key endpointKey) bool {
	if s.faults.ignoresPolicies(key) {
		return false
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	labels, selected := podLabels(key), false
	for i := range s.policies {
		if !s.policies[i].selects(key.namespace, labels) {
			continue
		}
		if len(s.policies[i].Spec.Ingress) > 0 {
			return false
		}
		selected = true
	}
	return selected
}
