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

// itemTarget is the item that is asked about, and how the subject stands to it.
type itemTarget struct {
	binding
	suspended string // why it follows no group though it should, "" if it doesn't or may
	feature   bool   // items are kept in sync in the tenant
	job       bool   // and compared

	who     store.Assignee   // the subject
	members []store.Assignee // the subject, if the group's authority asserts the membership
	holders []store.Holder   // the subject, if it has the item
}

// aimAtItem reads the item that is asked about, its group, and the subject as a
// comparison of the two would find it.
func (e *explainer) aimAtItem(target store.Resource) error {
	t, doc := e.d.own.Item, &document.Object{}
	if target.State != store.Purged {
		var err error
		if doc, err = document.MustDecode(t, target.Doc); err != nil {
			return err
		}
	}
	i := &itemTarget{binding: binding{res: target, item: itemOf(t, doc), group: groupNamed(t, doc)}}
	e.item = i
	tenant, err := e.r.TenantByID(e.tenant)
	if err != nil {
		return err
	}
	j, err := jobOf(e.r.Job, e.tenant, store.JobReconcile)
	if err != nil {
		return err
	}
	i.feature, i.job = e.d.Enabled(tenant, FeatureReconciliation), j.Enabled
	if err := e.aimAtItsGroup(); err != nil {
		return err
	}
	var authority store.SourceKind
	if e.group != nil {
		authority = e.sources[e.group.Authority].Kind
	}
	if i.item.Synced() {
		i.suspended = firstNonempty(reconcile.Unfit(i.item, authority), doc.Text(t.Root.Sub("suspended")))
	}
	people, err := e.r.Assignees(e.tenant, []int64{e.res.RID})
	for _, p := range people {
		i.who = p
	}
	if err != nil {
		return err
	}
	i.holders, err = e.r.Holders(e.tenant, target.RID, []int64{e.res.RID})
	return err
}

// aimAtItsGroup reads the group that the item names, if it is there, and whether
// its authority asserts the subject as a member.
func (e *explainer) aimAtItsGroup() error {
	i := e.item
	if i.group.Value == "" {
		return nil
	}
	rec, err := e.r.Record(store.View{Tenant: e.tenant}, schema.Group, i.group.Value, false)
	if err != nil {
		return ignoreNotFound(err)
	}
	e.group = &rec.Resource
	found, err := e.r.MembersAfter(e.tenant, rec.RID, rec.Authority, e.res.RID-1, 1)
	i.members = slices.DeleteFunc(found, func(m store.Assignee) bool { return m.RID != e.res.RID })
	return err
}

// ofItem tells of an item what the membership in its group tells, and then what
// the item makes of it.
func (e *explainer) ofItem() (tell []func() error) {
	if e.group != nil {
		tell = append(tell, e.tellGroup, e.tellAsserters, e.tellParked)
	}
	return append(tell, e.tellReasons, e.tellOrdered, e.tellKept, e.tellEligible, e.tellDifference, e.tellLastGiven, e.tellItem)
}

// stop is what keeps an item from following its group.
type stop struct{ code, sentence, way string }

// stops gives all that keeps the item from following its group, nothing if it is
// compared.
func (i *itemTarget) stops() (out []stop) {
	if !i.item.Synced() {
		return []stop{{RuleNotInSync, "The item isn't kept in sync with a group: its keepInSync is off. What users have of it stays until somebody ends it.", "Set keepInSync to on, if the item has a group of its provider's."}}
	}
	if !i.feature {
		out = append(out, stop{RuleFeatureDisabled, "The feature " + FeatureReconciliation + " is off, so no item follows its group.", "Switch it on: workspace feature set."})
	}
	if !i.job {
		out = append(out, stop{RuleJobDisabled, "The job " + store.JobReconcile + " is disabled, so no item follows its group.", "Enable it: workspace job set."})
	}
	if i.suspended != "" {
		out = append(out, stop{i.suspended, "The item is suspended, so nobody is given it and nobody loses it. " + reconcile.UnfitDetail(i.suspended), "Change that: the item goes on, with a full comparison, when it fits again."})
	}
	return out
}

// tellKept says whether the item follows its group, and if not, all that keeps it
// from doing so.
func (e *explainer) tellKept() error {
	i := e.item
	if !i.res.State.Visible() {
		return nil
	}
	values := []any{"keepInSync", i.item.KeepInSync, "group", i.group.Value, "display", i.group.Display, "provider", i.item.Provider}
	stops := i.stops()
	for _, s := range stops {
		e.add(StepRule, s.code, s.sentence, s.way, values...)
	}
	switch {
	case len(stops) > 0:
	case i.watch():
		e.add(StepRule, "watched", fmt.Sprintf("The item is watched: what it would do to follow the group %s is logged, and not done.", i.group.Display), "Set keepInSync to on.", values...)
	default:
		e.add(StepRule, "keptInSync", fmt.Sprintf("The item is kept in sync with the group %s: who is a member by its authority has the item, and nobody else has it for that reason.", i.group.Display), "", values...)
	}
	return nil
}

