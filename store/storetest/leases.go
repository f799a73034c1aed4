package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/workspace-scim/workspace/store"
)

func leaseChecks() []check {
	return []check{
		{"a lease that never was is ErrNotFound, and is made nobody's by LockLease", leaseMade},
		{"a lease reads back whole, with the database's clock", leaseReadsBack},
		{"leases of a source come in the order of their partitions", leasesInOrder},
		{"ending leases takes them from their holder and raises their tokens", leasesEnd},
		{"of many that take a free lease one gets each token", leaseContended},
		{"a write under a lease and its take-over are one after the other", leaseFences},
	}
}

// clocked leaves the clock out of a comparison.
func clocked(l store.Lease) store.Lease {
	l.ReadAt = time.Time{}
	return l
}

func (w *world) lease(source int64, partition string) (store.Lease, error) {
	w.Helper()
	return tryRead(w, func(r store.Reader) (store.Lease, error) {
		l, err := r.Lease(source, partition)
		return clocked(l), err
	})
}

// take makes a holder the next one of a lease.
func take(tx store.Tx, source int64, partition, holder string) (store.Lease, error) {
	l, err := tx.LockLease(source, partition)
	if err != nil {
		return l, err
	}
	l.Holder, l.Token, l.Run = holder, l.Token+1, "run-"+holder
	l.AcquiredAt, l.RenewedAt, l.ExpiresAt = at(1), at(2), at(3)
	return l, tx.PutLease(l)
}

func leaseMade(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	for _, partition := range []string{"default", "nul\x00", ""} {
		_, err := w.lease(w.ad, partition)
		w.is(err, store.ErrNotFound)
	}
	for range 2 {
		var l store.Lease
		w.update(func(tx store.Tx) (err error) {
			l, err = tx.LockLease(w.ad, "default")
			return err
		})
		equal(w, "new lease", clocked(l), store.Lease{Source: w.ad, Partition: "default"})
	}
	_, err := w.lease(w.hr, "default")
	w.is(err, store.ErrNotFound)
}

func leaseReadsBack(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	var want store.Lease
	w.update(func(tx store.Tx) (err error) {
		want, err = take(tx, w.ad, "default", "a1")
		return err
	})
	got, err := w.lease(w.ad, "default")
	w.is(err, nil)
	equal(w, "lease", got, clocked(want))
	var first, second time.Time
	w.update(func(tx store.Tx) error {
		l, err := tx.Lease(w.ad, "default")
		first = l.ReadAt
		return err
	})
	w.update(func(tx store.Tx) error {
		l, err := tx.LockLease(w.ad, "default")
		second = l.ReadAt
		return err
	})
	if first.Before(at(0)) || second.Before(first) {
		t.Errorf("the database's clock is %v and then %v", first, second)
	}
}

func leasesInOrder(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	w.update(func(tx store.Tx) error {
		_, e1 := take(tx, w.ad, "b", "a1")
		_, e2 := take(tx, w.ad, "B", "a2")
		_, e3 := take(tx, w.ad, "a", "a1")
		_, e4 := take(tx, w.hr, "c", "a1")
		return errors.Join(e1, e2, e3, e4)
	})
	all := read(w, func(r store.Reader) ([]string, error) {
		leases, err := r.Leases(w.ad)
		var names []string
		for _, l := range leases {
			names = append(names, l.Partition)
		}
		return names, err
	})
	equal(w, "partitions", all, []string{"B", "a", "b"})
}

