package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/workspace-scim/workspace/store"
)

func uploadChecks() []check {
	return []check{
		{"records wait in the order of acceptance and are settled once", uploadsSettled},
		{"the log is searched and paged", uploadsFound},
		{"a paused job and a disabled source wait", uploadsPaused},
		{"who locks the job of a source works on it alone", uploadsLocked},
		{"old records and runs are forgotten", uploadsForgotten},
		{"the speaker of a source is its tenant and itself", speakerRead},
	}
}

func newUploads(w *world, source int64, run string, n int) []store.UploadRecord {
	var all []store.UploadRecord
	for i := range n {
		all = append(all, store.UploadRecord{
			Tenant: w.tenant, Source: source, Run: run, Position: i, Actor: "ws_b1", Txn: "txn", AcceptedAt: at(i), Data: fmt.Appendf(nil, `{"userName":"é %d"}`, i),
		})
	}
	return all
}

func (w *world) upload(source int64, run string, n int) {
	w.Helper()
	w.update(func(tx store.Tx) error { return tx.InsertUploads(newUploads(w, source, run, n)) })
}

// takeUploads gives the records that a source's worker would get next.
func takeUploads(w *world, source int64, limit int) []store.UploadRecord {
	w.Helper()
	var all []store.UploadRecord
	w.update(func(tx store.Tx) (err error) {
		all, err = tx.NextUploads(source, limit)
		return err
	})
	return all
}

func foundUploads(w *world, q store.UploadQuery) []store.UploadRecord {
	w.Helper()
	if q.Limit == 0 {
		q.Limit = 100
	}
	return read(w, func(r store.Reader) ([]store.UploadRecord, error) { return r.Uploads(q) })
}

func withoutID(all []store.UploadRecord) []store.UploadRecord {
	var out []store.UploadRecord
	for _, u := range all {
		u.ID = 0
		out = append(out, u)
	}
	return out
}

func uploadsSettled(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	run := uuid.NewString()
	w.upload(w.hr, run, 3)
	w.upload(w.ad, run, 1)
	equal(w, "waiting", withoutID(takeUploads(w, w.hr, 9)), newUploads(w, w.hr, run, 3))
	two := takeUploads(w, w.hr, 2)
	equal(w, "limited", withoutID(two), newUploads(w, w.hr, run, 3)[:2])
	count := func(limit int) int {
		return read(w, func(r store.Reader) (int, error) { return r.CountUploads(w.hr, limit) })
	}
	equal(w, "count", []int{count(9), count(2)}, []int{3, 2})

	done := two[0]
	done.SettledAt, done.Data, done.Status, done.Action = at(10), nil, store.UploadSuccess, "create"
	done.ExternalID, done.Display, done.Subject, done.Code, done.Detail = "e1", "Ada é", uuid.NewString(), "c", "d"
	w.update(func(tx store.Tx) error { return tx.SettleUpload(done) })
	equal(w, "settled", foundUploads(w, store.UploadQuery{Source: w.hr}), []store.UploadRecord{done})
	again := done
	again.Status, again.Detail = store.UploadFailure, "again"
	w.update(func(tx store.Tx) error { return tx.SettleUpload(again) })
	equal(w, "settled twice", foundUploads(w, store.UploadQuery{Source: w.hr}), []store.UploadRecord{done})
	equal(w, "left", withoutID(takeUploads(w, w.hr, 9)), newUploads(w, w.hr, run, 3)[1:])
	equal(w, "another source's", len(foundUploads(w, store.UploadQuery{Source: w.ad})), 0)
}

