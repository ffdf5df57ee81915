package mlflow

import (
	"firebreak/internal/discovery"
)

// names finds what the inventory calls what is registered: it may call a model otherwise, and number its versions otherwise.
type names struct {
	opt    discovery.Options
	models map[string]string
	// checkpoints finds them by model and registered version; versions are the registered versions of those that name one.
	checkpoints map[[2]string]string
	versions    map[string]string
}

func newNames(opt discovery.Options) *names {
	n := &names{opt: opt, models: map[string]string{}, checkpoints: map[[2]string]string{}, versions: map[string]string{}}
	if opt.Known == nil {
		return n
	}
	for i := range opt.Known.Models {
		if m := &opt.Known.Models[i]; m.Registry.Platform == "mlflow" && m.Registry.Name != "" {
			n.models[m.Registry.Name] = m.ID
		}
	}
	for i := range opt.Known.Checkpoints {
		if c := &opt.Known.Checkpoints[i]; c.RegistryVersion != "" {
			n.checkpoints[[2]string{c.Model, c.RegistryVersion}] = c.ID
			n.versions[c.ID] = c.RegistryVersion
		}
	}
	return n
}

// model is what the person who imports calls a registered model, what the inventory does, or its own name.
func (n *names) model(name string) string {
	if id, ok := n.opt.Names[name]; ok {
		return id
	}
	if id, ok := n.models[name]; ok {
		return id
	}
	return name
}

// checkpoint is the one that is registered as the version of the model, or one that is named after it.
func (n *names) checkpoint(model, version string) string {
	if id, ok := n.checkpoints[[2]string{model, version}]; ok {
		return id
	}
	return model + "@" + version
}

// taken is the version as which a checkpoint of that id is registered, if that is another one.
func (n *names) taken(id, version string) string {
	if v := n.versions[id]; v != version {
		return v
	}
	return ""
}
