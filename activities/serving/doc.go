// Package serving takes endpoints out of service and puts them back, whatever platform serves them.
//
// Control is what one platform can do; the packages below implement it, and Platforms finds the one that serves an
// endpoint. The actions here hold the rules that are the same everywhere: what was captured is restored, another
// incident's endpoint is left alone, nothing suspect is opened, and the proof is a call from outside (package probe),
// because what a control plane says is done may not be.
package serving
