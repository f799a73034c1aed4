package reconcile

import (
	"slices"

	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
)

// The rules by which the value of an attribute comes about.
const (
	TraceAuthority     = "authority"     // the authority asserts it
	TraceFilled        = "filled"        // the authority doesn't; the next by precedence that does
	TraceAuthorityOnly = "authorityOnly" // the authority doesn't, and nobody else's is taken
	TraceAnyDisables   = "anyDisables"   // a source whose policy it is disables the user
	TraceDerived       = "derived"       // made of displayName by the authority's policy names
	TraceUnresolved    = "unresolved"    // what is referred to isn't there
	TraceUnasserted    = "unasserted"    // nobody asserts it
	TraceNull          = "null"          // a source says that there is none, so nobody's behind it counts
)

// Trace is how the value of one attribute came about.
type Trace struct {
	Rule   string
	Source int64          // whose value it is, 0 for nobody's
	Value  document.Value // the resolved one, nil for none
}

// TraceOf says how Resolve comes to the value of an attribute. What stands below
// a complex attribute is told of the whole of it: that is the unit that a source
// wins or loses.
func TraceOf(t *schema.ResourceType, attr *schema.Attribute, assertions []Assertion) Trace {
	if len(assertions) == 0 {
		return Trace{Rule: TraceUnasserted}
	}
	unit := attr.Top()
	sorted := inOrder(assertions)
	out := winner(t, unit, sorted)
	out.Value = Resolve(t, assertions).Doc.At(unit)
	if unit == t.Root.Sub("name") && sorted[0].Source.Policies.Names == "derive" && !document.Equal(out.Value, asserted(unit, out.Source, sorted)) {
		out.Rule, out.Source = TraceDerived, sorted[0].Source.ID
	}
	return out
}

func asserted(unit *schema.Attribute, source int64, sorted []Assertion) document.Value {
	for _, a := range sorted {
		if a.Source.ID == source {
			return a.Doc.At(unit)
		}
	}
	return nil
}

// winner finds whose value counts; sorted is in the order of precedence.
func winner(t *schema.ResourceType, unit *schema.Attribute, sorted []Assertion) Trace {
	if unit == t.Active {
		for i, a := range sorted {
			if i > 0 && a.Doc.Get(t.Active) == false && a.Source.Policies.AnyDisables && sorted[0].Doc.Get(t.Active) != false {
				return Trace{Rule: TraceAnyDisables, Source: a.Source.ID}
			}
		}
	}
	unresolved := false
	for i, a := range sorted {
		v := a.Doc.At(unit)
		switch {
		case v == nil:
		case unit == t.Manager && a.Manager == "":
			unresolved = true
		case i == 0:
			return Trace{Rule: TraceAuthority, Source: a.Source.ID}
		case unit == t.Active || unit == t.ExternalID:
			return Trace{Rule: TraceAuthorityOnly}
		default:
			return Trace{Rule: TraceFilled, Source: a.Source.ID}
		}
		if slices.Contains(nullsOf(t, a.Doc), unit.Path) {
			return Trace{Rule: TraceNull, Source: a.Source.ID}
		}
	}
	if unresolved {
		return Trace{Rule: TraceUnresolved}
	}
	return Trace{Rule: TraceUnasserted}
}
