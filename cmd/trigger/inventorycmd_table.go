package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
)

// named is how many assets a line of prose names.
const named = 12

// writeRadius writes a blast radius for people: how far it goes, what of it is not known, and why each asset is in it.
func writeRadius(w io.Writer, x inventory.Explanation, colour bool) error {
	var b strings.Builder
	r := &x.Radius
	fmt.Fprintf(&b, "%s in %s reaches %s, %s, %s and %s\n", plain(x.Asset), plain(r.Environment), count(len(r.DatasetVersions), "dataset version"),
		count(len(r.Checkpoints), "checkpoint"), count(len(r.Endpoints), "endpoint"), count(holders(r), "credential"))
	var facts []string
	for _, f := range []struct {
		is   bool
		text string
	}{{r.PersonalData, "personal data"}, {r.HighRisk, "high-risk system"}, {r.SharedCredentials, "shared credentials"}} {
		if f.is {
			facts = append(facts, f.text)
		}
	}
	if len(facts) > 0 {
		fmt.Fprintln(&b, "  "+strings.Join(facts, ", "))
	}
	if len(r.Communications) > 0 {
		fmt.Fprintln(&b, plain("  whoever did this may read along where people talk: "+strings.Join(r.Communications, ", ")))
	}
	if n := len(r.Unknown); n > 0 {
		text := "UNKNOWN LINEAGE, counted as affected: " + strings.Join(r.Unknown[:min(n, named)], ", ")
		if n > named {
			text += fmt.Sprintf(" and %d more", n-named)
		}
		fmt.Fprintln(&b, "  "+painted(plain(text), "33", colour))
	}
	reasons(&b, x.Reasons, colour)
	consumers(&b, x.Consumers)
	_, err := io.WriteString(w, b.String())
	return err
}

// holders counts the credentials, of which some both write and call.
func holders(r *incident.Radius) int {
	ids := map[string]bool{}
	for _, list := range [][]string{r.Writers, r.Callers} {
		for _, id := range list {
			ids[id] = true
		}
	}
	return len(ids)
}

// painted is a text in a colour, if there are colours.
func painted(s, code string, colour bool) string {
	if !colour {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// reasons writes section by section. A ? marks what is not proved to be affected; no reader depends on colour.
func reasons(w io.Writer, all []inventory.Reason, colour bool) {
	for len(all) > 0 {
		section := all[0].Section
		n := 1
		for n < len(all) && all[n].Section == section {
			n++
		}
		fmt.Fprintf(w, "\n%s\n", strings.ToUpper(strings.ReplaceAll(section, "_", " ")))
		var rows strings.Builder
		t := tabwriter.NewWriter(&rows, 0, 0, 2, ' ', 0)
		for _, r := range all[:n] {
			mark := " "
			if r.Unknown {
				mark = "?"
			}
			fmt.Fprintf(t, "%s %s\t%s\t%s\n", mark, plain(r.ID), plain(r.Why), plain(strings.Join(r.Path, " > ")))
		}
		_ = t.Flush() // to a builder, which takes everything
		for row := range strings.Lines(rows.String()) {
			text := strings.TrimSuffix(row, "\n")
			if strings.HasPrefix(text, "?") {
				text = painted(text, "33", colour)
			}
			fmt.Fprintln(w, text)
		}
		all = all[n:]
	}
}

// consumers says of each key at a gateway who holds it and what may be done about it.
func consumers(w io.Writer, all []inventory.KeyHolder) {
	if len(all) == 0 {
		return
	}
	fmt.Fprint(w, "\nCONSUMERS AT GATEWAYS\n")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, h := range all {
		who := "holder unknown to every endpoint"
		if h.Tenant != "" {
			who = h.Tenant + ", " + cmp.Or(h.Tier, "of no tier")
			if h.Allowlisted {
				who += ", allow-listed"
			}
		}
		may := "people decide"
		if h.Query == inventory.Consumers {
			may = "may be slowed down unasked"
		}
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s (%s)\n", plain(h.ID), plain(h.Gateway+"/"+h.Route), plain(who), may, h.Query)
	}
	_ = t.Flush()
}
