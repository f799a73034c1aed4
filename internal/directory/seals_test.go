package directory_test

import (
	"database/sql"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/internal/apptest"
	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// sealedLog is a sealed log, and a way into its database past the server.
type sealedLog struct {
	*control
	admin directory.Actor
	other int64 // another tenant's id
	head  directory.LogHead
	db    *sql.DB
	names [2][]string // the columns of events and seals
}

const sealsOfTest, eventsOfSeal = 8, 6

func newSealedLog(t *testing.T, database string) *sealedLog {
	t.Helper()
	st := openURL(t, database)
	c := &control{Directory: directory.New(st, directory.Options{Logger: slog.New(slog.DiscardHandler)}), t: t, store: st}
	c.tenant("a")
	c.tenant("b")
	secret, _ := c.token(directory.TokenSpec{Tenant: "a", Admin: true})
	l := &sealedLog{control: c, admin: directory.NewActor(must(c.Authenticate(t.Context(), secret))(t), "txn")}
	for _, x := range must(c.Tenants(t.Context()))(t) {
		if x.Slug == "b" {
			l.other = x.ID
		}
	}
	for part := range sealsOfTest {
		for n := range eventsOfSeal {
			e := store.Event{
				Tenant: l.admin.Tenant.ID, Time: c.Now(), Txn: fmt.Sprint("txn", n), Run: "run", Actor: "ws_b1", Source: int64(n), Type: "user.updated", Outcome: "applied",
				Reason: "reason", Detail: fmt.Sprint("part ", part), Subject: "s", SubjectRID: int64(100 + n), Before: []byte(`{"title":"é"}`), After: fmt.Appendf(nil, `{"title":"%d"}`, n),
			}
			foreign := e
			foreign.Tenant = l.other
			if err := st.Update(t.Context(), func(tx store.Tx) error { return tx.AppendEvents([]store.Event{e, foreign}) }); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.SealLog(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	head := must(c.SealedHead(t.Context(), l.admin))(t)
	l.head = directory.LogHead{Seq: head.Seq, Hash: head.Hash}

	driver, url := "pgx", database
	if path, ok := strings.CutPrefix(database, "sqlite:"); ok {
		driver, url = "sqlite3", path+"?_busy_timeout=10000"
	}
	l.db = must(sql.Open(driver, url))(t)
	t.Cleanup(func() { l.db.Close() })
	for i, table := range []string{"events", "seals"} {
		rows := must(l.db.Query("SELECT * FROM " + table + " LIMIT 0"))(t)
		l.names[i] = must(rows.Columns())(t)
		rows.Close()
		l.do("CREATE TABLE kept_" + table + " AS SELECT * FROM " + table)
	}
	return l
}

func (l *sealedLog) do(statements ...string) {
	l.t.Helper()
	for _, q := range statements {
		if _, err := l.db.Exec(q); err != nil {
			l.t.Fatalf("%s: %v", q, err)
		}
	}
}

func (l *sealedLog) verify(heads ...directory.LogHead) directory.LogReport {
	l.t.Helper()
	return must(l.VerifyLog(l.t.Context(), l.admin, heads, func(int64) {}))(l.t)
}

// restore makes the log what it was.
func (l *sealedLog) restore() {
	l.t.Helper()
	for i, table := range []string{"events", "seals"} {
		names := strings.Join(l.names[i], ", ")
		l.do("DELETE FROM "+table, "INSERT INTO "+table+" ("+names+") SELECT "+names+" FROM kept_"+table)
	}
}

// seqs are numbers of the tenant in a table.
func (l *sealedLog) seqs(table string) []int64 {
	l.t.Helper()
	rows := must(l.db.Query(fmt.Sprintf("SELECT seq FROM %s WHERE tenant = %d AND seq <= %d ORDER BY seq", table, l.admin.Tenant.ID, l.head.Seq)))(l.t)
	defer rows.Close()
	var all []int64
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			l.t.Fatal(err)
		}
		all = append(all, n)
	}
	return all
}

// tamper changes the log at random and says how.
func (l *sealedLog) tamper(random *rand.Rand) string {
	l.t.Helper()
	kind := random.IntN(10)
	table, names := "events", l.names[0]
	if kind >= 7 {
		table, names = "seals", l.names[1]
	}
	seqs := l.seqs(table)
	one := seqs[random.IntN(len(seqs))]
	where := fmt.Sprintf(" WHERE tenant = %d AND seq ", l.admin.Tenant.ID)
	var statements []string
	switch kind {
	case 0, 7: // a value is another
		name := names[random.IntN(len(names))]
		value := name + " || 'x'"
		switch name {
		case "seq":
			value = "-seq"
		case "tenant":
			value = fmt.Sprint(l.other + int64(kind)) // seals are unique within a tenant
		case "time", "source", "subject_rid", "prev", "events", "sealed":
			value = fmt.Sprint(name, " + ", 1+random.IntN(1000))
		case "hash":
			value = "(SELECT hash FROM kept_events_hash)"
			l.do("DROP TABLE IF EXISTS kept_events_hash", "CREATE TABLE kept_events_hash AS SELECT hash FROM kept_seals"+where+fmt.Sprintf("<> %d LIMIT 1", one))
		case "before", "after":
			value = []string{"NULL", `'{"title":"other"}'`, "'{}'"}[random.IntN(3)]
		}
		statements = []string{"UPDATE " + table + " SET " + name + " = " + value + where + fmt.Sprintf("= %d", one)}
	case 1, 8: // some are gone
		gone := []string{}
		for range 1 + random.IntN(3) {
			gone = append(gone, fmt.Sprint(seqs[random.IntN(len(seqs))]))
		}
		statements = []string{"DELETE FROM " + table + where + "IN (" + strings.Join(gone, ", ") + ")"}
	case 2, 9: // the end is gone
		statements = []string{"DELETE FROM " + table + where + fmt.Sprintf(">= %d", one)}
	case 3: // the end is gone, with its seals
		statements = []string{"DELETE FROM events" + where + fmt.Sprintf(">= %d", one), "DELETE FROM seals" + where + fmt.Sprintf(">= %d", one)}
	case 4: // two change places
		two := seqs[(slices.Index(seqs, one)+1+random.IntN(len(seqs)-1))%len(seqs)]
		statements = []string{
			"UPDATE events SET seq = -1" + where + fmt.Sprintf("= %d", one),
			fmt.Sprintf("UPDATE events SET seq = %d", one) + where + fmt.Sprintf("= %d", two),
			fmt.Sprintf("UPDATE events SET seq = %d", two) + where + "= -1",
		}
	case 5: // one more
		names := strings.Join(names, ", ")
		statements = []string{"INSERT INTO events (" + names + ") SELECT " + strings.Replace(names, "seq", "-seq", 1) + " FROM events" + where + fmt.Sprintf("= %d", one)}
	case 6: // a text moves to the next field
		statements = []string{"UPDATE events SET type = type || outcome, outcome = ''" + where + fmt.Sprintf("= %d", one)}
	}
	l.do(statements...)
	return strings.Join(statements, "; ")
}

// TestS14EveryTamperingWithTheLogIsFound edits, deletes, truncates and reorders
// events and seals past the server, a thousand times on both databases together.
func TestS14EveryTamperingWithTheLogIsFound(t *testing.T) {
	t.Parallel()
	tampers := 500
	if underRace {
		tampers = 50
	}
	apptest.Each(t, func(t *testing.T, database string) {
		t.Parallel()
		l := newSealedLog(t, database)
		if r := l.verify(l.head); len(r.Faults) > 0 || r.Seals != sealsOfTest || r.Events < sealsOfTest*eventsOfSeal || r.Unsealed != 0 {
			t.Fatalf("untouched: %+v", r)
		}
		random := rand.New(rand.NewPCG(14, 14))
		for range tampers {
			how := l.tamper(random)
			if r := l.verify(l.head); len(r.Faults) == 0 {
				t.Errorf("not found: %s", how)
			}
			l.restore()
		}
		if r := l.verify(l.head); len(r.Faults) > 0 {
			t.Errorf("restored: %+v", r.Faults)
		}
	})
}

// What is told is where: other parts are still what they were.
func TestATamperedPartOfTheLogIsNamed(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, database string) {
		l := newSealedLog(t, database)
		seqs, seals := l.seqs("events"), l.seqs("seals")
		at := slices.IndexFunc(seals, func(n int64) bool { return n >= seqs[len(seqs)/2] })
		for tampering, told := range map[string]string{
			fmt.Sprintf("UPDATE events SET detail = 'nothing' WHERE seq = %d", seqs[len(seqs)/2]):           "aren't what they were",
			fmt.Sprintf("DELETE FROM events WHERE seq = %d", seqs[len(seqs)/2]):                             "There are 5 events; 6 were sealed",
			fmt.Sprintf("DELETE FROM seals WHERE tenant = %d AND seq = %d", l.admin.Tenant.ID, seals[at-1]): "which isn't there",
		} {
			l.do(tampering)
			r := l.verify()
			if len(r.Faults) != 1 || r.Faults[0].UpTo != seals[at] || !strings.Contains(r.Faults[0].Detail, told) {
				t.Errorf("%s: %+v, want one fault up to %d", tampering, r.Faults, seals[at])
			}
			l.restore()
		}
	})
}

