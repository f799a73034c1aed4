package acceptance_test

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/workspace-scim/workspace/internal/apptest"
)

// After a restored backup events get numbers that lost ones had. The receiver hasn't
// got them: their tokens have other ids, which acknowledgements of the lost ones
// don't name. What was there before the backup keeps its id.
func TestAfterARestoredBackupNothingIsTakenForWhatIsLost(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, database string) {
		one := &house{apptest.Start(t, apptest.On(database), apptest.Bare())}
		n := one.tenant(t)
		r := n.admin.stream(one, object{})
		known := n.entra.create("/Users", user("ana@contoso.com"))
		stop(t, one)
		backup := copyOf(t, database)

		two := &house{apptest.Start(t, apptest.On(database), apptest.Bare())}
		r = r.at(one, two)
		(&client{t, two.SCIM, n.entra.token}).create("/Users", user("lost@contoso.com"))
		lost := r.waiting(2, object{})
		stop(t, two)

		three := &house{apptest.Start(t, apptest.On(backup), apptest.Bare())}
		r = r.at(two, three)
		fresh := (&client{t, three.SCIM, n.entra.token}).create("/Users", user("bob@contoso.com"))
		sameNumber(t, backup, lost[1])
		sets := r.waiting(2, object{"ack": []string{lost[1].ID}})
		if len(sets) != 2 || sets[0].ID != lost[0].ID || sets[0].Subject.URI != "/Users/"+known || sets[1].Subject.URI != "/Users/"+fresh || sets[1].ID == lost[1].ID {
			t.Fatalf("lost are %v, now there are %v", ids(lost), ids(sets))
		}
		if numberOf(t, sets[1]) != numberOf(t, lost[1]) {
			t.Errorf("%s and %s have different numbers, so this test shows nothing", sets[1].ID, lost[1].ID)
		}
		if state := r.get(r.url).status(200); state.at("position") == state.at("last") {
			t.Errorf("an acknowledgement of what is lost counted: %s", state.Text)
		}
		r.poll(object{"maxEvents": 0, "setErrs": object{lost[1].ID: object{"err": "invalid_request", "description": "lost"}}})
		if state := r.get(r.url).status(200); state.at("refused") != 0.0 {
			t.Errorf("an error with what is lost counted: %s", state.Text)
		}
		r.poll(object{"maxEvents": 0, "ack": ids(sets)})
		r.nothing()
	})
}

func stop(t *testing.T, h *house) {
	t.Helper()
	if err := h.Stop(); err != nil {
		t.Fatal(err)
	}
}

// at is the receiver at another server.
func (r *receiver) at(old, new *house) *receiver {
	moved := func(url any) string { return strings.Replace(url.(string), old.URL, new.URL, 1) }
	there := &receiver{&client{r.t, new.SCIM, r.token}, moved(r.url), with(object{}, inPairs(r.conf)...)}
	there.conf["keysUrl"] = moved(r.conf["keysUrl"])
	return there
}

// numberOf is the number of the event that a token is about.
func numberOf(t *testing.T, s set) int64 {
	t.Helper()
	n, err := strconv.ParseInt(strings.Split(s.ID, ".")[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// copyOf copies a database that no server uses.
func copyOf(t *testing.T, database string) string {
	t.Helper()
	if path, ok := strings.CutPrefix(database, "sqlite:"); ok {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "copy.db")
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return "sqlite:" + file
	}
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimPrefix(u.Path, "/")
	do(t, apptest.PostgresServer(t), "CREATE DATABASE "+name+"_copy TEMPLATE "+name)
	t.Cleanup(func() { do(t, apptest.PostgresServer(t), "DROP DATABASE "+name+"_copy WITH (FORCE)") })
	u.Path += "_copy"
	return u.String()
}

// sameNumber gives the last event of a PostgreSQL database the number that a lost
// one had. There numbers follow those of the transactions, which in a copy beside
// the original go on, and on a server that was restored begin again. On SQLite it
// has that number.
func sameNumber(t *testing.T, database string, lost set) {
	t.Helper()
	if !strings.HasPrefix(database, "sqlite:") {
		do(t, database, "UPDATE events SET seq = "+strconv.FormatInt(numberOf(t, lost), 10)+" WHERE seq = (SELECT max(seq) FROM events)")
	}
}

func do(t *testing.T, database, statement string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context()) // a test that ends drops its copy
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}
