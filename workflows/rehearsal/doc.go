// Package rehearsal runs playbooks against cases: given these results and failures, and these decisions of people, expect
// this sequence, verdict and undo.
//
// A case runs the very workflows that a worker runs, in Temporal's test environment, where time is skipped: a wait of a day
// takes no time. Nothing is simulated but the activities. Each of them works at once, unless the case says otherwise, and
// is written down.
//
// A case is one YAML file:
//
//	title: A denied rollback stays contained
//	playbook: dataset-compromise            # a built-in kind, or a file relative to the case
//	inventory: ../inventory/nordwall.yaml   # relative to the case; optional if the runner has one
//	incident: {asset: "loan-applications@2026-07-31", severity: SEV1, confidence: 0.95}
//	given:
//	  - {step: disable-endpoints, target: credit-api, fail: connection refused, times: 4}
//	  - {step: rollback, refuse: Unsupported, reason: no adapter}
//	  - {step: revoke-writers, unproved: true, from: 10m, until: 20m}
//	people:
//	  - {as: sec-1, at: 30s, approve: approve-revocation}
//	  - {as: ic-1, after: 5m, deny: approve-rollback}
//	  - {as: mallory, at: 1h, close: all is well, refused: is not in the inventory}
//	expect:
//	  sequence: [disable-endpoints/credit-api do, revoke-writers do]
//	  never: [rollback]
//	  approvals: {approve-rollback: denied}
//	  steps: {rollback/credit-api: "skipped: denied by ic-1"}
//	  verdict: contained
//
// All times are workflow time since the incident was opened. See Case, Given, Act and
// Expect for every key. An unknown key, step or target is a fault: a misspelt expectation must not pass.
//
// A run ends when nothing is left to happen: nobody is waited for any more and nothing but hopeless retries goes on. The
// expectations are held against the record as it then stands, or against the final one if the case closes the incident
// itself. A request that nobody answers runs into its timeout first; a task that nobody reports becomes overdue.
//
// A call is written "step/target stage", the stages being capture, do, verify and undo. Where the target or the stage is
// left out, any will do. The calls of a child playbook have its kind in front: "backdoor-discovery:rollback do". The plan,
// the sealing of evidence and the reminders of legal are called incident.plan, evidence.seal and legal.remind. Steps that run in parallel have no order between
// them; an item of a list may therefore be a list, whose members may come in any order.
package rehearsal
