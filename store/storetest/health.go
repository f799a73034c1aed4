package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/store"
)

func healthChecks() []check {
	return []check{
		{"a source's health counts what is its own, and is told of sources that connectors bring", healthCounted},
		{"of several partitions that are worked on the one furthest behind counts", healthOfPartitions},
	}
}

// health is that of the world's sources, by name.
func (w *world) health() map[string]store.SourceHealth {
	w.Helper()
	out := map[string]store.SourceHealth{}
	tenants := read(w, store.Reader.Tenants)
	for _, h := range read(w, func(r store.Reader) ([]store.SourceHealth, error) { return r.SourceHealth(at(5), 1_000_000) }) {
		for _, t := range tenants {
			if t.ID == w.tenant && t.Slug == h.Tenant {
				h.Tenant = ""
				out[h.Source] = h
			}
		}
	}
	return out
}

// ran inserts a run of a partition that ended then.
func (w *world) ran(source int64, partition string, state store.RunState, ended time.Time) {
	w.Helper()
	n := w.newRun(source, state)
	n.Partition, n.EndedAt, n.NextAt = partition, ended, ended.Add(time.Minute)
	w.update(func(tx store.Tx) error { return tx.InsertRun(&n, 1000) })
}

// renewed makes a lease that was last renewed then.
func (w *world) renewed(source int64, partition string, then time.Time) {
	w.Helper()
	w.update(func(tx store.Tx) error {
		l, err := tx.LockLease(source, partition)
		l.RenewedAt = then
		return errors.Join(err, tx.PutLease(l))
	})
}

func healthCounted(t *testing.T, s store.Store) {
	w, other := newWorld(t, s), newWorld(t, s)
	name := func(id int64) string {
		for _, x := range read(w, func(r store.Reader) ([]store.Source, error) { return r.Sources(w.tenant) }) {
			if x.ID == id {
				return x.Name
			}
		}
		return ""
	}
	ad, hr := name(w.ad), name(w.hr)
	equal(w, "without anything", w.health(), map[string]store.SourceHealth{ad: {Source: ad}})
	w.renewed(w.ad, "default", at(1))
	equal(w, "without a run", w.health()[ad], store.SourceHealth{Source: ad})

	w.ran(w.ad, "default", store.RunSucceeded, at(2))
	w.ran(w.ad, "default", store.RunSucceeded, at(3))
	for _, state := range []store.RunState{store.RunHeld, store.RunHeld, store.RunFailed, store.RunRunning} {
		w.ran(w.ad, "default", state, at(4))
	}
	w.renewed(w.hr, "default", at(1))
	w.ran(w.hr, "default", store.RunHeld, at(4))
	other.ran(other.ad, "default", store.RunHeld, at(4))
	w.update(func(tx store.Tx) error {
		var errs []error
		for i := range 3 {
			errs = append(errs, tx.PutProblem(w.newProblem(w.ad, fmt.Sprint("a", i), "x")), tx.PutProblem(other.newProblem(other.ad, "a", "x")))
			heard := w.newAgent(w.ad)
			heard.SeenAt = at(5 + i) // the first one no longer counts
			errs = append(errs, tx.InsertAgent(heard))
		}
		revoked := w.newAgent(w.ad)
		revoked.SeenAt, revoked.RevokedAt = at(9), at(9)
		return errors.Join(append(errs, tx.InsertAgent(revoked))...)
	})
	want := map[string]store.SourceHealth{
		ad: {Source: ad, SucceededAt: at(3), NextAt: at(3).Add(time.Minute), Held: 2, Problems: 3, Agents: 2},
		hr: {Source: hr, Held: 1},
	}
	equal(w, "health", w.health(), want)

	w.update(func(tx store.Tx) error {
		p, err := tx.LockPush(w.tenant, w.manual)
		p.Held = 2
		return errors.Join(err, tx.PutPush(p))
	})
	w.ran(w.manual, "", store.RunHeld, at(4))
	manual := name(w.manual)
	want[manual] = store.SourceHealth{Source: manual, Held: 1, PushOnly: true}
	equal(w, "with what is held of pushes", w.health(), want)

	few := read(w, func(r store.Reader) ([]store.SourceHealth, error) { return r.SourceHealth(at(5), 1) })
	equal(w, "sources within the limit", len(few), 1)
	source := read(w, func(r store.Reader) (store.Source, error) { return r.Source(w.tenant, ad) })
	source.Mode = store.ModeDisabled
	w.update(func(tx store.Tx) error { return tx.UpdateSource(&source) })
	delete(want, ad)
	equal(w, "with one disabled", w.health(), want)
}

func healthOfPartitions(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	for i, partition := range []string{"1of2", "2of2", "default"} {
		w.renewed(w.ad, partition, at(100))
		w.ran(w.ad, partition, store.RunSucceeded, at(30-i))
	}
	w.renewed(w.ad, "default", at(100).Add(-11*time.Minute)) // from before there were two
	w.ran(w.ad, "2of2", store.RunFailed, at(40))
	for _, h := range w.health() {
		equal(w, "the one that fails", h.SucceededAt, at(29))
		equal(w, "is due", h.NextAt, at(29).Add(time.Minute))
	}
	w.renewed(w.ad, "3of3", at(100))
	for _, h := range w.health() {
		equal(w, "one that never succeeded", h.SucceededAt, time.Time{})
	}
}
