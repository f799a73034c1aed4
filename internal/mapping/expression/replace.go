package expression

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"
)

var replaceFunctions = []Function{
	{Name: "Replace", Parameters: "source, oldValue, regexPattern, regexGroupName, replacementValue, replacementAttributeName, template", Meaning: "" +
		"By the arguments that are given: oldValue and replacementValue replace all occurrences in the source; oldValue and template put the source in its place in the template; " +
		"regexPattern and replacementValue replace what matches, where ${group} is a group of it; with regexGroupName that group alone is replaced; " +
		"regexPattern, regexGroupName and replacementAttributeName give the source or, if it is null or empty, the group out of the attribute. Looks at case. A null source stays null.",
		least: 2, most: 7, prepare: prepareReplace, do: replace},
}

// The arguments of Replace.
const (
	replaceSource = iota
	replaceOld
	replacePattern
	replaceGroup
	replaceValue
	replaceAttribute
	replaceTemplate
)

// replaceForm is what is to be done, by which arguments are given.
type replaceForm uint8

const (
	replaceAll replaceForm = iota + 1
	fillTemplate
	replaceMatches
	replaceGroups
	takeGroup
)

// formOf says what a Replace does.
func formOf(given func(int) bool) (replaceForm, error) {
	switch {
	case given(replaceOld) && given(replacePattern):
		return 0, failed("oldValue and regexPattern exclude each other")
	case given(replaceOld) && given(replaceTemplate):
		return fillTemplate, nil
	case given(replaceOld) && given(replaceValue):
		return replaceAll, nil
	case given(replacePattern) && given(replaceGroup) && given(replaceValue):
		return replaceGroups, nil
	case given(replacePattern) && given(replaceGroup) && given(replaceAttribute):
		return takeGroup, nil
	case given(replacePattern) && given(replaceValue):
		return replaceMatches, nil
	}
	return 0, failed("give oldValue with replacementValue or template, or regexPattern with replacementValue, or regexPattern and regexGroupName with replacementValue or replacementAttributeName")
}

// prepareReplace checks the form, and compiles the pattern, which has to stand in
// the expression as text.
func prepareReplace(arguments []ast.Node) error {
	given := func(i int) bool {
		v, known := literal(arguments, i)
		return !known || v != omitted{}
	}
	if _, err := formOf(given); err != nil || !given(replacePattern) {
		return err
	}
	s, ok := arguments[replacePattern].(*ast.StringNode)
	if !ok {
		return failed("regexPattern has to be text in quotation marks")
	}
	p, err := ParsePattern(s.Value)
	if err != nil {
		return err
	}
	if given(replaceGroup) {
		group, ok := arguments[replaceGroup].(*ast.StringNode)
		if !ok {
			return failed("regexGroupName has to be text in quotation marks")
		}
		if p.SubexpIndex(group.Value) < 0 {
			return failed("the pattern has no group %s; a group is written (?<%s>…)", quoted(group.Value), group.Value)
		}
	}
	ast.Patch(&arguments[replacePattern], &ast.ConstantNode{Value: p})
	return nil
}

func replace(r *run, a arguments) (any, error) {
	form, err := formOf(a.given)
	if err != nil {
		return nil, err
	}
	var texts [7]string
	for i := range texts {
		if i == replacePattern {
			continue
		}
		if texts[i], err = a.plain(i); err != nil {
			return nil, err
		}
	}
	source := texts[replaceSource]
	if form == takeGroup {
		if source != "" {
			return source, nil
		}
		source = texts[replaceAttribute]
	} else if a.at(replaceSource) == nil {
		return nil, nil
	}
	switch form {
	case replaceAll:
		return replaceText(source, texts[replaceOld], texts[replaceValue])
	case fillTemplate:
		return replaceText(texts[replaceTemplate], texts[replaceOld], source)
	}
	p := a[replacePattern].(Pattern)
	if err := r.spend(len(source) * p.instructions); err != nil {
		return nil, err
	}
	group := p.SubexpIndex(texts[replaceGroup])
	switch form {
	case takeGroup:
		m := p.FindStringSubmatchIndex(source)
		if m == nil || m[2*group] < 0 {
			return nil, nil
		}
		return source[m[2*group]:m[2*group+1]], nil
	case replaceGroups:
		return p.replaceGroup(source, group, texts[replaceValue])
	}
	return p.replace(source, texts[replaceValue])
}

func replaceText(s, old, by string) (any, error) {
	if old == "" {
		return nil, failed("oldValue is empty")
	}
	if len(s)+strings.Count(s, old)*(len(by)-len(old)) > MaxText {
		return nil, failed("the text has more than %d bytes", MaxText)
	}
	return strings.ReplaceAll(s, old, by), nil
}

// replaceGroup replaces one group of each match.
func (p Pattern) replaceGroup(s string, group int, by string) (any, error) {
	all, err := p.matches(s)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	end := 0
	for _, m := range all {
		if m[2*group] < 0 {
			continue
		}
		b.WriteString(s[end:m[2*group]])
		b.WriteString(by)
		if end = m[2*group+1]; b.Len() > MaxText {
			return nil, failed("the text has more than %d bytes", MaxText)
		}
	}
	b.WriteString(s[end:])
	return b.String(), nil
}

// replace replaces each match by a replacement pattern of .NET.
func (p Pattern) replace(s, by string) (any, error) {
	all, err := p.matches(s)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	end := 0
	for _, m := range all {
		b.WriteString(s[end:m[0]])
		p.expand(&b, s, m, by)
		if end = m[1]; b.Len() > MaxText {
			return nil, failed("the text has more than %d bytes", MaxText)
		}
	}
	b.WriteString(s[end:])
	return b.String(), nil
}

// substitution is $1, ${name}, $$, $&, $`, $', $+ or $_ (Microsoft,
// "Substitutions in regular expressions").
var substitution = regexp.MustCompile("\\$(?:([0-9]+)|\\{(\\w+)\\}|([$&`'+_]))")

// expand writes a replacement; what names no group stays as it is, as in .NET.
func (p Pattern) expand(b *strings.Builder, s string, m []int, by string) {
	end := 0
	for _, at := range substitution.FindAllStringSubmatchIndex(by, -1) {
		if b.WriteString(by[end:at[0]]); b.Len() > MaxText {
			return
		}
		end = at[1]
		if at[6] >= 0 {
			b.WriteString(special(by[at[6]], s, m))
			continue
		}
		name := by[max(at[2], at[4]):max(at[3], at[5])]
		group, err := strconv.Atoi(name)
		if err != nil {
			group = slices.Index(p.SubexpNames()[1:], name) + 1
		}
		switch {
		case group < 0 || 2*group >= len(m) || err != nil && group == 0:
			b.WriteString(by[at[0]:at[1]])
		case m[2*group] >= 0:
			b.WriteString(s[m[2*group]:m[2*group+1]])
		}
	}
	b.WriteString(by[end:])
}

// special is the text for a sign after the $.
func special(sign byte, s string, m []int) string {
	switch sign {
	case '&':
		return s[m[0]:m[1]]
	case '`':
		return s[:m[0]]
	case '\'':
		return s[m[1]:]
	case '_':
		return s
	case '+':
		if last := len(m) - 2; m[last] >= 0 {
			return s[m[last]:m[last+1]]
		}
		return ""
	}
	return "$"
}
