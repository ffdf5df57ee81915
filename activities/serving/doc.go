// Package serving takes endpoints out of service and puts them back. The platform is KServe, by the Kubernetes API
// alone; the proof is always a call from outside (package probe), because what a control plane says is done may not be.
package serving
