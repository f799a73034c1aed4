package directory

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/workspace-scim/workspace/store"
)

// tellGroup says whose members of the target count, and when the subject came or
// went there last.
func (e *explainer) tellGroup() error {
	owner := e.sources[e.group.Authority].Name
	e.add(StepAuthority, "groupAuthority", fmt.Sprintf("%s is the authority of the group: its members are those that it asserts.", owner), "", "authority", owner, "declared", e.group.Chosen == e.group.Authority, "class", e.group.Class)
	all, err := e.history(e.group.ID)
	if err != nil {
		return err
	}
	for _, x := range all {
		removed, added := names(x.Before, e.res.ID), names(x.After, e.res.ID)
		if x.Type != "group.membersChanged" || !removed && !added {
			continue
		}
		code, what, turned := "removed", "took it out of", "left"
		if added {
			code, what, turned = "added", "put it into", "came into"
		}
		who, at := e.sources[x.Source].Name, x.Time.Format(time.RFC3339)
		sentence := fmt.Sprintf("%s last %s the group at %s.", who, what, at)
		if x.Reason == reasonAuthority {
			sentence = fmt.Sprintf("It last %s the group at %s, when the group's authority changed.", turned, at)
		}
		e.add(StepImport, code, sentence, "",
			"source", who, "at", x.Time, "event", x.Seq, "run", x.Run, "txn", x.Txn, "actor", x.Actor, "outcome", x.Outcome, "reason", x.Reason)
		return nil
	}
	return nil
}

// names says whether {"members":[…]} of an event holds an id.
func names(doc []byte, id string) bool {
	var all struct{ Members []string }
	return doc != nil && json.Unmarshal(doc, &all) == nil && slices.Contains(all.Members, id)
}

// tellAsserters says which sources assert the membership.
func (e *explainer) tellAsserters() error {
	by, err := e.r.Asserting(e.tenant, e.group.RID, e.res.RID)
	for _, id := range by {
		name := e.sources[id].Name
		if id == e.group.Authority {
			e.add(StepResolve, "counts", fmt.Sprintf("%s asserts the membership, and that counts.", name), "", "source", name)
			continue
		}
		e.add(StepResolve, OutcomeNotAuthoritative, fmt.Sprintf("%s asserts the membership, which doesn't count: the group isn't its own.", name),
			fmt.Sprintf("Add the member in %s.", e.sources[e.group.Authority].Name), "source", name)
	}
	return err
}

// tellParked looks for a member that the group's authority names and hasn't
// brought: by whatever the subject is called.
func (e *explainer) tellParked() error {
	owner := e.sources[e.group.Authority]
	seen := map[string]bool{"": true}
	for _, p := range e.parties {
		for _, ref := range []string{p.link.ExternalID, p.link.Anchor} {
			if seen[ref] {
				continue
			}
			seen[ref] = true
			waiting, err := e.r.Parked(owner.ID, ref)
			if err != nil {
				return err
			}
			if slices.ContainsFunc(waiting, func(w store.Parked) bool { return w.RID == e.group.RID && w.Kind == store.ParkedMember }) {
				e.add(StepRule, "parked", fmt.Sprintf("%s names %s as a member, and hasn't brought it itself.", owner.Name, quoteID(ref)),
					fmt.Sprintf("The membership counts as soon as %s brings the user: look at its scope.", owner.Name), "source", owner.Name, "reference", ref)
			}
		}
	}
	return nil
}

// tellMembership says whether the subject is a member, by what, or why not.
func (e *explainer) tellMembership() error {
	owner := e.sources[e.group.Authority]
	if !e.group.State.Visible() {
		e.add(StepOutcome, "groupGone", fmt.Sprintf("The group is %s, so it has no members.", stateNames[e.group.State]), "The group's source can send it again.", "since", e.group.StateAt)
		return nil
	}
	if !e.res.State.Visible() {
		e.add(StepOutcome, "memberHidden", fmt.Sprintf("The %s is %s, so it is nobody's member.", e.t.Name, stateNames[e.res.State]), "", "since", e.res.StateAt)
		return nil
	}
	all, err := e.r.Groups(store.View{Tenant: e.tenant}, []int64{e.res.RID})
	if err != nil {
		return err
	}
	direct := all[e.res.RID]
	i := slices.IndexFunc(direct, func(g store.Membership) bool { return g.RID == e.group.RID })
	switch {
	case i < 0:
		e.add(StepOutcome, "notMember", fmt.Sprintf("The %s isn't a member of the group: %s, its authority, doesn't assert it.", e.t.Name, owner.Name), firstNonempty(e.waiting, e.wayIn(owner)), "authority", owner.Name)
	case direct[i].Direct:
		e.add(StepOutcome, "member", fmt.Sprintf("The %s is a member of the group, directly.", e.t.Name), "", "authority", owner.Name)
	default:
		path, err := e.climb(direct)
		if err != nil {
			return err
		}
		e.add(StepOutcome, "memberThroughGroup", fmt.Sprintf("The %s is a member of the group through other groups.", e.t.Name), "", "path", showPath(path))
	}
	return nil
}

// wayIn says how the subject would become a member.
func (e *explainer) wayIn(owner store.Source) string {
	if owner.Kind == store.SourceWorkspace {
		return "Add the member here."
	}
	for _, p := range e.parties {
		if p.source.ID == owner.ID && p.link.State == store.Linked {
			return fmt.Sprintf("Add the member in %s.", owner.Name)
		}
	}
	return fmt.Sprintf("%s doesn't know the %s: it would have to bring it, and the membership.", owner.Name, e.t.Name)
}

func showPath(path []store.Membership) []map[string]any {
	out := make([]map[string]any, len(path))
	for i, g := range path {
		out[i] = map[string]any{"id": g.ID, "display": g.Display}
	}
	return out
}

// climb gives the shortest way of groups from one that the subject is in to the
// target, nil if it is longer or broader than what is looked through. It asks
// once for each level.
func (e *explainer) climb(groups []store.Membership) ([]store.Membership, error) {
	below := map[int64]*store.Membership{} // by group, through which it was reached
	level := upwards(groups, nil, below)
	for range explainDepth {
		rids := make([]int64, len(level))
		for i, g := range level {
			rids[i] = g.RID
		}
		above, err := e.r.Groups(store.View{Tenant: e.tenant}, rids)
		if err != nil {
			return nil, err
		}
		var next []store.Membership
		for _, g := range level {
			i := slices.IndexFunc(above[g.RID], func(up store.Membership) bool { return up.RID == e.group.RID })
			switch {
			case i < 0: // it doesn't lead there
			case above[g.RID][i].Direct:
				return way(append([]store.Membership{above[g.RID][i]}, g), below), nil
			default:
				next = append(next, upwards(above[g.RID], &g, below)...)
			}
		}
		level = next[:min(len(next), explainGroups)]
	}
	return nil, nil
}

// upwards gives the direct groups among all that weren't met before.
func upwards(all []store.Membership, from *store.Membership, below map[int64]*store.Membership) []store.Membership {
	var out []store.Membership
	for _, g := range all {
		if _, met := below[g.RID]; g.Direct && !met && len(out) < explainGroups {
			below[g.RID] = from
			out = append(out, g)
		}
	}
	return out
}

// way turns the last groups of a way, the target first, into the whole.
func way(path []store.Membership, below map[int64]*store.Membership) []store.Membership {
	for from := below[path[len(path)-1].RID]; from != nil; from = below[from.RID] {
		path = append(path, *from)
	}
	slices.Reverse(path)
	return path
}
