package picture

import (
	_ "embed" // the template
	"fmt"
	"html/template"
	"io"
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
	if err := t.ExecuteTemplate(w, "standalone", p); err != nil {
		return fmt.Errorf("draw the picture: %w", err)
	}
	return nil
}
