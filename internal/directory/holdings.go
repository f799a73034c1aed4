package directory

import (
	"encoding/hex"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// reasonSync is that the source which owns a group asserts a membership.
const reasonSync = "sync"

// GrantID makes the id of what a subject has: both ids, 32 hexadecimal digits
// each. "" where one is no id of ours.
func GrantID(target, subject string) string {
	t, err := uuid.Parse(target)
	s, other := uuid.Parse(subject)
	if err != nil || other != nil {
		return ""
	}
	return hex.EncodeToString(t[:]) + hex.EncodeToString(s[:])
}

// grantOf undoes GrantID; store.ErrNotFound for what can't be one.
func grantOf(id string) (target, subject string, err error) {
	b, err := hex.DecodeString(id)
	if err != nil || len(b) != 32 || strings.ToLower(id) != id {
		return "", "", store.ErrNotFound
	}
	return uuid.UUID(b[:16]).String(), uuid.UUID(b[16:]).String(), nil
}

// HoldingFilter narrows what is listed to one target or subject, by their ids;
// "" for all.
type HoldingFilter struct{ Target, Subject string }

// holdingPage is how many holdings are read together.
const holdingPage = 1000

// CountHoldings counts what the subjects of the tenant have.
func (r *Reading) CountHoldings(f HoldingFilter) (int, error) {
	q, found, err := r.holdingQuery(f)
	if err != nil || !found {
		return 0, err
	}
	return r.r.CountHoldings(q)
}

// Holdings calls row for what the subjects of the tenant have, behind a key and
// in order, until it returns false. The records are of the type Grant.
func (r *Reading) Holdings(t *schema.ResourceType, f HoldingFilter, after store.HoldingKey, row func(store.HoldingKey, *store.Record, *document.Object) bool) error {
	q, found, err := r.holdingQuery(f)
	if err != nil || !found {
		return err
	}
	q.After, q.Limit = after, holdingPage
	for {
		all, err := r.r.Holdings(q)
		if err != nil {
			return err
		}
		docs, err := r.grantDocuments(t, all)
		if err != nil {
			return err
		}
		for i, h := range all {
			q.After = store.HoldingKey{Target: h.Target, Subject: h.Subject}
			if docs[i].rec != nil && !row(q.After, docs[i].rec, docs[i].doc) {
				return nil
			}
		}
		if len(all) < q.Limit {
			return nil
		}
	}
}

// Holding gets what the id of a grant stands for; store.ErrNotFound if nobody has
// it.
func (r *Reading) Holding(t *schema.ResourceType, id string) (rec store.Record, err error) {
	target, subject, err := grantOf(id)
	if err != nil {
		return rec, err
	}
	err = r.Holdings(t, HoldingFilter{target, subject}, store.HoldingKey{}, func(_ store.HoldingKey, found *store.Record, _ *document.Object) bool {
		rec = *found
		return false
	})
	if err == nil && rec.ID == "" {
		err = store.ErrNotFound
	}
	return rec, err
}

func (r *Reading) holdingQuery(f HoldingFilter) (q store.HoldingQuery, found bool, err error) {
	q.Tenant = r.actor.Tenant.ID
	var ids []string
	for _, id := range []string{f.Target, f.Subject} {
		if id != "" {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return q, true, nil
	}
	refs, err := r.r.Refs(store.View{Tenant: q.Tenant}, ids)
	if err != nil {
		return q, false, err
	}
	for _, ref := range refs {
		if ref.ID == f.Target {
			q.Target = ref.RID
		}
		if ref.ID == f.Subject {
			q.Subject = ref.RID
		}
	}
	return q, (f.Target == "" || q.Target != 0) && (f.Subject == "" || q.Subject != 0), nil
}

type grantDocument struct {
	rec *store.Record
	doc *document.Object
}

// grantDocuments makes resources of holdings; nil of one whose subject or target
// went in the meantime.
func (r *Reading) grantDocuments(t *schema.ResourceType, all []store.Holding) ([]grantDocument, error) {
	var rids []int64
	for _, h := range all {
		rids = append(rids, h.Target, h.Subject)
		for _, g := range h.Grants {
			if g.Cause != 0 {
				rids = append(rids, g.Cause)
			}
		}
	}
	found, err := r.r.Assignees(r.actor.Tenant.ID, rids)
	if err != nil {
		return nil, err
	}
	named := make(map[int64]store.Assignee, len(found))
	for _, a := range found {
		named[a.RID] = a
	}
	out := make([]grantDocument, len(all))
	for i, h := range all {
		target, subject := named[h.Target], named[h.Subject]
		if target.RID == 0 || subject.RID == 0 {
			continue
		}
		reasons, err := r.reasons(t, h, named)
		if err != nil {
			return nil, err
		}
		doc := &document.Object{}
		doc.Set(t.Root.Sub("subject"), r.party(t.Root.Sub("subject"), subject))
		doc.Set(t.Root.Sub("target"), r.party(t.Root.Sub("target"), target))
		doc.Set(t.Root.Sub("reasons"), reasons)
		rec := &store.Record{Resource: store.Resource{Tenant: r.actor.Tenant.ID, Kind: t.Kind, ID: GrantID(target.ID, subject.ID), Doc: document.Encode(t, doc)}}
		out[i] = grantDocument{rec, doc}
	}
	return out, nil
}

func (r *Reading) party(a *schema.Attribute, p store.Assignee) *document.Object {
	o := &document.Object{}
	o.Set(a.Sub("value"), p.ID)
	if p.Display != "" {
		o.Set(a.Sub("display"), p.Display)
	}
	if t := r.d.own.OfKind(p.Kind); t != nil {
		o.Set(a.Sub("type"), t.Name)
	}
	return o
}

func (r *Reading) reasons(t *schema.ResourceType, h store.Holding, named map[int64]store.Assignee) (document.List, error) {
	a := t.Root.Sub("reasons")
	var out document.List
	if h.Member {
		source, err := r.Source(h.Authority)
		if err != nil {
			return nil, err
		}
		o := &document.Object{}
		o.Set(a.Sub("value"), reasonSync)
		if source.Kind == store.SourceWorkspace {
			o.Set(a.Sub("value"), string(store.GrantManual))
		} else {
			o.Set(a.Sub("source"), source.Name)
		}
		out = append(out, o)
	}
	for _, g := range h.Grants {
		o := &document.Object{}
		o.Set(a.Sub("value"), string(g.Reason))
		if cause := named[g.Cause]; cause.RID != 0 {
			o.Set(a.Sub("cause"), cause.ID)
		}
		o.Set(a.Sub("since"), g.Since.UTC().Format(document.TimeFormat))
		out = append(out, o)
	}
	return out, nil
}

// Give gives an item to a user or group by hand, or makes it a member of a group
// that is kept by hand. What a source or an item's group decides is a Violation
// of RuleSourceManaged, what is given by hand already of RuleUniqueness.
func (w *Writer) Give(t *schema.ResourceType, doc *document.Object) (Result, error) {
	target, subject, err := w.parties(t, doc)
	if err != nil {
		return Result{}, err
	}
	changed := false
	if target.Kind == schema.Group {
		group := w.d.own.Group
		result, err := w.Modify(group, target.ID, nil, Change{Members: []MemberOp{{Add: []string{subject.ID}}}})
		if err != nil {
			return Result{}, err
		}
		changed = result.Changed
	} else if changed, err = w.byHand(target, subject, true); err != nil {
		return Result{}, err
	}
	if !changed {
		return Result{}, &Violation{Rule: RuleUniqueness, Attribute: "subject", Detail: subject.Display + " has " + target.Display + " by hand already."}
	}
	rec, err := w.Reading().Holding(t, GrantID(target.ID, subject.ID))
	return Result{Record: rec, Changed: true}, err
}

// Take ends what was given by hand and, of an item that is no longer kept in sync,
// what its group gave. Other reasons stay, and with them what the subject has;
// where there is nothing to end, it is a Violation of RuleSourceManaged.
func (w *Writer) Take(t *schema.ResourceType, id string) error {
	targetID, subjectID, err := grantOf(id)
	if err != nil {
		return err
	}
	if _, err := w.Reading().Holding(t, id); err != nil {
		return err
	}
	found, err := w.lookUp([]string{targetID, subjectID})
	if err != nil {
		return err
	}
	target, subject := found[targetID], found[subjectID]
	changed := false
	if target.Kind == schema.Group {
		result, err := w.Modify(w.d.own.Group, target.ID, nil, Change{Members: []MemberOp{{Remove: []string{subject.ID}}}})
		if err != nil {
			return err
		}
		changed = result.Changed
	} else if changed, err = w.byHand(target, subject, false); err != nil {
		return err
	}
	if changed {
		return nil
	}
	return &Violation{
		Rule: RuleSourceManaged, Detail: subject.Display + " doesn't have " + target.Display + " by hand.", Way: "End what is the reason: its reasons name it.",
	}
}

// parties finds the target and the subject that a body names.
func (w *Writer) parties(t *schema.ResourceType, doc *document.Object) (target, subject store.Ref, err error) {
	ids := map[string]string{}
	for _, name := range []string{"target", "subject"} {
		o, _ := doc.Get(t.Root.Sub(name)).(*document.Object)
		ids[name], _ = o.Get(t.Root.Sub(name).Sub("value")).(string)
		if ids[name] == "" {
			return target, subject, invalid(name+".value", name+".value is required and is missing.", "Send an id.")
		}
	}
	found, err := w.lookUp([]string{ids["target"], ids["subject"]})
	if err != nil {
		return target, subject, err
	}
	for name, kinds := range map[string][]schema.Kind{"target": {schema.Group, schema.Item}, "subject": {schema.User, schema.Group}} {
		ref, ok := found[ids[name]]
		if !ok || !ref.State.Visible() || !slices.Contains(kinds, ref.Kind) {
			return target, subject, &Violation{
				Rule: RuleUnknownMember, Attribute: name + ".value", Detail: "There is nothing with the id " + quoteID(ids[name]) + " that can be the " + name + ".",
				Way: "The target is a group or an item, the subject a user or a group.",
			}
		}
	}
	return found[ids["target"]], found[ids["subject"]], nil
}

// byHand gives an item, or takes it back.
func (w *Writer) byHand(target, subject store.Ref, give bool) (bool, error) {
	res, err := w.tx.Resource(w.actor.Tenant.ID, target.RID)
	if err != nil {
		return false, err
	}
	b, suspended, err := bindingOf(w.d.own.Item, res)
	if err != nil {
		return false, err
	}
	if b != nil && b.grouped(suspended, w.d.Enabled(w.actor.Tenant, FeatureReconciliation)) {
		return false, w.refuse(&Violation{
			Rule:   RuleSourceManaged,
			Detail: res.Display + " is kept in sync with the group " + b.group.Display + ".", Way: "Change the members of the group in its directory.",
		}, "item.refused", &res, nil)
	}
	g := store.Grant{Tenant: w.actor.Tenant.ID, Target: res.RID, Reason: store.GrantManual, Since: w.now}
	who := store.Assignee{RID: subject.RID, ID: subject.ID, Display: subject.Display}
	by := binding{res: res}
	if give {
		added, err := w.tx.PutGrants(g, []int64{subject.RID})
		if len(added) > 0 {
			w.assigned(by, who, "item.granted", string(store.GrantManual), subject.Display+" was assigned to "+res.Display+" by hand.")
		}
		return len(added) > 0, err
	}
	changed := false
	for _, g.Reason = range []store.GrantReason{store.GrantManual, store.GrantReconciliation} {
		ended, err := w.tx.EndGrants(g, []int64{subject.RID})
		if err != nil {
			return false, err
		}
		changed = changed || len(ended) > 0
	}
	if changed {
		w.assigned(by, who, "item.revoked", string(store.GrantManual), subject.Display+" is no longer assigned to "+res.Display+" by hand.")
	}
	return changed, nil
}
