package runbook

import (
	"slices"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// Question is one approval: who would be asked, what follows from a yes, and what from silence.
type Question struct {
	Step   string   `json:"step"`
	Title  string   `json:"title,omitempty"`
	Quorum int      `json:"quorum"`
	Roles  []string `json:"roles"`
	// Timeout is how long people have, e.g. 30m; OnTimeout is what silence leads to.
	Timeout     string              `json:"timeout"`
	OnTimeout   playbooks.OnTimeout `json:"on_timeout"`
	EscalateTo  []string            `json:"escalate_to,omitempty"`
	RemindEvery string              `json:"remind_every,omitempty"`
	// Deciders may decide; Excluded may not although they hold a role.
	Deciders []Decider  `json:"deciders"`
	Excluded []Excluded `json:"excluded,omitempty"`
	// Automatic says why it is granted without asking; Maybe is the condition under which it will be, and Never why its
	// condition does not hold.
	Automatic string `json:"automatic,omitempty"`
	Maybe     string `json:"automatic_if,omitempty"`
	Never     string `json:"not_automatic,omitempty"`
	// NotAsked says why nobody is asked.
	NotAsked string `json:"not_asked,omitempty"`
	// Problem says why it could not be granted as things are, e.g. that too few people hold the roles.
	Problem string   `json:"problem,omitempty"`
	Unlocks []string `json:"unlocks,omitempty"`
	// Lesser are the steps that run instead if nobody decides in time.
	Lesser []string `json:"lesser,omitempty"`
}

// Decider is a person with the role for which the decision would count.
type Decider struct {
	Person string `json:"person"`
	Name   string `json:"name,omitempty"`
	Role   string `json:"role"`
	// DeputyOf names the holder whom the person stands in for.
	DeputyOf string `json:"deputy_of,omitempty"`
	// Escalation is true if the person may decide only after the first timeout.
	Escalation bool `json:"escalation,omitempty"`
}

// Excluded is a person whose approval would not count, and why.
type Excluded struct {
	Person string `json:"person"`
	Why    string `json:"why"`
}

// questions lists the approvals in the order of the playbook.
func (s *survey) questions(req incident.Request) []Question {
	var out []Question
	s.plan.Playbook.Walk(func(_ string, step *playbooks.Step) {
		if step.Approval != nil {
			out = append(out, s.question(step, req))
		}
	})
	return out
}

func (s *survey) question(step *playbooks.Step, req incident.Request) Question {
	a := step.Approval
	q := Question{
		Step: step.ID, Title: step.Title, Quorum: a.Quorum, Roles: a.Roles, Timeout: period(a.Timeout), OnTimeout: a.OnTimeout, EscalateTo: a.EscalateTo,
	}
	if a.RemindEvery > 0 {
		q.RemindEvery = period(a.RemindEvery)
	}
	s.people(&q, req)
	s.follows(&q)
	s.automation(&q, a.AutoWhen)
	switch {
	case s.dead[step.ID]:
		q.NotAsked = "the step is skipped"
	case len(q.Unlocks) == 0:
		q.NotAsked = "no step would follow from it"
	case q.Automatic == "" && reachable(q.Deciders, a.Quorum, false) < a.Quorum:
		q.Problem = "too few people of different roles may decide: it can only time out"
		if len(a.EscalateTo) > 0 && reachable(q.Deciders, a.Quorum, true) >= a.Quorum {
			q.Problem = "too few people of different roles may decide before it escalates"
		}
	}
	return q
}

// automation says whether the approval is granted without asking, and why. Only the alternative that holds is named.
func (s *survey) automation(q *Question, auto playbooks.Condition) {
	if len(auto) == 0 {
		return
	}
	switch s.forecast.condition(auto) {
	case holds:
		i := slices.IndexFunc(auto, func(a []playbooks.Comparison) bool { return s.forecast.alternative(a) == holds })
		q.Automatic = auto[i:i+1].String() + "; " + s.forecast.values(auto[i:i+1])
	case depends:
		q.Maybe = auto.String()
	case cannotHold:
		q.Never = auto.String() + "; " + s.forecast.values(auto)
	}
}

// people finds who holds the roles or stands in for somebody who does, and whom the rules exclude: the person who starts
// an incident does not count towards its approvals.
func (s *survey) people(q *Question, req incident.Request) {
	excluded := map[string]bool{}
	for i, role := range append(slices.Clone(q.Roles), q.EscalateTo...) {
		for _, d := range holders(s.plan.People, role) {
			d.Escalation = i >= len(q.Roles)
			if d.Person != req.Requester {
				q.Deciders = append(q.Deciders, d)
				continue
			}
			if !excluded[d.Person] {
				q.Excluded = append(q.Excluded, Excluded{Person: d.Person, Why: "started the incident and cannot approve it"})
			}
			excluded[d.Person] = true
		}
	}
}

// holders are the people with a role, and after each the deputy, who may decide at any time.
func holders(people []inventory.Person, role string) []Decider {
	var out []Decider
	for _, p := range people {
		if p.Role == role {
			out = append(out, Decider{Person: p.ID, Name: p.IDP, Role: role})
		}
	}
	for _, p := range people {
		i := slices.IndexFunc(people, func(d inventory.Person) bool { return d.ID == p.Deputy })
		if p.Role != role || i < 0 || slices.ContainsFunc(out, func(d Decider) bool { return d.Person == p.Deputy }) {
			continue
		}
		out = append(out, Decider{Person: people[i].ID, Name: people[i].IDP, Role: role, DeputyOf: p.ID})
	}
	return out
}

// follows finds what a yes unlocks, and what runs instead if nobody decides.
func (s *survey) follows(q *Question) {
	s.plan.Playbook.Walk(func(_ string, step *playbooks.Step) {
		if s.dead[step.ID] {
			return
		}
		name, _ := describe(step)
		if step.LesserOf == q.Step {
			q.Lesser = append(q.Lesser, step.ID)
		}
		if !slices.Contains(step.Needs, q.Step) {
			return
		}
		if step.Action == "" {
			q.Unlocks = append(q.Unlocks, name+" "+step.ID)
			return
		}
		action, _ := playbooks.FindAction(step.Action)
		usable, _ := targets(action, s.plan.Targets[step.ID])
		for _, t := range usable {
			q.Unlocks = append(q.Unlocks, name+" on "+t)
		}
	})
}

// reachable is how many approvals can count at most: each needs another person and another role, so it is the size of
// the largest matching of people to roles.
func reachable(deciders []Decider, quorum int, escalated bool) int {
	holder := map[string]string{}
	var assign func(person string, tried map[string]bool) bool
	assign = func(person string, tried map[string]bool) bool {
		for _, d := range deciders {
			if d.Person != person || d.Escalation && !escalated || tried[d.Role] {
				continue
			}
			tried[d.Role] = true
			if other, taken := holder[d.Role]; !taken || assign(other, tried) {
				holder[d.Role] = person
				return true
			}
		}
		return false
	}
	n := 0
	for _, d := range deciders {
		if n == quorum || slices.Contains(values(holder), d.Person) {
			continue
		}
		if assign(d.Person, map[string]bool{}) {
			n++
		}
	}
	return n
}

func values(m map[string]string) []string {
	out := make([]string, 0, len(m))
	for _, v := range m {
		out = append(out, v)
	}
	return out
}
