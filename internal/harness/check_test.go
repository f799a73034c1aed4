package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestCheckFindsDamage damages what a load has left, and the check must say so:
// otherwise its silence means nothing.
func TestCheckFindsDamage(t *testing.T) {
	t.Parallel()
	written := loaded(t, newTrial(t, sqlite, 1))
	// A user and a group that exist.
	const user = `(SELECT max(rid) FROM resources WHERE kind = 1 AND state = 1)`
	const member = `(SELECT min(member) FROM members)`
	for name, damage := range map[string]struct{ sql, want string }{
		"nothing":                  {"SELECT 1", ""},
		"a user is gone":           {"UPDATE resources SET state = 4, unique_key = NULL WHERE rid = " + user + "; UPDATE links SET state = 3 WHERE rid = " + user + "; UPDATE counts SET n = n - 1 WHERE kind = 1", "must be one of"},
		"a user is old":            {"UPDATE resources SET doc = replace(doc, ' state ', ' state 99') WHERE rid = " + user, "must be one of"},
		"a user is torn":           {"UPDATE resources SET doc = replace(doc, 'title ', 'titel ') WHERE rid = " + user, "is torn"},
		"a user can't be found":    {"DELETE FROM ix WHERE attr = 1 AND rid = " + user, "the look-up"},
		"a membership is gone":     {"DELETE FROM members WHERE member = " + member, "must be one of"},
		"a membership is invented": {"INSERT OR IGNORE INTO members SELECT g.rid, l.source, u.rid FROM resources g, resources u JOIN links l ON l.rid = u.rid WHERE g.kind = 2 AND g.state = 1 AND u.kind = 1 AND u.state = 1", "nobody made it"},
		"an event is gone":         {"DELETE FROM events WHERE seq = (SELECT max(seq) FROM events WHERE type = 'user.updated')", "-1 events"},
		"an event is doubled":      {"INSERT INTO events (seq, tenant, time, txn, actor, source, type, outcome, reason, detail, subject, subject_rid, before, after) SELECT seq + 1000000, tenant, time, txn, actor, source, type, outcome, reason, detail, subject, subject_rid, before, after FROM events WHERE type = 'user.updated'", "+1 events"},
		"the total is wrong":       {"UPDATE counts SET n = n + 1 WHERE kind = 1", "is listed twice"},
	} {
		t.Run(name, func(t *testing.T) {
			said := examine(t, written, damage.sql)
			if damage.want == "" && said != "" || !strings.Contains(said, damage.want) {
				t.Errorf("got %q, want %q", said, damage.want)
			}
		})
	}
}

// loaded gives a database that a load has been on, and what the ledger says.
func loaded(t *testing.T, tr *trial) *site {
	if err := os.MkdirAll(filepath.Join(tr.dir, "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	defer cleanUp(tr)
	s, err := tr.open()
	if err != nil {
		t.Fatal(err)
	}
	load := s.startLoad("load")
	if err := tr.until(20*time.Second, "some writes", func() bool { return load.acknowledged() > 150 }); err != nil {
		t.Error(err)
	}
	load.end()
	if _, err := s.server.stop(); err != nil {
		t.Fatal(err)
	}
	return s
}

func cleanUp(tr *trial) {
	for _, clean := range slices.Backward(tr.cleanups) {
		_ = clean() // a server that has ended
	}
}

// examine damages a copy of the database and gives what the check says of it.
func examine(t *testing.T, written *site, sql string) string {
	tr := newTrial(t, sqlite, 1)
	if err := os.MkdirAll(tr.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	defer cleanUp(tr)
	s := *written
	s.t, s.file = tr, filepath.Join(tr.dir, "copy.db")
	s.database = "sqlite:" + s.file
	if err := copyFile(written.file, s.file); err != nil {
		t.Fatal(err)
	}
	db, err := openFile(s.file, "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(sql); err != nil {
		t.Fatal(err)
	}
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.judge(); err != nil {
		return err.Error()
	}
	return strings.Join(tr.found(), "\n")
}
