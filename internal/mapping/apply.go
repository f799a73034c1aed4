package mapping

import (
	"maps"
	"slices"

	"github.com/workspace-scim/workspace/internal/mapping/expression"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
)

// Input is a record and all that the rules may know besides.
type Input struct {
	// Record is what the source says now.
	Record expression.Record
	// Before is what it said of the same object until now, one record over the
	// other ([expression.Record.Over]); the zero value if nothing.
	Before expression.Record
	// Current is what the source asserts of the resource now; nil if nothing. It is
	// not changed.
	Current *document.Object
	// New says that the resource is about to be created.
	New bool
	// Returning says that the source asserted the resource, which is in Current, and
	// ceased to: it is about to come back.
	Returning bool
	// Groups are what isMemberOf compares: the ids of the groups that the object is
	// in.
	Groups []string
	// Taken says whether another resource has a value at a target already, for
	// SelectUniqueValue; nil for never. It is called with targets in the schema's
	// spelling.
	Taken func(target, value string) bool
	// Environment is what expressions may read besides.
	Environment expression.Environment
}

// Outcome is what follows from the rules for a record.
type Outcome struct {
	// InScope says whether the record is brought; if not, the rest is empty.
	InScope bool
	// Match are the values by which to look for the resource, in their order:
	// those of Recognize.
	Match []Match
	// Document holds the attributes to assert. What it doesn't have, and Cleared
	// doesn't name, stays as it is. It shares values with the rules and with
	// Current, and must not be changed.
	Document *document.Object
	// Cleared are the attributes that have no value any more.
	Cleared []Clearing
	// Redacted are those of the document that no log shows.
	Redacted []*schema.Attribute
	// Problems are in the order of the flows.
	Problems []Problem

	filled    []*schema.Attribute // what of Document is asserted as a whole
	nulls     *schema.Attribute   // where a document names what Authoritative clears
	clearable map[string]bool     // the paths that it may name
}

// Write changes a document to what follows: it sets what is asserted, each list as
// a whole, and unsets what is cleared; what is so for all sources is among the
// document's authoritativeNulls then.
func (o Outcome) Write(doc *document.Object) {
	nulls := map[*schema.Attribute]bool{}
	for _, a := range o.filled {
		doc.SetAt(a, document.CloneValue(o.Document.At(a)))
		nulls[a] = false
	}
	for _, c := range o.Cleared {
		doc.SetAt(c.Attribute, nil)
		nulls[c.Attribute] = c.Authoritative
	}
	o.writeNulls(doc, nulls)
}

// writeNulls says in a document which of some attributes have no value for any
// source, and leaves what it says of others that the rules may say so of: what other
// rules said goes with them.
func (o Outcome) writeNulls(doc *document.Object, nulls map[*schema.Attribute]bool) {
	if o.nulls == nil {
		return
	}
	said := map[string]bool{}
	before, _ := doc.At(o.nulls).(document.List)
	for _, v := range before {
		if path, ok := v.(string); ok && o.clearable[path] {
			said[path] = true
		}
	}
	for a, is := range nulls {
		said[a.Path] = is
	}
	maps.DeleteFunc(said, func(_ string, is bool) bool { return !is })
	var all document.List
	for _, path := range slices.Sorted(maps.Keys(said)) {
		all = append(all, path)
	}
	doc.SetAt(o.nulls, all)
}

// Match is a value to look for.
type Match struct {
	Target string // in the schema's spelling
	Value  string
}

// Clearing is an attribute that is to be unset.
type Clearing struct {
	Attribute *schema.Attribute
	// Authoritative says that no other source's value counts either.
	Authoritative bool
}

// Blocked says that the object can't be brought, because of one of the problems.
func (o Outcome) Blocked() bool {
	return slices.ContainsFunc(o.Problems, func(p Problem) bool { return p.Blocks })
}

// InScope says whether a record is brought: that of the input as it is after what
// was said before.
func (m *Mapping) InScope(in Input) bool { return m.scope.met(m.whole(in), in.Groups) }

// KnowsScope says whether all that the scope reads of a record is known, be it
// null: else it can't be told that an object has left the scope.
func (m *Mapping) KnowsScope(in Input) bool {
	whole := m.whole(in)
	return m.clear || !slices.ContainsFunc(m.scope, func(all []condition) bool {
		return slices.ContainsFunc(all, func(c condition) bool {
			_, said := whole.Find(c.path)
			return c.operator != IsMemberOf && !said
		})
	})
}

// whole is all that is known of the object.
func (m *Mapping) whole(in Input) expression.Record {
	if m.clear {
		return in.Record
	}
	return in.Record.Over(in.Before)
}

// Apply works out what a record means. The same input gives the same outcome, and
// isn't changed.
func (m *Mapping) Apply(in Input) Outcome {
	a := &application{m: m, in: in, whole: m.whole(in)}
	if !m.scope.met(a.whole, in.Groups) {
		return Outcome{}
	}
	a.out = Outcome{InScope: true, Document: &document.Object{}, nulls: m.kind.AuthoritativeNulls, clearable: m.clearable}
	for _, u := range m.units {
		if a.touched(u) {
			a.fill(u)
		}
	}
	a.matching()
	a.require()
	return a.out
}

// application is one Apply.
type application struct {
	m     *Mapping
	in    Input
	whole expression.Record
	out   Outcome
}

func (a *application) problem(f *flow, p Problem) {
	p.Target = f.path
	if f.program != nil && f.program.Redacted() {
		p.Sentence = "the value of " + f.path + " can't be used; what is wrong with it is hidden, because the expression has Redact"
	}
	a.out.Problems = append(a.out.Problems, p)
}

