// Package kubernetes reads what a person exported from a cluster, so that firebreak needs no access to it:
//
//	kubectl get inferenceservices,deployments,statefulsets -A -o json
//
// Every KServe InferenceService is an endpoint, and so is every Deployment and StatefulSet in the export that is not part of
// one: the person chooses by namespace and label what is exported.
package kubernetes
