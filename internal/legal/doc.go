// Package legal keeps the clocks of legal duties to notify.
//
// The duties are data: regimes.yaml, one row a duty, with its anchor, its duration and the date from which it applies.
// Parse reads a table strictly; Shipped returns the one that is built in. Opening clocks reads the table and happens once,
// when an incident's plan is made. From then on every clock carries its own rule, so that a changed table never changes
// a clock that runs.
//
// Everything after Open is a pure function over slices and instants: no clock is read, no map is ranged over, nothing is
// changed in place. It may therefore be called from workflow code:
//
//	clocks = legal.Recompute(clocks, anchors)
//	index, percent, at, ok := legal.NextEscalation(clocks, now)
//
// The rules it keeps: a clock starts provisionally, as the worst case, at the first signal, and says so. Only people of
// legal and privacy set anchors, dismiss clocks and record filings; the engine does none of these. A missing anchor is
// shown as missing and gives no deadline. A missed clock is recorded and never deleted. A delay for law enforcement is
// recorded and stops nothing. Nothing is ever filed by the engine.
//
// None of this is legal advice: every row needs confirmation by counsel.
package legal
