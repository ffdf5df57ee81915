package sagemakerfake

import (
	"maps"
	"regexp"
	"slices"
)

// endpoint is what runs (config, weights) and what is wished (next, wish); left counts the looks until they are the same.
type endpoint struct {
	status        string
	config, next  string
	weights, wish map[string]float64
	left          int
}

// Endpoint adds an endpoint that is InService with a configuration.
func (s *Server) Endpoint(name, config string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	weights := s.initial(config)
	s.endpoints[name] = &endpoint{status: "InService", config: config, next: config, weights: weights, wish: maps.Clone(weights)}
}

// Drop removes an endpoint or an inference component.
func (s *Server) Drop(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.endpoints, name)
	delete(s.components, name)
}

// Status sets what an endpoint is.
func (s *Server) Status(name, status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endpoints[name].status = status
}

// Config adds an endpoint configuration with a weight and a model for each variant.
func (s *Server) Config(name string, variants ...Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]any, len(variants))
	for i := range variants {
		all[i] = variants[i]
	}
	s.configs[name] = Object{"EndpointConfigName": name, "ProductionVariants": all}
}

// Variant is a production variant.
func Variant(name, model string, weight float64) Object {
	return Object{"VariantName": name, "ModelName": model, "InitialVariantWeight": weight, "InitialInstanceCount": 1.0, "InstanceType": "ml.m5.large"}
}

// Model adds a model that loads what is below an address, with an environment that holds a secret.
func (s *Server) Model(name, uri, secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.models[name] = Object{
		"ModelName": name, "ExecutionRoleArn": "arn:aws:iam::" + Account + ":role/sagemaker-model-credit",
		"PrimaryContainer": Object{
			"Image": Account + ".dkr.ecr." + Region + ".amazonaws.com/vllm@sha256:aa", "Environment": Object{"API_KEY": secret},
			"ModelDataSource": Object{"S3DataSource": Object{"S3Uri": uri, "S3DataType": "S3Prefix", "CompressionType": "None"}},
		},
	}
}

// Deploy gives an endpoint another configuration at once, as somebody else might.
func (s *Server) Deploy(name, config string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.endpoints[name]
	e.config, e.next = config, config
}

// Weigh sets a variant's weight at once, as somebody else might.
func (s *Server) Weigh(name, variant string, weight float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endpoints[name].weights[variant], s.endpoints[name].wish[variant] = weight, weight
}

// Serves is what answers on an endpoint: the address that each variant loads, and its weight.
func (s *Server) Serves(name string) (uris map[string]string, weights map[string]float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.endpoints[name]
	uris = map[string]string{}
	if !ok || e.status == "OutOfService" || e.status == "Failed" {
		return uris, nil
	}
	for _, v := range s.variants(e.config) {
		uris[text(v, "VariantName")] = s.uri(text(v, "ModelName"))
	}
	return uris, maps.Clone(e.weights)
}

func (s *Server) uri(model string) string {
	m, ok := s.models[model]
	if !ok {
		return ""
	}
	return text(m["PrimaryContainer"].(Object)["ModelDataSource"].(Object)["S3DataSource"].(Object), "S3Uri")
}

func (s *Server) variants(config string) []Object {
	var out []Object
	list, _ := s.configs[config]["ProductionVariants"].([]any)
	for _, v := range list {
		out = append(out, v.(Object))
	}
	return out
}

func (s *Server) initial(config string) map[string]float64 {
	out := map[string]float64{}
	for _, v := range s.variants(config) {
		w, ok := v["InitialVariantWeight"].(float64)
		if !ok {
			w = 1
		}
		out[text(v, "VariantName")] = w
	}
	return out
}

func (s *Server) describeEndpoint(in Object) (Object, *Error) {
	name := text(in, "EndpointName")
	e, ok := s.endpoints[name]
	if !ok {
		return nil, invalid("Could not find endpoint %q.", arn("endpoint", name))
	}
	if e.status == "Updating" && e.left > 0 {
		if e.left--; e.left == 0 {
			e.status, e.config, e.weights = "InService", e.next, maps.Clone(e.wish)
		}
	}
	var variants []any
	for _, v := range s.variants(e.config) {
		n := text(v, "VariantName")
		variants = append(variants, Object{"VariantName": n, "CurrentWeight": e.weights[n], "DesiredWeight": e.wish[n], "CurrentInstanceCount": 1, "DesiredInstanceCount": 1})
	}
	return Object{
		"EndpointName": name, "EndpointArn": arn("endpoint", name), "EndpointConfigName": e.config, "EndpointStatus": e.status,
		"ProductionVariants": variants, "CreationTime": 1.7e9, "LastModifiedTime": 1.7e9,
	}, nil
}

