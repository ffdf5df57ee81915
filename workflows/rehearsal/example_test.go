package rehearsal_test

import (
	"fmt"

	"firebreak/workflows/rehearsal"
)

func ExampleRunner_Run() {
	c, err := rehearsal.Parse("cases/cut-off.yaml", []byte(`
title: An extraction is cut off once two people agree
playbook: extraction-event
incident: {asset: credit-api}
people:
  - {as: sre-1, after: 1m, complete: capture-limits, outcome: captured}
  - {as: ic-1, after: 1m, approve: approve-containment}
  - {as: mlo-1, after: 2m, approve: approve-containment}
expect:
  sequence: [disable-endpoints/credit-api do, disable-endpoints/credit-api verify]
  undone: [disable-endpoints/credit-api]
  verdict: contained
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	res, err := rehearsal.Runner{Inventory: "../../testdata/inventory/nordwall.yaml"}.Run(c)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range res.Mismatches {
		fmt.Printf("%s: want %s, got %s\n", m.What, m.Want, m.Got)
	}
	// Output:
	// undone: want disable-endpoints/credit-api, got - disable-endpoints/credit-api
}
