// Package playbooks is the language in which firebreak's responses are written, the catalogue of actions that they can
// use, and the reference playbooks themselves (the *.yaml files beside this file).
//
// A playbook says which actions fill the phases of a response, on which targets (a query on the inventory, never a
// name), with which parameters and behind which approvals. It cannot say more than that: Go owns the rules that every
// playbook must keep, and [Parse] refuses one that breaks a rule with all of its faults at once, each
// file:line:column: code: message (hint). [Codes] lists the codes.
//
// # A playbook
//
// A playbook is one YAML document without anchors, aliases, merge keys and tags, in a file named <kind>.yaml:
//
//	version: 1                  # always 1
//	kind: prompt-leak           # as the file is named; firebreak's own kinds, or a team's
//	title: One line for people
//	threat:                     # scenario is required
//	  scenario: Who does what to which asset.
//	  goal: What the attacker wants.
//	  capabilities: [What the attacker must be able to do]
//	  assets: [What is at stake]
//	  impact: What happens if it succeeds.
//	  indicators: [What it looks like]
//	  atlas: [AML.T0051]        # these four are checked against taxonomy.json
//	  owasp: ["LLM01:2025"]
//	  nist_ai_rmf: [MANAGE 4.1]
//	  csf: [RS.MI-01]
//	rating: {likelihood: medium, impact: high}
//	watch: {every: 5m}          # proves containment again until the incident is closed; 10s to 24h
//	phases:                     # in the order in which they run
//	  - {id: contain, title: One line for people, steps: [...]}
//	  - {id: resume, title: One line for people, aside: true, steps: [...]} # neither what follows nor the verdict waits for it
//
// Ids and kinds are lower-case words with dashes, at most 63 characters; no two phases or steps share one. A time is
// written as Go writes it (90s, 30m, 24h), above zero and at most 90 days.
//
// # Steps
//
// Each step is exactly one of these, in the order of the file unless they stand under parallel:
//
//   - id: disable-endpoints
//     action: endpoint.disable  # from the Catalogue
//     targets: radius.endpoints # a query on the inventory
//     with: {probes: 5}         # parameters of the action
//     timeout: 2m               # of one attempt of one stage
//     rounds: 3                 # how often it acts and verifies before it goes on in the background; 1 to 10
//     budget: 2m                # how long what follows waits for it; then it goes on beside that
//   - id: approve-rollback
//     approval: {roles: [MLO, IC], quorum: 2, timeout: 30m, on_timeout: stay}
//   - id: let-caches-expire
//     wait: {for: 15m}          # a person can end it early
//   - id: confirm
//     task: {assignee: MLO, due: 30m, instructions: Exactly what to do., outcomes: [confirmed, "false"], false_positive: "false", blocks: true}
//   - id: volatile-state
//     budget: 2m                # what follows waits so long for the report; then the verdict shows an evidence gap
//     task: {assignee: SRE, due: 2m, countersign: [SEC], instructions: Exactly what to do., outcomes: [captured, partly], gaps: [partly]}
//   - id: trace-the-data
//     playbook: {kind: dataset-compromise}
//   - parallel: [...]           # of the steps above
//     limit: 4
//
// A task that is countersigned counts once somebody of each role has reported the same. An outcome among its gaps is a gap
// of the verdict.
//
// On a timeout an approval can stay (nothing happens), escalate (escalate_to names further roles), proceed_with_lesser
// (the steps with lesser_of: <the approval> run instead) or abort; silence never approves. It can remind_every some time,
// and auto_when a condition holds it is granted without asking.
//
// A step of any kind but parallel can have a title and:
//
//	needs: [approve-rollback]   # earlier steps that must be done, proved or granted
//	when: {incident.severity: [SEV1, SEV2], radius.personal_data: true}
//	on_failure: continue        # or stop, or abort, which undoes
//
// # Conditions
//
// A condition compares references with a value, with one of several values, or, for a number, with ">=0.9". All
// comparisons of a mapping must hold; a list of mappings holds if one of them does. [References] lists the references of
// an incident and its blast radius; steps.<id>.status and steps.<id>.outcome are those of a step that stands earlier.
//
// # Rules
//
//   - Legal is told, by a step without conditions and before any step that can end the playbook.
//   - What replaces state needs an evidence step and an approval; what cannot be undone needs an approval.
//   - Something is contained: by an action or, in a team's own kind, by a person's task.
//   - An approval's quorum is at most the number of its roles; escalation does not change that.
//   - A playbook of backdoor-discovery or dataset-compromise has the phases preserve, contain and recover, one of
//     extraction-event preserve and contain. They stand in this order and others can follow each of them.
//
// playbook.schema.json is the [Schema] of the language for editors; with the YAML language server, begin a file with
// "# yaml-language-server: $schema=playbook.schema.json".
//
// The package does no I/O beyond reading playbook files. Workflows, activities and commands import it; it imports none
// of them.
package playbooks
