package directory_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "github.com/mattn/go-sqlite3"
	"github.com/workspace-scim/workspace/internal/apptest"
	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/store"
	"github.com/workspace-scim/workspace/store/gormstore"
)

// A discrepancy of each kind, planted behind the server's back, is found and
// named, with its values; nothing else is (row H053).
func TestH053VerificationFindsEachPlantedDiscrepancy(t *testing.T) {
	apptest.Each(t, func(t *testing.T, database string) {
		p, end := plantable(t, database)
		users := p.users("", 0, 0, 9)
		// What a source asserts is stored once where it is what is shown; here it
		// isn't, because of the reference.
		p.in("", 0, func(x *directory.Writer) error {
			_, err := x.Modify(p.set.User, users[4], nil, directory.Change{Apply: func(o *document.Object) error {
				o.SetAt(p.set.User.Manager.Value(), "u8")
				return nil
			}})
			return err
		})
		group := p.group("", 0, "g", users[:3]...)
		other := p.users("", 2, 20, 21)[0]
		end()

		rid := func(id string) string { return "(SELECT rid FROM resources WHERE id = '" + id + "')" }
		source := fmt.Sprint(p.actors[0].Source.ID)
		plant(t, database,
			"DELETE FROM links WHERE rid = "+rid(users[0])+" AND source = "+source,
			"UPDATE resources SET state = 4, unique_key = NULL WHERE id = '"+users[3]+"'",
			"UPDATE resources SET doc = replace(doc, '\"title\":\"A\"', '\"title\":\"Z\"') WHERE id = '"+users[4]+"'",
			"UPDATE resources SET class = 'manual' WHERE id = '"+users[5]+"'",
			"UPDATE links SET external_id = 'stolen' WHERE rid = "+rid(users[6])+" AND source = "+source,
			"INSERT INTO members (grp, source, member) VALUES ("+rid(group)+", "+source+", "+rid(other)+")",
			"INSERT INTO members (grp, source, member) VALUES ("+rid(group)+", "+source+", 123456789)",
			"DELETE FROM ix WHERE rid = "+rid(users[7])+" AND key = 'u7@contoso.com'",
			"INSERT INTO ix (tenant, attr, key, rid, view) SELECT tenant, attr, 'nobody', rid, 0 FROM ix WHERE rid = "+rid(users[8])+" AND key = 'u8@contoso.com'",
			"UPDATE counts SET n = n + 5 WHERE scope = "+source+" AND kind = 1",
		)
		p.dir = directory.New(openURL(t, database), directory.Options{Clock: p.clock})

		n, err := p.dir.VerifySource(context.Background(), p.actors[3], p.actors[0].Source.PublicID)
		p.must(err)
		var report []byte
		p.must(p.dir.Plan(t.Context(), p.actors[3], n.PublicID, func(_ store.Run, b []byte) error { report = append(report, b...); return nil }))
		if sum := sha256.Sum256(report); string(n.PlanHash) != string(sum[:]) {
			t.Errorf("the hash %x isn't the report's", n.PlanHash)
		}
		var found []directory.Discrepancy
		for line := range strings.Lines(string(report)) {
			var x directory.Discrepancy
			p.must(json.Unmarshal([]byte(line), &x))
			found = append(found, x)
		}
		expect := func(what string, fits func(directory.Discrepancy) bool) {
			t.Helper()
			i := slices.IndexFunc(found, fits)
			if i < 0 {
				t.Errorf("%s isn't found", what)
				return
			}
			found = slices.Delete(found, i, i+1)
		}
		is := func(kind, subject, attribute, stored, expected string) func(directory.Discrepancy) bool {
			return func(x directory.Discrepancy) bool {
				return x.Kind == kind && x.Subject == subject && x.Attribute == attribute && (stored == "*" || x.Stored == stored && x.Expected == expected) && x.Detail != ""
			}
		}
		expect("a user whom nobody asserts", is("extra", users[0], "", "", ""))
		expect("its membership", is("member", group, "", users[0], ""))
		expect("a user who is asserted and not shown", is("missing", users[3], "", "", ""))
		expect("another title", is("attribute", users[4], "title", `"Z"`, `"A"`))
		expect("another class", is("attribute", users[5], "class", "manual", "onPrem"))
		expect("another externalId", is("attribute", users[6], "externalId", "stolen", "u6"))
		expect("a member whom the source doesn't know", is("member", group, "", other, ""))
		expect("a member who isn't there", is("member", group, "", "", ""))
		expect("a missing index row", is("index", users[7], "userName", "u7@contoso.com", ""))
		expect("an index row too many", is("index", users[8], "userName", "nobody", ""))
		expect("a counter that is wrong", is("count", "", "user", "*", ""))
		// What follows from the planted ones: a deleted user's index rows, and the
		// users that aren't shown or not asserted any more in the counts.
		found = slices.DeleteFunc(found, func(x directory.Discrepancy) bool {
			return x.Kind == "index" && x.Subject == users[3] || x.Kind == "count" && x.Attribute == "user"
		})
		if len(found) > 0 {
			t.Errorf("found besides: %+v", found)
		}
		if n.Counts.Failed < 6 || n.Counts.Skipped["member"] != 3 || n.State != store.RunSucceeded || !strings.HasSuffix(n.Detail, "discrepancies.") {
			t.Errorf("run %+v", n)
		}

		// Another source has none but those that concern all: that nobody asserts
		// one, and the index and counts of the resolved view.
		n, err = p.dir.VerifySource(context.Background(), p.actors[3], p.actors[2].Source.PublicID)
		if err != nil || n.Counts.Failed != 1 || n.Counts.Unchanged != 1 {
			t.Errorf("%v %+v", err, n)
		}
	})
}

// A link whose resource is gone is missing.
func TestVerificationFindsALinkToNothing(t *testing.T) {
	apptest.Each(t, func(t *testing.T, database string) {
		p, end := plantable(t, database)
		users := p.users("", 0, 0, 2)
		end()
		plant(t, database, "DELETE FROM resources WHERE id = '"+users[0]+"'")
		p.dir = directory.New(openURL(t, database), directory.Options{Clock: p.clock})
		found := strings.Join(p.verify(), "")
		for _, want := range []string{`{"kind":"missing","source":"` + p.actors[0].Source.PublicID + `","expected":"u0"`, `{"kind":"count"`, `{"kind":"index"`} {
			if !strings.Contains(found, want) {
				t.Errorf("%s isn't in %s", want, found)
			}
		}
	})
}

// plantable is a world that is left again: end closes its database.
func plantable(t *testing.T, database string) (p *past, end func()) {
	t.Helper()
	s, err := gormstore.Open(t.Context(), gormstore.Config{URL: database})
	if err != nil {
		t.Fatal(err)
	}
	p = newPast(t, s, "t")
	return p, func() { p.must(s.Close()) }
}

func openURL(t *testing.T, database string) store.Store {
	t.Helper()
	s, err := gormstore.Open(t.Context(), gormstore.Config{URL: database})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// plant runs statements on a database that no server has open.
func plant(t *testing.T, database string, statements ...string) {
	t.Helper()
	driver, url := "pgx", database
	if path, ok := strings.CutPrefix(database, "sqlite:"); ok {
		driver, url = "sqlite3", path
	}
	db, err := sql.Open(driver, url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, q := range statements {
		r, err := db.Exec(q)
		if err != nil {
			t.Fatalf("%s: %v", q, err)
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			t.Fatalf("%s: %d rows, %v", q, n, err)
		}
	}
}
