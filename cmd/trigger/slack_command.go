package main

import (
	"context"
	"errors"
	"strings"

	"firebreak/internal/incident"
	"firebreak/internal/slackui"
)

// slackCommand is the name under which the manifest registers the slash command.
const slackCommand = "/incident"

const slackUsage = `/incident declare [ASSET]: report an incident in a form
/incident drill [ASSET]: the same for a drill, which touches staging only
/incident list: the open incidents
/incident status [INCIDENT]: one of them
/incident approve [INCIDENT] STEP [PLAN]: decide on a request. Without PLAN it is shown with its buttons; with the digest that you have seen, it is approved on that plan
/incident deny [INCIDENT] STEP: deny a request, with a reason
/incident undo [INCIDENT]: it was a false positive: close it and undo what was done
/incident close [INCIDENT]: close it, with a reason and what becomes of legal's clocks
/incident help: this

INCIDENT is incident/KIND/ASSET, as the list shows it; it can be left out while only one is open. Who you are is read from Slack, never from what you type.`

// commandWords is a typed command, split.
type commandWords struct {
	verb string
	// incident is empty if none was named.
	incident string
	rest     []string
}

// splitCommand reads what was typed after the command's name. An incident is the only word with a slash in it.
func splitCommand(text string) (commandWords, error) {
	words := strings.Fields(unescapeSlack(text))
	if len(words) == 0 {
		return commandWords{verb: "help"}, nil
	}
	w := commandWords{verb: strings.ToLower(words[0]), rest: words[1:]}
	if len(w.rest) > 0 && strings.Contains(w.rest[0], "/") && w.verb != "declare" && w.verb != "drill" {
		id, err := incidentID(w.rest[0])
		if err != nil {
			return w, errors.New("an incident is written incident/KIND/ASSET, as /incident list shows it")
		}
		w.incident, w.rest = id, w.rest[1:]
	}
	return w, nil
}

// unescapeSlack undoes the three escapes of Slack's; nothing else in the text means anything.
func unescapeSlack(text string) string {
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(text)
}

// command answers a slash command.
func (c *cockpit) command(d *slackDelivery) slackReply {
	if d.command.Command != slackCommand {
		return ephemeralReply("firebreak does not know this command. Try " + slackCommand + " help.")
	}
	w, err := splitCommand(d.command.Text)
	if err != nil {
		return ephemeralReply(err.Error())
	}
	who := c.who(d)
	least, most := 0, 0
	var work slackWork
	switch w.verb {
	case "help":
		return ephemeralReply(slackUsage)
	case "declare":
		most, work = 1, c.declareWork(d, who, w.rest, incident.Live)
	case "drill":
		most, work = 1, c.declareWork(d, who, w.rest, incident.Drill)
	case "list":
		work = c.listWork(who)
	case "status":
		work = c.statusWork(who, w.incident)
	case "approve":
		least, most, work = 1, 2, c.approveWork(who, w)
	case "deny":
		least, most, work = 1, 1, c.denyWork(d, who, w)
	case "undo":
		work = c.closeWork(d, who, w.incident, slackui.VerbFalsePositive)
	case "close":
		work = c.closeWork(d, who, w.incident, slackui.VerbClose)
	default:
		return ephemeralReply("There is no /incident " + w.verb + ".\n\n" + slackUsage)
	}
	if len(w.rest) < least || len(w.rest) > most {
		return ephemeralReply("That is not how /incident " + w.verb + " is used. Nothing was done.\n\n" + slackUsage)
	}
	return c.do(d, who, work)
}

// listWork shows the open incidents.
func (c *cockpit) listWork(who caller) slackWork {
	return func(ctx context.Context) (slackTell, bool) {
		if !who.known {
			return c.stranger(who, "list"), true
		}
		open, err := c.open(ctx)
		if err != nil {
			return c.failed(who, "", err, commandLine("trigger", "list")), false
		}
		return c.show(who, slackui.List(open)), true
	}
}

// open summarises the open incidents. One that does not answer is listed by its id.
func (c *cockpit) open(ctx context.Context) ([]slackui.Summary, error) {
	runs, err := c.op.list(ctx, false)
	if err != nil {
		return nil, err
	}
	return summarised(ctx, c.op, runs, c.link), nil
}

// statusWork shows one incident.
func (c *cockpit) statusWork(who caller, id string) slackWork {
	return func(ctx context.Context) (slackTell, bool) {
		if !who.known {
			return c.stranger(who, "status"), true
		}
		id, tell := c.which(ctx, who, id)
		if tell != nil {
			return tell, false
		}
		rec, err := c.op.record(ctx, id, "")
		if err != nil {
			return c.failed(who, id, err, commandLine("trigger", "status", id)), false
		}
		return c.show(who, slackui.Status(rec, c.options(rec.ID))), true
	}
}

