package playbooks_test

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/playbooks"
)

func TestTaxonomyCheck(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, scheme, id, want string }{
		{"a technique", "atlas", "AML.T0020", ""},
		{"a sub-technique", "atlas", "AML.T0018.002", ""},
		{"a technique of another release", "atlas", "AML.T9020", `"AML.T9020" is not an id of MITRE ATLAS techniques 5.6.0 (release v5.6.1, commit 8ee2c689 of mitre-atlas/atlas-data, Apache-2.0); the nearest is AML.T0020 (Poison Training Data)`},
		{"an invented CoSAI id", "atlas", "AT1050", "the nearest is AML.T0050"},
		{"an OWASP id", "owasp", "LLM04:2025", ""},
		{"an OWASP id without its year", "owasp", "LLM04", "the nearest is LLM04:2025 (Data and Model Poisoning)"},
		{"a machine learning id of another year", "owasp", "ML10:2025", "the nearest is ML10:2023 (Model Poisoning)"},
		{"an RMF subcategory", "nist_ai_rmf", "MANAGE 4.1", ""},
		{"an invented RMF subcategory", "nist_ai_rmf", "MANAGE 4.4", "the nearest is MANAGE 2.4"},
		{"a CSF subcategory", "csf", "RS.MI-01", ""},
		{"a CSF 1.1 subcategory", "csf", "RS.MI-1", "the nearest is RS.MI-01 (Incidents contained)"},
		{"an unknown taxonomy", "attack", "T1078", `unknown taxonomy "attack", known: atlas, csf, nist_ai_rmf, owasp`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := playbooks.Taxonomies().Check(c.scheme, c.id)
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestTaxonomyNamesCarryTheParent(t *testing.T) {
	t.Parallel()
	tax := playbooks.Taxonomies()
	require.Equal(t, "Manipulate AI Model: Embed Malware", tax.Name("atlas", "AML.T0018.002"))
	require.Equal(t, "Hidden Context Exposure", tax.Name("owasp", "LLM08:2026"))
	require.Empty(t, tax.Name("owasp", "LLM11:2025"))
	require.Empty(t, tax.Name("attack", "T1078"))
}

// Every id has the form of its scheme, a name, and a release; OWASP ids carry their year because the list is renumbered.
func TestTaxonomyFileIsWellFormed(t *testing.T) {
	t.Parallel()
	form := map[string]*regexp.Regexp{
		"atlas":       regexp.MustCompile(`^AML\.T\d{4}(\.\d{3})?$`),
		"owasp":       regexp.MustCompile(`^(ML(0[1-9]|10):2023|LLM(0[1-9]|10):202[56])$`),
		"nist_ai_rmf": regexp.MustCompile(`^(GOVERN|MAP|MEASURE|MANAGE) [1-6]\.\d$`),
		"csf":         regexp.MustCompile(`^(GV|ID|PR|DE|RS|RC)\.[A-Z]{2}-\d{2}$`),
	}
	tax := playbooks.Taxonomies()
	require.Len(t, tax.Schemes(), len(form))
	for _, name := range tax.Schemes() {
		s := tax.Scheme(name)
		require.NotEmpty(t, s.Title, name)
		require.NotEmpty(t, s.Version, name)
		require.NotEmpty(t, s.IDs, name)
		for id, title := range s.IDs {
			require.Regexp(t, form[name], id)
			require.NotEmpty(t, title, id)
		}
	}
	for id := range tax.Scheme("atlas").IDs {
		if parent := id[:len("AML.T0000")]; parent != id {
			require.Contains(t, tax.Name("atlas", id), tax.Name("atlas", parent)+": ")
		}
	}
}
