package kube

import (
	"net"
	"path/filepath"
)

const (
	// InCluster is the name by which the inventory's serving.cluster means the cluster that the worker itself runs in,
	// where there is no kubeconfig.
	InCluster = "in-cluster"
	// serviceAccountDir is where a pod finds its service account (https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/).
	serviceAccountDir = "/var/run/secrets/kubernetes.io/serviceaccount"
)

// inCluster returns the API server of the pod that this runs in, as its environment names it.
func inCluster(getenv func(string) string, dir string) (configContext, bool) {
	host, port := getenv("KUBERNETES_SERVICE_HOST"), getenv("KUBERNETES_SERVICE_PORT")
	if host == "" || port == "" {
		return configContext{}, false
	}
	return configContext{
		cluster: clusterSection{Server: "https://" + net.JoinHostPort(host, port), Authority: filepath.Join(dir, "ca.crt")},
		user:    userSection{TokenFile: filepath.Join(dir, "token")},
	}, true
}