// barred says why a member of the group isn't given the item, and what would have
// to change; the code is "" for one who is.
func (i *itemTarget) barred() stop {
	switch why := reconcile.Skip(i.item, i.who); why {
	case reconcile.SkipGroup:
		return stop{why, "A group in the item's group isn't given the item, nor are its members.", "Make its members members of the item's group themselves."}
	case reconcile.SkipNotEligible:
		return stop{why, "The item is for users of the Microsoft Online service, and no Entra source asserts this one now.", "Give the user an account in an Entra source."}
	}
	return stop{}
}

// tellEligible says whether the subject may have the item as a member.
func (e *explainer) tellEligible() error {
	i := e.item
	if !i.res.State.Visible() || !i.item.Synced() || !i.who.Visible {
		return nil
	}
	b := i.barred()
	e.add(StepRule, firstNonempty(b.code, "eligible"), firstNonempty(b.sentence, "By the rules a member of the group who is like this one has the item."), b.way, "entitlement", i.item.Entitlement, "online", i.who.Online)
	return nil
}

// tellDifference says what a comparison would do, by the function that compares.
func (e *explainer) tellDifference() error {
	i := e.item
	if !i.res.State.Visible() || !i.item.Synced() || i.suspended != "" {
		return nil
	}
	c := reconcile.Compare(i.item, i.members, i.holders)
	reason, what := "", ""
	switch {
	case len(c.Add) > 0:
		reason, what = reconcile.ReasonGroupMember, "give the item: a member doesn't have it from the group."
	case len(c.Remove) > 0:
		reason, what = reconcile.ReasonNotGroupMember, "end what the group and a person's hand gave: this is no member."
	case len(c.Lost) > 0:
		reason, what = reconcile.ReasonNotEntitled, "end what the group and a person's hand gave: this member may not have the item."
	case len(c.Settle) > 0:
		reason, what = reconcile.ReasonGroupMember, "make the group the reason for what was given by hand."
	default:
		return nil
	}
	e.add(StepRule, "difference", "A comparison would "+what, i.wayToCompare(), "reason", reason)
	return nil
}

// wayToCompare says how a difference would be settled.
func (i *itemTarget) wayToCompare() string {
	switch stops := i.stops(); {
	case len(stops) > 0:
		return stops[0].way
	case i.watch():
		return "Set keepInSync to on."
	}
	return "Wait for the next run, or ask for one: workspace item reconcile."
}

// tellLastGiven tells the last entry of the log about the subject and the item.
func (e *explainer) tellLastGiven() error {
	for _, x := range e.events {
		if !strings.HasPrefix(x.Type, "item.") || !aboutItem(x, e.target.ID) {
			continue
		}
		e.add(StepRule, "lastChange", fmt.Sprintf("The last entry about it is of %s: %s", x.Time.Format(time.RFC3339), x.Detail), "",
			"type", x.Type, "at", x.Time, "event", x.Seq, "run", x.Run, "txn", x.Txn, "actor", x.Actor, "outcome", x.Outcome, "reason", x.Reason)
		return nil
	}
	return nil
}

// aboutItem says whether an event of a user names an item.
func aboutItem(x store.Event, id string) bool {
	for _, doc := range [][]byte{x.Before, x.After} {
		var about struct{ Item pointedAt }
		if doc != nil && json.Unmarshal(doc, &about) == nil && about.Item.Value == id {
			return true
		}
	}
	return false
}

// tellItem says whether the subject has the item, or what would give it.
func (e *explainer) tellItem() error {
	i := e.item
	switch {
	case !i.res.State.Visible():
		e.add(StepOutcome, "itemGone", fmt.Sprintf("The item is %s, so nobody has it.", stateNames[i.res.State]), "", "since", i.res.StateAt)
	case !e.res.State.Visible():
		e.add(StepOutcome, "holderHidden", fmt.Sprintf("The %s is %s, so it has nothing.", e.t.Name, stateNames[e.res.State]), "", "since", e.res.StateAt)
	case len(i.holders) > 0:
		e.add(StepOutcome, "has", fmt.Sprintf("The %s has the item. It has it until the last reason ends.", e.t.Name), "")
	default:
		e.add(StepOutcome, "hasNot", fmt.Sprintf("The %s doesn't have the item: there is no reason for it.", e.t.Name), e.wayToItem())
	}
	return nil
}

// wayToItem says how the subject would get the item.
func (e *explainer) wayToItem() string {
	i := e.item
	switch {
	case !i.grouped(i.suspended, i.feature) && i.item.KeepInSync != inStep && e.t.Kind == schema.User:
		return "Give it by hand, or order a product that brings it."
	case !i.grouped(i.suspended, i.feature):
		return "Give it by hand."
	case i.job && len(i.members) == 0:
		return e.wayIn(e.sources[e.group.Authority])
	}
	return firstNonempty(i.barred().way, i.wayToCompare())
}

// wayToEnd says how a reason for the item would end.
func (e *explainer) wayToEnd(reason store.GrantReason) string {
	i := e.item
	switch {
	case reason == store.GrantOrder:
		return "Cancel the order."
	case reason == store.GrantWorkflow:
		return ""
	case !i.grouped(i.suspended, i.feature):
		return "Take it back by hand."
	case i.job && len(i.members) > 0:
		return fmt.Sprintf("Remove the member in %s.", e.sources[e.group.Authority].Name)
	}
	return i.wayToCompare()
}
