package picture_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/internal/picture"
)

// drawing is the picture as text, after a look at what is in it.
func drawing(t testing.TB, g picture.Graph) string {
	t.Helper()
	var b strings.Builder
	require.NoError(t, picture.SVG(&b, g.Wide()))
	dec := xml.NewDecoder(strings.NewReader(b.String()))
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return b.String()
		}
		require.NoError(t, err, "it is XML")
		start, ok := tok.(xml.StartElement)
		if !ok {
			continue
		}
		require.Contains(t, []string{"svg", "style", "title", "desc", "defs", "marker", "path", "text", "g"}, start.Name.Local)
		for _, a := range start.Attr {
			require.False(t, strings.HasPrefix(a.Name.Local, "on") || strings.HasSuffix(a.Name.Local, "href"), a.Name.Local)
		}
	}
}

func TestSVG(t *testing.T) {
	t.Parallel()
	inv, err := inventory.Load("../../testdata/inventory/nordwall.yaml")
	require.NoError(t, err)
	r, err := inv.BlastRadius("loan-applications@2026-07-31")
	require.NoError(t, err)
	g := picture.New(picture.Subject{Asset: "loan-applications@2026-07-31", Radius: r, Inventory: inv, State: func(string) (picture.Mark, string) {
		return picture.Mark{Word: "affected", Sign: "●", Class: "none"}, "why"
	}})
	require.Len(t, g.Lanes, 5)
	require.Len(t, g.Edges, 5, "writer, data, checkpoint, two endpoints and a caller")
	text := drawing(t, g)
	for _, want := range []string{"loan-applications@2026-07-31", "credit-scorer@17", "credit-batch", "● affected", "(why)"} {
		require.Contains(t, text, want)
	}
}

func TestSVGOfMany(t *testing.T) {
	t.Parallel()
	var r incident.Radius
	for i := range 50_000 {
		r.Checkpoints = append(r.Checkpoints, fmt.Sprint("c@", i))
		r.Unknown = append(r.Unknown, fmt.Sprint("c@", i))
	}
	g := picture.New(picture.Subject{Asset: "c@0", Radius: r, Inventory: &inventory.Inventory{}, Whole: "output as JSON"})
	require.Len(t, g.Lanes, 1)
	text := drawing(t, g)
	require.Less(t, len(text), 64<<10, "a picture stays one that can be looked at")
	require.Contains(t, text, "49976 more")
}

func FuzzSVG(f *testing.F) {
	f.Add("a@1", `<script>alert("x")</script>`)
	f.Add("\x00\xff", "]]>&amp;\u202e")
	f.Fuzz(func(t *testing.T, id, other string) {
		r := incident.Radius{DatasetVersions: []string{id}, Checkpoints: []string{other}, Endpoints: []string{id + other}, Unknown: []string{other}}
		drawing(t, picture.New(picture.Subject{Asset: id, Radius: r, State: func(string) (picture.Mark, string) {
			return picture.Mark{Word: other, Sign: "?", Class: "warn"}, id
		}}))
	})
}
