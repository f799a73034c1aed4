package storetest

import (
	"bytes"
	"testing"

	"github.com/workspace-scim/workspace/store"
)

func sealChecks() []check {
	return []check{
		{"seals are read back in their order", sealsReadBack},
		{"there is one seal behind another", sealsOnce},
		{"sealed events are those between two numbers", sealedEvents},
		{"the newest event is that of any tenant", newestEvent},
	}
}

func newSeal(w *world, prev, seq int64) store.Seal {
	return store.Seal{Tenant: w.tenant, Prev: prev, Seq: seq, Events: 3, Hash: []byte{0, 255, byte(seq)}, SealedAt: at(int(seq))}
}

func sealsReadBack(t *testing.T, s store.Store) {
	w, other := newWorld(t, s), newWorld(t, s)
	_, err := tryRead(w, func(r store.Reader) (store.Seal, error) { return r.LastSeal(w.tenant) })
	if err := expect(err, store.ErrNotFound); err != nil {
		t.Error(err)
	}
	want := []store.Seal{newSeal(w, 0, 5), newSeal(w, 5, 7), newSeal(w, 7, 11)}
	for _, x := range append(want, newSeal(other, 0, 20)) {
		w.update(func(tx store.Tx) error { return tx.InsertSeal(x) })
	}
	page := func(after int64, limit int) []store.Seal {
		return read(w, func(r store.Reader) ([]store.Seal, error) { return r.Seals(w.tenant, after, limit) })
	}
	equal(w, "all", page(0, 10), want)
	equal(w, "a page", page(5, 1), want[1:2])
	equal(w, "behind the last", page(11, 10), nil)
	equal(w, "the last", read(w, func(r store.Reader) (store.Seal, error) { return r.LastSeal(w.tenant) }), want[2])
}

func sealsOnce(t *testing.T, s store.Store) {
	w, other := newWorld(t, s), newWorld(t, s)
	w.update(func(tx store.Tx) error { return tx.InsertSeal(newSeal(w, 0, 5)) })
	for _, x := range []store.Seal{newSeal(w, 0, 6), newSeal(w, 4, 5)} {
		w.update(func(tx store.Tx) error { return expect(tx.InsertSeal(x), store.ErrExists) })
	}
	w.update(func(tx store.Tx) error { return tx.InsertSeal(newSeal(other, 0, 5)) })
}

func sealedEvents(t *testing.T, s store.Store) {
	w, other := newWorld(t, s), newWorld(t, s)
	full := w.newEvent("full")
	full.Reason, full.Subject, full.SubjectRID, full.Run, full.Before, full.After = "r", "s", 42, "run", []byte(`{"a":1}`), []byte(`{}`)
	all := []store.Event{full, w.newEvent("b"), w.newEvent("c"), w.newEvent("d")}
	w.update(func(tx store.Tx) error { return tx.AppendEvents(all) })
	other.update(func(tx store.Tx) error { return tx.AppendEvents([]store.Event{other.newEvent("foreign")}) })
	w.update(func(tx store.Tx) error { return tx.AppendEvents([]store.Event{w.newEvent("late")}) })
	between := func(after, upTo int64, limit int) []store.Event {
		return read(w, func(r store.Reader) (got []store.Event, err error) {
			err = r.SealedEvents(w.tenant, after, upTo, limit, func(e store.Event) error {
				e.Before, e.After = bytes.Clone(e.Before), bytes.Clone(e.After)
				got = append(got, e)
				return nil
			})
			return got, err
		})
	}
	equal(w, "all", between(0, all[3].Seq, 10), all)
	equal(w, "a part", between(all[0].Seq, all[2].Seq, 10), all[1:3])
	equal(w, "a page", between(0, all[3].Seq, 2), all[:2])
	equal(w, "none", between(all[3].Seq, all[3].Seq, 10), nil)
}

func newestEvent(t *testing.T, s store.Store) {
	w, other := newWorld(t, s), newWorld(t, s)
	last := int64(0)
	for _, x := range []*world{w, other, w} {
		x.update(func(tx store.Tx) error { return tx.AppendEvents([]store.Event{x.newEvent("a"), x.newEvent("b")}) })
		now := read(w, func(r store.Reader) (int64, error) { return r.NewestEvent() })
		all := read(x, func(r store.Reader) (seqs []int64, err error) {
			err = r.Events(x.tenant, 0, 100, func(e store.Event) error { seqs = append(seqs, e.Seq); return nil })
			return seqs, err
		})
		if now <= last || now != all[len(all)-1] {
			t.Errorf("the newest is %d after %d; the tenant has %v", now, last, all)
		}
		last = now
	}
}