func uploadsFound(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	first, second := uuid.NewString(), uuid.NewString()
	w.upload(w.hr, first, 4)
	w.upload(w.hr, second, 2)
	all := takeUploads(w, w.hr, 9)
	for i := range all {
		u := &all[i]
		u.Data, u.Status, u.Action, u.ExternalID = nil, store.UploadSuccess, "create", fmt.Sprint("e", i%3)
		u.SettledAt = at(i / 2) // two at a time
	}
	all[1].Status, all[5].Status, all[4].Action, all[2].Subject = store.UploadFailure, store.UploadFailure, "disable", "s"
	w.update(func(tx store.Tx) error {
		var errs []error
		for _, u := range all {
			errs = append(errs, tx.SettleUpload(u))
		}
		return errors.Join(errs...)
	})
	for _, c := range []struct {
		q    store.UploadQuery
		want []int
	}{
		{store.UploadQuery{}, []int{5, 4, 3, 2, 1, 0}},
		{store.UploadQuery{Oldest: true}, []int{0, 1, 2, 3, 4, 5}},
		{store.UploadQuery{Run: first}, []int{3, 2, 1, 0}},
		{store.UploadQuery{NotRuns: []string{second, "none", "a\x00"}}, []int{3, 2, 1, 0}},
		{store.UploadQuery{NotRuns: []string{second, first}}, nil},
		{store.UploadQuery{ExternalID: "e1"}, []int{4, 1}},
		{store.UploadQuery{Status: store.UploadFailure}, []int{5, 1}},
		{store.UploadQuery{Action: "disable"}, []int{4}},
		{store.UploadQuery{Subject: "s"}, []int{2}},
		{store.UploadQuery{ID: all[3].ID}, []int{3}},
		{store.UploadQuery{Since: at(1), Until: at(2)}, []int{3, 2}},
		{store.UploadQuery{Run: second, Status: store.UploadFailure}, []int{5}},
		{store.UploadQuery{ExternalID: "a\x00"}, nil},
	} {
		c.q.Source = w.hr
		var want []store.UploadRecord
		for _, i := range c.want {
			want = append(want, all[i])
		}
		equal(w, fmt.Sprintf("%+v", c.q), foundUploads(w, c.q), want)
		c.q.Limit = 1
		var paged []store.UploadRecord
		for page := foundUploads(w, c.q); len(page) > 0; page = foundUploads(w, c.q) {
			paged = append(paged, page...)
			c.q.After, c.q.AfterID = page[0].SettledAt, page[0].ID
		}
		equal(w, fmt.Sprintf("%+v, paged", c.q), paged, want)
	}
}

func uploadsPaused(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	waits := func() bool {
		all := read(w, func(r store.Reader) ([]store.UploadJob, error) { return r.WaitingUploads() })
		for _, j := range all {
			if j.Source == w.hr {
				equal(w, "job", j, store.UploadJob{Tenant: w.tenant, Source: w.hr})
				return true
			}
		}
		return false
	}
	pause := func(paused bool) {
		w.update(func(tx store.Tx) error {
			j, err := tx.LockUploads(w.tenant, w.hr)
			j.Paused = paused
			return errors.Join(err, tx.PutUploadJob(j))
		})
		got := read(w, func(r store.Reader) (store.UploadJob, error) { return r.UploadJob(w.hr) })
		equal(w, "job", got, store.UploadJob{Tenant: w.tenant, Source: w.hr, Paused: paused})
	}
	mode := func(m store.Mode) {
		w.update(func(tx store.Tx) error {
			source, err := tx.Source(w.tenant, "hr")
			source.Mode = m
			return errors.Join(err, tx.UpdateSource(&source))
		})
	}
	equal(w, "none", read(w, func(r store.Reader) (store.UploadJob, error) { return r.UploadJob(w.hr) }), store.UploadJob{Source: w.hr})
	pause(false)
	equal(w, "without records", waits(), false)
	w.upload(w.hr, "r", 1)
	equal(w, "with records", waits(), true)
	pause(true)
	equal(w, "paused", waits(), false)
	w.upload(w.hr, "r", 1) // which doesn't start it
	equal(w, "still paused", waits(), false)
	pause(false)
	mode(store.ModeDisabled)
	equal(w, "disabled", waits(), false)
	mode(store.ModeStaging)
	equal(w, "staging", waits(), true)
}

