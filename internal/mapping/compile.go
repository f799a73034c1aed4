package mapping

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	scimerrors "github.com/elimity-com/scim/errors"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/workspace-scim/workspace/internal/mapping/expression"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
)

// Mapping is rules that were checked. It is safe for concurrent use.
type Mapping struct {
	kind      *schema.ResourceType
	scope     scope
	units     []unit
	flows     []*flow
	match     []*flow
	clear     bool
	clearable map[string]bool // the paths of attributes that Authoritative may clear
	canonical []byte
}

// unit is an attribute with the flows that fill it: several only for a list.
type unit struct {
	attribute *schema.Attribute
	flows     []*flow
}

// flow is a Flow that is ready for use.
type flow struct {
	target
	paths   []expression.Path   // that it reads
	direct  bool                // of the first path
	program *expression.Program // of an expression
	value   document.Value      // of a constant
	initial document.Value      // the default
	null    Null
	once    bool
}

// Compile checks rules against a resource type, and makes them ready. The error
// is [Faults].
func Compile(t *schema.ResourceType, r Rules) (*Mapping, error) {
	var faults Faults
	m := &Mapping{kind: t, clear: r.ClearOmitted, clearable: map[string]bool{}, scope: compileScope(r.Scope, &faults)}
	if len(r.Flows) > mostFlows {
		faults.add("flows", CodeTooMany, "%d flows; at most %d are read", len(r.Flows), mostFlows)
		return nil, faults
	}
	var flows []*flow
	for i, f := range r.Flows {
		ready := f.compile(t, fmt.Sprintf("flows[%d]", i), &faults)
		if ready != nil {
			m.add(ready, fmt.Sprintf("flows[%d].target", i), &faults)
			flows = append(flows, ready)
			m.clearable[ready.unit.Path] = m.clearable[ready.unit.Path] || ready.null == Authoritative
		}
	}
	m.require(&faults)
	m.matching(r.Match, flows, &faults)
	if faults != nil {
		return nil, faults
	}
	m.flows = flows
	var err error
	if m.canonical, err = canonical(r, flows, m.match); err != nil {
		return nil, Faults{{Code: CodeValue, Message: err.Error()}}
	}
	return m, nil
}

// Canonical gives the rules in the one form that all rules of the same meaning
// and order have: names in the schema's spelling, defaults left out. [Parse]
// reads it.
func (m *Mapping) Canonical() []byte { return slices.Clone(m.canonical) }

// Version is the SHA-256 of the canonical form, in hexadecimal.
func (m *Mapping) Version() string {
	sum := sha256.Sum256(m.canonical)
	return hex.EncodeToString(sum[:])
}

// add puts a flow to the others of its attribute.
func (m *Mapping) add(f *flow, at string, faults *Faults) {
	for i, u := range m.units {
		switch {
		case u.attribute != f.unit && overlap(u.attribute, f.unit):
			faults.add(at, CodeTwice, "%s is filled as a whole and in parts", f.top().Path)
			return
		case u.attribute == f.unit && !f.unit.MultiValued,
			f.by != nil && slices.ContainsFunc(u.flows, func(o *flow) bool { return o.path == f.path }):
			faults.add(at, CodeTwice, "%s has a flow already", f.path)
			return
		case u.attribute == f.unit:
			m.units[i].flows = append(u.flows, f)
			return
		}
	}
	m.units = append(m.units, unit{f.unit, []*flow{f}})
}

// overlap says whether one attribute is a part of the other.
func overlap(a, b *schema.Attribute) bool { return a.Parent == b || b.Parent == a }

// require checks that what every object needs is filled.
func (m *Mapping) require(faults *Faults) {
	for _, a := range required(m.kind) {
		if !slices.ContainsFunc(m.units, func(u unit) bool { return u.attribute == a }) {
			faults.add("flows", CodeRequired, "nothing fills %s, which every object needs", a.Path)
		}
	}
}

// required are the attributes without which there is no resource.
func required(t *schema.ResourceType) (all []*schema.Attribute) {
	for _, a := range t.Root.Subs {
		if a.Required && a.Backing == schema.InDocument && a.Mutability != schema.ReadOnly {
			all = append(all, a)
		}
	}
	return all
}

func (m *Mapping) matching(targets []string, flows []*flow, faults *Faults) {
	if len(targets) > mostMatches {
		faults.add("match", CodeTooMany, "%d targets; at most %d are tried", len(targets), mostMatches)
	}
	for i, text := range targets {
		at := fmt.Sprintf("match[%d]", i)
		want, err := findTarget(m.kind, text)
		if err != nil {
			faults.add(at, CodeAttribute, "%v", err)
			continue
		}
		n := slices.IndexFunc(flows, func(f *flow) bool { return f.path == want.path })
		switch {
		case n < 0:
			faults.add(at, CodeRequired, "no flow fills %s", want.path)
		case want.leaf.Type != schema.String || want.leaf.MultiValued:
			faults.add(at, CodeUnfit, "%s is no text, and can't be looked for", want.path)
		case flows[n].program != nil && (flows[n].program.Unique() || flows[n].program.Random()):
			faults.add(at, CodeUnfit, "the value of %s is another each time, so that nothing is recognized by it", want.path)
		case slices.Contains(m.match, flows[n]):
			faults.add(at, CodeTwice, "%s is there twice", want.path)
		default:
			m.match = append(m.match, flows[n])
		}
	}
}