// begin begins a change of an endpoint, which only one that is InService takes.
func (s *Server) begin(name string) (*endpoint, *Error) {
	e, ok := s.endpoints[name]
	switch {
	case !ok:
		return nil, invalid("Could not find endpoint %q.", arn("endpoint", name))
	case e.status == "Updating" || e.status == "Creating":
		return nil, invalid("Cannot update in-progress endpoint %q.", arn("endpoint", name))
	case e.status != "InService":
		return nil, invalid("Cannot update endpoint %q in status %s.", arn("endpoint", name), e.status)
	}
	e.status, e.left = "Updating", s.slow
	return e, nil
}

func (s *Server) updateEndpoint(in Object) (Object, *Error) {
	config := text(in, "EndpointConfigName")
	if _, ok := s.configs[config]; !ok {
		return nil, invalid("Could not find endpoint configuration %q.", arn("endpoint-config", config))
	}
	e, refused := s.begin(text(in, "EndpointName"))
	if refused != nil {
		return nil, refused
	}
	s.updates = append(s.updates, in)
	if s.back > 0 {
		s.back--
		return Object{"EndpointArn": arn("endpoint", text(in, "EndpointName"))}, nil
	}
	e.next, e.wish = config, s.initial(config)
	if retain, _ := in["RetainAllVariantProperties"].(bool); retain {
		for name := range e.wish {
			if w, ok := e.weights[name]; ok {
				e.wish[name] = w
			}
		}
	}
	return Object{"EndpointArn": arn("endpoint", text(in, "EndpointName"))}, nil
}

func (s *Server) updateWeights(in Object) (Object, *Error) {
	name := text(in, "EndpointName")
	list, _ := in["DesiredWeightsAndCapacities"].([]any)
	wish := map[string]float64{}
	for _, item := range list {
		w, ok := item.(Object)["DesiredWeight"].(float64)
		if v := text(item.(Object), "VariantName"); ok && s.endpoints[name] != nil {
			if _, there := s.endpoints[name].weights[v]; !there {
				return nil, invalid("The variant name(s) %q is/are not present within endpoint configuration %q.", v, s.endpoints[name].config)
			}
			wish[v] = w
		}
	}
	e, refused := s.begin(name)
	if refused != nil {
		return nil, refused
	}
	maps.Copy(e.wish, wish)
	return Object{"EndpointArn": arn("endpoint", name)}, nil
}

func (s *Server) describeConfig(in Object) (Object, *Error) {
	name := text(in, "EndpointConfigName")
	c, ok := s.configs[name]
	if !ok {
		return nil, invalid("Could not find endpoint configuration %q.", arn("endpoint-config", name))
	}
	out := maps.Clone(c)
	out["EndpointConfigArn"], out["CreationTime"] = arn("endpoint-config", name), 1.7e9
	return out, nil
}

var names = regexp.MustCompile(`^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$`)

func (s *Server) createConfig(in Object) (Object, *Error) {
	name := text(in, "EndpointConfigName")
	if _, ok := s.configs[name]; ok || !names.MatchString(name) {
		return nil, invalid("Cannot create already existing endpoint configuration %q.", arn("endpoint-config", name))
	}
	list, _ := in["ProductionVariants"].([]any)
	for _, v := range list {
		if model := text(v.(Object), "ModelName"); s.models[model] == nil {
			return nil, invalid("Could not find model %q.", arn("model", model))
		}
	}
	s.configs[name] = in
	return Object{"EndpointConfigArn": arn("endpoint-config", name)}, nil
}

func (s *Server) describeModel(in Object) (Object, *Error) {
	name := text(in, "ModelName")
	m, ok := s.models[name]
	if !ok {
		return nil, invalid("Could not find model %q.", arn("model", name))
	}
	out := maps.Clone(m)
	out["ModelArn"], out["CreationTime"] = arn("model", name), 1.7e9
	return out, nil
}

func (s *Server) createModel(in Object) (Object, *Error) {
	name := text(in, "ModelName")
	if _, ok := s.models[name]; ok || !names.MatchString(name) {
		return nil, invalid("Cannot create already existing model %q.", arn("model", name))
	}
	s.models[name] = in
	return Object{"ModelArn": arn("model", name)}, nil
}

// ModelOf is the model document of that name, for tests.
func (s *Server) ModelOf(name string) Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.models[name]
}

// Models are the names of the models, sorted.
func (s *Server) Models() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.models))
}