func leasesEnd(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	w.update(func(tx store.Tx) error {
		_, e1 := take(tx, w.ad, "x", "a1")
		_, e2 := take(tx, w.ad, "y", "a2")
		_, e3 := take(tx, w.hr, "x", "a1")
		return errors.Join(e1, e2, e3)
	})
	w.update(func(tx store.Tx) error { return tx.EndLeases(w.ad, "a1") })
	w.update(func(tx store.Tx) error { return tx.EndLeases(w.ad, "a1") })
	tokens := func() map[string]string {
		got := map[string]string{}
		for name, source := range map[string]int64{"ad": w.ad, "hr": w.hr} {
			for _, l := range read(w, func(r store.Reader) ([]store.Lease, error) {
				all, err := r.Leases(source)
				for i := range all {
					all[i] = clocked(all[i])
				}
				return all, err
			}) {
				got[name+" "+l.Partition] = fmt.Sprint(l.Holder, l.Run, l.Token)
			}
		}
		return got
	}
	equal(w, "leases", tokens(), map[string]string{"ad x": "2", "ad y": "a2run-a21", "hr x": "a1run-a11"})
	w.update(func(tx store.Tx) error { return tx.EndLeases(w.ad, "") })
	equal(w, "leases", tokens(), map[string]string{"ad x": "2", "ad y": "2", "hr x": "a1run-a11"})
}

func leaseContended(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	const holders, each = 8, 5
	tokens := make([][]int64, holders)
	errs := together(holders, func(i int) error {
		for range each {
			var l store.Lease
			err := s.Update(t.Context(), func(tx store.Tx) (err error) {
				l, err = take(tx, w.ad, "default", fmt.Sprint("a", i))
				return err
			})
			if err != nil {
				return err
			}
			tokens[i] = append(tokens[i], l.Token)
		}
		return nil
	})
	w.is(errors.Join(errs...), nil)
	seen := map[int64]bool{}
	for _, of := range tokens {
		for n, token := range of {
			if seen[token] || n > 0 && token <= of[n-1] {
				t.Errorf("token %d was given twice or doesn't grow: %v", token, tokens)
			}
			seen[token] = true
		}
	}
	l, err := w.lease(w.ad, "default")
	w.is(err, nil)
	if l.Token != holders*each {
		t.Errorf("the last token is %d, want %d", l.Token, holders*each)
	}
}

// errFenced is what the check's writers end in when they were overtaken.
var errFenced = errors.New("fenced")

// leaseFences lets a holder write while another takes its lease over. Whatever
// the order: a write that committed was committed before the take-over, so the
// one who took over sees it, and a fenced one leaves nothing.
func leaseFences(t *testing.T, s store.Store) {
	for range 10 {
		w := newWorld(t, s)
		u := w.user(w.ad, "anna", "")
		var l store.Lease
		w.update(func(tx store.Tx) (err error) {
			l, err = take(tx, w.ad, "default", "a1")
			return err
		})
		m := newMeeting()
		var seen int64 // the version that the one who took over saw
		errs := together(2, func(i int) error {
			defer m.arrive(i)
			return s.Update(t.Context(), func(tx store.Tx) error {
				if i == 1 {
					if _, err := take(tx, w.ad, "default", "a2"); err != nil {
						return err
					}
					m.wait(1)
					res, err := tx.Resource(w.tenant, u.RID)
					seen = res.Version
					return err
				}
				now, err := tx.Lease(w.ad, "default")
				if err != nil {
					return err
				}
				if now.Token != l.Token {
					return errFenced
				}
				m.wait(0)
				return tx.Touch(u.RID, 0, true, false, at(1))
			})
		})
		w.is(errs[1], nil)
		if errs[0] != nil && !errors.Is(errs[0], errFenced) {
			t.Fatalf("the holder: %v", errs[0])
		}
		res := read(w, func(r store.Reader) (store.Resource, error) { return r.Resource(w.tenant, u.RID) })
		if res.Version != seen {
			t.Errorf("the one who took over saw version %d, it became %d (holder: %v)", seen, res.Version, errs[0])
		}
	}
}

func checkpointChecks() []check {
	return []check{
		{"a checkpoint reads back whole, per source and partition", checkpointReadsBack},
		{"only the next version is saved", checkpointVersions},
		{"of many that save the same version one wins", checkpointContended},
		{"deleting those of a source leaves another's", checkpointsDeleted},
	}
}

