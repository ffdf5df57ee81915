package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"sigs.k8s.io/yaml"
)

// roles are the rules of the users who may not do everything.
type roles map[string][]rbacv1.PolicyRule

// readRoles reads settings of the form user=file, where the file holds a ClusterRole.
func readRoles(named []string) (roles, error) {
	out := roles{}
	for _, each := range named {
		name, path, ok := strings.Cut(each, "=")
		if !ok || name == "" || path == "" {
			return nil, fmt.Errorf("read role: %q is not user=file", each)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read role of %s: %w", name, err)
		}
		var role rbacv1.ClusterRole
		if err := yaml.UnmarshalStrict(content, &role); err != nil {
			return nil, fmt.Errorf("read role of %s: %w", name, err)
		}
		if role.Kind != "ClusterRole" || len(role.Rules) == 0 {
			return nil, fmt.Errorf("read role of %s: %s is no ClusterRole with rules", name, path)
		}
		out[name] = role.Rules
	}
	return out, nil
}

// authorize lets a user with a role do what one of its rules allows, as RBAC does, and every other user everything.
func (r roles) authorize(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
	rules, bound := r[a.GetUser().GetName()]
	if !bound && slices.Contains(a.GetUser().GetGroups(), user.AllAuthenticated) {
		return authorizer.DecisionAllow, "", nil
	}
	for i := range rules {
		if allows(&rules[i], a) {
			return authorizer.DecisionAllow, "", nil
		}
	}
	return authorizer.DecisionNoOpinion, "no rule of its role allows it", nil
}

func allows(rule *rbacv1.PolicyRule, a authorizer.Attributes) bool {
	has := func(list []string, s string) bool { return slices.Contains(list, s) || slices.Contains(list, "*") }
	if !a.IsResourceRequest() {
		return has(rule.Verbs, a.GetVerb()) && slices.Contains(rule.NonResourceURLs, a.GetPath())
	}
	resource := a.GetResource()
	if a.GetSubresource() != "" {
		resource += "/" + a.GetSubresource()
	}
	return has(rule.Verbs, a.GetVerb()) && has(rule.APIGroups, a.GetAPIGroup()) && has(rule.Resources, resource) &&
		(len(rule.ResourceNames) == 0 || slices.Contains(rule.ResourceNames, a.GetName()))
}
