// Package volatile captures what is lost when a replica stops: what runs in it, what it has loaded, to whom it is
// connected, its logs and its settings, and the latest requests that its endpoint answered. It reads and changes nothing:
// commands run in the replica's own containers (pods/exec), and no container is added to a pod.
//
// Each item is an object of its own under Object Lock, and a list names them all with their digests. What cannot be had, or
// not in time, is a line of the list that says so: a capture never fails because of one item or one replica. Values of
// environment variables never leave the cluster.
//
// It needs get and list on pods and events, and get on pods/log and on pods/exec (create as well from Kubernetes 1.35 on).
package volatile
