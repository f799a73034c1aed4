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
	untold         bool    // no event of a source tells it: it follows from another authority
}

// moved notes a change of the members that a source asserts of a group. It
// counts if the source is the group's authority.
func (w *Writer) moved(group *store.Resource, source int64, added, removed []int64) {
	if group.Authority == source && len(added)+len(removed) > 0 {
		w.moves = append(w.moves, move{group: *group, added: added, removed: removed})
	}
}

// settle does what follows from the members that came and went in the whole
// transaction.
func (w *Writer) settle() error {
	if err := w.tellAuthority(); err != nil {
		return err
	}
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
	// Who came and went, or went and came back, ended as they began.
	return stepsOf(moves).pick(func(_, _ int64, s step) bool { return s.first == s.last })
}

// untold gives what of the moves no event of a source tells, in the order of net:
// who follows the events one by one and then these has the members that there are.
func untold(moves []move) []move {
	follows := map[int64]bool{}
	for _, m := range moves {
		if m.untold {
			follows[m.group.RID] = true
		}
	}
	if len(follows) == 0 {
		return nil
	}
	told := stepsOf(slices.DeleteFunc(slices.Clone(moves), func(m move) bool { return m.untold || !follows[m.group.RID] }))
	return stepsOf(moves).pick(func(group, member int64, s step) bool {
		if t, is := told.members[group][member]; is {
			return t.last != s.last
		}
		return follows[group] && s.first == s.last
	})
}

// step is the first and the last move of one member: whether it was added.
type step struct{ first, last bool }

// memberSteps are the moves of each member of each group.
type memberSteps struct {
	groups  map[int64]store.Resource
	members map[int64]map[int64]step
}

func stepsOf(moves []move) memberSteps {
	all := memberSteps{map[int64]store.Resource{}, map[int64]map[int64]step{}}
	note := func(group, member int64, added bool) {
		s, seen := all.members[group][member]
		if !seen {
			s.first = added
		}
		s.last = added
		all.members[group][member] = s
	}
	for _, m := range moves {
		rid := m.group.RID
		all.groups[rid] = m.group
		if all.members[rid] == nil {
			all.members[rid] = map[int64]step{}
		}
		for _, member := range m.removed {
			note(rid, member, false)
		}
		for _, member := range m.added {
			note(rid, member, true)
		}
	}
	return all
}

// pick gives the last steps of the members that are picked, a move for each of
// their groups, in the order of the rids.
func (all memberSteps) pick(picked func(group, member int64, s step) bool) (out []move) {
	for rid, members := range all.members {
		m := move{group: all.groups[rid]}
		for member, s := range members {
			switch {
			case !picked(rid, member, s):
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
