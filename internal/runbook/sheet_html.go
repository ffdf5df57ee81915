package runbook

import (
	_ "embed" // for the page's template
	"fmt"
	"html/template"
	"io"
)

//go:embed sheet.html
var sheetPage string

// HTML writes the sheet as one page that needs nothing else: no script, no font, no picture, no other file. Its styles
// are for paper.
func (s *Sheet) HTML(out io.Writer) error {
	t, err := template.New("sheet").Funcs(template.FuncMap{"inline": inline}).Parse(sheetPage)
	if err != nil {
		return fmt.Errorf("parse the page of the sheet: %w", err)
	}
	if err := t.Execute(out, s); err != nil {
		return fmt.Errorf("write the page of %s: %w", s.Kind, err)
	}
	return nil
}
