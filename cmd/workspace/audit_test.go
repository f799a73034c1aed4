package main

import (
	"database/sql"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/internal/apptest"
)

// TestS14TheServerSealsItsLog: what a server logs is sealed, and what is changed
// past it is found by the command.
func TestS14TheServerSealsItsLog(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, database string) {
		t.Parallel()
		run := func(args ...string) (out string, err error) {
			b, err := exec.Command("workspace", append(args, "--database", database)...).CombinedOutput()
			return strings.TrimSpace(string(b)), err
		}
		for _, args := range [][]string{{"tenant", "add", "contoso"}, {"source", "add", "--tenant", "contoso", "--name", "corp", "--kind", "ad"}} {
			if out, err := run(args...); err != nil {
				t.Fatalf("%v: %v %s", args, err, out)
			}
		}
		s := serve(t, database)
		var head string
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
			var err error
			if head, err = run("audit", "head", "--tenant", "contoso"); err == nil {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("nothing is sealed: %s", head)
			}
		}
		s.end(syscall.SIGTERM)
		if out, err := run("audit", "verify", "--tenant", "contoso", "--head", head); err != nil || !strings.Contains(out, "under 1 seals") {
			t.Fatalf("%v: %s", err, out)
		}

		driver, url := "pgx", database
		if path, ok := strings.CutPrefix(database, "sqlite:"); ok {
			driver, url = "sqlite3", path
		}
		db, err := sql.Open(driver, url)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.Exec("UPDATE events SET actor = 'somebody else'"); err != nil {
			t.Fatal(err)
		}
		if out, err := run("audit", "verify", "--tenant", "contoso"); err == nil || !strings.Contains(out, "aren't what they were") {
			t.Errorf("%v: %s", err, out)
		}
		if _, err := db.Exec("DELETE FROM seals"); err != nil {
			t.Fatal(err)
		}
		if out, err := run("audit", "verify", "--tenant", "contoso", "--head", head); err == nil || !strings.Contains(out, "no seal with the number") {
			t.Errorf("%v: %s", err, out)
		}
	})
}
