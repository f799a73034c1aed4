package gormstore

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/workspace-scim/workspace/store"
)

// TestHealthOfSourcesReadsNoHistory: it finds the last success behind thousands of
// failed runs, and counts what is held, by an index.
func TestHealthOfSourcesReadsNoHistory(t *testing.T) {
	engines(t, func(t *testing.T, s *Store) {
		w := newWorld(t, s)
		const many = 3000
		success := time.Unix(1_700_000_000, 0).UTC()
		w.update(func(tx store.Tx) error {
			l, err := tx.LockLease(w.source, "default")
			if err != nil {
				return err
			}
			l.RenewedAt = success
			errs := []error{tx.PutLease(l)}
			for i := range many {
				n := store.Run{Tenant: w.tenant, Source: w.source, PublicID: uuid.NewString(), Partition: "default", State: store.RunFailed, EndedAt: success.Add(time.Hour)}
				if i == 0 {
					n.State, n.EndedAt = store.RunSucceeded, success
				}
				errs = append(errs, tx.InsertRun(&n, 2*many), tx.PutProblem(store.Problem{Tenant: w.tenant, Source: w.source, Anchor: fmt.Sprint(i), Code: "x"}))
			}
			return errors.Join(errs...)
		})
		if e, ok := s.engine.(*postgresEngine); ok {
			if _, err := e.db.Exec("ANALYZE runs"); err != nil {
				t.Fatal(err)
			}
		}
		var found []store.SourceHealth
		plans := plansOf(w, func(r store.Reader) (err error) {
			found, err = r.SourceHealth(success, 1000)
			return err
		})
		mine := 0
		for _, h := range found {
			if h.SucceededAt.Equal(success) && h.Problems == many {
				mine++
			}
		}
		if mine != 1 {
			t.Errorf("health %+v", found)
		}
		reads := regexp.MustCompile(`SCAN [rpal]\b|Seq Scan on runs`)
		for _, plan := range plans {
			if reads.MatchString(plan) || strings.Count(plan, "runs_state") < 3 {
				t.Errorf("it reads more where there is more:\n%s", plan)
			}
		}
	})
}
