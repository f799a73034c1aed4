package directory

import (
	"errors"
	"fmt"
	"strings"

	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// The states of an order.
const (
	OrderComplete  = "complete"  // nothing is left out for being incompatible
	OrderPartial   = "partial"   // something is
	OrderCancelled = "cancelled" // what it granted is given back
)

func isCancelled(t *schema.ResourceType, doc *document.Object) bool {
	return doc.Text(t.Root.Sub("state")) == OrderCancelled
}

// named gives the id that a single-valued reference of an order names.
func named(t *schema.ResourceType, doc *document.Object, attribute string) string {
	return doc.Text(t.Root.Sub(attribute).Value())
}

// lockRecipient locks who an order is for before anything else is, so that two
// orders for one user come one after the other. That there is such a user is
// judged later.
func (w *Writer) lockRecipient(t *schema.ResourceType, doc *document.Object) error {
	_, err := w.tx.Load(store.View{Tenant: w.actor.Tenant.ID}, schema.User, named(t, doc, "recipient"), false)
	return ignoreNotFound(err)
}

// decideOrder works out what an order comes to. The same function serves the
// preview (law 5): it is the order, rolled back.
func (w *Writer) decideOrder(t *schema.ResourceType, old, doc *document.Object) error {
	if old != nil {
		return changeOrder(t, old, doc)
	}
	state := t.Root.Sub("state")
	if s := doc.Text(state); s != "" && s != OrderComplete && s != OrderPartial {
		return invalid("state", "A new order can't have this state.", "Leave the state out; it is worked out.")
	}
	a, p, o, err := w.ordered(t, doc)
	if err != nil {
		return err
	}
	if err := w.onlyOrder(t, p, o); err != nil {
		return err
	}
	lines, fit, err := a.assess(o, p)
	if err != nil {
		return err
	}
	seen := doc.Text(t.Root.Sub("fingerprint"))
	lines.write(t, doc)
	doc.Set(t.Root.Sub("alternatives"), offered(t.Root.Sub("alternatives"), fit))
	if v := refusalOf(lines, seen); v != nil {
		v.More = &document.Object{}
		for _, name := range []string{"fingerprint", "lines", "alternatives"} {
			v.More.Set(t.Root.Sub(name), doc.Get(t.Root.Sub(name)))
		}
		return w.refuseOrder(v, t, p, o)
	}
	doc.Set(state, OrderComplete)
	if !lines.Whole() {
		doc.Set(state, OrderPartial)
	}
	doc.Set(t.DisplayName, o.Display+" for "+p.Display)
	doc.Set(t.Root.Sub("requestedBy"), firstNonempty(w.actor.Subject, w.actor.Token))
	return nil
}

// refuseOrder tells of an order that isn't placed whom it was for, and what.
func (w *Writer) refuseOrder(v *Violation, t *schema.ResourceType, p person, o offer) error {
	err := w.refuse(v, eventType(t, "refused"), &p.Resource, nil)
	product := &document.Object{}
	product.Set(t.Root.Sub("product").Value(), o.ID)
	product.Set(t.Root.Sub("product").Sub("display"), o.Display)
	doc := &document.Object{}
	doc.Set(t.Root.Sub("product"), product)
	_, w.refused[len(w.refused)-1].event.After = diff(t, nil, doc)
	return err
}

// refusalOf is why an order with these lines can't be placed, nil if it can;
// seen is the fingerprint that the client was shown, "" if it doesn't say.
func refusalOf(lines Lines, seen string) *Violation {
	if seen != "" && seen != lines.Fingerprint() {
		return &Violation{Rule: RuleOrderChanged, Attribute: "fingerprint", Detail: "What the order comes to has changed since the preview.",
			Way: "Look at the lines and order again with their fingerprint."}
	}
	if !lines.Blocked() {
		return nil
	}
	var why []string
	for _, x := range lines {
		if x.Type == "Group" && len(why) < 5 {
			why = append(why, document.Truncate(firstNonempty(x.Display, x.ID), 100)+": "+x.Detail)
		}
	}
	return &Violation{Rule: RuleIncompatible, Detail: "The user can't be added to any of the product's groups. " + strings.Join(why, " "),
		Way: "See the way out of each line, or order an alternative."}
}

// ordered reads whom and what an order names.
func (w *Writer) ordered(t *schema.ResourceType, doc *document.Object) (*assessor, person, offer, error) {
	tenant := w.actor.Tenant.ID
	a, err := newAssessor(w.tx, tenant)
	if err != nil {
		return nil, person{}, offer{}, err
	}
	user, err := w.tx.Load(store.View{Tenant: tenant}, schema.User, named(t, doc, "recipient"), true)
	if err != nil {
		return nil, person{}, offer{}, err
	}
	p, err := a.person(user.Resource, user.Links, user.Groups)
	if err != nil {
		return nil, person{}, offer{}, err
	}
	o, err := a.offer(named(t, doc, "product"), true)
	return a, p, o, err
}

// onlyOrder refuses a second order of a product for a user who has one.
func (w *Writer) onlyOrder(t *schema.ResourceType, p person, o offer) error {
	product, state := t.Root.Sub("product").Value(), t.Root.Sub("state")
	open, err := w.tx.ReferrersOf(w.actor.Tenant.ID, t.Root.Sub("recipient").Value().Index, []int64{p.RID},
		store.KeyIn{Attr: product.Index, Keys: []string{o.ID}}, store.KeyIn{Attr: state.Index, Keys: []string{OrderComplete, OrderPartial}})
	if err != nil {
		return err
	}
	for _, rid := range open {
		order, err := w.tx.Resource(w.actor.Tenant.ID, rid)
		if err != nil {
			return err
		}
		if order.State.Visible() {
			return w.refuseOrder(&Violation{Rule: RuleAlreadyOrdered, Attribute: "product", Detail: "The order " + order.ID + " has brought this product to the user already.",
				Way: "Cancel that order first."}, t, p, o)
		}
	}
	return nil
}

func offered(a *schema.Attribute, all []offer) document.List {
	var out document.List
	for _, x := range all {
		o := &document.Object{}
		o.Set(a.Value(), x.ID)
		o.Set(a.Sub("display"), x.Display)
		out = append(out, o)
	}
	return out
}

// changeOrder lets a note be changed, and an order be cancelled; all else stays.
func changeOrder(t *schema.ResourceType, old, doc *document.Object) error {
	for _, name := range []string{"product", "recipient"} {
		if named(t, old, name) != named(t, doc, name) {
			return &Violation{Rule: RuleMutability, Attribute: name, Detail: "An order keeps its " + name + ".", Way: "Cancel it and order anew."}
		}
	}
	fingerprint, state, lines := t.Root.Sub("fingerprint"), t.Root.Sub("state"), t.Root.Sub("lines")
	doc.Set(fingerprint, old.Get(fingerprint))
	before, after := old.Text(state), doc.Text(state)
	if after == "" {
		after = before
		doc.Set(state, before)
	}
	switch {
	case after == before:
		return nil
	case before == OrderCancelled:
		return invalid("state", "A cancelled order stays cancelled.", "Order anew.")
	case after != OrderCancelled:
		return invalid("state", fmt.Sprintf("The state %.20q can't be set.", after), "The only state that can be is cancelled.")
	}
	list, _ := document.CloneValue(doc.Get(lines)).(document.List)
	for _, x := range objects(list) {
		if x.Get(lines.Sub("state")) != LineSkipped {
			x.Set(lines.Sub("state"), LineCancelled)
			x.Set(lines.Sub("wayOut"), nil)
			x.Set(lines.Sub("command"), nil)
		}
	}
	doc.Set(lines, list)
	doc.Set(t.Root.Sub("warnings"), nil)
	return nil
}

// followOrder grants what a new order brings, and ends it when the order is
// cancelled or deleted.
func (w *Writer) followOrder(s *subject, old, doc *document.Object) error {
	switch {
	case old == nil:
		return w.grantOrder(s, doc)
	case isCancelled(s.t, old):
		return nil
	case doc == nil || isCancelled(s.t, doc):
		return w.endOrder(s)
	}
	return nil
}

func (w *Writer) grantOrder(s *subject, doc *document.Object) error {
	tenant := w.actor.Tenant.ID
	user, err := w.tx.Refs(store.View{Tenant: tenant}, []string{named(s.t, doc, "recipient")})
	if err != nil {
		return err
	}
	if len(user) != 1 {
		return errors.New("directory: the recipient of an order is gone") // its row is locked
	}
	lines := s.t.Root.Sub("lines")
	var ids []string
	for _, x := range objects(doc.Get(lines)) {
		if x.Get(lines.Sub("state")) != LineSkipped {
			id, _ := x.Get(lines.Value()).(string)
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	targets, err := w.tx.Resources(tenant, ids)
	if err != nil {
		return err
	}
	for _, target := range targets {
		if err := w.grantFor(s, target, user[0]); err != nil {
			return err
		}
	}
	return nil
}

// grantFor grants a target for an order. A group of the workspace has its member
// at once; the membership of another is its directory's to bring.
func (w *Writer) grantFor(s *subject, target store.Resource, user store.Ref) error {
	if target.Kind == schema.Group {
		source, err := w.source(target.Authority)
		if err != nil {
			return err
		}
		if source.Kind == store.SourceWorkspace {
			if err := w.enterManual(target, user); err != nil {
				return err
			}
		}
	}
	_, err := w.tx.PutGrants(store.Grant{Tenant: target.Tenant, Target: target.RID, Reason: store.GrantOrder, Cause: s.res.RID, Since: w.now}, []int64{user.RID})
	return err
}
