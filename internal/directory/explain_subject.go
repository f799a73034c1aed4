package directory

import (
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/scim2/filter-parser/v2"
	"github.com/workspace-scim/workspace/internal/reconcile"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// find looks for the subject, by the name of a source or by ours. Not found is
// no error where a source is asked: it may say why.
func (e *explainer) find() (found bool, err error) {
	if e.q.Source != "" {
		return e.findNamed()
	}
	if _, err := uuid.Parse(e.q.Subject); err == nil {
		refs, err := e.r.Refs(store.View{Tenant: e.tenant}, []string{e.q.Subject})
		if err != nil {
			return false, err
		}
		if len(refs) == 1 {
			e.res, err = e.r.Resource(e.tenant, refs[0].RID)
			return true, err
		}
	}
	e.res, err = e.r.FindUnique(e.tenant, schema.User, e.set.User.UserName.Key(e.q.Subject))
	return err == nil, err
}

// asked gives the source that was named.
func (e *explainer) asked() (store.Source, error) {
	for _, s := range e.sources {
		if s.Name == e.q.Source || s.PublicID == e.q.Source {
			return s, nil
		}
	}
	return store.Source{}, invalid("source", "There is no such source.", "Name one of the tenant's sources.")
}

func (e *explainer) findNamed() (bool, error) {
	s, err := e.asked()
	if err != nil {
		return false, err
	}
	for _, kind := range []schema.Kind{schema.User, schema.Group} {
		l, err := e.r.FindExternalID(s.ID, kind, e.q.Subject)
		if errors.Is(err, store.ErrNotFound) {
			var links []store.Link
			if links, err = e.r.FindAnchor(e.tenant, kind, e.q.Subject); err == nil {
				if i := slices.IndexFunc(links, func(l store.Link) bool { return l.Source == s.ID }); i >= 0 {
					l = links[i]
				}
			}
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return false, err
		}
		if l.RID != 0 {
			e.res, err = e.r.Resource(e.tenant, l.RID)
			return err == nil, err
		}
	}
	return false, nil
}

// gather reads what is asserted about the subject, and the two ends of its log.
func (e *explainer) gather() error {
	e.out.Subject = e.explained(e.res)
	if e.t = e.set.OfKind(e.res.Kind); e.t == nil || e.t.Administered {
		return invalid("subject", "It is no user and no group.", "Ask about a user or a group.")
	}
	var err error
	if e.resolved, err = document.MustDecode(e.t, e.res.Doc); err != nil {
		return err
	}
	if e.links, err = e.r.Links(e.res.RID); err != nil {
		return err
	}
	for _, l := range e.links {
		p := &party{source: e.sources[l.Source], link: l, doc: e.resolved}
		if l.Own {
			if p.doc, err = document.MustDecode(e.t, l.Doc); err != nil {
				return err
			}
		}
		e.parties = append(e.parties, p)
	}
	slices.SortFunc(e.parties, func(a, b *party) int { return reconcile.Precedence(a.source, b.source) })
	e.events, err = e.history(e.res.ID)
	return err
}

// history gives the newest events about a resource, and its first ones, the
// newest first and each once.
func (e *explainer) history(id string) ([]store.Event, error) {
	var newest, oldest []store.Event
	q := store.EventQuery{Tenant: e.tenant, Subject: id, Limit: explainEvents}
	if _, err := e.r.FindEvents(q, keep(&newest)); err != nil || len(newest) < q.Limit {
		return newest, err
	}
	q.Oldest, q.Limit = true, explainEvents/2
	if _, err := e.r.FindEvents(q, keep(&oldest)); err != nil {
		return nil, err
	}
	for _, x := range slices.Backward(oldest) {
		if x.Seq < newest[len(newest)-1].Seq {
			newest = append(newest, x)
		}
	}
	return newest, nil
}

func keep(all *[]store.Event) func(store.Event) error {
	return func(x store.Event) error {
		*all = append(*all, x)
		return nil
	}
}

// aim reads what is asked about the subject.
func (e *explainer) aim() error {
	if e.q.Attribute != "" {
		path, err := filter.ParseAttrPath([]byte(e.q.Attribute))
		if err == nil {
			e.attr = e.t.Find(path)
		}
		if e.attr == nil || e.attr.Extension || e.attr.Backing != schema.InDocument || e.attr.Returned == schema.ReturnedNever {
			e.attr = nil
			return invalid("attribute", fmt.Sprintf("%.100q is no attribute that a source asserts of a %s.", e.q.Attribute, e.t.Name), "Name one, as in title or name.givenName; ask about groups by target.")
		}
		e.out.Attribute = e.attr.Path
	}
	if e.q.Target == "" {
		return nil
	}
	refs, err := e.r.Refs(store.View{Tenant: e.tenant}, []string{e.q.Target})
	if err != nil {
		return err
	}
	if len(refs) == 0 {
		return noTarget()
	}
	target, err := e.r.Resource(e.tenant, refs[0].RID)
	if err != nil {
		return err
	}
	e.target, e.out.Target = &target, e.explained(target)
	switch target.Kind {
	case schema.Group:
		e.group = &target
		return nil
	case schema.Product, schema.Order:
		return e.aimAtProduct(target)
	case schema.Item:
		return e.aimAtItem(target)
	}
	return noTarget()
}

func noTarget() error {
	return invalid("target", "There is no group, item, product or order with this id.", "Send the id of one.")
}

// absent tells why a source has no such object here.
func (e *explainer) absent() error {
	s, err := e.asked()
	if err != nil {
		return err
	}
	if err := e.tellProblemsOf(s, e.q.Subject); err != nil {
		return err
	}
	conflicts, err := e.r.Conflicts(store.ConflictQuery{Tenant: e.tenant, Source: s.ID, ExternalID: e.q.Subject, Limit: explainConflicts})
	if err != nil {
		return err
	}
	if err := e.tellConflictsOf(conflicts); err != nil {
		return err
	}
	known := len(e.out.Steps) > 0
	waiting, err := e.r.Parked(s.ID, e.q.Subject)
	if err != nil {
		return err
	}
	if len(waiting) > 0 {
		e.add(StepImport, "awaited", fmt.Sprintf("%d resources of the source %s refer to it and wait until it comes.", len(waiting), s.Name), "", "source", s.Name, "waiting", len(waiting))
	}
	e.tellMode(s)
	if err := e.tellScope(s); err != nil {
		return err
	}
	if known {
		e.add(StepOutcome, "absent", "It isn't here.", "")
		return nil
	}
	e.add(StepOutcome, "neverBrought", fmt.Sprintf("The source %s never brought an object that it calls %s, and no run told of a problem with it.", s.Name, quoteID(e.q.Subject)),
		"Look whether the object is in the source's scope and whether its last run succeeded.", "source", s.Name)
	return nil
}
