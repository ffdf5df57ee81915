package picture

import (
	_ "embed" // the template
	"fmt"
	"html/template"
	"io"
	"strings"
)

// Template defines "picture", a drawing within a page, and "standalone", one that is a file of its own. Both need a function
// clip, which shortens a text.
//
//go:embed picture.html
var Template string

// SVG writes a picture as a file of its own. Nothing in it is loaded from elsewhere and nothing in it runs.
func SVG(w io.Writer, p Picture) error {
	t, err := template.New("").Funcs(template.FuncMap{"clip": Middle}).Parse(Template)
	if err != nil {
		return fmt.Errorf("draw the picture: %w", err)
	}
	var b strings.Builder
	if err := t.ExecuteTemplate(&b, "standalone", p); err != nil {
		return fmt.Errorf("draw the picture: %w", err)
	}
	if _, err := io.WriteString(w, strings.Map(character, strings.ToValidUTF8(b.String(), "?"))); err != nil {
		return fmt.Errorf("draw the picture: %w", err)
	}
	return nil
}

// character keeps what may stand in XML: a file with anything else in it cannot be opened.
func character(r rune) rune {
	switch {
	case r == '\t' || r == '\n' || r == '\r':
	case r < ' ' || r == 0xfffe || r == 0xffff:
		return '?'
	}
	return r
}
