package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

func pushChecks() []check {
	return []check{
		{"a push reads back with what its source has", pushReadsBack},
		{"no change of a push is lost", pushNotLost},
		{"pushes are found by their last request", pushesFound},
		{"losses of a group are those of one push", pushLosses},
		{"memberships are counted up to a bound", membershipsCounted},
		{"a run counts while it is open, and forgets its plan's hash", runCounted},
		{"what waits is found by resource and run, in the order of the first request", heldFound},
		{"members wait once, and leave with their group", heldMembers},
		{"what waits never crosses tenants", heldTenancy},
		{"decided runs that hold something are found", decidedFound},
	}
}

func (w *world) lockPush(edit func(*store.Push)) (before store.Push) {
	w.Helper()
	w.update(func(tx store.Tx) (err error) {
		if before, err = tx.LockPush(w.tenant, w.ad); err != nil {
			return err
		}
		p := before
		edit(&p)
		return tx.PutPush(p)
	})
	return before
}

func pushReadsBack(t *testing.T, s store.Store) {
	w, other := newWorld(t, s), newWorld(t, s)
	want := store.Push{Tenant: w.tenant, Source: w.ad}
	full := store.Push{Tenant: w.tenant, Source: w.ad, Run: uuid.NewString(), StartedAt: at(1), LastAt: at(2), Counts: store.RunCounts{Deleted: 3, LostGrants: 4}, Over: "é", Held: 7}
	equal(w, "a new one", w.lockPush(func(p *store.Push) { *p = full }), want)
	group := w.group(w.ad, "Staff", "")
	members := w.people("anna", "ben")
	w.changeMembers(group, w.ad, rids(members...), nil)
	w.update(func(tx store.Tx) error { return tx.InsertConfiguration(newConfiguration(w, 1)) })
	full.Users, full.Groups, full.Memberships, full.Configuration = 2, 1, 2, newConfiguration(w, 1).Document
	equal(w, "a full one", w.lockPush(func(*store.Push) {}), full)
	w.update(func(tx store.Tx) error {
		// What the transaction has done so far counts.
		if _, _, err := tx.ChangeMembers(w.tenant, group.RID, w.ad, nil, rids(members[0])); err != nil {
			return err
		}
		p, err := tx.LockPush(w.tenant, w.ad)
		if err == nil && p.Memberships != 1 {
			err = errors.New("a removed membership counts")
		}
		return err
	})
	w.update(func(tx store.Tx) error {
		_, err := tx.EndMemberships(w.ad, members[1].RID)
		return err
	})
	equal(w, "memberships", w.lockPush(func(*store.Push) {}).Memberships, 0)
	w.is(s.Update(t.Context(), func(tx store.Tx) error { _, err := tx.LockPush(other.tenant, w.ad); return err }), store.ErrNotFound)
}

