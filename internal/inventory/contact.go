package inventory

import (
	"errors"
	"net/url"
	"regexp"
	"slices"
	"unicode"
)

// Limits of what people are reached by.
const (
	mostAddresses    = 20
	mostAddressBytes = 254 // RFC 5321, 4.5.3.1.3, without the angle brackets
)

// channelName is a channel as people write it: Slack allows lower-case letters, digits, hyphens and underscores, 80 of them.
var channelName = regexp.MustCompile(`^#[\p{L}\p{M}\p{N}_-]{1,80}$`)

// bareAddress is an address as RFC 5322 writes it without quotes, comments or a name (3.4.1, dot-atom), in a domain of names.
var bareAddress = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*" +
	`@[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$`)

// IsEmail reports whether the text is one bare mail address and nothing else, such as legal@example.com. Nothing that passes
// can end a header or a command.
func IsEmail(text string) bool {
	return len(text) <= mostAddressBytes && bareAddress.MatchString(text)
}

// Email is the person's mail address, if the name at the identity provider is one; otherwise it is empty.
func (p *Person) Email() string {
	if !IsEmail(p.IDP) {
		return ""
	}
	return p.IDP
}

// counsel are the addresses of the people of legal and privacy, for stakeholders that name none.
func (inv *Inventory) counsel() []string {
	var out []string
	for i := range inv.People {
		p := &inv.People[i]
		if a := p.Email(); a != "" && (p.Role == "LEG" || p.Role == "PRIV") && len(out) < mostAddresses {
			out = append(out, a)
		}
	}
	return out
}

// contacts checks that the people who must be told can be: a wrong address would show only when it is needed most.
func (l *linter) contacts() {
	o := l.inv.Oncall
	if o.Channel != "" && !isChannel(o.Channel) {
		l.add(of("oncall", -1, "channel"), "oncall", "channel %q is no Slack channel such as #incidents", o.Channel)
	}
	l.addresses(of("oncall", -1, "email"), "", o.Email)
	if err := checkPageURL(o.PageURL); err != nil {
		l.add(of("oncall", -1, "page_url"), "oncall", "page_url %q %s", o.PageURL, err)
	}
	for i, s := range l.inv.Stakeholders {
		l.addresses(of("stakeholders", i, "email"), s.Asset+": ", s.Email)
	}
}

func isChannel(name string) bool {
	return channelName.MatchString(name) && !slices.ContainsFunc([]rune(name), unicode.IsUpper)
}

func (l *linter) addresses(at place, whose string, list []string) {
	if len(list) > mostAddresses {
		l.add(at, at.section, "%semail has %d addresses, at most %d", whose, len(list), mostAddresses)
		return
	}
	for i, a := range list {
		if !IsEmail(a) {
			l.add(at, at.section, "%semail %q is not a bare mail address such as legal@example.com", whose, a)
		} else if slices.Contains(list[:i], a) {
			l.add(at, at.section, "%semail %q is there twice", whose, a)
		}
	}
}

// checkPageURL returns an error unless the text is empty or an address that may be shown to everybody in a channel.
func checkPageURL(text string) error {
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "":
		return errors.New("is no address such as https://firebreak.example.com")
	case u.User != nil:
		return errors.New("has a name or password in it, which everybody in the channel would see")
	case u.RawQuery != "" || u.Fragment != "":
		return errors.New("has a query or fragment; give the address of the page alone")
	}
	return nil
}
