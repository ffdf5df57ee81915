package inventory

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// reject returns everything that speaks against a checkpoint as known-good.
func (s *selection) reject(c *Checkpoint) []string {
	if s.affected[c.ID] {
		return []string{"in the blast radius"}
	}
	var why []string
	for _, rule := range []func(*Checkpoint) []string{s.standing, s.time, s.signature, s.lineage, s.compatible, s.promotion} {
		why = append(why, rule(c)...)
	}
	return append(why, s.inv.findings.Against[c.ID]...)
}

// standing refuses what was revoked, retired or quarantined, for whatever reason, and what cannot be named by its bytes.
func (s *selection) standing(c *Checkpoint) []string {
	var why []string
	if c.Status != "active" {
		why = append(why, "status is "+c.Status)
	}
	if c.RootDigest == "" {
		why = append(why, "no root digest")
	}
	if c.URI == "" {
		why = append(why, "nothing says where it is")
	}
	return why
}

// time wants the training finished well before the compromise. Where nobody wrote down when it finished, a signature from
// before is the proof that it had; where nobody knows when the compromise began, the attestations of the promotion must do.
func (s *selection) time(c *Checkpoint) []string {
	if s.since.IsZero() {
		return nil
	}
	limit := s.since.Add(-KnownGoodMargin)
	finished, known := parseTime(c.Built.Finished)
	if known {
		if finished.Before(limit) {
			return nil
		}
		return []string{fmt.Sprintf("training finished %s, not %s before the compromise of %s", c.Built.Finished, hours(KnownGoodMargin), s.since.Format(time.RFC3339))}
	}
	if signed, ok := parseTime(c.SignedAt); ok && signed.Before(limit) {
		return nil
	}
	return []string{"nothing says that its training finished before the compromise of " + s.since.Format(time.RFC3339)}
}

// signature wants a signature of a trusted key from before the compromise.
func (s *selection) signature(c *Checkpoint) []string {
	if c.OMSBundle == "" || c.Signer.Key == "" {
		return []string{"not signed"}
	}
	var why []string
	signed, known := parseTime(c.SignedAt)
	if !s.since.IsZero() {
		if !known {
			why = append(why, "nothing says when it was signed")
		} else if !signed.Before(s.since) {
			why = append(why, "signed "+c.SignedAt+", after the compromise began")
		}
	}
	after := func(limit, text string) {
		if t, ok := parseTime(limit); ok && (!known || !signed.Before(t)) {
			why = append(why, text)
		}
	}
	after(c.Signer.TrustedUntil, "signed after its key ceased to be trusted")
	k := s.inv.SigningKey(c.Signer.Key)
	if k == nil {
		if len(s.inv.SigningKeys) > 0 {
			why = append(why, "its key "+c.Signer.Key+" is not in signing_keys")
		}
		return why
	}
	if c.Signer.TrustedUntil != k.TrustedUntil {
		after(k.TrustedUntil, "signed after its key ceased to be trusted")
	}
	after(k.CompromisedSince, "signed when its key may have been in other hands, since "+k.CompromisedSince)
	if t, ok := parseTime(k.TrustedFrom); ok && known && signed.Before(t) {
		why = append(why, "signed before its key was trusted")
	}
	return why
}

// lineage wants everything that the checkpoint was made from known and clean.
func (s *selection) lineage(c *Checkpoint) []string {
	var why []string
	from, known := s.suspectsOf(c)
	if !known {
		why = append(why, "nothing is known of what it was made from")
	}
	if q := s.inv.quarantined(c.madeWith()...); q != "" {
		why = append(why, q)
	}
	for _, id := range from {
		if q := s.ancestor(id); q != "" {
			why = append(why, "descends from "+q)
		}
	}
	return why
}

// ancestor says what is wrong with something that a checkpoint was made from, or "".
func (s *Selector) ancestor(id string) string {
	if s.suspect[id] {
		return id + ", which is suspect"
	}
	if v := s.inv.DatasetVersion(id); v != nil {
		if v.Status != "" && v.Status != "active" {
			return id + ", which is " + v.Status
		}
		return ""
	}
	c := s.inv.Checkpoint(id)
	if c == nil {
		return id + ", of which nothing is known"
	}
	if slices.Contains([]string{"quarantined", "revoked"}, c.Status) {
		return id + ", which is " + c.Status
	}
	if q := s.inv.quarantined(c.madeWith()...); q != "" {
		return id + ", made with " + q
	}
	return ""
}

// datasets are the ids of the dataset versions that the checkpoint names itself.
func (c *Checkpoint) datasets() []string {
	var out []string
	for _, d := range c.Built.Datasets {
		id, _, _ := strings.Cut(d, "#")
		out = append(out, id)
	}
	return out
}

// compatible wants a checkpoint that callers and platform can take in place of the one that it replaces.
func (s *selection) compatible(c *Checkpoint) []string {
	r := s.replaced
	if r == nil {
		return nil
	}
	var why []string
	differ := func(what, ours, theirs string) {
		if ours != theirs {
			why = append(why, fmt.Sprintf("%s is %s, that of %s is %s", what, ours, r.ID, theirs))
		}
	}
	differ("interface", or(c.Interface, "not named"), or(r.Interface, "not named"))
	differ("format of the weights", or(c.Files.Weights, "none"), or(r.Files.Weights, "none"))
	differ("quantization", or(c.Files.Quantization, "none"), or(r.Files.Quantization, "none"))
	differ("tokenizer", presence(c.Files.Tokenizer), presence(r.Files.Tokenizer))
	differ("chat template", presence(c.Files.ChatTemplate), presence(r.Files.ChatTemplate))
	return why
}

// promotion wants a checkpoint that passed the evaluations that it was promoted with.
func (s *selection) promotion(c *Checkpoint) []string {
	if len(c.Promotion.Evals) == 0 || c.Promotion.At == "" {
		return []string{"never passed promotion"}
	}
	return nil
}

// review says what the chosen checkpoint shares with what is suspect, and what nobody knows.
func (s *selection) review(c *Checkpoint) []string {
	var out []string
	if s.since.IsZero() {
		out = append(out, "nobody knows when the compromise began: that "+c.ID+" is older proves nothing")
	}
	out = append(out, s.shared(c)...)
	return out
}

func presence(file string) string {
	if file == "" || file == "none" {
		return "absent"
	}
	return "present"
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func hours(d time.Duration) string { return fmt.Sprintf("%d hours", int(d.Hours())) }
