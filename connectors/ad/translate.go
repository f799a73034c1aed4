package ad

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/workspace-scim/workspace/connectors/ad/dirsync"
)

// values are the attributes of an object as the directory tells them
// ([dirsync.Object.Values]).
type values interface {
	Values(name string) (values [][]byte, told bool)
}

// subject is one object, ready to be translated.
type subject struct {
	values
	anchor string
	domain string // DNS name
	now    time.Time
	// manager is the anchor of the manager, empty for none; managerTold says
	// that it is known.
	manager     string
	managerTold bool
}

// fault is a value that wasn't brought.
type fault struct{ code, sentence string }

// Codes of faults; docs/ad.md explains them.
const (
	codeNotText       = "valueNotText"
	codeTooLong       = "valueTooLong"
	codeBadBoolean    = "badBoolean"
	codeBadNumber     = "badNumber"
	codeBadDate       = "badDate"
	codeBadSID        = "badSID"
	codeBadAddress    = "badAddress"
	codeTwoPrimaries  = "twoPrimaryAddresses"
	codeTooManyValues = "tooManyValues"
	codeUPNMissing    = "upnMissing"
)

// translator fills SCIM attributes of one kind of object.
type translator struct {
	targets []*target
	// inputs are all attributes that are read, in small letters.
	inputs map[string]bool
}

// target is one key of Change.Attributes and the rules that fill it: one, or
// those of a list's elements.
type target struct {
	root   string
	rules  []part
	inputs []string // in small letters, $name as name
}

type part struct {
	Rule
	path
}

// newTranslator makes rules ready that were checked.
func newTranslator(rules []Rule) (*translator, error) {
	t := &translator{inputs: map[string]bool{}}
	byRoot := map[string]*target{}
	for _, r := range rules {
		p, err := parseTarget(r.Target)
		if err != nil {
			return nil, fmt.Errorf("ad: mapping: %w", err)
		}
		to := byRoot[strings.ToLower(p.root)]
		if to == nil {
			to = &target{root: p.root}
			byRoot[strings.ToLower(p.root)] = to
			t.targets = append(t.targets, to)
		}
		to.rules = append(to.rules, part{r, p})
		for _, source := range r.Sources {
			if source == sourceName {
				source = "name"
			}
			if !strings.HasPrefix(source, "$") {
				to.inputs = append(to.inputs, strings.ToLower(source))
				t.inputs[strings.ToLower(source)] = true
			}
		}
	}
	return t, nil
}

// reads says whether a target reads one of some attributes.
func (t *target) reads(changed map[string]bool) bool {
	return slices.ContainsFunc(t.inputs, func(name string) bool { return changed[name] })
}

// complete says whether all that a target reads is told.
func (t *target) complete(s subject) bool {
	return !slices.ContainsFunc(t.inputs, func(name string) bool { return !s.told(name) })
}

func (s subject) told(name string) bool {
	if name == "manager" {
		return s.managerTold
	}
	_, told := s.Values(name)
	return told
}

// whole gives the values of all targets; nil for those that have none.
func (t *translator) whole(s subject) (map[string]any, []fault) {
	return t.fill(s, t.targets)
}

// affected are the targets that read one of some attributes.
func (t *translator) affected(changed map[string]bool) (targets []*target) {
	for _, to := range t.targets {
		if to.reads(changed) {
			targets = append(targets, to)
		}
	}
	return targets
}

func (t *translator) fill(s subject, targets []*target) (map[string]any, []fault) {
	attributes := make(map[string]any, len(targets))
	var faults []fault
	for _, to := range targets {
		value, found := to.value(s)
		attributes[to.root] = value
		faults = append(faults, found...)
	}
	return attributes, faults
}

// value is what a target gets.
func (t *target) value(s subject) (any, []fault) {
	if len(t.rules) == 1 && t.rules[0].kind == "" {
		return t.rules[0].value(s)
	}
	var list []any
	var faults []fault
	byType := map[string]map[string]any{}
	for _, p := range t.rules {
		value, found := p.value(s)
		faults = append(faults, found...)
		if value == nil {
			continue
		}
		element := byType[p.kind]
		if element == nil {
			element = map[string]any{"type": p.kind}
			byType[p.kind] = element
			list = append(list, element)
		}
		element[p.sub] = value
	}
	if list == nil {
		return nil, faults
	}
	return list, faults
}

// value is what a rule gives; nil for none.
func (r Rule) value(s subject) (any, []fault) {
	value, faults := r.read(s)
	if value == nil && r.Default != nil {
		value = r.Default
	}
	return value, faults
}

func (r Rule) read(s subject) (any, []fault) {
	switch r.Kind {
	case Constant:
		return r.Value, nil
	case Join:
		parts := make([]string, len(r.Sources))
		for i, source := range r.Sources {
			text, faults := s.text(source)
			if text == "" {
				return nil, faults
			}
			parts[i] = text
		}
		return bounded(r.Target, strings.Join(parts, r.Separator))
	case Switch:
		text, faults := s.text(r.Sources[0])
		if value, ok := r.Cases[text]; ok {
			return value, faults
		}
		return nil, faults
	}
	switch r.Format {
	case AccountEnabled:
		return s.enabled()
	case UserName:
		return s.userName()
	case Addresses:
		return s.addresses()
	case GroupKind:
		return s.groupKind()
	case GroupScope:
		return s.groupScope()
	case Reference:
		return orNil(s.manager), nil
	}
	var faults []fault
	for _, source := range r.Sources {
		value, found := s.read(source, r.Format)
		faults = append(faults, found...)
		if value != nil {
			return value, faults
		}
	}
	return nil, faults
}