// uploadsLocked has workers settle one record after the other: each is settled
// by one of them.
func uploadsLocked(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	const records, workers = 20, 4
	w.upload(w.hr, "r", records)
	took := make([]map[int64]bool, workers)
	errs := together(workers, func(worker int) error {
		took[worker] = map[int64]bool{}
		for more := true; more; {
			id := int64(0)
			err := s.Update(t.Context(), func(tx store.Tx) error {
				more = false
				if _, err := tx.LockUploads(w.tenant, w.hr); err != nil {
					return err
				}
				next, err := tx.NextUploads(w.hr, 1)
				if err != nil || len(next) == 0 {
					return err
				}
				more, id = true, next[0].ID
				next[0].Status, next[0].SettledAt, next[0].Action = store.UploadSuccess, at(worker), fmt.Sprint(worker)
				return tx.SettleUpload(next[0])
			})
			if err != nil {
				return err
			}
			if more {
				took[worker][id] = true
			}
		}
		return nil
	})
	w.is(errors.Join(errs...), nil)
	sum := 0
	for worker, mine := range took {
		sum += len(mine)
		equal(w, fmt.Sprint("settled by ", worker), len(foundUploads(w, store.UploadQuery{Source: w.hr, Action: fmt.Sprint(worker)})), len(mine))
	}
	equal(w, "records", sum, records)
}

func uploadsForgotten(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	w.upload(w.hr, "r", 3)
	all := takeUploads(w, w.hr, 2)
	// Long before what other checks settle.
	old := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	newRun := func(kind string, state store.RunState, ended time.Time) store.Run {
		return store.Run{Tenant: w.tenant, Source: w.hr, PublicID: uuid.NewString(), Kind: kind, State: state, StartedAt: old, UpdatedAt: old, EndedAt: ended, Version: 1}
	}
	runs := []store.Run{
		newRun("upload", store.RunSucceeded, old), newRun("upload", store.RunQueued, time.Time{}), newRun("full", store.RunSucceeded, old),
		newRun("upload", store.RunSucceeded, old.Add(2*time.Hour)),
	}
	w.update(func(tx store.Tx) error {
		var errs []error
		for i := range runs {
			errs = append(errs, tx.InsertRun(&runs[i], 0))
		}
		for i, u := range all {
			u.Status, u.SettledAt = store.UploadSuccess, old.Add(time.Duration(i)*2*time.Hour)
			errs = append(errs, tx.SettleUpload(u))
		}
		return errors.Join(errs...)
	})
	var records, ended int
	w.update(func(tx store.Tx) (err error) {
		if records, err = tx.DeleteUploads(old.Add(time.Hour), 10); err != nil {
			return err
		}
		ended, err = tx.DeleteRuns("upload", old.Add(time.Hour), 10)
		return err
	})
	equal(w, "forgotten", []int{records, ended}, []int{1, 1})
	equal(w, "kept", len(foundUploads(w, store.UploadQuery{Source: w.hr})), 1)
	equal(w, "waiting", len(takeUploads(w, w.hr, 9)), 1)
	left := read(w, func(r store.Reader) ([]store.Run, error) { return r.Runs(store.RunQuery{Tenant: w.tenant, Limit: 9}) })
	equal(w, "runs", len(left), 3)
}

func speakerRead(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	got := read(w, func(r store.Reader) (store.Principal, error) { return r.Speaker(w.hr) })
	equal(w, "source", []any{got.Source.ID, got.Source.Name, got.Tenant.ID, got.Token.ID}, []any{w.hr, "hr", w.tenant, int64(0)})
	w.is(s.Update(t.Context(), func(tx store.Tx) error { return tx.Expect(got.Stamp) }), nil)
	_, err := tryRead(w, func(r store.Reader) (store.Principal, error) { return r.Speaker(1 << 40) })
	w.is(err, store.ErrNotFound)
}
