// Package sagemakerfake is Amazon SageMaker's API for tests, as far as serving goes, with the scaling of its inference
// components: JSON 1.1 over HTTP, signed requests, names, errors and states as AWS documents them. A change is Updating for
// a while before it is InService, may be turned back, or never end. It refuses what the caller's policy does not allow.
package sagemakerfake

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// Where the account's objects are, and the credentials that a request must be signed with.
const (
	Region       = "eu-central-1"
	Account      = "210987654321"
	KeyID        = "fake-key-id"
	SecretKey    = "sagemaker-secret-hunter2"
	SessionToken = "sagemaker-session-hunter3"
)

// Object is a document of the API.
type Object = map[string]any

// Server is SageMaker in one region.
type Server struct {
	policy *Policy

	mu         sync.Mutex
	endpoints  map[string]*endpoint
	configs    map[string]Object
	models     map[string]Object
	components map[string]*component
	tags       map[string]map[string]string
	suspended  map[string]Object
	calls      map[string]bool
	updates    []Object
	slow       int
	back       int
	packages   map[string]Object
	tagged     func()
	decided    func()
	refusals   map[string]*Error
}

// New returns an empty account whose caller may do what the policy allows.
func New(t *testing.T, policy *Policy) *Server {
	t.Helper()
	return &Server{
		policy: policy, endpoints: map[string]*endpoint{}, configs: map[string]Object{}, models: map[string]Object{}, components: map[string]*component{},
		tags: map[string]map[string]string{}, suspended: map[string]Object{}, calls: map[string]bool{}, slow: 2,
		refusals: map[string]*Error{}, packages: map[string]Object{},
	}
}

// Changes reports whether a request changes something.
func Changes(r *http.Request) bool {
	_, op := operation(r)
	return !strings.HasPrefix(op, "Describe") && !strings.HasPrefix(op, "List")
}

func operation(r *http.Request) (service, op string) {
	prefix, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if prefix == "AnyScaleFrontendService" {
		return "application-autoscaling", op
	}
	return "sagemaker", op
}

// Error is a refusal of the API.
type Error struct {
	Status        int
	Code, Message string
}

func invalid(format string, args ...any) *Error {
	return &Error{http.StatusBadRequest, "ValidationException", fmt.Sprintf(format, args...)}
}

// ServeHTTP answers a call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	out, refused := s.answer(r)
	s.mu.Lock()
	_, op := operation(r)
	hook := map[string]func(){"AddTags": s.tagged, "UpdateModelPackage": s.decided}[op]
	s.mu.Unlock()
	if hook != nil && refused == nil {
		hook()
	}
	if refused != nil {
		w.WriteHeader(refused.Status)
		out = Object{"__type": refused.Code, "message": refused.Message}
	}
	_ = json.NewEncoder(w).Encode(out) // the caller has gone
}

func (s *Server) answer(r *http.Request) (Object, *Error) {
	service, op := operation(r)
	sign := r.Header.Get("Authorization")
	if r.Method != http.MethodPost || !strings.HasPrefix(sign, "AWS4-HMAC-SHA256 Credential="+KeyID+"/") || !strings.Contains(sign, "/"+Region+"/"+service+"/aws4_request") ||
		r.Header.Get("X-Amz-Security-Token") != SessionToken {
		return nil, &Error{http.StatusForbidden, "UnrecognizedClientException", "The security token included in the request is invalid."}
	}
	content, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	in := Object{}
	if err != nil || json.Unmarshal(content, &in) != nil {
		return nil, &Error{http.StatusBadRequest, "SerializationException", ""}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if refused := s.policy.refuse(service+":"+op, in); refused != nil {
		return nil, refused
	}
	s.calls[service+":"+op] = true
	if refused := s.refusals[op]; refused != nil {
		return nil, refused
	}
	handle, ok := s.handlers()[op]
	if !ok {
		return nil, &Error{http.StatusBadRequest, "UnknownOperationException", ""}
	}
	return handle(in)
}

func (s *Server) handlers() map[string]func(Object) (Object, *Error) {
	return map[string]func(Object) (Object, *Error){
		"DescribeEndpoint": s.describeEndpoint, "UpdateEndpoint": s.updateEndpoint, "UpdateEndpointWeightsAndCapacities": s.updateWeights,
		"DescribeEndpointConfig": s.describeConfig, "CreateEndpointConfig": s.createConfig, "DescribeModel": s.describeModel, "CreateModel": s.createModel,
		"DescribeInferenceComponent": s.describeComponent, "UpdateInferenceComponent": s.updateComponent,
		"UpdateInferenceComponentRuntimeConfig": s.updateCopies, "DescribeScalableTargets": s.describeScaling, "RegisterScalableTarget": s.registerScaling,
		"ListModelPackages": s.listPackages, "DescribeModelPackage": s.describePackage, "UpdateModelPackage": s.updatePackage,
		"ListTags": s.listTags, "AddTags": s.addTags, "DeleteTags": s.deleteTags,
	}
}

// Calls are the actions that were called and allowed, e.g. sagemaker:UpdateEndpoint.
func (s *Server) Calls() map[string]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]bool{}
	for name := range s.calls {
		out[name] = true
	}
	return out
}

// State is all that may be changed and changed back, as JSON. Models and configurations can only be made.
func (s *Server) State() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	endpoints, components := map[string]any{}, map[string]any{}
	for name, e := range s.endpoints {
		endpoints[name] = []any{e.next, e.wish}
	}
	for name, c := range s.components {
		components[name] = []any{c.wish, c.next}
	}
	text, err := json.Marshal([]any{endpoints, components, s.tags, s.suspended, s.packages})
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// Slow makes every change that begins from now on take so many looks; a negative number makes it never end.
func (s *Server) Slow(looks int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slow = looks
}

// TurnBack makes the next deployments end with the configuration, or the model, that was there before.
func (s *Server) TurnBack(deployments int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.back = deployments
}

// Refuse makes an operation fail, or work again for nil.
func (s *Server) Refuse(op string, with *Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusals[op] = with
}

// AfterTagging calls hook after each AddTags, from now on.
func (s *Server) AfterTagging(hook func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tagged = hook
}

// Updates are the requests of UpdateEndpoint that were accepted.
func (s *Server) Updates() []Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Object{}, s.updates...)
}

func text(in Object, key string) string {
	v, _ := in[key].(string)
	return v
}

func arn(kind, name string) string {
	return fmt.Sprintf("arn:aws:sagemaker:%s:%s:%s/%s", Region, Account, kind, strings.ToLower(name))
}
