package directory

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"github.com/workspace-scim/workspace/store"
)

// Impact is whom and what the plan of a run would hit.
type Impact struct {
	PlanHash []byte // of the plan that it is worked out from
	// Disables counts users, Deletes and IdentityChanges users and groups, and
	// MembershipRemovals members of groups that stay.
	Deletes, Disables, IdentityChanges, MembershipRemovals int64
	// People are users who would be deleted, disabled, or not in a group any more;
	// Groups are those that would be deleted or lose members.
	People, Groups int64
	// Products are those whose groups people would not be in any more, or that
	// people who would be deleted or disabled have ordered; by people, the most
	// first, then by name.
	Products []ProductImpact
}

// ProductImpact is a product that people would lose, or a part of it.
type ProductImpact struct {
	ID, Name string
	People   int64
}

// Impact works out whom and what the plan of a run would hit, as things are now;
// store.ErrNotFound if the run has no plan. a is an administrator. The cost
// follows the plan.
func (d *Directory) Impact(ctx context.Context, a Actor, id string) (Impact, error) {
	if err := onlyAdmins(a); err != nil {
		return Impact{}, err
	}
	x := &impact{
		d: d, view: a.View(), people: map[string]bool{}, groups: map[string]bool{},
		products: map[string]*losers{}, byGroup: map[string][]*losers{},
	}
	err := d.Plan(ctx, a, id, func(n store.Run, part []byte) error {
		x.out.PlanHash = n.PlanHash
		return x.read(ctx, part)
	})
	if err == nil && len(x.rest) > 0 {
		err = x.line(ctx, x.rest)
	}
	if err == nil {
		err = x.settle(ctx)
	}
	if err != nil {
		return Impact{}, err
	}
	return x.told(), nil
}

// impact is an Impact that is being worked out. What it remembers are sets, so to
// look at a line twice does no harm.
type impact struct {
	d        *Directory
	view     store.View
	out      Impact
	rest     []byte // of a line whose end is in the next part
	lines    []impactLine
	people   map[string]bool // by id
	groups   map[string]bool
	products map[string]*losers
	byGroup  map[string][]*losers // the products that name a group; nil for none
}

// losers are those who would lose a product.
type losers struct {
	name   string
	people map[string]bool
}

// impactLine is what counts of a line of a plan, a connector's or a push's.
type impactLine struct {
	Operation, Kind, ID string
	Members             []struct{ ID string }
}

// impactBatch is how many lines are looked at together.
const impactBatch = 200

func (x *impact) read(ctx context.Context, part []byte) error {
	x.rest = append(x.rest, part...)
	for {
		line, rest, whole := bytes.Cut(x.rest, []byte{'\n'})
		if !whole {
			return nil
		}
		x.rest = rest
		if err := x.line(ctx, line); err != nil {
			return err
		}
	}
}

func (x *impact) line(ctx context.Context, line []byte) error {
	var l impactLine
	if err := json.Unmarshal(line, &l); err != nil {
		return &Violation{Rule: RuleRunState, Attribute: "plan", Detail: "The plan of the run isn't written in lines of JSON.", Way: "Read the plan itself."}
	}
	x.count(l)
	if x.lines = append(x.lines, l); len(x.lines) < impactBatch {
		return nil
	}
	return x.settle(ctx)
}

func (x *impact) count(l impactLine) {
	switch l.Operation {
	case "delete":
		x.out.Deletes++
	case "disable":
		x.out.Disables++
	case "changeIdentity":
		x.out.IdentityChanges++
	case "removeMembers":
		x.out.MembershipRemovals += int64(len(l.Members))
	}
}

// settle looks at the lines that were read.
func (x *impact) settle(ctx context.Context) error {
	if len(x.lines) == 0 {
		return nil
	}
	err := x.d.store.View(ctx, func(r store.Reader) error {
		if err := x.accounts(r); err != nil {
			return err
		}
		return x.memberships(r)
	})
	x.lines = x.lines[:0]
	return err
}

func (x *impact) told() Impact {
	out := x.out
	out.People, out.Groups = int64(len(x.people)), int64(len(x.groups))
	for id, p := range x.products {
		if len(p.people) > 0 {
			out.Products = append(out.Products, ProductImpact{id, p.name, int64(len(p.people))})
		}
	}
	slices.SortFunc(out.Products, func(a, b ProductImpact) int {
		return cmp.Or(cmp.Compare(b.People, a.People), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return out
}
