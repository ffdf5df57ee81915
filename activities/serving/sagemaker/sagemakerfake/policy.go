package sagemakerfake

import (
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// tagText is what a tag's key and value may be made of.
var tagText = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)

// Policy is a policy document of IAM, as far as actions, resources and keys of tags go.
type Policy struct{ Statement []Statement }

// Statement is one of its statements.
type Statement struct {
	Effect           string
	Action, Resource Texts
	Condition        map[string]map[string]Texts
}

// Texts is a text or a list of texts.
type Texts []string

// UnmarshalJSON reads either form.
func (l *Texts) UnmarshalJSON(content []byte) error {
	var one string
	if json.Unmarshal(content, &one) == nil {
		*l = Texts{one}
		return nil
	}
	return json.Unmarshal(content, (*[]string)(l))
}

// ReadPolicy reads a document.
func ReadPolicy(t *testing.T, path string) *Policy {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	p := &Policy{}
	require.NoError(t, json.Unmarshal(content, p))
	require.NotEmpty(t, p.Statement)
	return p
}

// Actions are all that it allows.
func (p *Policy) Actions() []string {
	var out []string
	for _, s := range p.Statement {
		out = append(out, s.Action...)
	}
	slices.Sort(out)
	return out
}

// refuse is the answer to a caller whom no statement allows the call.
func (p *Policy) refuse(action string, in Object) *Error {
	for _, needed := range needs(action, in) {
		if !slices.ContainsFunc(p.Statement, func(s Statement) bool { return s.allows(needed[0], needed[1], in) }) {
			return &Error{http.StatusBadRequest, "AccessDeniedException", "User is not authorized to perform: " + needed[0] + " on resource: " + needed[1]}
		}
	}
	return nil
}

// needs are the actions and resources that a call is authorised for.
func needs(action string, in Object) [][2]string {
	on := func(kind, key string) [2]string { return [2]string{action, arn(kind, text(in, key))} }
	_, op, _ := strings.Cut(action, ":")
	switch {
	case op == "ListModelPackages":
		return [][2]string{on("model-package-group", "ModelPackageGroupName")}
	case op == "DescribeModelPackage":
		return [][2]string{{action, text(in, "ModelPackageName")}}
	case op == "UpdateModelPackage":
		return [][2]string{{action, text(in, "ModelPackageArn")}}
	case strings.HasSuffix(op, "Tags"):
		return [][2]string{{action, text(in, "ResourceArn")}}
	case op == "UpdateEndpoint":
		return [][2]string{on("endpoint", "EndpointName"), on("endpoint-config", "EndpointConfigName")}
	case strings.HasSuffix(op, "EndpointConfig"):
		return [][2]string{on("endpoint-config", "EndpointConfigName")}
	case strings.Contains(op, "InferenceComponent"):
		return [][2]string{on("inference-component", "InferenceComponentName")}
	case op == "CreateModel":
		return [][2]string{on("model", "ModelName"), {"iam:PassRole", text(in, "ExecutionRoleArn")}}
	case strings.HasSuffix(op, "Model"):
		return [][2]string{on("model", "ModelName")}
	case strings.HasPrefix(action, "application-autoscaling:"):
		return [][2]string{{action, "arn:aws:application-autoscaling:" + Region + ":" + Account + ":scalable-target/1a2b"}}
	}
	return [][2]string{on("endpoint", "EndpointName")}
}

func (s *Statement) allows(action, resource string, in Object) bool {
	if s.Effect != "Allow" || !slices.Contains(s.Action, action) || !slices.ContainsFunc(s.Resource, func(pattern string) bool { return like(pattern, resource) }) {
		return false
	}
	for _, pattern := range s.Condition["ForAllValues:StringLike"]["aws:TagKeys"] {
		for _, key := range tagKeys(in) {
			if !like(pattern, key) {
				return false
			}
		}
	}
	return true
}

func tagKeys(in Object) []string {
	var out []string
	tags, _ := in["Tags"].([]any)
	for _, t := range tags {
		out = append(out, text(t.(Object), "Key"))
	}
	keys, _ := in["TagKeys"].([]any)
	for _, k := range keys {
		out = append(out, k.(string))
	}
	return out
}

// like reports whether a text is as a pattern with * says.
func like(pattern, s string) bool {
	return regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*") + "$").MatchString(s)
}
