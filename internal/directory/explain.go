package directory

import (
	"context"
	"fmt"
	"slices"

	"github.com/workspace-scim/workspace/internal/reconcile"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// ExplainQuery asks why a resource is as it is (row E074).
type ExplainQuery struct {
	// Subject is an id or a userName; with Source an externalId or an anchor of
	// that source.
	Subject string
	// Source is the name or the public id of a source, "" for none.
	Source string
	// Attribute is a path as in a filter, "" for the whole resource.
	Attribute string
	// Target is the id of a group, an item, a product or an order: why the subject
	// has it, or hasn't. Attribute and Target exclude each other.
	Target string
}

// Explanation is the chain from what was brought to what became of it.
type Explanation struct {
	Subject   *Explained // nil where a source never brought it
	Attribute string     // the path, as the schema spells it
	Target    *Explained
	Steps     []Step
}

// Explained is a resource that an explanation is about.
type Explained struct {
	ID, Type, Display, State string
}

// Step is one link of the chain.
type Step struct {
	Step     string         // import, match, link, authority, resolve, rule or outcome
	Code     string         // stable, for programs
	Sentence string         // for people
	Values   map[string]any // what the sentence speaks of: texts, numbers, times, JSON values
	Way      string         // what would have to change, "" for nothing
}

// The steps of a chain, in their order.
const (
	StepImport    = "import"    // what a source brought, or why it didn't
	StepMatch     = "match"     // how that was found to be about this resource
	StepLink      = "link"      // whether it counts
	StepAuthority = "authority" // whose values win
	StepResolve   = "resolve"   // what each asserts, and what follows
	StepRule      = "rule"      // what else bears on it
	StepOutcome   = "outcome"   // what is
)

var steps = []string{StepImport, StepMatch, StepLink, StepAuthority, StepResolve, StepRule, StepOutcome}

// The bounds of an explanation: it reads what it is about by indexes, and no
// more than this of each, so it takes as long at any size.
const (
	explainEvents    = 100 // of the newest, and half of it of the oldest
	explainConflicts = 20
	explainProblems  = 20
	explainGroups    = 1000 // groups of a user that a path is looked for in
	explainDepth     = 32   // groups in groups
)

// Explain tells an administrator why a resource, one of its attributes or its
// part in a group is as it is: what happened, what didn't, and what would have
// to change. An id or name that nobody has is store.ErrNotFound; what a source is
// asked about by its own name and never brought is explained.
func (d *Directory) Explain(ctx context.Context, a Actor, q ExplainQuery) (Explanation, error) {
	if err := onlyAdmins(a); err != nil {
		return Explanation{}, err
	}
	if q.Attribute != "" && q.Target != "" {
		return Explanation{}, invalid("target", "An attribute and a target are two questions.", "Ask about one of them.")
	}
	if err := text("subject", q.Subject, 1, maxSubject); err != nil {
		return Explanation{}, err
	}
	set, err := d.Schema(ctx, a.Tenant)
	if err != nil {
		return Explanation{}, err
	}
	var out Explanation
	err = d.store.View(ctx, func(r store.Reader) error {
		e := &explainer{d: d, r: r, tenant: a.Tenant.ID, set: set, q: q, sources: map[int64]store.Source{}}
		if err := e.explain(); err != nil {
			return err
		}
		out = e.out
		return nil
	})
	return out, err
}

// maxSubject is how long a name that is asked about may be.
const maxSubject = 1024

// explainer gathers what an explanation is made of, in one snapshot.
type explainer struct {
	d       *Directory
	r       store.Reader
	tenant  int64
	set     *schema.Set
	q       ExplainQuery
	sources map[int64]store.Source // as they are now
	out     Explanation

	// The subject.
	t        *schema.ResourceType
	res      store.Resource
	resolved *document.Object
	links    []store.Link
	parties  []*party // in the order of precedence
	events   []store.Event

	attr   *schema.Attribute // that is asked about, nil for none
	target *store.Resource   // nil for none
	group  *store.Resource   // the target if it is a group, or the group of an item; nil for none
	item   *itemTarget       // the target if it is an item, nil for none
	orders []placed          // of the subject's that bear on it, the open ones first

	waiting string // what a directory has still to be told for the group, "" for nothing
}

func (e *explainer) explain() error {
	all, err := e.r.Sources(e.tenant)
	if err != nil {
		return err
	}
	for _, s := range all {
		e.sources[s.ID] = s
	}
	found, err := e.find()
	if err != nil {
		return err
	}
	if !found {
		return e.absent()
	}
	if err := e.gather(); err != nil {
		return err
	}
	if err := e.aim(); err != nil {
		return err
	}
	for _, tell := range e.chain() {
		if err := tell(); err != nil {
			return err
		}
	}
	slices.SortStableFunc(e.out.Steps, func(a, b Step) int { return slices.Index(steps, a.Step) - slices.Index(steps, b.Step) })
	return nil
}

// chain is what tells an explanation. What another kind of target adds has its
// place here; the steps are put in their order afterwards.
func (e *explainer) chain() []func() error {
	begin := []func() error{e.tellImports, e.tellProblems, e.tellMatches, e.tellConflicts, e.tellLinks}
	switch {
	case e.item != nil:
		return append(begin, e.ofItem()...)
	case e.group != nil:
		return append(begin, e.tellGroup, e.tellAsserters, e.tellReasons, e.tellOrdered, e.tellParked, e.tellFit, e.tellMembership)
	case e.target != nil:
		return append(begin, e.tellPresence, e.tellPlaced, e.tellVerdicts)
	case e.attr != nil:
		return append(begin, e.tellMapping, e.tellAuthority, e.tellValues, e.tellReference, e.tellLastChange, e.tellValue)
	}
	return append(begin, e.tellAuthority, e.tellAttributes, e.tellState)
}

// add tells a step. Values come as pairs of name and value; those that say
// nothing are left out.
func (e *explainer) add(step, code, sentence, way string, values ...any) {
	s := Step{Step: step, Code: code, Sentence: sentence, Way: way, Values: map[string]any{}}
	for i := 0; i+1 < len(values); i += 2 {
		if v := values[i+1]; v != nil && v != "" {
			s.Values[fmt.Sprint(values[i])] = v
		}
	}
	e.out.Steps = append(e.out.Steps, s)
}

// stateNames say what a resource's state is to a person.
var stateNames = map[store.State]string{
	store.Live: "live", store.Orphaned: "orphaned", store.Held: "held", store.Deleted: "deleted", store.Purged: "purged",
}

func (e *explainer) explained(res store.Resource) *Explained {
	x := &Explained{ID: res.ID, Display: res.Display, State: stateNames[res.State]}
	if t := e.set.OfKind(res.Kind); t != nil {
		x.Type = t.Name
	}
	return x
}

// assertions are those that count, as Resolve takes them. Each manager is what
// the resolved document has, where it is there.
func (e *explainer) assertions() []reconcile.Assertion {
	manager := ""
	if e.t.Manager != nil {
		manager = managerRef(e.t, e.resolved)
	}
	var out []reconcile.Assertion
	for _, p := range e.parties {
		if p.link.State == store.Linked {
			out = append(out, reconcile.Assertion{Source: p.source, Doc: p.doc, Manager: manager})
		}
	}
	return out
}
