package kube

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"gopkg.in/yaml.v3"

	"firebreak/activities/failure"
)

// kubeconfig is what is read of one kubeconfig file (https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/).
type kubeconfig struct {
	Clusters []namedCluster `yaml:"clusters"`
	Users    []namedUser    `yaml:"users"`
	Contexts []struct {
		Name    string `yaml:"name"`
		Context struct {
			Cluster string `yaml:"cluster"`
			User    string `yaml:"user"`
		} `yaml:"context"`
	} `yaml:"contexts"`
}

type namedCluster struct {
	Name    string         `yaml:"name"`
	Cluster clusterSection `yaml:"cluster"`
}

type namedUser struct {
	Name string      `yaml:"name"`
	User userSection `yaml:"user"`
}

type clusterSection struct {
	Server        string `yaml:"server"`
	Authority     string `yaml:"certificate-authority"`
	AuthorityData string `yaml:"certificate-authority-data"`
	ServerName    string `yaml:"tls-server-name"`
	Insecure      bool   `yaml:"insecure-skip-tls-verify"`
}

type userSection struct {
	Token           string     `yaml:"token"`
	TokenFile       string     `yaml:"tokenFile"`
	Certificate     string     `yaml:"client-certificate"`
	CertificateData string     `yaml:"client-certificate-data"`
	Key             string     `yaml:"client-key"`
	KeyData         string     `yaml:"client-key-data"`
	Username        string     `yaml:"username"`
	Exec            *plugin    `yaml:"exec"`
	AuthProvider    *yaml.Node `yaml:"auth-provider"`
}

// configContext is one context with its cluster and user, paths made absolute.
type configContext struct {
	cluster clusterSection
	user    userSection
	// issued is what the user's plug-in issued last; nil if it has none.
	issued *issued
}

// loadKubeconfig reads the files of path, a list as in KUBECONFIG. Of two contexts, clusters or users of one name the
// first counts, as for kubectl. Files that do not exist are skipped if another does.
func loadKubeconfig(path string) (map[string]configContext, error) {
	var all kubeconfig
	found := false
	for _, file := range filepath.SplitList(path) {
		content, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read kubeconfig: %w", err)
		}
		var one kubeconfig
		if err := yaml.Unmarshal(content, &one); err != nil {
			// The parser's text quotes the file, which holds tokens.
			return nil, fmt.Errorf("read kubeconfig %s: it is not valid YAML of a kubeconfig", file)
		}
		one.absolute(filepath.Dir(file))
		all.Clusters = append(all.Clusters, one.Clusters...)
		all.Users = append(all.Users, one.Users...)
		all.Contexts = append(all.Contexts, one.Contexts...)
		found = true
	}
	if !found {
		return nil, fmt.Errorf("read kubeconfig: no file at %q; set KUBECONFIG", path)
	}
	return all.resolve()
}

// absolute resolves paths relative to the file that names them.
func (k *kubeconfig) absolute(dir string) {
	join := func(p *string) {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(dir, *p)
		}
	}
	for i := range k.Clusters {
		join(&k.Clusters[i].Cluster.Authority)
	}
	for i := range k.Users {
		u := &k.Users[i].User
		join(&u.TokenFile)
		join(&u.Certificate)
		join(&u.Key)
	}
}

func (k *kubeconfig) resolve() (map[string]configContext, error) {
	contexts := make(map[string]configContext, len(k.Contexts))
	for _, c := range k.Contexts {
		if _, known := contexts[c.Name]; known {
			continue
		}
		i := slices.IndexFunc(k.Clusters, func(n namedCluster) bool { return n.Name == c.Context.Cluster })
		if i < 0 {
			return nil, fmt.Errorf("read kubeconfig: context %q names cluster %q, which is not there", c.Name, c.Context.Cluster)
		}
		out := configContext{cluster: k.Clusters[i].Cluster}
		if j := slices.IndexFunc(k.Users, func(n namedUser) bool { return n.Name == c.Context.User }); j >= 0 {
			out.user = k.Users[j].User
		}
		if out.user.Exec != nil {
			out.issued = &issued{}
		}
		contexts[c.Name] = out
	}
	return contexts, nil
}

// check refuses what would be insecure or what this client cannot do.
func (c configContext) check(name string) error {
	switch {
	case c.cluster.Server == "":
		return failure.New(failure.Invalid, "use kubeconfig context %q: its cluster has no server", name)
	case c.cluster.Insecure:
		return failure.New(failure.Refused, "use kubeconfig context %q: insecure-skip-tls-verify is not accepted; give certificate-authority", name)
	case c.user.Exec != nil && c.user.Exec.Command == "":
		return failure.New(failure.Invalid, "use kubeconfig context %q: its user's exec names no command", name)
	case c.user.AuthProvider != nil || c.user.Username != "":
		return failure.New(failure.Unsupported, "use kubeconfig context %q: only token, tokenFile, exec and client certificates are supported; give its user a service account's token", name)
	}
	return nil
}
