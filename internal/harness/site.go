package main

import (
	"fmt"
	"net/http"
	"path/filepath"
)

// tenant is the slug of the only tenant.
const tenant = "default"

// site is a server at work: its database, who speaks to it, and what is known
// of what was said.
type site struct {
	t        *trial
	flags    []string
	database string // URL
	file     string // of SQLite
	server   *server
	token    string  // of the source
	client   *client // speaks for the source
	admin    *client // sees the resolved view
	ledger   *ledger
	shared   []*record
	seq      int64 // of the last event that was looked at
}

// open makes a database with a tenant, a source and tokens, and starts a server
// on it.
func (t *trial) open(flags ...string) (*site, error) {
	s, err := t.empty(flags...)
	if err != nil {
		return nil, err
	}
	return s, s.fill()
}

// empty makes a database with nothing in it.
func (t *trial) empty(flags ...string) (*site, error) {
	if t.database == postgres {
		database, err := t.newDatabase()
		return t.on(database, flags...), err
	}
	file := filepath.Join(t.dir, "data", "workspace.db")
	s := t.on("sqlite:"+file, flags...)
	s.file = file
	return s, nil
}

// on is a site on a database.
func (t *trial) on(database string, flags ...string) *site {
	return &site{t: t, flags: append([]string{"--rate", "1000000"}, flags...), ledger: newLedger(), database: database}
}

// fill makes the tenant, the source and the tokens, and starts the server.
func (s *site) fill() error {
	for _, args := range [][]string{{"tenant", "add", tenant}, {"tenant", "enable", tenant}} {
		if _, err := s.command(args...); err != nil {
			return err
		}
	}
	var err error
	if s.token, err = s.command("source", "add", "--tenant", tenant, "--kind", "entra", "--name", "load", "--token"); err != nil {
		return err
	}
	// What the load destroys isn't held: the guards have tests of their own.
	if _, err = s.command("source", "limits", "--tenant", tenant, "--name", "load", "--off"); err != nil {
		return err
	}
	admin, err := s.command("token", "add", "--tenant", tenant, "--admin")
	if err != nil {
		return err
	}
	s.admin = newClient("", admin)
	if err := s.start(); err != nil {
		return err
	}
	return s.share()
}

// command runs a command of the program on the site's database.
func (s *site) command(args ...string) (string, error) { return s.t.command(s.database, args...) }

// start starts the server, for the first time or again.
func (s *site) start() error {
	var err error
	if s.server, err = s.t.start(s.database, s.flags...); err != nil {
		return err
	}
	s.client = newClient(s.server.url, s.token)
	s.admin = newClient(s.server.url, s.admin.token)
	return nil
}

// share makes the groups whose members all writers change.
func (s *site) share() error {
	for i := range sharedCount {
		txn := fmt.Sprintf("shared-%d", i)
		g := s.ledger.add("Groups", txn, -1)
		wr := s.ledger.begin(&write{txn: txn, what: "POST group", changes: []change{becomes(g, 1)}, events: []event{{"group.created", g}}})
		a, err := s.client.send(s.t.ctx, http.MethodPost, "/Groups", g.body(1, nil), "X-Request-Id", txn)
		if err != nil {
			return err
		}
		if a.status != http.StatusCreated {
			return fmt.Errorf("POST /Groups: %d %s", a.status, a.body)
		}
		id, err := a.id()
		if err != nil {
			return err
		}
		s.ledger.acknowledge(wr, id)
		s.shared = append(s.shared, g)
	}
	return nil
}

// close ends the server in order and looks at the file.
func (s *site) close() error {
	if _, err := s.server.stop(); err != nil {
		return fmt.Errorf("after SIGTERM: %w", err)
	}
	if s.file != "" {
		return integrity(s.t.ctx, s.file)
	}
	return nil
}
