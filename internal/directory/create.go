package directory

import (
	"github.com/workspace-scim/workspace/internal/reconcile"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// Create asserts a resource that the actor's source doesn't see yet. It may
// turn out to be one that is there already, deleted by the source before or
// asserted by another: then the source is linked to it and gets its id. A
// Violation of uniqueness leaves everything as it was.
func (w *Writer) Create(t *schema.ResourceType, in Input) (Result, error) {
	if err := w.begin(false); err != nil {
		return Result{}, err
	}
	doc := in.Doc.Clone()
	if t.Active != nil && doc.Get(t.Active) == nil {
		doc.Set(t.Active, true)
	}
	reason, err := w.admit(t, doc, nil)
	if err != nil {
		return Result{}, err
	}
	if err := w.decide(t, nil, doc); err != nil {
		return Result{}, err
	}
	if err := w.Foresee(t, doc); err != nil {
		return Result{}, err
	}
	m, err := w.match(t, doc)
	if err != nil {
		return Result{}, err
	}
	s := &subject{t: t, res: store.Resource{Tenant: w.actor.Tenant.ID, Kind: t.Kind, ID: w.d.newID(), CreatedAt: w.now}}
	what := "created"
	if m.res != nil {
		if s, err = w.load(t, *m.res); err != nil {
			return Result{}, err
		}
		if m.how == matchedHeld {
			return w.recreate(s, doc, in)
		}
		what, reason = "linked", m.how
		if m.how == "revived" {
			what = "revived"
		}
	}
	w.stage(s, doc, m.res != nil)
	p := w.assert(s, doc)
	p.link.State = store.Linked
	if m.hold {
		p.link.State = store.LinkParked
		what, reason = "held", RuleManualAccount
	}
	if _, err := w.save(s); err != nil {
		return Result{}, err
	}
	e := w.event(eventType(t, what), &s.res)
	e.Reason = reason
	_, e.After = diff(t, nil, doc)
	if err := w.noticeClash(s); err != nil {
		return Result{}, err
	}
	if len(in.Members) > 0 {
		if _, err := w.changeMembers(s, []MemberOp{{Add: in.Members}}); err != nil {
			return Result{}, err
		}
	}
	if err := w.arrived(p, s); err != nil {
		return Result{}, err
	}
	if err := w.follow(s, nil, doc); err != nil {
		return Result{}, err
	}
	// A new resource is in no group, unless one was waiting for it.
	if w.Groups && t.Groups != nil && (m.res != nil || refersByOwnIDs(w.actor.Source.Kind)) {
		all, err := w.tx.Groups(w.actor.View(), []int64{s.res.RID})
		if err != nil {
			return Result{}, err
		}
		s.groups = all[s.res.RID]
	}
	return Result{Record: w.record(s), Changed: true}, nil
}

// admit applies the source's policies about names to a user that it asserts or
// changes; before is nil for a new one. It returns the reason code to log.
func (w *Writer) admit(t *schema.ResourceType, doc, before *document.Object) (reason string, err error) {
	if t.Kind != schema.User {
		return "", nil
	}
	p := w.actor.Source.Policies
	if p.Names == "require" {
		if missing := reconcile.MissingName(t, doc); missing != "" {
			return "", w.refuse(&Violation{
				Rule: RuleNameRequired, Attribute: missing,
				Detail: missing + " is required by this source's policy and is missing.",
				Way:    "Send it, or set the source's policy names to accept or derive.",
			}, eventType(t, "refused"), nil, nil)
		}
	}
	name := doc.Text(t.UserName)
	if before != nil && before.Text(t.UserName) == name || w.verified(name) {
		return "", nil
	}
	if p.RequireVerifiedDomain {
		return "", w.refuse(&Violation{
			Rule: RuleUnownedDomain, Attribute: t.UserName.Path,
			Detail: "The userName doesn't end in a verified domain of the tenant.",
			Way:    "Verify the domain, or lift the source's policy requireVerifiedDomain.",
		}, eventType(t, "refused"), nil, nil)
	}
	if len(w.actor.Tenant.Domains) > 0 && w.actor.Source.Kind != store.SourceWorkspace {
		return RuleUnownedDomain, nil
	}
	return "", nil
}

// noticeClash logs that another source has a group of the same name (row H026):
// they stay two groups.
func (w *Writer) noticeClash(s *subject) error {
	if s.t.Kind != schema.Group {
		return nil
	}
	rids, err := w.tx.Referrers(w.actor.Tenant.ID, s.t.DisplayName.Index, s.t.DisplayName.Key(s.res.Display))
	if err != nil {
		return err
	}
	for _, rid := range rids {
		if rid == s.res.RID {
			continue
		}
		other, err := w.tx.Resource(w.actor.Tenant.ID, rid)
		if err != nil {
			return err
		}
		if other.State.Visible() && other.Authority != s.res.Authority {
			e := w.event("group.nameClash", &s.res)
			e.Outcome, e.Detail = OutcomeNoticed, "The group "+other.ID+" of another source has the same displayName."
			return nil
		}
	}
	return nil
}
