package directory

import (
	"slices"

	"github.com/workspace-scim/workspace/store"
)

// move is that members of a group came and went, as its authority asserts them:
// what products, items and orders follow (law 12).
type move struct {
	group          store.Resource
	added, removed []int64 // rids, ascending
}

// moved notes a change of the members that a source asserts of a group. It
// counts if the source is the group's authority.
func (w *Writer) moved(group *store.Resource, source int64, added, removed []int64) {
	if group.Authority == source && len(added)+len(removed) > 0 {
		w.moves = append(w.moves, move{*group, added, removed})
	}
}

// settle does what follows from the members that came and went in the whole
// transaction.
func (w *Writer) settle() error {
	if err := w.settleTurns(); err != nil {
		return err
	}
	moves := net(w.moves)
	for _, m := range moves {
		if err := w.completeLines(m); err != nil {
			return err
		}
	}
	for _, m := range append(moves, w.looks...) {
		if err := w.followItems(m); err != nil {
			return err
		}
	}
	return nil
}

// net gives what came and went in the end, one move for each group that is not
// as it was, in the order of their rids.
func net(moves []move) []move {
	type step struct{ first, last bool } // whether the member was added
	groups := map[int64]store.Resource{}
	members := map[int64]map[int64]step{}
	note := func(group, member int64, added bool) {
		s, seen := members[group][member]
		if !seen {
			s.first = added
		}
		s.last = added
		members[group][member] = s
	}
	for _, m := range moves {
		rid := m.group.RID
		groups[rid] = m.group
		if members[rid] == nil {
			members[rid] = map[int64]step{}
		}
		for _, member := range m.removed {
			note(rid, member, false)
		}
		for _, member := range m.added {
			note(rid, member, true)
		}
	}
	var out []move
	for rid, steps := range members {
		m := move{group: groups[rid]}
		for member, s := range steps {
			switch {
			case s.first != s.last: // came and went, or went and came back
			case s.last:
				m.added = append(m.added, member)
			default:
				m.removed = append(m.removed, member)
			}
		}
		if len(m.added)+len(m.removed) > 0 {
			slices.Sort(m.added)
			slices.Sort(m.removed)
			out = append(out, m)
		}
	}
	slices.SortFunc(out, func(a, b move) int { return int(a.group.RID - b.group.RID) })
	return out
}
