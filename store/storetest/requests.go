package storetest

import (
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/workspace-scim/workspace/store"
)

func requestChecks() []check {
	return []check{
		{"a request is found by its number in its tenant, and comes back as it was written", requestRoundTrip},
		{"of each source the oldest request that waits is next", requestsWaiting},
		{"settled requests are forgotten by their age", requestsForgotten},
	}
}

func (w *world) request(source int64) store.Request {
	w.Helper()
	q := store.Request{
		Tenant: w.tenant, Source: source, Actor: "ws_b1234", Txn: uuid.NewString(), Method: "POST", Endpoint: "/Users", Target: "t", Query: "a=b", IfMatch: `W/"1"`,
		Base: "https://a.example/scim/v2", Body: []byte(`{"userName":"x"}`), AcceptedAt: at(1),
	}
	w.update(func(tx store.Tx) error { return tx.InsertRequest(&q) })
	return q
}

func (w *world) foundRequest(txn string) store.Request {
	w.Helper()
	return read(w, func(r store.Reader) (store.Request, error) { return r.Request(w.tenant, txn) })
}

func (w *world) settled(q store.Request, second int) store.Request {
	w.Helper()
	q.SettledAt, q.Result, q.Body = at(second), []byte(`[{"status":"201"}]`), nil
	w.update(func(tx store.Tx) error {
		if _, err := tx.Request(w.tenant, q.Txn); err != nil {
			return err
		}
		return tx.SettleRequest(q)
	})
	return q
}

func requestRoundTrip(t *testing.T, s store.Store) {
	w, other := newWorld(t, s), newWorld(t, s)
	q := w.request(w.ad)
	equal(w, "as it was inserted", w.foundRequest(q.Txn), q)
	err := s.View(t.Context(), func(r store.Reader) error { _, err := r.Request(other.tenant, q.Txn); return err })
	equal(w, "of another tenant", errors.Is(err, store.ErrNotFound), true)
	again := q
	err = s.Update(t.Context(), func(tx store.Tx) error { return tx.InsertRequest(&again) })
	equal(w, "a taken number", errors.Is(err, store.ErrExists), true)
	equal(w, "settled", w.foundRequest(w.settled(q, 2).Txn).Waits(), false)
	q.SettledAt, q.Result, q.Body = at(2), []byte(`[{"status":"201"}]`), nil
	equal(w, "as it was settled", w.foundRequest(q.Txn), q)
}

func requestsWaiting(t *testing.T, s store.Store) {
	w, other := newWorld(t, s), newWorld(t, s)
	next := func() (out []int64) {
		for _, q := range read(w, store.Reader.WaitingRequests) {
			if q.Tenant == w.tenant || q.Tenant == other.tenant {
				out = append(out, q.ID)
			}
		}
		return out
	}
	count := func(limit int) int {
		return read(w, func(r store.Reader) (int, error) { return r.CountRequests(w.ad, limit) })
	}
	a, b, c, d := w.request(w.ad), w.request(w.ad), w.request(w.hr), other.request(other.ad)
	equal(w, "next", next(), []int64{a.ID, c.ID, d.ID})
	equal(w, "how many wait", []int{count(10), count(1)}, []int{2, 1})
	w.settled(a, 2)
	equal(w, "after the first", next(), []int64{b.ID, c.ID, d.ID})
	equal(w, "how many are left", count(10), 1)
	w.settled(b, 2)
	w.settled(c, 2)
	other.settled(d, 2)
	equal(w, "after all", next(), nil)
}

func requestsForgotten(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	old, young, waiting := w.settled(w.request(w.ad), 2), w.settled(w.request(w.ad), 1000), w.request(w.ad)
	for n := 1; n > 0; {
		w.update(func(tx store.Tx) (err error) {
			n, err = tx.DeleteRequests(at(500), 1)
			return err
		})
	}
	for txn, want := range map[string]bool{old.Txn: false, young.Txn: true, waiting.Txn: true} {
		err := s.View(t.Context(), func(r store.Reader) error { _, err := r.Request(w.tenant, txn); return err })
		equal(w, "is there", err == nil, want)
	}
}
