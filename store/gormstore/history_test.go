package gormstore

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/store"
)

// What is asked of the log is found by an index: no query reads more of it when
// it is longer. PostgreSQL may sort what it found, which is EventScan at most.
func TestTheLogIsSearchedByIndexes(t *testing.T) {
	engines(t, func(t *testing.T, s *Store) {
		w := newWorld(t, s)
		w.load(3)
		r := w.record("u1@contoso.example")
		const many = 20_000
		w.update(func(tx store.Tx) error {
			events := make([]store.Event, many)
			for i := range events {
				events[i] = store.Event{Tenant: w.tenant, Time: time.Unix(int64(i), 0), Type: "user.updated", Subject: fmt.Sprint("s", i%100), Run: fmt.Sprint("r", i%100)}
				if i%1000 == 0 {
					events[i].Subject, events[i].SubjectRID = r.ID, r.RID
				}
			}
			return tx.AppendEvents(events)
		})
		if e, ok := s.engine.(*postgresEngine); ok {
			if _, err := e.db.Exec("ANALYZE events"); err != nil {
				t.Fatal(err)
			}
		}
		for index, q := range map[string]store.EventQuery{
			"events_resource": {Subject: r.ID, Outcome: "refused"},
			"events_other":    {Subject: "s7", Outcome: "refused"},
			"events_run":      {Run: "r7", Outcome: "refused"},
			"events_":         {Since: time.Unix(many/2, 0), Until: time.Unix(many/2+9, 0), Outcome: "refused"}, // of the tenant, or of the numbers
		} {
			for _, q.Oldest = range []bool{true, false} {
				q.Tenant, q.Limit = w.tenant, 10
				plans := plansOf(w, func(r store.Reader) error {
					_, err := r.FindEvents(q, func(store.Event) error { return nil })
					return err
				})
				last := plans[len(plans)-1]
				if !strings.Contains(last, index) || strings.Contains(last, "TEMP B-TREE") || strings.Contains(last, "Seq Scan") {
					t.Errorf("%s isn't used:\n%s", index, last)
				}
			}
		}
	})
}