// Who can write to the database can also seal the log anew. A head that was kept
// elsewhere tells.
func TestALogThatWasSealedAnewIsFoundByAHead(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, database string) {
		l := newSealedLog(t, database)
		l.do("UPDATE events SET detail = 'nothing'", "DELETE FROM seals")
		if err := directory.New(l.store, directory.Options{}).SealLog(t.Context()); err != nil {
			t.Fatal(err)
		}
		if r := l.verify(); len(r.Faults) > 0 || r.Seals == 0 {
			t.Errorf("without a head: %+v", r)
		}
		if r := l.verify(l.head); len(r.Faults) != 1 {
			t.Errorf("with the head: %+v", r)
		}
	})
}

// Several servers seal one log, each event once.
func TestServersSealOneLog(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, database string) {
		l := newSealedLog(t, database)
		done := make(chan error)
		for range 3 {
			d := directory.New(l.store, directory.Options{Logger: slog.New(slog.DiscardHandler)})
			go func() {
				var err error
				for n := 0; n < 20 && err == nil; n++ {
					if err = d.SealLog(t.Context()); err == nil {
						err = l.store.Update(t.Context(), func(tx store.Tx) error {
							return tx.AppendEvents([]store.Event{{Tenant: l.admin.Tenant.ID, Time: d.Now(), Type: "user.updated", Outcome: "applied"}})
						})
					}
				}
				done <- err
			}()
		}
		for range 3 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if err := l.SealLog(t.Context()); err != nil {
			t.Fatal(err)
		}
		if r := l.verify(l.head); len(r.Faults) > 0 || r.Unsealed > 0 || r.Events < 60 {
			t.Errorf("%+v", r)
		}
	})
}
