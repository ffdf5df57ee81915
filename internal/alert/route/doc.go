// Package route decides by a file which signal becomes which incident.
//
// A file has rules; the first whose match fits decides. A rule names an incident, or says that a person must look (triage).
// What no rule fits goes to triage: nothing is guessed. Rules compare text and have no expressions, so that a file can be
// read, tested ('trigger route test') and trusted. The package does no I/O and knows no inventory.
package route
