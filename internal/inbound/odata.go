package inbound

import (
	"slices"
	"strings"
	"unicode"
)

// The filters of published clients are comparisons of properties with texts and
// times, joined by and, or and parentheses (OData 4.01 part 2, §5.1.1.1). They
// are read into alternatives of comparisons.

// operators are what a property can be compared by.
type operators []string

var (
	equality = operators{"eq"}
	ordering = operators{"eq", "ge", "gt", "le", "lt"}
)

// comparison is one term: the property in lower case, with slashes between its
// parts.
type comparison struct{ property, operator, value string }

// alternatives is a filter: it fits if all comparisons of one of them do. None
// at all fits everything.
type alternatives [][]comparison

const (
	maxFilter       = 4096 // bytes
	maxAlternatives = 64
	maxFilterDepth  = 16
)

// fits says whether properties, by their names in lower case, have the values
// that the filter wants. It compares for equality only.
func (a alternatives) fits(properties map[string]string) bool {
	if len(a) == 0 {
		return true
	}
	return slices.ContainsFunc(a, func(all []comparison) bool {
		return !slices.ContainsFunc(all, func(c comparison) bool { return !strings.EqualFold(properties[c.property], c.value) })
	})
}

// filter reads $filter, whose properties and operators are those that known
// names.
func (r *request) filter(known map[string]operators) (alternatives, error) {
	text := r.c.QueryParams().Get("$filter")
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	if len(text) > maxFilter {
		return nil, badQuery("$filter is longer than %d bytes.", maxFilter)
	}
	p := &parser{rest: text, known: known}
	out, err := p.or(0)
	if err != nil {
		return nil, err
	}
	if p.word(); p.last != "" {
		return nil, badQuery("$filter has %.40q where it should end.", p.last)
	}
	return out, nil
}

// parser reads a filter from its beginning to its end.
type parser struct {
	rest   string
	last   string // the word that was read; "" at the end
	quoted bool   // it is a text in quotes
	known  map[string]operators
}

// word reads the next word: a parenthesis, a text in quotes, or what stands
// between blanks.
func (p *parser) word() {
	p.rest = strings.TrimLeft(p.rest, " \t\r\n")
	p.last, p.quoted = "", false
	switch {
	case p.rest == "":
	case p.rest[0] == '(' || p.rest[0] == ')':
		p.last, p.rest = p.rest[:1], p.rest[1:]
	case p.rest[0] == '\'':
		p.text()
	default:
		end := strings.IndexFunc(p.rest, func(r rune) bool { return unicode.IsSpace(r) || r == '(' || r == ')' })
		if end < 0 {
			end = len(p.rest)
		}
		p.last, p.rest = p.rest[:end], p.rest[end:]
	}
}

// text reads a text, in which two quotes are one (§5.1.1.11.1). One without an
// end stays a word that nothing takes.
func (p *parser) text() {
	var out strings.Builder
	for i := 1; i < len(p.rest); i++ {
		if p.rest[i] != '\'' {
			out.WriteByte(p.rest[i])
			continue
		}
		if i+1 < len(p.rest) && p.rest[i+1] == '\'' {
			out.WriteByte('\'')
			i++
			continue
		}
		p.last, p.quoted, p.rest = out.String(), true, p.rest[i+1:]
		return
	}
	p.last, p.rest = p.rest, ""
}

// peek says whether the next word is this one, and reads it if it is.
func (p *parser) peek(word string) bool {
	before := *p
	p.word()
	if !p.quoted && strings.EqualFold(p.last, word) {
		return true
	}
	*p = before
	return false
}

func (p *parser) or(depth int) (alternatives, error) {
	out, err := p.and(depth)
	for err == nil && p.peek("or") {
		var more alternatives
		if more, err = p.and(depth); err == nil {
			out, err = bounded(append(out, more...))
		}
	}
	return out, err
}

func (p *parser) and(depth int) (alternatives, error) {
	out, err := p.term(depth)
	for err == nil && p.peek("and") {
		var more alternatives
		if more, err = p.term(depth); err != nil {
			return nil, err
		}
		if len(out)*len(more) > maxAlternatives {
			return bounded(make(alternatives, maxAlternatives+1))
		}
		var both alternatives
		for _, a := range out {
			for _, b := range more {
				both = append(both, slices.Concat(a, b))
			}
		}
		out = both
	}
	return out, err
}

func bounded(a alternatives) (alternatives, error) {
	if len(a) > maxAlternatives {
		return nil, badQuery("$filter has too many alternatives.")
	}
	return a, nil
}

func (p *parser) term(depth int) (alternatives, error) {
	if depth > maxFilterDepth {
		return nil, badQuery("$filter is nested too deeply.")
	}
	if p.peek("(") {
		out, err := p.or(depth + 1)
		if err == nil && !p.peek(")") {
			err = badQuery("$filter lacks a closing parenthesis.")
		}
		return out, err
	}
	p.word()
	c := comparison{property: strings.ToLower(p.last)}
	by, ok := p.known[c.property]
	if !ok || p.quoted {
		return nil, badQuery("$filter can't ask for %.60q here.", p.last)
	}
	p.word()
	c.operator = strings.ToLower(p.last)
	if p.quoted || !slices.Contains(by, c.operator) {
		return nil, badQuery("$filter can compare %s by %s, not by %.20q.", c.property, strings.Join(by, ", "), p.last)
	}
	p.word()
	c.value = p.last
	if !p.quoted && (c.value == "" || strings.ContainsAny(c.value[:1], "()'")) {
		return nil, badQuery("$filter has no value for %s.", c.property)
	}
	return alternatives{{c}}, nil
}
