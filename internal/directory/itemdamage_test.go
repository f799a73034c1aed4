package directory_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
	"pgregory.net/rapid"
)

// held is that a user has an item of one of the directories for a reason.
type held struct {
	item   int
	user   string
	reason store.GrantReason
}

// reasons gives all that the items hold.
func (h *itemHistory) reasons() []held {
	var out []held
	for i := range h.items {
		for _, reason := range []store.GrantReason{store.GrantReconciliation, store.GrantManual, store.GrantOrder} {
			for _, user := range h.holders(i, reason) {
				out = append(out, held{i, user, reason})
			}
		}
	}
	return out
}

// mayEnd fails if a step ended a reason that is another's to end: an order ends
// what it gave, a person what was given by hand, and the group the rest, where its
// source doesn't assert the member. What was given by hand may become the group's
// where the item is kept.
func (h *itemHistory) mayEnd(t *rapid.T, what, whom string, before []held) {
	after := h.reasons()
	for _, x := range before {
		if slices.Contains(after, x) {
			continue
		}
		kept := h.text(x.item, "keepInSync") == "on" && h.text(x.item, "suspended") == ""
		member := slices.Contains(h.members(x.item), x.user)
		var ok bool
		switch x.reason {
		case store.GrantOrder:
			ok = what == "cancel" && whom == x.user
		case store.GrantManual:
			ok = what == "take" && whom == x.user || kept && member == slices.Contains(after, held{x.item, x.user, store.GrantReconciliation})
		case store.GrantReconciliation:
			ok = what == "take" && whom == x.user && !kept || kept && !member
		}
		if !ok {
			t.Fatalf("%s of %s ended what %s has for the reason %s (kept %v, member %v)", what, whom, x.user, x.reason, kept, member)
		}
	}
}

// Random damage to what the items hold is found, repaired, and gone the second
// time (R20).
func TestRandomDamageToItemsIsRepaired(t *testing.T) {
	s := openStore(t)
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		h := newItemHistory(rt, s, fmt.Sprintf("damage%d", n))
		for i := range h.items {
			h.must(h.write(i, func(w *directory.Writer) error {
				_, err := w.Modify(h.set.Group, h.groups[i], nil, directory.Change{Members: []directory.MemberOp{{Add: h.users[i][:3]}}})
				return err
			}))
		}
		damage := 0
		for i := range h.items {
			for _, user := range h.users[i] {
				switch rapid.SampledFrom([]string{"leave", "leave", "take", "give", "hand"}).Draw(rt, "damage") {
				case "take":
					h.take(i, user, store.GrantReconciliation)
				case "give":
					h.damage(i, user, store.GrantReconciliation)
				case "hand":
					h.damage(i, user, store.GrantManual)
				default:
					continue
				}
				damage++
			}
		}
		for round := range 2 {
			changed := int64(0)
			for i := range h.items {
				run, _, err := h.dir.ReconcileItem(context.Background(), h.admin(), h.items[i])
				h.must(err)
				h.work()
				run, err = h.dir.Run(context.Background(), h.admin(), run.PublicID)
				h.must(err)
				changed += run.Counts.Reconcile.Added + run.Counts.Reconcile.Removed
				if got, want := h.holders(i, store.GrantReconciliation, store.GrantManual), h.members(i); !slices.Equal(got, want) {
					rt.Fatalf("round %d: the item has %v, want %v", round, got, want)
				}
			}
			if round == 1 && changed > 0 {
				rt.Fatalf("the second round changed %d after %d damages", changed, damage)
			}
		}
	})
}
