package sagemakerfake

import (
	"maps"
	"slices"
)

// component is an inference component: the specification that runs and the next, the copies that run and those wished.
type component struct {
	endpoint     string
	status       string
	spec, next   Object
	copies, wish float64
	left         int
}

// Component adds an inference component that runs copies of a model. Something scales it if scaled is true.
func (s *Server) Component(name, endpoint, model string, copies int, scaled bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	spec := Object{"ModelName": model, "ComputeResourceRequirements": Object{"MinMemoryRequiredInMb": 1024.0, "NumberOfCpuCoresRequired": 1.0}}
	s.components[name] = &component{endpoint: endpoint, status: "InService", spec: spec, next: spec, copies: float64(copies), wish: float64(copies)}
	if scaled {
		s.suspended["inference-component/"+name] = Object{"DynamicScalingInSuspended": false, "DynamicScalingOutSuspended": false, "ScheduledScalingSuspended": true}
	}
}

// Specify gives a component another model at once, as somebody else might.
func (s *Server) Specify(name, model string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	spec := maps.Clone(s.components[name].spec)
	spec["ModelName"] = model
	s.components[name].spec, s.components[name].next = spec, spec
}

// Short makes a component wish for more copies than AWS has room for.
func (s *Server) Short(name string, wished int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.components[name].wish = float64(wished)
}

// ComponentServes is the address that a component's copies load; "" if none runs.
func (s *Server) ComponentServes(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.components[name]
	if !ok || c.copies == 0 {
		return ""
	}
	return s.uri(text(c.spec, "ModelName"))
}

func (s *Server) describeComponent(in Object) (Object, *Error) {
	name := text(in, "InferenceComponentName")
	c, ok := s.components[name]
	if !ok {
		return nil, invalid("Could not find inference component %q.", arn("inference-component", name))
	}
	if c.status == "Updating" && c.left > 0 {
		if c.left--; c.left == 0 {
			c.status, c.spec, c.copies = "InService", c.next, c.wish
		}
	}
	return Object{
		"InferenceComponentName": name, "InferenceComponentArn": arn("inference-component", name), "EndpointName": c.endpoint, "EndpointArn": arn("endpoint", c.endpoint),
		"VariantName": "AllTraffic", "InferenceComponentStatus": c.status, "Specification": c.spec, "CreationTime": 1.7e9, "LastModifiedTime": 1.7e9,
		"RuntimeConfig": Object{"DesiredCopyCount": c.wish, "CurrentCopyCount": c.copies},
	}, nil
}

func (s *Server) beginComponent(name string) (*component, *Error) {
	c, ok := s.components[name]
	switch {
	case !ok:
		return nil, invalid("Could not find inference component %q.", arn("inference-component", name))
	case c.status == "Updating":
		return nil, invalid("Cannot update in-progress inference component %q.", arn("inference-component", name))
	}
	c.status, c.left = "Updating", s.slow
	return c, nil
}

func (s *Server) updateCopies(in Object) (Object, *Error) {
	desired, _ := in["DesiredRuntimeConfig"].(Object)
	n, ok := desired["CopyCount"].(float64)
	if !ok || n < 0 {
		return nil, invalid("CopyCount must be at least 0")
	}
	name := text(in, "InferenceComponentName")
	c, refused := s.beginComponent(name)
	if refused != nil {
		return nil, refused
	}
	c.wish = n
	return Object{"InferenceComponentArn": arn("inference-component", name)}, nil
}

func (s *Server) updateComponent(in Object) (Object, *Error) {
	spec, _ := in["Specification"].(Object)
	if model := text(spec, "ModelName"); s.models[model] == nil || spec["ComputeResourceRequirements"] == nil {
		return nil, invalid("Could not find model %q.", arn("model", model))
	}
	name := text(in, "InferenceComponentName")
	c, refused := s.beginComponent(name)
	if refused != nil {
		return nil, refused
	}
	if s.back > 0 {
		s.back--
	} else {
		c.next = spec
	}
	return Object{"InferenceComponentArn": arn("inference-component", name)}, nil
}

func (s *Server) describeScaling(in Object) (Object, *Error) {
	ids, _ := in["ResourceIds"].([]any)
	targets := []any{}
	for _, id := range ids {
		if state, ok := s.suspended[id.(string)]; ok {
			targets = append(targets, Object{
				"ResourceId": id, "ServiceNamespace": "sagemaker", "ScalableDimension": "sagemaker:inference-component:DesiredCopyCount",
				"MinCapacity": 1, "MaxCapacity": 4, "SuspendedState": state, "CreationTime": 1.7e9, "RoleARN": "arn:aws:iam::" + Account + ":role/scaling",
			})
		}
	}
	return Object{"ScalableTargets": targets}, nil
}

func (s *Server) registerScaling(in Object) (Object, *Error) {
	id := text(in, "ResourceId")
	state, ok := in["SuspendedState"].(Object)
	if _, there := s.suspended[id]; !there || !ok {
		// A new target needs capacities, which firebreak never gives.
		return nil, invalid("MinCapacity and MaxCapacity are required")
	}
	s.suspended[id] = state
	return Object{}, nil
}

func (s *Server) listTags(in Object) (Object, *Error) {
	held := s.tags[text(in, "ResourceArn")]
	list := []any{}
	for _, key := range slices.Sorted(maps.Keys(held)) {
		list = append(list, Object{"Key": key, "Value": held[key]})
	}
	return Object{"Tags": list}, nil
}

// Tag sets a tag of an endpoint or a component, as somebody else might.
func (s *Server) Tag(kind, name, key, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tag(arn(kind, name), key, value)
}

func (s *Server) tag(on, key, value string) {
	if s.tags[on] == nil {
		s.tags[on] = map[string]string{}
	}
	s.tags[on][key] = value
}

// TagsOf are the tags of an endpoint or a component.
func (s *Server) TagsOf(kind, name string) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.tags[arn(kind, name)])
}

func (s *Server) addTags(in Object) (Object, *Error) {
	list, _ := in["Tags"].([]any)
	for _, item := range list {
		key, value := text(item.(Object), "Key"), text(item.(Object), "Value")
		if len(key) > 128 || len(value) > 256 || !tagText.MatchString(key) || !tagText.MatchString(value) {
			return nil, invalid("1 validation error detected: Value at 'tags' failed to satisfy constraint")
		}
		s.tag(text(in, "ResourceArn"), key, value)
	}
	return Object{"Tags": list}, nil
}

func (s *Server) deleteTags(in Object) (Object, *Error) {
	keys, _ := in["TagKeys"].([]any)
	on := text(in, "ResourceArn")
	for _, key := range keys {
		delete(s.tags[on], key.(string))
	}
	if len(s.tags[on]) == 0 {
		delete(s.tags, on)
	}
	return Object{}, nil
}
