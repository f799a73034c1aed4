package storetest

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/workspace-scim/workspace/store"
)

func requestChecks() []check {
	return []check{
		{"a request is found by its number in its tenant, and comes back as it was written", requestRoundTrip},
		{"of each source the oldest request that waits is next", requestsWaiting},
		{"the requests of a source are carried out one by one, each once and in order", requestsClaimed},
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
	next := func() []string {
		var waiting, claimed []string
		for _, source := range read(w, store.Reader.WaitingRequests) {
			if source == w.ad || source == w.hr || source == other.ad {
				waiting = append(waiting, w.claim(source))
			}
		}
		for _, source := range []int64{w.ad, w.hr, other.ad} {
			if txn := w.claim(source); txn != "" {
				claimed = append(claimed, txn)
			}
		}
		equal(w, "sources", waiting, claimed)
		return claimed
	}
	count := func(limit int) int {
		return read(w, func(r store.Reader) (int, error) { return r.CountRequests(w.ad, limit) })
	}
	a, b, c, d := w.request(w.ad), w.request(w.ad), w.request(w.hr), other.request(other.ad)
	equal(w, "next", next(), []string{a.Txn, c.Txn, d.Txn})
	equal(w, "how many wait", []int{count(10), count(1)}, []int{2, 1})
	w.settled(a, 2)
	equal(w, "after the first", next(), []string{b.Txn, c.Txn, d.Txn})
	equal(w, "how many are left", count(10), 1)
	w.settled(b, 2)
	w.settled(c, 2)
	other.settled(d, 2)
	equal(w, "after all", next(), nil)
}

// claim asks, in a transaction that does nothing else, which request is next.
func (w *world) claim(source int64) (next string) {
	w.Helper()
	w.update(func(tx store.Tx) (err error) {
		next, err = tx.ClaimRequests(source)
		return err
	})
	return next
}

// requestsClaimed has workers carry out the requests of two sources.
func requestsClaimed(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	const requests, workers = 12, 4
	accepted := map[int64][]store.Request{}
	for range requests {
		for _, source := range []int64{w.ad, w.hr} {
			accepted[source] = append(accepted[source], w.request(source))
		}
	}
	var clock atomic.Int64 // counts up with each that is settled
	inside := map[int64]*atomic.Int32{w.ad: {}, w.hr: {}}
	waits := func(source int64) (n int, err error) {
		err = s.Look(t.Context(), func(r store.Reader) (err error) {
			n, err = r.CountRequests(source, 1)
			return err
		})
		return n, err
	}
	var took [workers]int
	errs := together(workers, func(worker int) error {
		source := []int64{w.ad, w.hr}[worker%2]
		for {
			if n, err := waits(source); err != nil || n == 0 {
				return err
			}
			var did bool
			err := s.Update(t.Context(), func(tx store.Tx) error {
				txn, err := tx.ClaimRequests(source)
				if did = txn != ""; !did || err != nil {
					return err
				}
				if inside[source].Add(1) > 1 {
					t.Error("two carry out requests of a source at once")
				}
				defer inside[source].Add(-1)
				q, err := tx.Request(w.tenant, txn)
				q.SettledAt, q.Result = at(int(clock.Add(1))), []byte("[]")
				return errors.Join(err, tx.SettleRequest(q))
			})
			if err != nil {
				return err
			}
			if did {
				took[worker]++
			}
		}
	})
	w.is(errors.Join(errs...), nil)
	equal(w, "carried out", took[0]+took[1]+took[2]+took[3], 2*requests)
	for source, all := range accepted {
		var last time.Time
		for i, q := range all {
			now := w.foundRequest(q.Txn).SettledAt
			if !now.After(last) {
				t.Errorf("request %d of source %d was settled at %v, the one before it at %v", i, source, now, last)
			}
			last = now
		}
	}
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
