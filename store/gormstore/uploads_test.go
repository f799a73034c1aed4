package gormstore

import (
	"context"
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/store"
)

// What a worker and the log ask for must not read more when more waits, or when
// the log is longer.
func TestUploadsAreReadByIndexes(t *testing.T) {
	const settled, waiting, runs = 4000, 20_000, 100
	at := func(n int) time.Time { return time.Unix(1_000_000_000+int64(n), 0) }
	engines(t, func(t *testing.T, s *Store) {
		w := newWorld(t, s)
		err := s.Update(context.Background(), func(tx store.Tx) error {
			var all []store.UploadRecord
			for i := range settled + waiting {
				all = append(all, store.UploadRecord{Tenant: w.tenant, Source: w.source, Run: fmt.Sprint("run", i%runs), Position: i, AcceptedAt: at(0), Data: []byte("{}")})
			}
			if err := tx.InsertUploads(all); err != nil {
				return err
			}
			next, err := tx.NextUploads(w.source, settled)
			if err != nil {
				return err
			}
			for i, u := range next {
				u.Status, u.SettledAt, u.ExternalID = store.UploadSuccess, at(i), fmt.Sprint("e", i)
				if i%1000 == 0 {
					u.Status = store.UploadFailure
				}
				if err := tx.SettleUpload(u); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := s.engine.(*postgresEngine); ok {
			if _, err := e.db.Exec("ANALYZE uploads, upload_jobs"); err != nil {
				t.Fatal(err)
			}
		}
		log := func(q store.UploadQuery) func(store.Reader) error {
			q.Source, q.Limit = w.source, 100
			return func(r store.Reader) error {
				all, err := r.Uploads(q)
				if err == nil && len(all) == 0 {
					err = fmt.Errorf("nothing was found")
				}
				return err
			}
		}
		for name, c := range map[string]struct {
			read  func(store.Reader) error
			index string
		}{
			"the next batch": {func(r store.Reader) error {
				_, err := (&tx{*r.(*reader)}).NextUploads(w.source, 50)
				return err
			}, "uploads_waiting"},
			"sources with work": {func(r store.Reader) error { _, err := r.WaitingUploads(); return err }, "uploads_waiting"},
			"the log":           {log(store.UploadQuery{}), "uploads_log"},
			"a page of the log": {log(store.UploadQuery{After: at(2000), AfterID: 5}), "uploads_log"},
			"lately":            {log(store.UploadQuery{Since: at(settled - 10)}), "uploads_log"},
			"failures":          {log(store.UploadQuery{Status: store.UploadFailure}), "uploads_failed"},
			"a run":             {log(store.UploadQuery{Run: "run7"}), "uploads_run"},
			"a record":          {log(store.UploadQuery{ExternalID: "e77"}), "uploads_external"},
		} {
			for _, plan := range plansOf(w, c.read) {
				if scanned := regexp.MustCompile(`SCAN u\b|SCAN uploads|Seq Scan on uploads`); scanned.MatchString(plan) || !regexp.MustCompile(c.index).MatchString(plan) {
					t.Errorf("%s isn't read by %s:\n%s", name, c.index, plan)
				}
			}
		}
	})
}
