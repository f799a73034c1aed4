package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/workspace-scim/workspace/store"
)

func configurationChecks() []check {
	return []check{
		{"versions read back whole, the newest first", configurationsReadBack},
		{"a version is written once", configurationOnce},
		{"who locks a source writes after the other", sourceLocked},
	}
}

func newConfiguration(w *world, version int64) store.Configuration {
	return store.Configuration{
		Tenant: w.tenant, Source: w.ad, Version: version, Document: fmt.Appendf(nil, `{"scope":"é %d"}`, version), Hash: make([]byte, 32), By: "cli:anna", CreatedAt: at(int(version)),
	}
}

func configurationsReadBack(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	_, err := tryRead(w, func(r store.Reader) (store.Configuration, error) { return r.Configuration(w.ad, 0) })
	w.is(err, store.ErrNotFound)
	w.update(func(tx store.Tx) error {
		return errors.Join(tx.InsertConfiguration(newConfiguration(w, 1)), tx.InsertConfiguration(newConfiguration(w, 2)), tx.InsertConfiguration(newConfiguration(w, 3)))
	})
	get := func(version int64) store.Configuration {
		return read(w, func(r store.Reader) (store.Configuration, error) { return r.Configuration(w.ad, version) })
	}
	equal(w, "newest", get(0), newConfiguration(w, 3))
	equal(w, "first", get(1), newConfiguration(w, 1))
	list := func(before int64, limit int) []store.Configuration {
		return read(w, func(r store.Reader) ([]store.Configuration, error) { return r.Configurations(w.ad, before, limit) })
	}
	equal(w, "page", list(0, 2), []store.Configuration{newConfiguration(w, 3), newConfiguration(w, 2)})
	equal(w, "next page", list(2, 2), []store.Configuration{newConfiguration(w, 1)})
	none := read(w, func(r store.Reader) ([]store.Configuration, error) { return r.Configurations(w.hr, 0, 9) })
	equal(w, "another source's", none, nil)
}

func configurationOnce(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	w.update(func(tx store.Tx) error {
		other := newConfiguration(w, 1)
		other.By = "other"
		return errors.Join(tx.InsertConfiguration(newConfiguration(w, 1)), expect(tx.InsertConfiguration(other), store.ErrExists))
	})
	got := read(w, func(r store.Reader) (store.Configuration, error) { return r.Configuration(w.ad, 0) })
	equal(w, "configuration", got, newConfiguration(w, 1))
}

// sourceLocked has two writers each add the version after the one that they see.
func sourceLocked(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	w.is(s.Update(t.Context(), func(tx store.Tx) error { return tx.LockSource(1 << 40) }), store.ErrNotFound)
	const writers = 4
	errs := together(writers, func(int) error {
		return s.Update(t.Context(), func(tx store.Tx) error {
			if err := tx.LockSource(w.ad); err != nil {
				return err
			}
			last, err := tx.Configuration(w.ad, 0)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			return tx.InsertConfiguration(newConfiguration(w, last.Version+1))
		})
	})
	w.is(errors.Join(errs...), nil)
	got := read(w, func(r store.Reader) (store.Configuration, error) { return r.Configuration(w.ad, 0) })
	equal(w, "configuration", got, newConfiguration(w, writers))
}

func runChecks() []check {
	return []check{
		{"a run reads back whole", runReadsBack},
		{"runs are listed by source, state and page, the newest first", runsListed},
		{"an update leaves what a run is", runUpdate},
		{"old runs go with their plans, open ones stay", runsTrimmed},
		{"a plan is that of the upload that was kept", planKept},
		{"plans of runs that ended long ago are forgotten", plansForgotten},
		{"no update of a run is lost", runNotLost},
	}
}

func (w *world) newRun(source int64, state store.RunState) store.Run {
	return store.Run{
		Tenant: w.tenant, Source: source, PublicID: uuid.NewString(), Kind: "full", State: state, Partition: "default", Holder: "a1", Token: 3,
		Phase: "users", Done: 5, Total: 10, Counts: store.RunCounts{Created: 1, Updated: 2, Disabled: 3, Deleted: 4, Unchanged: 5, Failed: 6, Skipped: map[string]int64{"computer": 7}},
		Detail: "é", DecidedBy: "anna", StartedAt: at(1), UpdatedAt: at(2), EndedAt: at(3), NextAt: at(4), PlanHash: make([]byte, 32), PlanSize: 9, Version: 1,
	}
}