// which is the incident that was named, or else the only open one.
func (c *cockpit) which(ctx context.Context, who caller, id string) (string, slackTell) {
	if id != "" {
		return id, nil
	}
	open, err := c.op.list(ctx, false)
	switch {
	case err != nil:
		return "", c.failed(who, "", err, commandLine("trigger", "list"))
	case len(open) == 0:
		return "", c.say(who, "No incident is open.")
	case len(open) > 1:
		lines := []string{"Several incidents are open; name one of them:"}
		for _, l := range open[:min(len(open), 20)] {
			lines = append(lines, l.id)
		}
		return "", c.say(who, strings.Join(lines, "\n"))
	}
	return open[0].id, nil
}

// approveWork approves on the plan that was typed, or shows the request with its buttons, which carry the plan they show: a
// step's name alone does not say what somebody has seen.
func (c *cockpit) approveWork(who caller, w commandWords) slackWork {
	return func(ctx context.Context) (slackTell, bool) {
		ref, a, rec, tell := c.request(ctx, who, w)
		if tell != nil {
			return tell, false
		}
		if a == nil || len(w.rest) == 2 || !who.known {
			ref.Plan = ""
			if a != nil && len(w.rest) == 2 {
				ref.Plan = typedPlan(w.rest[1], a.PlanDigest)
			}
			return c.decide(ctx, who, ref, true, "")
		}
		return c.show(who, slackui.ApprovalRequest(rec, a, c.options(rec.ID))), true
	}
}

// minPlanDigits is how much of a plan's digest says which plan it is.
const minPlanDigits = 12

// typedPlan is the whole digest of which somebody typed the beginning, or else what was typed, which the incident refuses.
func typedPlan(typed, digest string) string {
	digits := strings.TrimSuffix(strings.TrimPrefix(strings.ToLower(typed), "sha256:"), "…")
	if len(digits) >= minPlanDigits && strings.HasPrefix(strings.TrimPrefix(digest, "sha256:"), digits) {
		return digest
	}
	return slackui.Plain(typed, 80)
}

// denyWork asks for the reason of a denial, on the plan that the form shows.
func (c *cockpit) denyWork(d *slackDelivery, who caller, w commandWords) slackWork {
	return func(ctx context.Context) (slackTell, bool) {
		ref, a, rec, tell := c.request(ctx, who, w)
		if tell != nil {
			return tell, false
		}
		if a == nil || !who.known {
			ref.Plan = ""
			return c.decide(ctx, who, ref, false, "")
		}
		return c.openReason(ctx, d, who, slackui.VerbDeny, ref, rec)
	}
}

// request finds the request for approval that a typed command is about; it is nil if the step does not wait for one.
func (c *cockpit) request(ctx context.Context, who caller, w commandWords) (slackui.Ref, *incident.Approval, *incident.Record, slackTell) {
	id, tell := c.which(ctx, who, w.incident)
	if tell != nil {
		return slackui.Ref{}, nil, nil, tell
	}
	rec, err := c.op.record(ctx, id, "")
	if err != nil {
		return slackui.Ref{}, nil, nil, c.failed(who, id, err, commandLine("trigger", "status", id))
	}
	ref := slackui.RefOf(rec)
	ref.Step = slackui.Plain(w.rest[0], 200)
	a, err := waiting(rec, ref.Step)
	if err != nil {
		return ref, nil, rec, nil
	}
	ref.Plan = a.PlanDigest
	return ref, a, rec, nil
}

// closeWork asks for the reason of closing an incident.
func (c *cockpit) closeWork(d *slackDelivery, who caller, id string, verb slackui.Verb) slackWork {
	return func(ctx context.Context) (slackTell, bool) {
		id, tell := c.which(ctx, who, id)
		if tell != nil {
			return tell, false
		}
		rec, err := c.op.record(ctx, id, "")
		if err != nil {
			return c.failed(who, id, err, commandLine("trigger", "close", id, "--as", who.person, "--reason", "WHY")), false
		}
		if !who.known {
			return c.ask(ctx, who, slackui.Reasoned{Verb: verb, Ref: slackui.RefOf(rec)})
		}
		return c.openReason(ctx, d, who, verb, slackui.RefOf(rec), rec)
	}
}

// show shows a message to the person alone.
func (c *cockpit) show(who caller, m slackui.Message) slackTell {
	return func(ctx context.Context) { c.answers.ephemeral(ctx, who.place, m.Text, m.Blocks) }
}

// say says something to the person alone.
func (c *cockpit) say(who caller, text string) slackTell {
	fallback, blocks := notice(text)
	return c.show(who, slackui.Message{Text: fallback, Blocks: blocks})
}
