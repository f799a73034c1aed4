package expression

import (
	"regexp"
	"strings"
	"unicode"
)

// Path names an attribute of a record: "displayName", "name.givenName",
// "urn:…:2.0:User:department", "emails[type eq \"work\"].value", or the heading of
// a column, whatever it is.
type Path struct {
	text  string
	urn   string // of an extension; empty for none and for the core schema
	steps []step
}

// step goes from an object to one of its attributes and, with a filter, on to
// the first element that has a certain value.
type step struct {
	name   string // in small letters
	filter *condition
}

type condition struct{ name, value string }

const (
	mostPath  = 256 // bytes
	mostSteps = 8
	coreURN   = "urn:ietf:params:scim:schemas:core:2.0:"
)

var (
	stepForm   = regexp.MustCompile(`^([^\[\].]+)(?:\[\s*([A-Za-z][A-Za-z0-9_-]*)\s+eq\s+(?:"([^"\\]*)"|(?i:(true|false)))\s*\])?$`)
	numberForm = regexp.MustCompile(`^[0-9.]+$`)
	stepsForm  = regexp.MustCompile(`(?:[^\[\].]|\[[^\[\]]*\])+`)
)

// ParsePath reads a path. It is false for what can't be one: a number, nothing,
// more than 256 bytes, and what has brackets, commas, quotation marks or control
// characters other than in a filter of the form [type eq "work"].
func ParsePath(text string) (Path, bool) {
	p := Path{text: strings.ToLower(strings.TrimSpace(text))}
	if p.text == "" || len(p.text) > mostPath || numberForm.MatchString(p.text) || strings.ContainsFunc(p.text, unicode.IsControl) {
		return p, false
	}
	rest := p.text
	if strings.HasPrefix(rest, "urn:") {
		head, _, _ := strings.Cut(rest, "[")
		if colon := strings.LastIndexByte(head, ':'); colon > len("urn:") {
			p.urn, rest = rest[:colon], rest[colon+1:]
		}
	}
	if strings.HasPrefix(p.urn+":", coreURN) {
		p.urn = ""
	}
	parts := stepsForm.FindAllString(rest, -1)
	if len(parts) == 0 || len(parts) > mostSteps || strings.Join(parts, ".") != rest {
		return p, false
	}
	for _, part := range parts {
		m := stepForm.FindStringSubmatch(part)
		if m == nil || strings.ContainsAny(m[1], `,()"'`+"`") {
			return p, false
		}
		s := step{name: m[1]}
		if m[2] != "" {
			s.filter = &condition{name: m[2], value: m[3] + m[4]}
		}
		p.steps = append(p.steps, s)
	}
	return p, true
}

// String gives the path in small letters, as it is compared.
func (p Path) String() string { return p.text }
