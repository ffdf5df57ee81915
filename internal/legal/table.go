package legal

import (
	_ "embed"
	"fmt"
	"time"
)

//go:embed regimes.yaml
var shipped []byte

// ShippedName is what faults call the built-in table.
const ShippedName = "regimes.yaml"

// Table is the duties to notify, in the order of the file. It is read only.
type Table struct {
	rows     []row
	business Business
}

// Values of a row's effective_from that are not dates.
const (
	inForce = "in-force"
	fillIn  = "fill-in"
	unknown = "unknown"
)

// Values of a row's status.
const (
	confirmed  = "confirmed"
	secondary  = "secondary"
	unverified = "unverified"
)

// row is one duty of one version.
type row struct {
	regime, title, recipient, source, status, note string
	version                                        int
	effective                                      string
	calendar                                       Calendar
	rule                                           Rule
	fromContract                                   bool
	content, applies, states                       []string
	enabled, needsCounsel                          bool
	// line and column are the place of the row in its file.
	line, column int
}

// since is the date from which the row applies; zero means always.
func (r *row) since() time.Time {
	t, err := time.Parse(time.DateOnly, r.effective)
	if err != nil {
		return time.Time{}
	}
	return t
}

// Shipped returns the built-in table. It reads YAML: call it from activities, not from workflow code.
func Shipped() (*Table, error) { return Parse(ShippedName, shipped) }

// Regimes lists the names of the table's rows in the order of the file, each once.
func (t *Table) Regimes() []string {
	var names []string
	for i := range t.rows {
		names = appendNew(names, t.rows[i].regime)
	}
	return names
}

// Fault is one thing that is wrong with a table, and where.
type Fault struct {
	File         string
	Line, Column int
	Code         string
	Message      string
}

// Error returns file:line:column: code: message.
func (f Fault) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s: %s", f.File, f.Line, f.Column, f.Code, f.Message)
}
