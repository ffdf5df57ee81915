// Package conformance runs the kit that every adapter of firebreak passes (activities/conformance) against the sandbox's real
// Kubernetes API server: the adapter for KServe, as the worker with the role that firebreak ships.
//
// The server is an API server; who acts on its objects is the sandbox's model server, which stops, loads and cuts off for real.
// The provider that breaks things stands between the adapter and the server, and what the state is compared by is read back
// from the server past it.
//
// Isolation is acted again only after a proof was tried, as the engine does it: the network takes a moment here.
//
// Two things cannot be asked of this server. It has KServe's resource and the NetworkPolicy and no Deployment or Service, so
// that plain workloads are held to kubefake alone; and nobody there splits traffic between revisions, as Knative does, so
// that endpoint.shift is, too.
package conformance