// run inserts a run.
func (w *world) run(source int64, state store.RunState) store.Run {
	w.Helper()
	n := w.newRun(source, state)
	w.update(func(tx store.Tx) error { return tx.InsertRun(&n, 1000) })
	return n
}

func (w *world) tryRun(tenant int64, id string) (store.Run, error) {
	w.Helper()
	return tryRead(w, func(r store.Reader) (store.Run, error) { return r.Run(tenant, id) })
}

func runReadsBack(t *testing.T, s store.Store) {
	w, other := newWorld(t, s), newWorld(t, s)
	want := w.run(w.ad, store.RunRunning)
	got, err := w.tryRun(w.tenant, want.PublicID)
	w.is(err, nil)
	equal(w, "run", got, want)
	for _, id := range []string{uuid.NewString(), "\x00", ""} {
		_, err = w.tryRun(w.tenant, id)
		w.is(err, store.ErrNotFound)
	}
	_, err = w.tryRun(other.tenant, want.PublicID)
	w.is(err, store.ErrNotFound)
	plain := store.Run{Tenant: w.tenant, Source: w.hr, PublicID: uuid.NewString(), StartedAt: at(0), UpdatedAt: at(0)}
	w.update(func(tx store.Tx) error { return tx.InsertRun(&plain, 1000) })
	got, err = w.tryRun(w.tenant, plain.PublicID)
	w.is(err, nil)
	equal(w, "run with little", got, plain)
}

func runsListed(t *testing.T, s store.Store) {
	w, other := newWorld(t, s), newWorld(t, s)
	a, b, c := w.run(w.ad, store.RunSucceeded), w.run(w.hr, store.RunRunning), w.run(w.ad, store.RunHeld)
	other.run(other.ad, store.RunHeld)
	for _, x := range []struct {
		q    store.RunQuery
		want []store.Run
	}{
		{store.RunQuery{Limit: 9}, []store.Run{c, b, a}},
		{store.RunQuery{Limit: 2}, []store.Run{c, b}},
		{store.RunQuery{Limit: 9, Before: b.ID}, []store.Run{a}},
		{store.RunQuery{Limit: 9, Source: w.ad}, []store.Run{c, a}},
		{store.RunQuery{Limit: 9, Source: w.ad, State: store.RunHeld}, []store.Run{c}},
		{store.RunQuery{Limit: 9, State: store.RunFailed}, nil},
	} {
		x.q.Tenant = w.tenant
		equal(w, fmt.Sprintf("%+v", x.q), read(w, func(r store.Reader) ([]store.Run, error) { return r.Runs(x.q) }), x.want)
	}
}

func runUpdate(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	before := w.run(w.ad, store.RunRunning)
	after := before
	after.State, after.Holder, after.Token, after.Phase, after.Done, after.Total = store.RunHeld, "a2", 4, "groups", 6, 11
	after.Counts, after.Detail, after.DecidedBy = store.RunCounts{Created: 9}, "over the limit", "bob"
	after.UpdatedAt, after.EndedAt, after.NextAt, after.PlanHash, after.PlanSize, after.Version = at(5), at(6), at(7), nil, 0, 2
	want := after
	after.Source, after.PublicID, after.Kind, after.Partition, after.StartedAt = w.hr, "x", "x", "x", at(9)
	w.update(func(tx store.Tx) error { return tx.UpdateRun(after) })
	got, err := w.tryRun(w.tenant, before.PublicID)
	w.is(err, nil)
	equal(w, "run", got, want)
}

