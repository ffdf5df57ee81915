package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"
	"golang.org/x/sync/errgroup"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/internal/slackui"
)

// declareWork opens the form that starts an incident.
func (c *cockpit) declareWork(d *slackDelivery, who caller, words []string, mode incident.Mode) slackWork {
	return func(ctx context.Context) (slackTell, bool) {
		if !who.known {
			return c.stranger(who, "declare"), true
		}
		asset := strings.Join(words, "")
		if asset != "" {
			if err := c.inventory.current().CheckAsset(asset); err != nil {
				return c.say(who, "Nothing was started: "+err.Error()+"."), true
			}
		}
		view := slackui.DeclareModal(c.kinds, asset)
		if c.mode == incident.Drill {
			mode = incident.Drill
		}
		preselect(view, mode)
		return c.openView(ctx, d, who, view)
	}
}

// preselect chooses the mode with which the form opens.
func preselect(view *slack.ModalViewRequest, mode incident.Mode) {
	for _, block := range view.Blocks.BlockSet {
		input, ok := block.(*slack.InputBlock)
		if !ok || input.BlockID != slackui.FieldMode {
			continue
		}
		if element, ok := input.Element.(*slack.SelectBlockElement); ok {
			for _, o := range element.Options {
				if o.Value == string(mode) {
					element.InitialOption = o
				}
			}
		}
	}
}

// declared takes the form that starts an incident. What is wrong is shown beside its field.
func (c *cockpit) declared(d *slackDelivery, who caller) slackReply {
	if reason := who.refusal(); reason != "" {
		c.log.Warn("slack request refused", "what", "declare", "slack_user", who.slackID, "error", reason)
		return refusedHere("Refused: " + reason + ". Nothing was started.")
	}
	form, wrong := slackui.ParseDeclaration(d.interaction.View.asSlack(), c.kinds)
	if len(wrong) == 0 {
		wrong = c.misfit(form)
	}
	if len(wrong) > 0 {
		return slackReply{body: slack.NewErrorsViewSubmissionResponse(wrong)}
	}
	r := incident.Request{
		Kind: form.Kind, Asset: form.Asset, Mode: form.Mode, Requester: who.person, Summary: form.Summary,
		Severity: form.Severity, Facet: form.Facet, DetectedAt: c.now().UTC(),
	}
	return c.do(d, who, c.startWork(who, r))
}

// misfit says what the inventory and the mode have against a declaration.
func (c *cockpit) misfit(form slackui.Declaration) slackui.FieldErrors {
	inv := c.inventory.current().Inventory
	if err := inv.CheckAsset(form.Asset); err != nil || len(form.Asset) > maxAssetBytes {
		return slackui.FieldErrors{slackui.FieldAsset: "This asset is not in the inventory."}
	}
	if c.mode == incident.Drill && form.Mode != incident.Drill {
		return slackui.FieldErrors{slackui.FieldMode: "This firebreak runs drills only."}
	}
	if env := inv.Env(form.Asset); !form.Mode.Allows(env) {
		return slackui.FieldErrors{slackui.FieldAsset: fmt.Sprintf("It is in environment %s, which a %s incident may not touch.", clean(env), form.Mode)}
	}
	return nil
}

// refusal says why this person may start nothing.
func (w caller) refusal() string {
	if w.elsewhere != "" {
		return w.elsewhere
	}
	return w.doubt
}

// startWork starts the incident and says where it can be followed.
func (c *cockpit) startWork(who caller, r incident.Request) slackWork {
	id := incident.WorkflowID(r.Kind, r.Asset, "")
	return func(ctx context.Context) (slackTell, bool) {
		err := c.op.start(ctx, id, r)
		switch {
		case errors.Is(err, errOpen):
			c.log.Info("slack declaration of an open incident", "incident_id", id, "person", who.person)
			return c.say(who, id+" is open already; yours was not started beside it. See /incident status "+id), true
		case err != nil:
			hint := commandLine("trigger", "start", "--kind", string(r.Kind), "--asset", r.Asset, "--mode", string(r.Mode), "--as", who.person)
			return c.failed(who, id, err, hint), false
		}
		c.log.Info("slack declaration started an incident", "incident_id", id, "person", who.person, "mode", string(r.Mode))
		return c.say(who, fmt.Sprintf("Started %s (%s). You declared it, so your approvals do not count. See /incident status %s", id, r.Mode, id)), true
	}
}