// compile checks a flow. It gives nil if it can't be used.
func (f Flow) compile(t *schema.ResourceType, at string, faults *Faults) *flow {
	before := len(*faults)
	ready := &flow{null: f.Null, once: f.Apply == Once}
	if ready.null == "" {
		ready.null = Clear
	}
	if !slices.Contains([]Null{Clear, Authoritative, Ignore}, ready.null) {
		faults.add(at+".null", CodeValue, "%.40q, want clear, authoritative or ignore", string(f.Null))
	}
	if !slices.Contains([]Apply{"", Always, Once}, f.Apply) {
		faults.add(at+".apply", CodeValue, "%.40q, want always or once", string(f.Apply))
	}
	var err error
	if ready.target, err = findTarget(t, f.Target); err != nil {
		faults.add(at+".target", CodeAttribute, "%v", err)
		return nil
	}
	ready.initial = ready.constant(f.Default, at+".default", faults)
	f.fill(ready, at, faults)
	if len(*faults) > before {
		return nil
	}
	return ready
}

// fill compiles what is of the flow's kind, and refuses what is of another.
func (f Flow) fill(ready *flow, at string, faults *Faults) {
	for _, field := range []struct {
		name  string
		given bool
		kind  Kind
	}{{"source", f.Source != "", Direct}, {"value", f.Value != nil, Constant}, {"expression", f.Expression != "", Expression}} {
		if field.given != (field.kind == f.Kind) {
			faults.add(at+"."+field.name, CodeUnfit, "a flow of the kind %s has it, and no other; this one is %.40q", field.kind, string(f.Kind))
			return
		}
	}
	switch f.Kind {
	case Direct:
		path, ok := expression.ParsePath(f.Source)
		if !ok {
			faults.add(at+".source", CodeValue, "%.80q is no attribute's name", f.Source)
		}
		ready.direct, ready.paths = true, []expression.Path{path}
	case Constant:
		if ready.value = ready.constant(f.Value, at+".value", faults); ready.value == nil {
			faults.add(at+".value", CodeRequired, "a constant has a value; nothing is brought by leaving the flow out")
		}
	case Expression:
		f.program(ready, at+".expression", faults)
	default:
		faults.add(at+".kind", CodeValue, "%.40q, want %s, %s or %s", string(f.Kind), Direct, Constant, Expression)
	}
}

func (f Flow) program(ready *flow, at string, faults *Faults) {
	p, err := expression.Compile(f.Expression)
	if err != nil {
		faults.add(at, CodeExpressionInvalid, "%v", err)
		return
	}
	ready.program, ready.paths = p, p.Paths()
	switch {
	case ready.once:
	case p.Unique():
		faults.add(at, CodeUnfit, `SelectUniqueValue finds its own value taken the next time; add "apply": "once"`)
	case p.Random():
		faults.add(at, CodeUnfit, `Guid and RandomString give another value each time; add "apply": "once"`)
	}
	if p.Unique() && (ready.leaf.MultiValued || ready.leaf.Type != schema.String) {
		faults.add(at, CodeUnfit, "SelectUniqueValue gives one text, and %s isn't one", ready.path)
	}
}

// constant reads a value of the rules by the type of the target.
func (f *flow) constant(raw jsontext.Value, at string, faults *Faults) document.Value {
	switch {
	case raw == nil:
		return nil
	case len(raw) > mostValue:
		faults.add(at, CodeTooMany, "%d bytes; at most %d are read", len(raw), mostValue)
		return nil
	}
	v, _, err := document.DecodeValue(f.leaf, raw, false, nil)
	if err != nil {
		faults.add(at, CodeValue, "%s", detail(err))
	}
	if v == "" {
		return nil
	}
	return v
}

// detail is the sentence of an error of the codec.
func detail(err error) string {
	var scim scimerrors.ScimError
	if errors.As(err, &scim) {
		return strings.TrimSuffix(scim.Detail, ".")
	}
	return err.Error()
}

// canonical writes rules that were checked.
func canonical(r Rules, flows, match []*flow) ([]byte, error) {
	c := Rules{ClearOmitted: r.ClearOmitted}
	for _, group := range r.Scope {
		var all []Clause
		for _, clause := range group {
			op, err := clause.Operator.find()
			if err != nil {
				return nil, err
			}
			path, _ := expression.ParsePath(clause.Attribute)
			all = append(all, Clause{path.String(), op.name, clause.Value})
		}
		c.Scope = append(c.Scope, all)
	}
	for i, f := range r.Flows {
		f.Target, f.Expression = flows[i].path, strings.TrimSpace(f.Expression)
		if f.Kind == Direct {
			f.Source = flows[i].paths[0].String()
		}
		if f.Null == Clear {
			f.Null = ""
		}
		if f.Apply == Always {
			f.Apply = ""
		}
		f.Value, f.Default = appendValue(flows[i].value), appendValue(flows[i].initial)
		c.Flows = append(c.Flows, f)
	}
	for _, f := range match {
		c.Match = append(c.Match, f.path)
	}
	return json.Marshal(c, json.Deterministic(true))
}

// appendValue writes a value of a document; nil for none.
func appendValue(v document.Value) jsontext.Value {
	if v == nil {
		return nil
	}
	return document.AppendValue(nil, v)
}