func pushNotLost(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	const writers, each = 4, 5
	errs := together(writers, func(int) error {
		for range each {
			err := s.Update(t.Context(), func(tx store.Tx) error {
				p, err := tx.LockPush(w.tenant, w.ad)
				if err != nil {
					return err
				}
				p.Held++
				return tx.PutPush(p)
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	w.is(errors.Join(errs...), nil)
	equal(w, "held", w.lockPush(func(*store.Push) {}).Held, writers*each)
}

func pushesFound(t *testing.T, s store.Store) {
	w, other := newWorld(t, s), newWorld(t, s)
	old := at(-1_000_000) // no other check of the store has one as old
	first := store.Push{Tenant: w.tenant, Source: w.ad, Run: "a", StartedAt: old, LastAt: old}
	second := store.Push{Tenant: other.tenant, Source: other.ad, Run: "b", StartedAt: old, LastAt: old.Add(time.Second)}
	w.lockPush(func(p *store.Push) { *p = first })
	other.lockPush(func(p *store.Push) { *p = second })
	pushes := func(before time.Time, limit int) []store.Push {
		return read(w, func(r store.Reader) ([]store.Push, error) { return r.Pushes(before, limit) })
	}
	equal(w, "both", pushes(old.Add(time.Minute), 9), []store.Push{first, second})
	equal(w, "one", pushes(old.Add(time.Minute), 1), []store.Push{first})
	equal(w, "before the second", pushes(second.LastAt, 9), []store.Push{first})
	w.lockPush(func(p *store.Push) { p.Run = "" })
	equal(w, "without the ended", pushes(old.Add(time.Minute), 9), []store.Push{second})
}

type losses struct{ Removed, Left int64 }

func pushLosses(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	group := w.group(w.ad, "Staff", "")
	w.changeMembers(group, w.ad, rids(w.people("anna", "ben", "cy")...), nil)
	get := func(push time.Time, most int64) losses {
		return read(w, func(r store.Reader) (l losses, err error) {
			l.Removed, l.Left, err = r.Losses(w.ad, group.RID, push, most)
			return l, err
		})
	}
	add := func(push time.Time, n int64) {
		w.update(func(tx store.Tx) error { return tx.AddLosses(w.ad, group.RID, push, n) })
	}
	equal(w, "none yet", get(at(1), 9), losses{0, 3})
	add(at(1), 2)
	add(at(1), 3)
	equal(w, "two times", get(at(1), 2), losses{5, 2})
	equal(w, "of another push", get(at(2), 9), losses{0, 3})
	add(at(2), 1)
	equal(w, "of the next push", get(at(2), 9), losses{1, 3})
	equal(w, "of the one before", get(at(1), 9), losses{0, 3})
}

func membershipsCounted(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	staff, sales := w.group(w.ad, "Staff", ""), w.group(w.ad, "Sales", "")
	people := w.people("anna", "ben")
	w.changeMembers(staff, w.ad, append(rids(people...), sales.RID), nil)
	w.changeMembers(sales, w.ad, rids(people...), nil)
	w.changeMembers(sales, w.hr, rids(people...), nil)
	count := func(r store.Resource, most int64) int64 {
		return read(w, func(rd store.Reader) (int64, error) { return rd.CountMemberships(w.ad, r.RID, most) })
	}
	equal(w, "a user's", count(people[0], 9), 2)
	equal(w, "a group's", count(sales, 9), 3)
	equal(w, "bounded", count(sales, 2), 2)
}

func runCounted(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	for _, state := range []store.RunState{store.RunRunning, store.RunHeld, store.RunApproved, store.RunRejected} {
		want := w.run(w.ad, state)
		counts := store.RunCounts{Deleted: 77, Held: 2, MembershipRemovals: 3, IdentityChanges: 4, LostGrants: 5}
		w.update(func(tx store.Tx) error {
			return errors.Join(tx.CountRun(w.tenant, want.PublicID, &counts, at(8)), tx.CountRun(w.tenant, want.PublicID, nil, at(9)))
		})
		if state == store.RunRunning || state == store.RunHeld {
			want.Counts, want.UpdatedAt, want.Version, want.PlanHash, want.PlanSize = counts, at(9), want.Version+2, nil, 0
		}
		got, err := w.tryRun(w.tenant, want.PublicID)
		w.is(err, nil)
		equal(w, string(state), got, want)
	}
}

// hold makes a resource wait.
func (w *world) hold(r store.Resource, run string) store.HeldChange {
	w.Helper()
	h := store.HeldChange{Tenant: w.tenant, Source: w.ad, RID: r.RID, Run: run, At: at(1)}
	w.update(func(tx store.Tx) error { return tx.PutHeld(h) })
	h.ID = read(w, func(rd store.Reader) (store.HeldChange, error) { return rd.HeldChange(w.ad, r.RID) }).ID
	return h
}

func (w *world) loaded(source int64, kind schema.Kind, id string) bool {
	w.Helper()
	var held bool
	w.update(func(tx store.Tx) error {
		l, err := tx.Load(store.View{Tenant: w.tenant, Source: source}, kind, id, false)
		held = l.Held
		return err
	})
	return held
}

func heldFound(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	people := w.people("anna", "ben", "cy")
	run, later := uuid.NewString(), uuid.NewString()
	cy, anna := w.hold(people[2], run), w.hold(people[0], run)
	w.hold(people[1], later)
	cy.Delete, cy.Attributes = true, []byte(`{"active":false}`)
	again := cy
	again.Run, again.At = later, at(5)
	w.update(func(tx store.Tx) error { return tx.PutHeld(again) })
	list := func(after int64, limit int) []store.HeldChange {
		return read(w, func(r store.Reader) ([]store.HeldChange, error) { return r.HeldChanges(w.ad, run, after, limit) })
	}
	equal(w, "in order", list(0, 9), []store.HeldChange{cy, anna})
	equal(w, "a page", list(0, 1), []store.HeldChange{cy})
	equal(w, "the next", list(cy.ID, 9), []store.HeldChange{anna})
	equal(w, "loaded", w.loaded(w.ad, schema.User, people[0].ID), true)
	equal(w, "loaded by another source", w.loaded(w.hr, schema.User, people[0].ID), false)
	w.update(func(tx store.Tx) error { return tx.DeleteHeld(w.ad, people[0].RID) })
	equal(w, "without the deleted", list(0, 9), []store.HeldChange{cy})
	equal(w, "loaded after it", w.loaded(w.ad, schema.User, people[0].ID), false)
	_, err := tryRead(w, func(r store.Reader) (store.HeldChange, error) { return r.HeldChange(w.ad, people[0].RID) })
	w.is(err, store.ErrNotFound)
}

func heldMembers(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	group := w.group(w.ad, "Staff", "")
	p := w.people("anna", "ben", "cy")
	change := func(do func(store.Tx) ([]int64, error)) (out []int64) {
		w.update(func(tx store.Tx) (err error) { out, err = do(tx); return err })
		return out
	}
	hold := func(of ...store.Resource) []int64 {
		return change(func(tx store.Tx) ([]int64, error) { return tx.HoldMembers(w.ad, group.RID, rids(of...)) })
	}
	equal(w, "of a group that doesn't wait", hold(p...), nil)
	w.hold(group, "r")
	equal(w, "the first", hold(p[1], p[0]), rids(p[0], p[1]))
	equal(w, "again", hold(p...), rids(p[2]))
	members := func(after int64, limit int) []string {
		all := read(w, func(r store.Reader) ([]store.Member, error) { return r.HeldMembers(w.ad, group.RID, after, limit) })
		var names []string
		for _, m := range all {
			names = append(names, m.ID+" "+m.Display)
		}
		return names
	}
	name := func(r store.Resource) string { return r.ID + " " + r.Display }
	equal(w, "members", members(0, 9), []string{name(p[0]), name(p[1]), name(p[2])})
	equal(w, "a page", members(p[0].RID, 1), []string{name(p[1])})
	equal(w, "count", read(w, func(r store.Reader) (store.HeldChange, error) { return r.HeldChange(w.ad, group.RID) }).Members, 3)
	equal(w, "among", read(w, func(r store.Reader) ([]int64, error) {
		return r.HeldAmong(w.ad, group.RID, []int64{p[2].RID, group.RID, p[0].RID})
	}), rids(p[0], p[2]))
	equal(w, "released", change(func(tx store.Tx) ([]int64, error) {
		return tx.ReleaseMembers(w.ad, group.RID, []int64{p[1].RID, group.RID})
	}), rids(p[1]))
	w.update(func(tx store.Tx) error { return tx.DeleteHeld(w.ad, group.RID) })
	w.hold(group, "r")
	equal(w, "of a group that waits anew", members(0, 9), nil)
}

func heldTenancy(t *testing.T, s store.Store) {
	w, other := newWorld(t, s), newWorld(t, s)
	u := other.user(other.ad, "anna", "")
	w.is(s.Update(t.Context(), func(tx store.Tx) error {
		return tx.PutHeld(store.HeldChange{Tenant: w.tenant, Source: w.ad, RID: u.RID, Run: "r", At: at(1)})
	}), store.ErrNotFound)
	other.hold(u, "r")
	got := read(w, func(r store.Reader) ([]store.HeldChange, error) { return r.HeldChanges(w.ad, "r", 0, 9) })
	equal(w, "another tenant's", got, nil)
}

func decidedFound(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	var want []store.Run
	for i, state := range []store.RunState{store.RunRunning, store.RunHeld, store.RunApproved, store.RunRejected} {
		n := w.newRun(w.ad, state)
		n.Kind = "push"
		w.update(func(tx store.Tx) error { return tx.InsertRun(&n, 1000) })
		w.hold(w.people(string(rune('a' + i)))[0], n.PublicID)
		if state == store.RunApproved || state == store.RunRejected {
			want = append(want, n)
		}
	}
	empty := w.newRun(w.ad, store.RunApproved)
	empty.Kind = "push"
	w.update(func(tx store.Tx) error { return tx.InsertRun(&empty, 1000) })
	decided := func(limit int) []store.Run {
		return read(w, func(r store.Reader) ([]store.Run, error) { return r.DecidedPushes(limit) })
	}
	equal(w, "decided", decided(9), want)
	equal(w, "one", decided(1), want[:1])
}
