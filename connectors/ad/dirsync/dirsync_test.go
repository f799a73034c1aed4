package dirsync_test

import (
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/connectors/ad/adtest"
	"github.com/workspace-scim/workspace/connectors/ad/dirsync"
)

// config reads a domain as a service account with both rights.
func config(d *adtest.Domain) dirsync.Config {
	s := d.Service("svc")
	d.Grant(s.DN, adtest.ReplicatingChanges)
	d.Grant(s.DN, adtest.ReadDeletedObjects)
	return configOf(d, s)
}

func configOf(d *adtest.Domain, s adtest.Service) dirsync.Config {
	return dirsync.Config{
		Servers: []string{d.URL()}, CAFile: d.CAFile(), ServerName: d.Name(), Account: s.Name, PasswordFile: s.PasswordFile,
		Attributes: []string{"mail", "displayName", "givenName", "sn", "userPrincipalName", "proxyAddresses", "accountExpires"},
	}
}

// reader reads one domain again and again.
type reader struct {
	t          *testing.T
	session    *dirsync.Session
	checkpoint []byte
}

func open(t *testing.T, c dirsync.Config) *reader {
	t.Helper()
	s, err := dirsync.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return &reader{t: t, session: s}
}

// read is what came of one read.
type read struct {
	full       dirsync.Reason
	deletions  bool
	absence    bool
	objects    []*dirsync.Object
	checkpoint []byte // the last
	err        error
}

// poll reads from the last checkpoint to the end.
func (r *reader) poll() read {
	r.t.Helper()
	got := pollSession(r.t, r.session, r.checkpoint)
	if got.err != nil {
		r.t.Fatal(got.err)
	}
	r.checkpoint = got.checkpoint
	return got
}

func pollSession(t *testing.T, s *dirsync.Session, after []byte) (got read) {
	t.Helper()
	changes, err := s.Changes(t.Context(), after)
	if err != nil {
		return read{err: err}
	}
	defer changes.Close()
	got.full, got.deletions, got.absence = changes.Full, changes.Deletions, changes.Absence
	for {
		change, err := changes.Next()
		switch {
		case errors.Is(err, io.EOF):
			return got
		case err != nil:
			got.err = err
			return got
		case change.Unreadable != nil:
			t.Errorf("unreadable: %v", change.Unreadable)
		case change.Object != nil && strings.HasPrefix(change.Object.DN, "CN=svc,"):
			// Its own logon changes it, which isn't replicated and has a number.
		case change.Object != nil:
			got.objects = append(got.objects, change.Object)
		default:
			got.checkpoint = change.Checkpoint
		}
	}
}

// tracked runs a test with each way of tracking changes that can go on from any
// checkpoint of its own.
func tracked(t *testing.T, test func(t *testing.T, mode dirsync.Mode)) {
	for _, mode := range []dirsync.Mode{dirsync.ModeDirSync, dirsync.ModeUSNChanged} {
		t.Run(string(mode), func(t *testing.T) { test(t, mode) })
	}
}

// configIn is config in a mode.
func configIn(d *adtest.Domain, mode dirsync.Mode) dirsync.Config {
	c := config(d)
	c.Mode = mode
	return c
}

// byName gives the object whose DN begins with that name.
func (g read) byName(t *testing.T, name string) *dirsync.Object {
	t.Helper()
	for _, o := range g.objects {
		if _, rest, _ := strings.Cut(o.DN, "="); strings.HasPrefix(rest, name) {
			return o
		}
	}
	var dns []string
	for _, o := range g.objects {
		dns = append(dns, o.DN)
	}
	t.Fatalf("no object %s among %q", name, dns)
	return nil
}

// only gives the object that must be the only one.
func (g read) only(t *testing.T, name string) *dirsync.Object {
	t.Helper()
	if len(g.objects) != 1 {
		var dns []string
		for _, o := range g.objects {
			dns = append(dns, o.DN)
		}
		t.Errorf("told: %q, want only %s", dns, name)
	}
	return g.byName(t, name)
}

// links are an object's changes of links as +attribute=name and
// -attribute=name.
func links(o *dirsync.Object) []string {
	var all []string
	for _, l := range o.Links {
		sign := "-"
		if l.Added {
			sign = "+"
		}
		_, rest, _ := strings.Cut(l.To.DN, "=")
		name, _, _ := strings.Cut(rest, ",")
		all = append(all, sign+l.Attribute+"="+name)
	}
	return all
}

// ridText is the last part of a SID as primaryGroupID holds it.
func ridText(s dirsync.SID) string { return strconv.FormatUint(uint64(s.RID()), 10) }