// suggestions bounds how many assets a search shows: Slack takes no more.
const suggestions = 100

// suggest answers the search for an asset. It asks nobody: the inventory is in memory.
func (c *cockpit) suggest(d *slackDelivery) slackReply {
	none := slackReply{body: slackui.AssetOptions(nil)}
	in := d.interaction
	if who := c.who(d); !who.known || in.ActionID != slackui.ActionAsset {
		return none
	}
	return slackReply{body: slackui.AssetOptions(searchAssets(c.inventory.current().Inventory, in.Value, c.chosenMode(in.View)))}
}

// chosenMode is the mode that the form has at this moment; empty if it does not say.
func (c *cockpit) chosenMode(view *slackView) incident.Mode {
	if c.mode == incident.Drill {
		return incident.Drill
	}
	if view == nil || view.State == nil {
		return ""
	}
	return incident.Mode(view.State.Values[slackui.FieldMode][slackui.FieldMode].SelectedOption.Value)
}

// searchAssets lists the assets that have the words in their ids, those that begin with them first. Only what an incident of
// the mode may touch is listed.
func searchAssets(inv *inventory.Inventory, query string, mode incident.Mode) []string {
	query = strings.ToLower(strings.TrimSpace(query))
	var begin, hold []string
	note := func(id string) {
		lower := strings.ToLower(id)
		if !strings.Contains(lower, query) || !allowed(mode, inv.Env(id)) {
			return
		}
		if strings.HasPrefix(lower, query) {
			begin = append(begin, id)
			return
		}
		hold = append(hold, id)
	}
	for i := range inv.DatasetVersions {
		note(inv.DatasetVersions[i].ID)
	}
	for i := range inv.Checkpoints {
		note(inv.Checkpoints[i].ID)
	}
	for i := range inv.Endpoints {
		note(inv.Endpoints[i].ID)
	}
	for i := range inv.Models {
		note(inv.Models[i].ID)
	}
	for i := range inv.Datasets {
		note(inv.Datasets[i].ID)
	}
	slices.Sort(begin)
	slices.Sort(hold)
	all := append(begin, hold...)
	return all[:min(len(all), suggestions)]
}

// allowed reports whether an incident of the mode may touch the environment; of no mode, whether any may.
func allowed(mode incident.Mode, env string) bool {
	if mode == "" {
		return incident.Live.Allows(env) || incident.Drill.Allows(env)
	}
	return mode.Allows(env)
}

// mostSummarised bounds how many incidents are asked for a list.
const mostSummarised = 50

// summarised asks each incident for its summary. One that does not answer is listed all the same.
func summarised(ctx context.Context, op operator, runs []listed, link func(incidentID string) string) []slackui.Summary {
	runs = runs[:min(len(runs), mostSummarised)]
	out := make([]slackui.Summary, len(runs))
	var group errgroup.Group
	group.SetLimit(asked)
	for i, l := range runs {
		group.Go(func() error {
			rec, err := op.record(ctx, l.id, l.run)
			if err != nil {
				out[i] = slackui.Summary{Ref: slackui.Ref{Incident: l.id}, Asset: l.id, Opened: l.started.UTC().Format(time.DateTime) + " UTC"}
				return nil
			}
			out[i] = slackui.Summarise(rec, link(rec.ID))
			return nil
		})
	}
	// The functions above report through out and never fail.
	_ = group.Wait()
	return out
}
