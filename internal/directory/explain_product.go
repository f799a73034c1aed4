package directory

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/workspace-scim/workspace/internal/reconcile"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// aimAtProduct reads the product or the order that is asked about, and the orders
// that bear on it.
func (e *explainer) aimAtProduct(target store.Resource) error {
	if e.t.Kind != schema.User {
		return invalid("target", "Only users are given products.", "Ask about a user.")
	}
	t := e.d.own.Order
	if target.Kind == schema.Product {
		var err error
		e.orders, err = e.ordersOf(t.Root.Sub("product").Value(), target.ID)
		return err
	}
	o, err := e.order(target.RID)
	if err != nil {
		return err
	}
	if named(t, o.doc, "recipient") != e.res.ID {
		return invalid("target", "The order isn't for this user.", "Ask about the user whom it is for.")
	}
	e.orders = []placed{o}
	return nil
}

// judge reads the subject for the rules of compatibility.
func (e *explainer) judge() (*assessor, person, error) {
	a := &assessor{r: e.r, tenant: e.tenant, sources: e.sources}
	groups, err := e.r.Groups(store.View{Tenant: e.tenant}, []int64{e.res.RID})
	if err != nil {
		return nil, person{}, err
	}
	p, err := a.person(e.res, e.links, groups[e.res.RID])
	return a, p, err
}

// tellPresence says where the subject has an account: that decides what it fits.
func (e *explainer) tellPresence() error {
	_, p, err := e.judge()
	if err != nil {
		return err
	}
	in := presence(p)
	sentence := "The user has no account in any source."
	if len(in) > 0 {
		sentence = "The user has an account in " + strings.Join(in, ", ") + "."
	}
	e.add(StepAuthority, "presence", sentence, "", "presence", in, "active", p.is.Active, "class", e.res.Class)
	return nil
}

func presence(p person) []string {
	in := []string{}
	for _, s := range p.is.Presence {
		in = append(in, s.Name)
	}
	slices.Sort(in)
	return in
}

// tellFit says whether the subject can be a member of the group at all.
func (e *explainer) tellFit() error {
	if e.t.Kind != schema.User {
		return nil
	}
	a, p, err := e.judge()
	if err != nil {
		return err
	}
	g, err := a.group(*e.group)
	v := reconcile.Compatible(p.is, g)
	e.add(StepRule, firstNonempty(v.Code, compatible), firstNonempty(v.Detail, "By the rules of compatibility the user can be a member of the group."), v.WayOut,
		"presence", presence(p), "active", p.is.Active, "authority", g.Authority.Name, "class", g.Class, "groupType", g.Type, "groupScope", g.Scope)
	return err
}

// tellPlaced says what was ordered and what became of it: of orders that are
// open, and of the one that is asked about, line by line.
func (e *explainer) tellPlaced() error {
	for _, o := range e.orders {
		e.tellOrder(o)
		if o.open(e.d.own.Order) || e.target.Kind == schema.Order {
			e.tellLines(o, "")
		}
	}
	if e.target.Kind != schema.Product {
		return nil
	}
	told := 0
	for _, x := range e.events {
		if x.Type != "order.refused" || refusedProduct(x) != e.target.ID || told == explainOrders {
			continue
		}
		told++
		e.add(StepResolve, OutcomeRefused, fmt.Sprintf("An order was refused at %s: %s", x.Time.Format(time.RFC3339), x.Detail), "",
			"reason", x.Reason, "at", x.Time, "event", x.Seq, "txn", x.Txn, "actor", x.Actor)
	}
	return nil
}

// refusedProduct is the id of the product that an order was refused for.
func refusedProduct(x store.Event) string {
	var doc struct{ Product pointedAt }
	if x.After == nil || json.Unmarshal(x.After, &doc) != nil {
		return ""
	}
	return doc.Product.Value
}

