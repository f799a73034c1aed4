package directory

import (
	"errors"
	"slices"
	"strings"

	"github.com/workspace-scim/workspace/internal/reconcile"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// decideItem fills in what an item doesn't say, judges what it says about being
// kept in sync, and works out its label. A choice that a rule forbids is refused
// when it is made; an item that no longer fits later keeps the choice and is
// suspended, so nothing is removed by mistake (row A029).
func (w *Writer) decideItem(t *schema.ResourceType, old, doc *document.Object) error {
	if err := itemWords(t, doc); err != nil {
		return err
	}
	was := itemOf(t, old)
	fillItem(t, old, doc)
	i := itemOf(t, doc)
	authority, err := w.authorityOf(i.Group)
	if err != nil {
		return err
	}
	rule := reconcile.Unfit(i, authority)
	if i.Synced() && i.KeepInSync != was.KeepInSync {
		if err := w.maySync(t, rule); err != nil {
			return err
		}
	}
	doc.Set(t.Root.Sub("suspended"), nil)
	if i.Synced() && rule != "" {
		doc.Set(t.Root.Sub("suspended"), rule)
	}
	doc.Set(t.Root.Sub("keepInSyncLabel"), nil)
	if rule == "" {
		doc.Set(t.Root.Sub("keepInSyncLabel"), reconcile.SyncLabel(i.Provider))
	}
	return nil
}

// maySync refuses to switch keepInSync on.
func (w *Writer) maySync(t *schema.ResourceType, rule string) error {
	if !w.d.Enabled(w.actor.Tenant, FeatureReconciliation) {
		return &Violation{
			Rule: RuleFeatureDisabled, Attribute: "keepInSync",
			Detail: "The feature " + FeatureReconciliation + " is off.", Way: "Switch it on first: workspace feature set.",
		}
	}
	if rule == "" {
		return nil
	}
	return &Violation{
		Rule: rule, Attribute: "keepInSync",
		Detail: "This " + t.Name + " can't be kept in sync (" + rule + "): " + reconcile.UnfitDetail(rule), Way: "Change that first, or leave keepInSync off.",
	}
}

// itemChoices are the words that an item's attributes may have.
func itemChoices() map[string][]string {
	return map[string][]string{
		"audience":    {reconcile.AudienceCustomer, reconcile.AudienceCustomerOnly},
		"mode":        {reconcile.ModePrivate, reconcile.ModeShared, reconcile.ModeGroupless},
		"provider":    {string(store.SourceAD), string(store.SourceEntra)},
		"entitlement": {reconcile.EntitlementOnline},
		"keepInSync":  {reconcile.SyncOff, reconcile.SyncWatch, reconcile.SyncOn},
	}
}

func itemWords(t *schema.ResourceType, doc *document.Object) error {
	for name, words := range itemChoices() {
		if text := doc.Text(t.Root.Sub(name)); text != "" && !slices.Contains(words, text) {
			return invalid(name, name+" can't be "+quoteID(text)+".", "Use "+strings.Join(words, " or ")+".")
		}
	}
	return nil
}

// fillItem says what the item leaves to us. Another provider is another
// directory: whether to follow it is a new choice (row A021).
func fillItem(t *schema.ResourceType, old, doc *document.Object) {
	a := t.Root.Sub
	fill := func(name string, v document.Value) {
		if doc.Get(a(name)) == nil {
			doc.Set(a(name), v)
		}
	}
	provider, before := doc.Text(a("provider")), old.Text(a("provider"))
	if old != nil && provider != before {
		if old.Text(a("keepInSync")) != reconcile.SyncOff {
			doc.Set(a("keepInSync"), reconcile.SyncOff)
		}
		if doc.Text(a("entitlement")) == reconcile.DefaultEntitlement(before) {
			doc.Set(a("entitlement"), nil)
		}
	}
	fill("audience", reconcile.AudienceCustomer)
	fill("mode", reconcile.ModePrivate)
	fill("createGroup", true)
	fill("keepInSync", reconcile.SyncOff)
	if e := reconcile.DefaultEntitlement(provider); e != "" {
		fill("entitlement", e)
	}
}

// itemOf reads what the rules ask about an item.
func itemOf(t *schema.ResourceType, doc *document.Object) reconcile.Item {
	a := t.Root.Sub
	return reconcile.Item{
		Audience: doc.Text(a("audience")), Mode: doc.Text(a("mode")), CreateGroup: doc.Get(a("createGroup")) != false,
		Provider: doc.Text(a("provider")), Group: groupNamed(t, doc).Value, Entitlement: doc.Text(a("entitlement")), KeepInSync: doc.Text(a("keepInSync")),
	}
}

// authorityOf gives the kind of source that owns a group, "" if there is no such
// group.
func (w *Writer) authorityOf(group string) (store.SourceKind, error) {
	if group == "" {
		return "", nil
	}
	rec, err := w.tx.Record(store.View{Tenant: w.actor.Tenant.ID}, schema.Group, group, false)
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	s, err := w.source(rec.Authority)
	return s.Kind, err
}

// followItem tells what became of an item's binding to its group, and queues the
// full comparison that a new binding needs.
func (w *Writer) followItem(s *subject, old, doc *document.Object) error {
	if doc == nil {
		return nil
	}
	was, is := itemOf(s.t, old), itemOf(s.t, doc)
	before, now := old.Text(s.t.Root.Sub("suspended")), doc.Text(s.t.Root.Sub("suspended"))
	if was.Synced() && !is.Synced() && was.Provider != is.Provider {
		e := w.event("item.syncReset", &s.res)
		e.Reason, e.Detail = "providerChanged", s.res.Display+" is no longer kept in sync because its provider has changed."
	}
	switch {
	case now != "" && now != before:
		w.notReconciled("item.suspended", &s.res, now, groupNamed(s.t, doc))
	case now == "" && before != "" && is.Synced():
		w.event("item.resumed", &s.res).Reason = before
	}
	bound := is.Synced() && now == ""
	if !bound || was.KeepInSync == is.KeepInSync && before == "" && was.Group == is.Group && was.Entitlement == is.Entitlement {
		return nil
	}
	return w.queueItem(s.res.ID)
}

// notReconciled begins the event of an item that can't be compared. That its
// group is gone is an error (rows A010, A039), anything else a warning.
func (w *Writer) notReconciled(typ string, item *store.Resource, rule string, group pointedAt) {
	e := w.event(typ, item)
	e.Outcome, e.Reason, e.Detail = OutcomeWarning, rule, reconcile.Suspended(item.Display, rule)
	if rule == reconcile.RuleSourceGroupNotFound {
		e.Outcome, e.Detail = OutcomeError, reconcile.GroupNotFound(item.Display, group.Display, group.Value)
	}
}

// queueItem queues the comparison of one item, if comparisons are made at all.
func (w *Writer) queueItem(id string) error {
	ok, err := w.reconciles()
	if err != nil || !ok {
		return err
	}
	_, err = w.d.queueRun(w.tx, w.actor.Tenant, partitionOfItem(id))
	return err
}

// reconciles says whether items follow groups in the actor's tenant (row A016).
func (w *Writer) reconciles() (bool, error) {
	if !w.d.Enabled(w.actor.Tenant, FeatureReconciliation) {
		return false, nil
	}
	j, err := jobOf(w.tx.Job, w.actor.Tenant.ID, store.JobReconcile)
	return j.Enabled, err
}
