package storetest

import (
	"fmt"
	"testing"

	"github.com/workspace-scim/workspace/store"
)

// crowd is the size of a large group here. It is more than fits one statement
// of a database where each member is a parameter or two.
const crowd = 10_000

func manyMemberChecks() []check {
	return []check{{"ten thousand members are added, replaced, paged over and removed", memberCrowd}}
}

func memberCrowd(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	g := w.group(w.ad, "Everyone", "")
	all := make([]store.Resource, crowd+1)
	for i := range all {
		all[i] = w.newUser(w.ad, fmt.Sprintf("u%05d", i), "")
		all[i].Keys = nil
	}
	w.update(func(tx store.Tx) error {
		for i := range all {
			if err := tx.InsertResource(&all[i]); err != nil {
				return err
			}
		}
		return nil
	})
	everyone, late := rids(all[:crowd]...), rids(all[crowd])
	equal(w, "added", w.changeMembers(g, w.ad, everyone, nil), changes{Added: everyone})
	equal(w, "one more", w.changeMembers(g, w.ad, late, nil), changes{Added: late})
	equal(w, "one less", w.changeMembers(g, w.ad, nil, rids(all[0])), changes{Removed: rids(all[0])})
	equal(w, "number of members", w.countMembers(g), crowd)

	equal(w, "replaced by the same and one", w.replaceMembers(g, w.ad, all...), changes{Added: rids(all[0])})
	half := all[:crowd/2]
	equal(w, "replaced by the first half", w.replaceMembers(g, w.ad, half...), changes{Removed: rids(all[crowd/2:]...)})
	groups := read(w, func(r store.Reader) (map[int64][]store.Membership, error) { return r.Groups(w.as(0), rids(all...)) })
	for i, r := range all {
		if want := i < len(half); (len(groups[r.RID]) == 1) != want {
			t.Fatalf("%s has %d groups, member: %v", r.Display, len(groups[r.RID]), want)
		}
	}
	equal(w, "removed", w.changeMembers(g, w.ad, nil, everyone), changes{Removed: rids(half...)})
	equal(w, "number of members", w.countMembers(g), 0)
}

func (w *world) countMembers(g store.Resource) int {
	w.Helper()
	return read(w, func(r store.Reader) (n int, err error) {
		var last int64
		return n, r.Members(w.as(0), g.RID, func(m store.Member) error {
			if m.RID <= last {
				return fmt.Errorf("rid %d after %d", m.RID, last)
			}
			n, last = n+1, m.RID
			return nil
		})
	})
}