// tellVerdicts says what the rules say now of each thing that the product brings,
// or that the order brought, by the function that judges orders; and then what
// came of it.
func (e *explainer) tellVerdicts() error {
	a, p, err := e.judge()
	if err != nil {
		return err
	}
	o, err := e.offered()
	if err != nil {
		return err
	}
	if o.alternatives, err = a.offers(valuesOf(o.is.Alternatives)...); err != nil {
		return err
	}
	lines, fit, err := a.assess(o, p)
	if err != nil {
		return err
	}
	for _, x := range lines {
		sentence := x.Detail
		if sentence == "" {
			sentence = "By the rules the user can have it."
		}
		e.add(StepRule, firstNonempty(x.Reason, compatible), firstNonempty(x.Display, x.ID)+": "+sentence, firstNonempty(x.Command, x.WayOut),
			"target", x.ID, "type", x.Type, "display", x.Display, "authority", e.sources[x.res.Authority].Name, "class", x.res.Class, "state", x.State, "command", x.Command)
	}
	e.tellProduct(lines, fit)
	return nil
}

// offered is what is judged: the product as it is now, or what an order names.
func (e *explainer) offered() (offer, error) {
	if e.target.Kind == schema.Product {
		if e.target.State == store.Purged {
			return offer{Resource: *e.target}, nil
		}
		s, err := sketchOf(e.target.Doc)
		return offer{Resource: *e.target, is: s}, err
	}
	o := offer{Resource: *e.target}
	lines := e.d.own.Order.Root.Sub("lines")
	for _, x := range objects(e.orders[0].doc.Get(lines)) {
		id, _ := x.Get(lines.Value()).(string)
		display, _ := x.Get(lines.Sub("display")).(string)
		if x.Get(lines.Sub("type")) == "Group" {
			o.is.Groups = append(o.is.Groups, pointedAt{id, display})
		} else {
			o.is.Items = append(o.is.Items, pointedAt{id, display})
		}
	}
	return o, nil
}

// tellProduct says whether the subject has the product, and what is missing.
func (e *explainer) tellProduct(now Lines, alternatives []offer) {
	t := e.d.own.Order
	if i := slices.IndexFunc(e.orders, func(o placed) bool { return o.open(t) }); i >= 0 {
		e.tellOpen(e.orders[i])
		return
	}
	if e.target.Kind == schema.Order {
		e.add(StepOutcome, e.orders[0].state(t), fmt.Sprintf("The order is %s: it gives nothing any more. What another reason gives stays.", e.orders[0].state(t)), "Order anew.",
			"order", e.target.ID, "at", e.orders[0].ModifiedAt)
		return
	}
	if !e.target.State.Visible() {
		e.add(StepOutcome, "productGone", fmt.Sprintf("The product is %s, and no order brings it to the user.", stateNames[e.target.State]), "Order another one.", "since", e.target.StateAt)
		return
	}
	would, way := OrderComplete, "Order it."
	switch {
	case now.Blocked():
		would, way = "blocked", "Follow the way of one of the groups, and order it then."
		if len(alternatives) > 0 {
			way += " Or order an alternative: " + namesOf(alternatives) + "."
		}
	case !now.Whole():
		would = OrderPartial
	}
	e.add(StepOutcome, "notOrdered", fmt.Sprintf("No order brings the product to the user. An order now would be %s.", would), way,
		"wouldBe", would, "alternatives", valuesOfOffers(alternatives))
}

// tellOpen says what an order gives, and what it doesn't.
func (e *explainer) tellOpen(o placed) {
	t := e.d.own.Order
	lines, state := t.Root.Sub("lines"), o.state(t)
	counts := map[string]int{}
	for _, x := range objects(o.doc.Get(lines)) {
		s, _ := x.Get(lines.Sub("state")).(string)
		counts[s]++
	}
	sentence, way := "The user has the product.", ""
	if state == OrderPartial {
		sentence, way = "The user has a part of the product: some of it didn't fit when it was ordered.", "Follow the ways of what was left out; its line closes when the directory brings the membership."
	}
	if n := counts[LinePending]; n > 0 {
		sentence += fmt.Sprintf(" %d of its groups wait for their directory.", n)
		way = "Carry out the commands of the lines; each closes when its directory brings the membership."
	}
	e.add(StepOutcome, state, sentence, way, "order", o.ID, LineGranted, counts[LineGranted], LinePending, counts[LinePending], LineSkipped, counts[LineSkipped])
}

func namesOf(all []offer) string {
	names := make([]string, len(all))
	for i, o := range all {
		names[i] = document.Truncate(o.Display, 100)
	}
	return strings.Join(names, ", ")
}

func valuesOfOffers(all []offer) []map[string]any {
	out := make([]map[string]any, len(all))
	for i, o := range all {
		out[i] = map[string]any{"id": o.ID, "display": o.Display}
	}
	return out
}
