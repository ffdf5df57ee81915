// Package incident is the record that every part of firebreak shares: what was asked, what each step did and proved,
// who decided, and the verdict that follows from the proofs.
//
// It imports nothing of firebreak and does no I/O, so that workflows, activities, the trigger and the sandbox can all
// use it.
package incident