// touched says whether the record has anything to say about an attribute.
func (a *application) touched(u unit) bool {
	return slices.ContainsFunc(u.flows, func(f *flow) bool {
		if a.in.New {
			return true
		}
		return !a.done(f) && (a.m.clear || len(f.paths) == 0 || a.says(f))
	})
}

// done says whether a flow that is applied once has been. What SelectUniqueValue
// chose for one who returns, and somebody else has by now, is chosen anew.
func (a *application) done(f *flow) bool {
	if !f.once || a.in.New {
		return false
	}
	if !a.in.Returning || f.program == nil || !f.program.Unique() || a.in.Taken == nil {
		return true
	}
	had, _ := a.in.Current.At(f.unit).(string)
	return had == "" || !a.in.Taken(f.path, had)
}

// says says whether the record names one of the attributes that a flow reads.
func (a *application) says(f *flow) bool { return names(a.in.Record, f.paths) }

// known says whether anything is known of what a flow reads, now or from before.
func (a *application) known(f *flow) bool {
	return a.m.clear || len(f.paths) == 0 || names(a.whole, f.paths)
}

func names(r expression.Record, paths []expression.Path) bool {
	return slices.ContainsFunc(paths, func(p expression.Path) bool {
		_, said := r.Find(p)
		return said
	})
}

// fill asserts or clears an attribute, or leaves it as it is.
func (a *application) fill(u unit) {
	var v document.Value
	keep, ok := false, true
	if u.attribute.MultiValued {
		v, keep, ok = a.list(u)
	} else {
		v, keep, ok = a.value(u.flows[0])
	}
	first, authoritative := u.flows[0], slices.ContainsFunc(u.flows, func(f *flow) bool { return f.null == Authoritative && a.known(f) })
	switch {
	case !ok || keep:
	case v != nil:
		a.out.Document.SetAt(u.attribute, v)
		a.out.filled = append(a.out.filled, u.attribute)
		if slices.ContainsFunc(u.flows, func(f *flow) bool { return f.program != nil && f.program.Redacted() }) {
			a.out.Redacted = append(a.out.Redacted, u.attribute)
		}
	case a.in.New && (!authoritative || slices.Contains(required(a.m.kind), u.attribute)):
	case slices.Contains(required(a.m.kind), u.attribute):
		a.problem(first, Problem{Code: CodeRequired, Sentence: u.attribute.Path + " can't be without a value; the one that there is stays"})
	default:
		a.out.Cleared = append(a.out.Cleared, Clearing{u.attribute, authoritative})
	}
}

// value gives what a flow brings: a value, nil for none, or keep where the
// attribute stays as it is. It is not ok if there is a problem, which is told.
func (a *application) value(f *flow) (v document.Value, keep, ok bool) {
	if a.done(f) || !a.in.New && !a.known(f) {
		return nil, true, true
	}
	v, keep, problem := a.result(f)
	switch {
	case problem != nil:
		a.problem(f, *problem)
		return nil, false, false
	case keep || v != nil:
		return v, keep, true
	case a.in.New:
		return f.initial, false, true
	}
	return nil, f.null == Ignore, true
}

// result works a flow out, without its default and what null means.
func (a *application) result(f *flow) (v document.Value, keep bool, problem *Problem) {
	var raw any
	switch {
	case f.direct:
		raw, _ = a.whole.Find(f.paths[0])
	case f.program == nil:
		return f.value, false, nil
	default:
		result, err := f.program.Evaluate(a.whole, a.in.Environment)
		if err != nil {
			return nil, false, &Problem{Code: CodeExpression, Sentence: err.Error()}
		}
		if result.Ignored {
			return nil, true, nil
		}
		raw = result.Value
		if f.program.Unique() {
			if raw, problem = a.unique(f, result.Candidates); problem != nil {
				return nil, false, problem
			}
		}
	}
	v, err := f.coerce(raw)
	if err != nil {
		return nil, false, &Problem{Code: CodeValue, Sentence: detail(err)}
	}
	return v, false, nil
}

// unique chooses the first candidate that nobody has; nil if there is none to
// choose from.
func (a *application) unique(f *flow, candidates []string) (any, *Problem) {
	for _, c := range candidates {
		if a.in.Taken == nil || !a.in.Taken(f.path, c) {
			return c, nil
		}
	}
	if len(candidates) == 0 {
		return nil, nil
	}
	return nil, &Problem{Code: CodeUnique, Blocks: true, Sentence: "all values that SelectUniqueValue makes for " + f.path + " are taken; add another one to the rule"}
}

// Recognize gives the values by which to look for the resource of a record, in
// their order, whether it is in scope or not. A default isn't looked for.
func (m *Mapping) Recognize(in Input) []Match {
	return (&application{m: m, in: in, whole: m.whole(in)}).recognize()
}

func (a *application) recognize() (all []Match) {
	for _, f := range a.m.match {
		v, _, problem := a.result(f)
		if s, ok := v.(string); ok && problem == nil {
			all = append(all, Match{f.path, s})
		}
	}
	return all
}

// matching works out what to look for.
func (a *application) matching() {
	a.out.Match = a.recognize()
	if len(a.m.match) > 0 && a.out.Match == nil {
		a.out.Problems = append(a.out.Problems, Problem{
			Code: CodeMatch, Blocks: true,
			Sentence: "the record has no value for any of the match rules, so that it can't be recognized the next time",
		})
	}
}

// require refuses to create what lacks an attribute that every object needs.
func (a *application) require() {
	for _, r := range required(a.m.kind) {
		if a.in.New && a.out.Document.Get(r) == nil {
			a.out.Problems = append(a.out.Problems, Problem{
				Target: r.Path, Code: CodeRequired, Blocks: true,
				Sentence: "nothing gives " + r.Path + ", which every object needs",
			})
		}
	}
}