func checkpointReadsBack(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	get := func(source int64, partition string) (store.Checkpoint, error) {
		return tryRead(w, func(r store.Reader) (store.Checkpoint, error) { return r.Checkpoint(source, partition) })
	}
	_, err := get(w.ad, "default")
	w.is(err, store.ErrNotFound)
	want := store.Checkpoint{Tenant: w.tenant, Source: w.ad, Partition: "default", Version: 1, Data: []byte{0, 255, 'x', 0}, Token: 7, SavedAt: at(1)}
	w.update(func(tx store.Tx) error { return tx.PutCheckpoint(want) })
	got, err := get(w.ad, "default")
	w.is(err, nil)
	equal(w, "checkpoint", got, want)
	for _, k := range []struct {
		source    int64
		partition string
	}{{w.hr, "default"}, {w.ad, "Default"}, {w.ad, "\xff"}} {
		_, err := get(k.source, k.partition)
		w.is(err, store.ErrNotFound)
	}
	want.Version, want.Data, want.Token, want.SavedAt = 2, make([]byte, 1<<20), 8, at(2)
	w.update(func(tx store.Tx) error { return tx.PutCheckpoint(want) })
	got, err = get(w.ad, "default")
	w.is(err, nil)
	equal(w, "checkpoint", got, want)
}

func checkpointVersions(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	c := store.Checkpoint{Tenant: w.tenant, Source: w.ad, Partition: "p", Data: []byte("x"), SavedAt: at(1)}
	put := func(version int64) error {
		c.Version = version
		return s.Update(t.Context(), func(tx store.Tx) error { return tx.PutCheckpoint(c) })
	}
	for _, step := range []struct {
		version int64
		want    error
	}{{2, store.ErrExists}, {1, nil}, {1, store.ErrExists}, {3, store.ErrExists}, {2, nil}, {2, store.ErrExists}, {3, nil}} {
		w.is(put(step.version), step.want)
	}
}

func checkpointContended(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	for version := int64(1); version <= 3; version++ {
		errs := together(6, func(i int) error {
			return s.Update(t.Context(), func(tx store.Tx) error {
				return tx.PutCheckpoint(store.Checkpoint{Tenant: w.tenant, Source: w.ad, Partition: "p", Version: version, Data: fmt.Append(nil, i), SavedAt: at(i)})
			})
		})
		winner := -1
		for i, err := range errs {
			switch {
			case err == nil && winner >= 0:
				t.Errorf("%d and %d both saved version %d", winner, i, version)
			case err == nil:
				winner = i
			default:
				w.is(err, store.ErrExists)
			}
		}
		got := read(w, func(r store.Reader) (store.Checkpoint, error) { return r.Checkpoint(w.ad, "p") })
		if diff := cmp.Diff(fmt.Sprint(winner), string(got.Data)); diff != "" {
			t.Errorf("version %d isn't the winner's: %s", version, diff)
		}
	}
}

func checkpointsDeleted(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	ad := store.Checkpoint{Tenant: w.tenant, Source: w.ad, Partition: "p", Version: 1, Data: []byte("x"), SavedAt: at(1)}
	hr := ad
	hr.Source = w.hr
	w.update(func(tx store.Tx) error { return errors.Join(tx.PutCheckpoint(ad), tx.PutCheckpoint(hr)) })
	w.update(func(tx store.Tx) error { return tx.DeleteCheckpoints(w.ad) })
	_, err := tryRead(w, func(r store.Reader) (store.Checkpoint, error) { return r.Checkpoint(w.ad, "p") })
	w.is(err, store.ErrNotFound)
	equal(w, "another source's", read(w, func(r store.Reader) (store.Checkpoint, error) { return r.Checkpoint(w.hr, "p") }), hr)
	w.update(func(tx store.Tx) error { return tx.PutCheckpoint(ad) })
}
