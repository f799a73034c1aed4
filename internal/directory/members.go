package directory

import (
	"maps"
	"slices"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// MemberOp is one change of a group's members; exactly one field is set. Ids
// are resource ids or, for sources that refer so, externalIds and anchors.
type MemberOp struct {
	Add     []string
	Remove  []string
	Replace []string // make the members exactly these, at least one
	Clear   bool
	// Where removes the members for which it is true.
	Where func(store.Member) bool
}

// removes says that the operation does nothing but remove members.
func (op MemberOp) removes() bool { return op.Remove != nil || op.Clear || op.Where != nil }

// changeMembers applies the operations to the members that the actor's source
// asserts, and logs what really changed. The cost follows the operations, not
// the group.
func (w *Writer) changeMembers(s *subject, ops []MemberOp) (changed bool, err error) {
	var added, removed []int64
	ids := map[int64]string{}
	for _, op := range ops {
		a, r, err := w.changeMember(s, op, ids)
		if err == nil {
			r, err = w.guardRemovals(s, r, ids)
		}
		if err != nil {
			return false, err
		}
		added, removed = append(added, a...), append(removed, r...)
	}
	if len(added)+len(removed) == 0 {
		return false, nil
	}
	w.moved(&s.res, w.actor.Source.ID, added, removed)
	return true, w.tellMembers(s, "", added, removed, ids)
}

func (w *Writer) changeMember(s *subject, op MemberOp, ids map[int64]string) (added, removed []int64, err error) {
	tenant, group, source := w.actor.Tenant.ID, s.res.RID, w.actor.Source.ID
	switch {
	case op.Clear:
		if _, err := w.keepParked(s, nil); err != nil {
			return nil, nil, err
		}
		held, err := w.removeByHand(s, nil, nil)
		if err != nil {
			return nil, nil, err
		}
		return w.tx.ReplaceMembers(tenant, group, source, held)
	case op.Where != nil:
		var rids []int64
		err := w.tx.Members(store.View{Tenant: tenant, Source: source}, group, func(m store.Member) error {
			if op.Where(m) {
				rids = append(rids, m.RID)
			}
			return nil
		})
		if err != nil || len(rids) == 0 {
			return nil, nil, err
		}
		return w.removeMembers(s, rids)
	case op.Replace != nil:
		others, err := w.keepParked(s, op.Replace)
		if err != nil {
			return nil, nil, err
		}
		rids, err := w.memberRIDs(s, others, ids)
		if err == nil {
			err = w.wantMembers(s, rids, ids)
		}
		if err != nil {
			return nil, nil, err
		}
		held, err := w.removeByHand(s, nil, rids)
		if err != nil {
			return nil, nil, err
		}
		return w.tx.ReplaceMembers(tenant, group, source, append(held, rids...))
	case op.Remove != nil:
		rids, err := w.removable(s, op.Remove, ids)
		if err != nil || len(rids) == 0 {
			return nil, nil, err
		}
		return w.removeMembers(s, rids)
	}
	rids, err := w.memberRIDs(s, op.Add, ids)
	if err == nil {
		err = w.wantMembers(s, rids, ids)
	}
	if err != nil || len(rids) == 0 {
		return nil, nil, err
	}
	added, _, err = w.tx.ChangeMembers(tenant, group, source, rids, nil)
	if err != nil {
		return nil, nil, err
	}
	return added, nil, w.addByHand(s, rids, added)
}

// removeMembers removes those whom no other reason holds.
func (w *Writer) removeMembers(s *subject, rids []int64) (added, removed []int64, err error) {
	held, err := w.removeByHand(s, rids, nil)
	if err != nil {
		return nil, nil, err
	}
	if rids = without(rids, held); len(rids) == 0 {
		return nil, nil, nil
	}
	return w.tx.ChangeMembers(w.actor.Tenant.ID, s.res.RID, w.actor.Source.ID, nil, rids)
}

// memberRIDs resolves references to members. One that was deleted is skipped
// and logged; one that never existed is refused, or parked for sources that
// refer by ids of their own (docs/model.md).
func (w *Writer) memberRIDs(s *subject, refs []string, ids map[int64]string) ([]int64, error) {
	found, err := w.lookUp(refs)
	if err != nil {
		return nil, err
	}
	rids := make([]int64, 0, len(refs))
	for _, ref := range refs {
		r, ok := found[ref]
		if !ok && refersByOwnIDs(w.actor.Source.Kind) {
			named, err := w.finder().findNamed(w.actor.Source.ID, ref, schema.User, schema.Group)
			if err != nil {
				return nil, err
			}
			if named == nil {
				if err := w.parkMember(s, ref); err != nil {
					return nil, err
				}
				continue
			}
			r, ok = *named, true
		}
		if !ok {
			return nil, &Violation{
				Rule: RuleUnknownMember, Attribute: "members.value",
				Detail: "There is no resource with the id " + quoteID(ref) + ".",
				Way:    "Create the member first.",
			}
		}
		if w.gone(r) {
			e := w.event("group.memberSkipped", &s.res)
			e.Outcome, e.Reason, e.Detail = OutcomeSkipped, "memberDeleted", "The member "+r.ID+" was deleted."
			continue
		}
		ids[r.RID] = r.ID
		rids = append(rids, r.RID)
	}
	return rids, nil
}

func (w *Writer) gone(r store.Ref) bool {
	if r.State == store.Deleted || r.State == store.Purged {
		return true
	}
	return !w.actor.Admin && r.Link == store.LinkEnded
}

// removable resolves references to members that are to be removed; unknown
// ones are no members, so nothing has to be done about them.
func (w *Writer) removable(s *subject, refs []string, ids map[int64]string) ([]int64, error) {
	found, err := w.lookUp(refs)
	if err != nil {
		return nil, err
	}
	rids := make([]int64, 0, len(refs))
	for _, ref := range refs {
		r, ok := found[ref]
		if !ok && refersByOwnIDs(w.actor.Source.Kind) {
			named, err := w.finder().findNamed(w.actor.Source.ID, ref, schema.User, schema.Group)
			if err != nil {
				return nil, err
			}
			if named != nil {
				r, ok = *named, true
			}
			if err := w.unparkMember(s, ref); err != nil {
				return nil, err
			}
		}
		if ok {
			ids[r.RID] = r.ID
			rids = append(rids, r.RID)
		}
	}
	return rids, nil
}

// lookUp finds resources by id, those that the actor's source sees or saw.
func (w *Writer) lookUp(refs []string) (map[string]store.Ref, error) {
	found := make(map[string]store.Ref, len(refs))
	view := w.actor.View()
	for chunk := range slices.Chunk(refs, 500) {
		rs, err := w.tx.Refs(view, chunk)
		if err != nil {
			return nil, err
		}
		for _, r := range rs {
			if w.actor.Admin || r.Link != 0 {
				found[r.ID] = r
			}
		}
	}
	return found, nil
}

// maxListed is how many member ids one event holds.
const maxListed = 1000

// tellMembers logs added and removed members by their ids (row H009), and why.
func (w *Writer) tellMembers(s *subject, reason string, added, removed []int64, ids map[int64]string) error {
	if err := w.nameMembers(slices.Concat(added, removed), ids); err != nil {
		return err
	}
	outcome := OutcomeApplied
	if s.res.Authority != w.actor.Source.ID {
		outcome = OutcomeNotAuthoritative
	}
	w.listMembers(&s.res, reason, outcome, added, removed, ids)
	return nil
}

// listMembers logs members by their ids, in as many events as it takes.
func (w *Writer) listMembers(group *store.Resource, reason, outcome string, added, removed []int64, ids map[int64]string) {
	for len(added)+len(removed) > 0 {
		a, r := added[:min(len(added), maxListed)], removed[:min(len(removed), maxListed)]
		added, removed = added[len(a):], removed[len(r):]
		e := w.event("group.membersChanged", group)
		e.Reason, e.Outcome, e.Before, e.After = reason, outcome, idList("members", idsOf(r, ids)), idList("members", idsOf(a, ids))
	}
}

// nameMembers adds the ids of resources that have none in ids yet.
func (w *Writer) nameMembers(rids []int64, ids map[int64]string) error {
	unknown := slices.DeleteFunc(slices.Clone(rids), func(rid int64) bool { return ids[rid] != "" })
	for chunk := range slices.Chunk(unknown, 500) {
		more, err := w.tx.IDs(w.actor.Tenant.ID, chunk)
		if err != nil {
			return err
		}
		maps.Copy(ids, more)
	}
	return nil
}

func idsOf(rids []int64, ids map[int64]string) []string {
	out := make([]string, len(rids))
	for i, rid := range rids {
		out[i] = ids[rid]
	}
	return out
}

// quoteID shortens an id that a client made up, for a message.
func quoteID(id string) string {
	const most = 64
	if len(id) > most {
		id = id[:most] + "…"
	}
	return `"` + id + `"`
}