func runsTrimmed(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	held, old := w.run(w.ad, store.RunHeld), w.run(w.ad, store.RunSucceeded)
	foreign := w.run(w.hr, store.RunSucceeded)
	w.update(func(tx store.Tx) error {
		return errors.Join(tx.PutPlanPart(old.ID, 1, 0, []byte("x")), tx.KeepPlan(old.ID, 1))
	})
	second := w.run(w.ad, store.RunFailed)
	third := w.newRun(w.ad, store.RunRunning)
	w.update(func(tx store.Tx) error { return tx.InsertRun(&third, 2) })
	got := read(w, func(r store.Reader) ([]store.Run, error) {
		return r.Runs(store.RunQuery{Tenant: w.tenant, Limit: 9})
	})
	equal(w, "runs", got, []store.Run{third, second, foreign, held})
	_, err := tryRead(w, func(r store.Reader) ([]byte, error) { return r.PlanPart(old.ID, 0) })
	w.is(err, store.ErrNotFound)
}

func planKept(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	n := w.run(w.ad, store.RunHeld)
	part := func(position int) ([]byte, error) {
		return tryRead(w, func(r store.Reader) ([]byte, error) { return r.PlanPart(n.ID, position) })
	}
	for upload := int64(5); upload < 7; upload++ {
		for i := range 2 {
			w.update(func(tx store.Tx) error {
				return tx.PutPlanPart(n.ID, upload, i, fmt.Appendf(nil, "%d/%d\x00\xff", upload, i))
			})
		}
		w.update(func(tx store.Tx) error { return tx.PutPlanPart(n.ID, 99, int(upload), []byte("cut off")) })
		if _, err := part(5); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a part of an upload that wasn't kept: %v", err)
		}
		w.update(func(tx store.Tx) error { return tx.KeepPlan(n.ID, upload) })
		for i := range 2 {
			got, err := part(i)
			w.is(err, nil)
			equal(w, "part", string(got), fmt.Sprintf("%d/%d\x00\xff", upload, i))
		}
		_, err := part(2)
		w.is(err, store.ErrNotFound)
	}
}

func plansForgotten(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	planned := func(state store.RunState, ended time.Time) store.Run {
		n := w.newRun(w.ad, state)
		n.EndedAt = ended
		w.update(func(tx store.Tx) error {
			return errors.Join(tx.InsertRun(&n, 100), tx.PutPlanPart(n.ID, 1, 0, []byte("a")), tx.PutPlanPart(n.ID, 1, 1, []byte("b")), tx.KeepPlan(n.ID, 1))
		})
		return n
	}
	old := []store.Run{planned(store.RunSucceeded, at(-3)), planned(store.RunRejected, at(-2)), planned(store.RunAbandoned, at(-1))}
	stay := []store.Run{planned(store.RunSucceeded, at(0)), planned(store.RunHeld, time.Time{}), planned(store.RunApproved, time.Time{}), planned(store.RunRunning, time.Time{})}
	for _, want := range []int{2, 1, 0} {
		n := 0
		w.update(func(tx store.Tx) (err error) {
			n, err = tx.DeletePlans(at(0), 2)
			return err
		})
		equal(w, "plans that were forgotten", n, want)
	}
	for _, n := range old {
		_, err := tryRead(w, func(r store.Reader) ([]byte, error) { return r.PlanPart(n.ID, 0) })
		w.is(err, store.ErrNotFound)
	}
	for _, n := range stay {
		b, err := tryRead(w, func(r store.Reader) ([]byte, error) { return r.PlanPart(n.ID, 1) })
		w.is(err, nil)
		equal(w, "part", string(b), "b")
	}
}

func runNotLost(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	n := w.run(w.ad, store.RunRunning)
	const writers, each = 6, 5
	errs := together(writers, func(int) error {
		for range each {
			err := s.Update(t.Context(), func(tx store.Tx) error {
				n, err := tx.Run(w.tenant, n.PublicID)
				if err != nil {
					return err
				}
				n.Done++
				return tx.UpdateRun(n)
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	w.is(errors.Join(errs...), nil)
	got, err := w.tryRun(w.tenant, n.PublicID)
	w.is(err, nil)
	if got.Done != n.Done+writers*each {
		t.Errorf("%d objects are done, want %d", got.Done, n.Done+writers*each)
	}
}
