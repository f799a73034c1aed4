package directory

import (
	"fmt"
	"time"

	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// explainOrders is how many orders of one user an explanation tells of, the
// newest.
const explainOrders = 20

// placed is an order of the subject's.
type placed struct {
	store.Resource
	doc *document.Object
}

// open says whether an order gives what it grants.
func (o placed) open(t *schema.ResourceType) bool { return o.State.Visible() && !isCancelled(t, o.doc) }

// state is an order's, or that it is gone.
func (o placed) state(t *schema.ResourceType) string {
	if !o.State.Visible() {
		return stateNames[o.State]
	}
	return o.doc.Text(t.Root.Sub("state"))
}

// ordersOf gives the newest orders for the subject that name an id in an
// attribute, the open ones first.
func (e *explainer) ordersOf(names *schema.Attribute, id string) ([]placed, error) {
	if e.t.Kind != schema.User {
		return nil, nil
	}
	t := e.d.own.Order
	rids, err := e.r.ReferrersOf(e.tenant, t.Root.Sub("recipient").Value().Index, []int64{e.res.RID}, store.KeyIn{Attr: names.Index, Keys: []string{id}})
	if err != nil {
		return nil, err
	}
	var open, rest []placed
	for i := len(rids) - 1; i >= 0 && i >= len(rids)-explainOrders; i-- {
		o, err := e.order(rids[i])
		switch {
		case err != nil:
			return nil, err
		case o.open(t):
			open = append(open, o)
		case o.State != store.Purged:
			rest = append(rest, o)
		}
	}
	return append(open, rest...), nil
}

func (e *explainer) order(rid int64) (placed, error) {
	res, err := e.r.Resource(e.tenant, rid)
	if err != nil {
		return placed{}, err
	}
	o := placed{Resource: res, doc: &document.Object{}}
	if res.State != store.Purged {
		o.doc, err = document.MustDecode(e.d.own.Order, res.Doc)
	}
	return o, err
}

// tellOrder says that an order was placed, and how it stands.
func (e *explainer) tellOrder(o placed) {
	t := e.d.own.Order
	state := o.state(t)
	e.add(StepResolve, "order", fmt.Sprintf("An order of %s brings the product %s: it is %s.", o.CreatedAt.Format(time.RFC3339), orderedProduct(t, o.doc), state), "",
		"order", o.ID, "state", state, "at", o.CreatedAt, "changedAt", o.ModifiedAt, "requestedBy", o.doc.Text(t.Root.Sub("requestedBy")), "note", o.doc.Text(t.Root.Sub("note")))
}

// orderedProduct is what people call the product of an order.
func orderedProduct(t *schema.ResourceType, doc *document.Object) string {
	return firstNonempty(doc.Text(t.Root.Sub("product").Sub("display")), named(t, doc, "product"))
}

// lineSentences tell what became of a line, with %s for the group or item.
var lineSentences = map[string]string{
	LineGranted:   "The order gives %s.",
	LinePending:   "The order gives %s; the directory that owns it hasn't asserted the membership yet.",
	LineSkipped:   "The order left %s out.",
	LineCancelled: "The order gave %s, and is cancelled.",
}

// tellLines says what became of the lines of an order, of all or of those about
// one id. It gives the way of a line that waits for its directory, "" for none.
func (e *explainer) tellLines(o placed, id string) (waiting string) {
	t := e.d.own.Order
	lines := t.Root.Sub("lines")
	for _, x := range objects(o.doc.Get(lines)) {
		text := func(name string) string {
			s, _ := x.Get(lines.Sub(name)).(string)
			return s
		}
		if id != "" && text("value") != id {
			continue
		}
		state, way := text("state"), firstNonempty(text("command"), text("wayOut"))
		sentence := fmt.Sprintf(lineSentences[state], firstNonempty(text("display"), text("value")))
		if state == LineSkipped && text("detail") != "" {
			sentence += " " + text("detail")
		}
		e.add(StepResolve, state, sentence, way, "order", o.ID, "target", text("value"), "type", text("type"), "display", text("display"),
			"verdict", text("verdict"), "reason", text("reason"), "command", text("command"))
		if state == LinePending && waiting == "" {
			waiting = way
		}
	}
	return waiting
}

// tellOrdered says which orders of the subject name the target, and what became
// of that.
func (e *explainer) tellOrdered() error {
	all, err := e.ordersOf(e.d.own.Order.Root.Sub("lines").Value(), e.target.ID)
	for _, o := range all {
		e.tellOrder(o)
		if waiting := e.tellLines(o, e.target.ID); e.waiting == "" && o.open(e.d.own.Order) {
			e.waiting = waiting
		}
	}
	return err
}

// reasonSentences tell why somebody has something besides its source's saying so.
var reasonSentences = map[store.GrantReason]string{
	store.GrantOrder:          "An order gives it.",
	store.GrantManual:         "An administrator gave it by hand.",
	store.GrantWorkflow:       "A workflow gives it.",
	store.GrantReconciliation: "It comes with the membership in a group.",
}

// tellReasons says what reasons of our own the subject has the target for.
func (e *explainer) tellReasons() error {
	grants, err := e.r.Grants(store.GrantQuery{Tenant: e.tenant, Target: e.target.RID, Subject: e.res.RID, Limit: explainOrders})
	if err != nil {
		return err
	}
	causes := make([]int64, len(grants))
	for i, g := range grants {
		causes[i] = g.Cause
	}
	ids, err := e.r.IDs(e.tenant, causes)
	for _, g := range grants {
		way := ""
		if e.item != nil {
			way = e.wayToEnd(g.Reason)
		}
		e.add(StepResolve, "reason", reasonSentences[g.Reason], way, "reason", string(g.Reason), "cause", ids[g.Cause], "since", g.Since)
	}
	return err
}
