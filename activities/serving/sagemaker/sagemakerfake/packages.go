package sagemakerfake

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
)

// Package adds a version of a model package group.
func (s *Server) Package(group string, version int, approval, description string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := arn("model-package", group+"/"+strconv.Itoa(version))
	s.packages[name] = Object{
		"ModelPackageGroupName": group, "ModelPackageVersion": version, "ModelPackageArn": name, "ModelPackageStatus": "Completed",
		"ModelApprovalStatus": approval, "CreationTime": 1.7e9,
	}
	if description != "" {
		s.packages[name]["ApprovalDescription"] = description
	}
}

// DropPackages removes all versions.
func (s *Server) DropPackages() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.packages)
}

// AfterDeciding calls hook after each UpdateModelPackage, from now on.
func (s *Server) AfterDeciding(hook func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.decided = hook
}

func (s *Server) listPackages(in Object) (Object, *Error) {
	list := []any{}
	for _, name := range slices.Sorted(maps.Keys(s.packages)) {
		if p := maps.Clone(s.packages[name]); text(p, "ModelPackageGroupName") == text(in, "ModelPackageGroupName") {
			delete(p, "ApprovalDescription")
			list = append(list, p)
		}
	}
	return Object{"ModelPackageSummaryList": list}, nil
}

func (s *Server) describePackage(in Object) (Object, *Error) {
	name := text(in, "ModelPackageName")
	p, ok := s.packages[name]
	if !ok {
		return nil, invalid("ModelPackage %s does not exist.", name)
	}
	out := maps.Clone(p)
	out["ModelPackageName"], out["ModelPackageStatusDetails"] = name, Object{"ValidationStatuses": []any{}}
	return out, nil
}

func (s *Server) updatePackage(in Object) (Object, *Error) {
	name, status := text(in, "ModelPackageArn"), text(in, "ModelApprovalStatus")
	p, ok := s.packages[name]
	switch {
	case !ok:
		return nil, invalid("ModelPackage %s does not exist.", name)
	case !slices.Contains([]string{"Approved", "Rejected", "PendingManualApproval"}, status):
		return nil, &Error{http.StatusBadRequest, "ValidationException", "1 validation error detected"}
	}
	p["ModelApprovalStatus"] = status
	if description, given := in["ApprovalDescription"].(string); given {
		delete(p, "ApprovalDescription")
		if description != "" {
			p["ApprovalDescription"] = description
		}
	}
	return Object{"ModelPackageArn": name}, nil
}
