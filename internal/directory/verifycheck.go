package directory

import (
	"bytes"
	"context"
	"fmt"
	"strconv"

	"github.com/workspace-scim/workspace/internal/reconcile"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// checker compares what is stored of a tenant with what follows from its links.
type checker struct {
	*verification
	ctx     context.Context
	r       store.Reader
	sources map[int64]store.Source
	index   *indexCheck
	walked  map[store.Tally]int64 // how many each view shows, by source and kind
	about   string                // the id of the resource that is being looked at
	found   bool                  // it has a discrepancy
}

// check looks at all that is stored.
func (v *verification) check(ctx context.Context, r store.Reader) error {
	c := &checker{verification: v, ctx: ctx, r: r, sources: map[int64]store.Source{}, index: newIndexCheck(), walked: map[store.Tally]int64{}}
	all, err := r.Sources(v.source.Tenant)
	if err != nil {
		return err
	}
	for _, s := range all {
		c.sources[s.ID] = s
	}
	tallies, err := r.Tallies(v.source.Tenant)
	if err != nil {
		return err
	}
	for _, t := range tallies {
		if t.Source == v.source.ID {
			v.run.Total += t.Rows
		}
	}
	seen := 0
	err = walk(ctx, r, v.source.Tenant, func(x store.Loaded) error {
		if seen++; seen%(10*walkPage) == 0 {
			if err := v.progress(ctx); err != nil {
				return err
			}
		}
		return c.resource(x)
	})
	if err != nil {
		return err
	}
	if err := c.strays(); err != nil {
		return err
	}
	if err := c.totals(tallies); err != nil {
		return err
	}
	return c.indexed()
}

// differ tells of a discrepancy of the resource that is being looked at.
func (c *checker) differ(x Discrepancy) error {
	c.found, x.Subject = true, c.about
	return c.tell(x)
}

// resource looks at one resource: at those that the source asserts, and at those
// that nobody does.
func (c *checker) resource(x store.Loaded) error {
	t := c.set.OfKind(x.Kind)
	if t == nil {
		return fmt.Errorf("resource %s has the kind %d, which there isn't", x.ID, x.Kind)
	}
	var linked, parked []store.Link
	ours := false
	for _, l := range x.Links {
		switch l.State {
		case store.Linked:
			linked = append(linked, l)
		case store.LinkParked:
			parked = append(parked, l)
		}
		if l.State.Live() {
			c.walked[store.Tally{Source: l.Source, Kind: x.Kind}]++
		}
		ours = ours || l.Source == c.source.ID && l.State.Live()
	}
	if x.State.Visible() {
		c.walked[store.Tally{Kind: x.Kind}]++
	}
	doc, err := document.MustDecode(t, x.Doc)
	if err != nil {
		return err
	}
	c.index.expectResource(x, doc)
	for _, l := range append(linked, parked...) {
		if err := c.index.expectLink(t, l); err != nil {
			return err
		}
	}
	if !ours && len(linked)+len(parked) > 0 {
		return nil
	}
	c.about, c.found = x.ID, false
	if err := c.state(x, t, doc, linked, parked); err != nil {
		return err
	}
	for _, l := range append(linked, parked...) {
		if err := c.link(t, l, doc); err != nil {
			return err
		}
	}
	if t.Kind == schema.Group {
		if err := c.members(x); err != nil {
			return err
		}
	}
	if c.found {
		c.bad++
	}
	if c.found || ours {
		c.subjects++
	}
	return nil
}

// state compares a resource with what its links lead to.
func (c *checker) state(x store.Loaded, t *schema.ResourceType, doc *document.Object, linked, parked []store.Link) error {
	switch {
	case len(linked) == 0 && len(parked) > 0 && x.State != store.Held:
		return c.differ(Discrepancy{Kind: Attribute, Attribute: "state", Stored: strconv.Itoa(int(x.State)), Expected: strconv.Itoa(int(store.Held)), Detail: "It is held for its source only, and not stored so."})
	case len(linked)+len(parked) == 0 && (x.State == store.Live || x.State == store.Held):
		return c.differ(Discrepancy{Kind: Extra, Detail: "It is shown, and no source asserts it."})
	case len(linked) == 0 && x.State == store.Orphaned && t.Active != nil && doc.Get(t.Active) != false:
		return c.differ(Discrepancy{Kind: Attribute, Attribute: t.Active.Path, Stored: "true", Expected: "false", Detail: "No source asserts this user any more, and it is active."})
	case len(linked) == 0:
		return nil
	case x.State != store.Live:
		return c.differ(Discrepancy{Kind: Missing, Source: c.sources[linked[0].Source].PublicID, Detail: "A source asserts it, and it isn't shown."})
	}
	return c.resolved(x, t, doc, linked)
}

// resolved resolves a resource anew.
func (c *checker) resolved(x store.Loaded, t *schema.ResourceType, doc *document.Object, linked []store.Link) error {
	var all []reconcile.Assertion
	for _, l := range linked {
		source, ok := c.sources[l.Source]
		if !ok {
			return c.differ(Discrepancy{Kind: Extra, Detail: "It is linked to a source that the tenant doesn't have."})
		}
		said := doc
		if l.Own {
			var err error
			if said, err = document.MustDecode(t, l.Doc); err != nil {
				return err
			}
		}
		manager, err := c.manager(x, t, doc, said, source, l)
		if err != nil {
			return err
		}
		all = append(all, reconcile.Assertion{Source: source, Chosen: source.ID == x.Chosen, Doc: said, Manager: manager})
	}
	want := reconcile.Resolve(t, all)
	for _, f := range []struct{ name, stored, want string }{
		{"authority", c.sources[x.Authority].PublicID, c.sources[want.Authority].PublicID}, {"class", x.Class, want.Class},
		{"userName in the index of names", x.UniqueKey, uniqueKey(t, want.Doc)}, {"name for references", x.Display, displayOf(t, want.Doc)},
	} {
		if f.stored != f.want {
			err := c.differ(Discrepancy{Kind: Attribute, Attribute: f.name, Stored: f.stored, Expected: f.want, Detail: "It isn't what follows from the links."})
			if err != nil {
				return err
			}
		}
	}
	if bytes.Equal(document.Encode(t, want.Doc), x.Doc) {
		return nil
	}
	for _, a := range leaves(t) {
		stored, expected := doc.At(a), want.Doc.At(a)
		if document.Equal(stored, expected) {
			continue
		}
		err := c.differ(Discrepancy{Kind: Attribute, Attribute: a.Path, Stored: shown(stored), Expected: shown(expected), Detail: "The resolved document has another value than the sources assert."})
		if err != nil {
			return err
		}
	}
	return nil
}

// manager resolves the manager that a source asserts. One in the resolved
// document may be deleted by now, as Writer.manager has it.
func (c *checker) manager(x store.Loaded, t *schema.ResourceType, resolved, said *document.Object, source store.Source, l store.Link) (string, error) {
	if t.Manager == nil {
		return "", nil
	}
	ref := managerRef(t, said)
	switch {
	case ref == "" || ref == managerRef(t, resolved):
		return ref, nil
	case ref == x.ID || ref == l.ExternalID:
		return x.ID, nil
	}
	target, err := finder{c.r, x.Tenant}.find(source, ref, schema.User)
	if target == nil && ref == l.Anchor {
		return x.ID, err
	}
	return managerOf(target), err
}

func uniqueKey(t *schema.ResourceType, doc *document.Object) string {
	if t.UserName == nil {
		return ""
	}
	return t.UserName.Key(doc.Text(t.UserName))
}

// displayOf is the name of a resource for those who refer to it.
func displayOf(t *schema.ResourceType, doc *document.Object) string {
	name := doc.Text(t.DisplayName)
	if name == "" && t.UserName != nil {
		name = doc.Text(t.UserName)
	}
	return name
}

func shown(v document.Value) string {
	if v == nil {
		return "none"
	}
	return string(document.AppendValue(nil, v))
}

// link compares what a link is found by with its document.
func (c *checker) link(t *schema.ResourceType, l store.Link, resolved *document.Object) error {
	doc := resolved
	if l.Own {
		var err error
		if doc, err = document.MustDecode(t, l.Doc); err != nil {
			return err
		}
	}
	for _, f := range []struct {
		attr   *schema.Attribute
		stored string
	}{{t.ExternalID, l.ExternalID}, {t.Anchor, l.Anchor}} {
		if f.attr == nil || f.stored == doc.Text(f.attr) {
			continue
		}
		err := c.differ(Discrepancy{
			Kind: Attribute, Source: c.sources[l.Source].PublicID, Attribute: f.attr.Path, Stored: f.stored, Expected: doc.Text(f.attr),
			Detail: "The link is found by another value than its source asserts.",
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// members looks at what the source asserts of a group's members: it sees them,
// and the group.
func (c *checker) members(x store.Loaded) error {
	live := map[int64]bool{}
	for _, l := range x.Links {
		live[l.Source] = l.State.Live()
	}
	return c.r.MemberRows(x.Tenant, x.RID, func(m store.MemberRow) error {
		if m.Source != c.source.ID {
			return nil
		}
		byHand := c.source.Kind == store.SourceWorkspace
		detail := ""
		switch {
		case m.ID == "":
			detail = fmt.Sprintf("It has a member, number %d, that isn't there.", m.Member)
		case !byHand && !live[m.Source]:
			detail = "It has members of a source that doesn't assert the group."
		case !byHand && !m.Link.Live():
			detail = "It has a member that its source doesn't assert."
		default:
			return nil
		}
		return c.differ(Discrepancy{Kind: Member, Source: c.source.PublicID, Stored: m.ID, Detail: detail})
	})
}
