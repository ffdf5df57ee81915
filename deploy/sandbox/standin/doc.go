// Package standin runs the real workflows on a real Temporal server against activities that answer at once: plans are made
// from the real inventory and playbooks, but no platform is behind the actions. The recorder of histories and the
// benchmark of the engine use it; where they want something to go wrong they say so through hooks.
package standin
