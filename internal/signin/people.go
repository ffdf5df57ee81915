package signin

import (
	"strings"

	"firebreak/internal/inventory"
)

// Claims are the claims of an ID token that can name a person.
func Claims() []string { return []string{"email", "preferred_username", "sub"} }

// person finds who has this name at the identity provider. Only the idp field counts: an inventory id or a Slack id in a claim
// is nobody's. Two people of one name are nobody too.
func (o *oidcWay) person(inv *inventory.Inventory, name string) *inventory.Person {
	var found *inventory.Person
	for i := range inv.People {
		p := &inv.People[i]
		if name == "" || !o.same(p.IDP, name) {
			continue
		}
		if found != nil {
			return nil
		}
		found = p
	}
	return found
}

// same compares names as the provider does: a subject exactly; an address without regard to the case of ASCII letters, and of
// no others, because some of those fold into ASCII.
func (o *oidcWay) same(idp, name string) bool {
	if idp == name {
		return true
	}
	return o.Claim != "sub" && isASCII(idp) && isASCII(name) && strings.EqualFold(idp, name)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
