package reconcile

import (
	"cmp"
	"slices"
	"strings"

	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// Assertion is what one source asserts about a resource.
type Assertion struct {
	Source store.Source
	// Doc is the document as asserted; it is not changed.
	Doc *document.Object
	// Chosen says that an administrator declared this source the authority.
	Chosen bool
	// Manager is the id that the document's manager reference was resolved to,
	// "" where it can't be; it only matters when the document has one.
	Manager string
}

// Resolution is what follows from the assertions of all sources.
type Resolution struct {
	// Doc is the resolved document. It shares values with the assertions.
	Doc       *document.Object
	Authority int64
	Class     string
}

// rank orders kinds of sources by whose values win: an on-premises directory
// over the cloud that is synchronised from it, both over tools, and everything
// over what was made by hand (which no source is joined to anyway, law 3).
var rank = map[store.SourceKind]int{
	store.SourceAD: 1, store.SourceEntra: 2, store.SourceAPI: 3, store.SourcePeer: 4, store.SourceWorkspace: 5,
}

// Precedence compares two sources: negative when a's values win over b's. It is
// a total order that doesn't depend on who came first (law 7).
func Precedence(a, b store.Source) int {
	return cmp.Or(cmp.Compare(rank[a.Kind], rank[b.Kind]), cmp.Compare(a.ID, b.ID))
}

// Resolve merges the assertions of the sources with a live link, in any order,
// into the resolved resource (law 1, docs/model.md). The chosen one, or else the
// first by Precedence, is the authority: each attribute is its, and only what it
// doesn't assert at all is taken from the next. An attribute is the unit, with
// all its values: the e-mails of two sources are never mixed. Attributes of an
// extension count one by one. Without assertions the result has a nil Doc.
func Resolve(t *schema.ResourceType, assertions []Assertion) Resolution {
	if len(assertions) == 0 {
		return Resolution{}
	}
	sorted := inOrder(assertions)
	first := sorted[0]
	doc := shallow(first.Doc)
	setManager(t, doc, first)
	nulls := nullsOf(t, first.Doc)
	for _, next := range sorted[1:] {
		fill(t, doc, next, nulls)
		nulls = append(nulls, nullsOf(t, next.Doc)...)
	}
	if t.AuthoritativeNulls != nil {
		doc.SetAt(t.AuthoritativeNulls, nil) // they are one source's
	}
	if t.Active != nil && !active(t, sorted) {
		doc.Set(t.Active, false)
	}
	if t.Kind == schema.User && first.Source.Policies.Names == "derive" {
		deriveNames(t, doc)
	}
	return Resolution{Doc: doc, Authority: first.Source.ID, Class: Class(t, first.Source, sorted)}
}

// inOrder sorts assertions: the authority comes first, then who fills its gaps.
func inOrder(assertions []Assertion) []Assertion {
	return slices.SortedFunc(slices.Values(assertions), func(a, b Assertion) int {
		if a.Chosen != b.Chosen {
			return map[bool]int{true: -1, false: 1}[a.Chosen]
		}
		return Precedence(a.Source, b.Source)
	})
}

// nullsOf gives the paths of the attributes of which a source says that there is no
// value (row E008).
func nullsOf(t *schema.ResourceType, doc *document.Object) []string {
	if t.AuthoritativeNulls == nil {
		return nil
	}
	list, _ := doc.At(t.AuthoritativeNulls).(document.List)
	paths := make([]string, 0, len(list))
	for _, v := range list {
		if path, ok := v.(string); ok {
			paths = append(paths, path)
		}
	}
	return paths
}

// shallow copies the object and its extension containers, so that setting an
// attribute doesn't reach the assertion.
func shallow(o *document.Object) *document.Object {
	c := &document.Object{}
	for _, f := range o.Fields() {
		v := f.Value
		if inner, ok := v.(*document.Object); ok {
			v = shallow(inner)
		}
		c.Set(f.Attr, v)
	}
	return c
}

func setManager(t *schema.ResourceType, doc *document.Object, a Assertion) {
	if t.Manager == nil {
		return
	}
	m, ok := a.Doc.At(t.Manager).(*document.Object)
	if !ok {
		return
	}
	if a.Manager == "" {
		doc.SetAt(t.Manager, nil)
		return
	}
	if m.Get(t.Manager.Value()) != a.Manager {
		m = m.Clone()
		m.Set(t.Manager.Value(), a.Manager)
		doc.SetAt(t.Manager, m)
	}
}

// fill adds what doc lacks from the next assertion.
func fill(t *schema.ResourceType, doc *document.Object, a Assertion, nulls []string) {
	for _, f := range a.Doc.Fields() {
		switch {
		case f.Attr.Extension:
			for _, inner := range f.Value.(*document.Object).Fields() {
				if doc.At(inner.Attr) != nil || inner.Attr == t.AuthoritativeNulls || slices.Contains(nulls, inner.Attr.Path) {
					continue
				}
				doc.SetAt(inner.Attr, withoutNulls(inner.Value, nulls))
				if inner.Attr == t.Manager {
					setManager(t, doc, a)
				}
			}
		case f.Attr == t.Active || f.Attr == t.ExternalID:
			// active is decided below; externalId is the authority's or nobody's.
		case doc.Get(f.Attr) == nil && !slices.Contains(nulls, f.Attr.Path):
			doc.Set(f.Attr, withoutNulls(f.Value, nulls))
		}
	}
}

// withoutNulls gives a complex value without the parts that have none.
func withoutNulls(v document.Value, nulls []string) document.Value {
	o, complex := v.(*document.Object)
	if !complex || len(nulls) == 0 {
		return v
	}
	o = shallow(o)
	for _, f := range slices.Clone(o.Fields()) {
		if slices.Contains(nulls, f.Attr.Path) {
			o.Set(f.Attr, nil)
		}
	}
	return o
}

// active: the user is active while the authority says so; another source's
// active:false only ends its own presence, unless its policy anyDisables.
func active(t *schema.ResourceType, sorted []Assertion) bool {
	for i, a := range sorted {
		if a.Doc.Get(t.Active) == false && (i == 0 || a.Source.Policies.AnyDisables) {
			return false
		}
	}
	return true
}

// deriveNames fills a missing first or last name from displayName: the last
// word is the last name, what stands before it the first (policy "derive").
func deriveNames(t *schema.ResourceType, doc *document.Object) {
	name := t.Root.Sub("name")
	given, family := name.Sub("givenName"), name.Sub("familyName")
	display := strings.Fields(doc.Text(t.DisplayName))
	if len(display) == 0 || (doc.Text(given) != "" && doc.Text(family) != "") {
		return
	}
	last := len(display) - 1
	if doc.Text(family) == "" {
		doc.SetAt(family, display[last])
	}
	if doc.Text(given) == "" {
		first := strings.Join(display[:last], " ")
		if first == "" {
			first = display[0]
		}
		doc.SetAt(given, first)
	}
}

// MissingName names the first of givenName and familyName that a user lacks, ""
// if it has both (row W009).
func MissingName(t *schema.ResourceType, doc *document.Object) string {
	name := t.Root.Sub("name")
	for _, part := range []string{"givenName", "familyName"} {
		if doc.Text(name.Sub(part)) == "" {
			return "name." + part
		}
	}
	return ""
}