func orNil(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func bounded(name, text string) (any, []fault) {
	if len(text) > mostText {
		return nil, []fault{{codeTooLong, fmt.Sprintf("%s has %d bytes; at most %d are brought", name, len(text), mostText)}}
	}
	return text, nil
}

// first gives an attribute's value; of several the least, since a directory
// gives them in no order.
func (s subject) first(name string) (string, bool) {
	all, _ := s.Values(name)
	if len(all) == 0 {
		return "", false
	}
	least := string(all[0])
	for _, v := range all[1:] {
		least = min(least, string(v))
	}
	return least, true
}

// text gives a source as text; empty for none.
func (s subject) text(source string) (string, []fault) {
	switch source {
	case sourceAnchor:
		return s.anchor, nil
	case sourceDomain:
		return s.domain, nil
	case sourceName:
		source = "name"
	}
	value, _ := s.first(source)
	if value = strings.TrimSpace(value); value == "" {
		return "", nil
	}
	if !isText(value) {
		return "", []fault{{codeNotText, source + " isn't text: it has bytes that are no UTF-8, or control characters"}}
	}
	if _, faults := bounded(source, value); faults != nil {
		return "", faults
	}
	return value, nil
}

// isText says whether a value is UTF-8 without control characters, but for line
// breaks and tabs as addresses have them.
func isText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t'
	})
}

// scimTime is how SCIM writes a date and time (RFC 7643 §2.3.5), with
// milliseconds and in UTC.
const scimTime = "2006-01-02T15:04:05.000Z"

// read gives a source's value in a format.
func (s subject) read(source string, format Format) (any, []fault) {
	if format == SIDText {
		all, _ := s.Values(source)
		if len(all) == 0 {
			return nil, nil
		}
		sid, err := dirsync.DecodeSID(all[0])
		if err != nil {
			return nil, []fault{{codeBadSID, source + " is no SID"}}
		}
		return string(sid), nil
	}
	text, faults := s.text(source)
	if text == "" {
		return nil, faults
	}
	bad := func(code, want string) (any, []fault) {
		return nil, []fault{{code, fmt.Sprintf("%s is %.60q; want %s", source, text, want)}}
	}
	switch format {
	case Boolean:
		switch text {
		case "TRUE":
			return true, nil
		case "FALSE":
			return false, nil
		}
		return bad(codeBadBoolean, "TRUE or FALSE")
	case Number:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n > 1<<53 || n < -1<<53 {
			return bad(codeBadNumber, "a whole number up to 2^53")
		}
		return float64(n), nil
	case GeneralizedTime:
		at, err := dirsync.ParseGeneralizedTime(text)
		if err != nil {
			return bad(codeBadDate, "a GeneralizedTime such as 20260131120000Z")
		}
		return at.Format(scimTime), nil
	case FileTime:
		at, never, err := dirsync.ParseFileTime(text)
		switch {
		case err != nil || at.Year() > 9999:
			return bad(codeBadDate, "100 ns since 1601")
		case never:
			return nil, nil
		}
		return at.Format(scimTime), nil
	}
	return text, nil
}

// Bits of userAccountControl (MS-ADTS 2.2.16).
const (
	uacDisabled = 0x2
	uacTrusts   = 0x800 | 0x1000 | 0x2000 // of another domain, a workstation, a controller
)

// enabled says whether an account can be used now: it isn't disabled and hasn't
// expired.
func (s subject) enabled() (any, []fault) {
	control, ok := s.first("userAccountControl")
	if !ok {
		return nil, nil
	}
	bits, err := strconv.ParseInt(control, 10, 64)
	if err != nil {
		return nil, []fault{{codeBadNumber, fmt.Sprintf("userAccountControl is %.40q; want a number", control)}}
	}
	if bits&uacDisabled != 0 {
		return false, nil
	}
	at, faults := s.expires()
	return at.IsZero() || at.After(s.now), faults
}

// expires is when an account expires; the zero time for never.
func (s subject) expires() (time.Time, []fault) {
	text, ok := s.first("accountExpires")
	if !ok {
		return time.Time{}, nil
	}
	at, never, err := dirsync.ParseFileTime(text)
	if err != nil {
		return time.Time{}, []fault{{codeBadDate, fmt.Sprintf("accountExpires is %.40q; want 100 ns since 1601; the account is taken not to expire", text)}}
	}
	if never {
		return time.Time{}, nil
	}
	return at, nil
}

// userName is the user principal name, or one that is made as Windows itself
// does for a sign-in.
func (s subject) userName() (any, []fault) {
	name, faults := s.text("userPrincipalName")
	if name != "" {
		return name, faults
	}
	account, more := s.text("sAMAccountName")
	faults = append(faults, more...)
	if account == "" {
		return nil, faults
	}
	made := account + "@" + s.domain
	return made, append(faults, fault{codeUPNMissing, "userPrincipalName has no value; the user is brought as " + made + ", which changes when one is set"})
}
