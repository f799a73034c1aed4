package ad

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Bounds of e-mail addresses.
const (
	mostAddresses = 500
	mostAddress   = 320 // RFC 3696 erratum 1690: 64 + 1 + 255
)

// address is one e-mail address and how much it wants to be the primary one.
type address struct {
	text string
	rank int
}

// Ranks: the first wins.
const (
	rankPrimary   = iota // SMTP: in capitals (Exchange's rule)
	rankMail             // the attribute mail
	rankSecondary        // smtp:
)

// addresses are the e-mail addresses of mail and proxyAddresses. The one with
// SMTP: in capitals is the primary, else mail, else the first; each comes once,
// whatever its case. Addresses of other kinds (X500:, SIP:) aren't e-mail.
func (s subject) addresses() (any, []fault) {
	var all []address
	var faults []fault
	add := func(text string, rank int) {
		if !isAddress(text) {
			faults = append(faults, fault{codeBadAddress, fmt.Sprintf("%.80q is no e-mail address", text)})
			return
		}
		all = append(all, address{text, rank})
	}
	if mail, _ := s.first("mail"); strings.TrimSpace(mail) != "" {
		add(strings.TrimSpace(mail), rankMail)
	}
	proxies, _ := s.Values("proxyAddresses")
	for _, proxy := range proxies {
		kind, text, found := strings.Cut(strings.TrimSpace(string(proxy)), ":")
		switch {
		case found && kind == "SMTP":
			add(text, rankPrimary)
		case found && strings.EqualFold(kind, "smtp"):
			add(text, rankSecondary)
		}
	}
	slices.SortFunc(all, func(a, b address) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), strings.Compare(strings.ToLower(a.text), strings.ToLower(b.text)), strings.Compare(a.text, b.text))
	})
	if len(all) > 1 && all[1].rank == rankPrimary && !strings.EqualFold(all[0].text, all[1].text) {
		faults = append(faults, fault{codeTwoPrimaries, fmt.Sprintf("proxyAddresses has more than one SMTP: in capitals; %s is taken as the primary", all[0].text)})
	}
	list, faults := listAddresses(all, faults)
	slices.SortFunc(faults, func(a, b fault) int { return strings.Compare(a.sentence, b.sentence) })
	return list, faults
}

// listAddresses gives ordered addresses as SCIM has them, each once.
func listAddresses(all []address, faults []fault) (any, []fault) {
	var list []any
	seen := map[string]bool{}
	for _, a := range all {
		key := strings.ToLower(a.text)
		if seen[key] {
			continue
		}
		seen[key] = true
		switch {
		case len(list) == mostAddresses:
			return list, append(faults, fault{codeTooManyValues, fmt.Sprintf("more than %d e-mail addresses; the others aren't brought", mostAddresses)})
		case len(list) == 0:
			list = append(list, map[string]any{"value": a.text, "type": "work", "primary": true})
		default:
			list = append(list, map[string]any{"value": a.text, "type": "other"})
		}
	}
	if list == nil {
		return nil, faults
	}
	return list, faults
}

// isAddress says whether a text can be an e-mail address: one @ with something
// on both sides, no white space, and within bounds. More is for those who send.
func isAddress(s string) bool {
	at := strings.LastIndexByte(s, '@')
	return at > 0 && at < len(s)-1 && len(s) <= mostAddress && isText(s) && !strings.ContainsAny(s, " \t\r\n<>")
}
