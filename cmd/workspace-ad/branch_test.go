//go:build !windows

package main

import (
	"bytes"
	"context"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/connectors/ad/adtest"
	"github.com/workspace-scim/workspace/internal/apptest"
	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// branch is an organizational unit of a domain with a source and an enrolled
// agent of its own.
type branch struct {
	*adtest.Domain
	t      *testing.T
	app    *apptest.App
	source store.Source
	token  string
	ou     string // DN
	agent  []string
}

// newBranch makes a branch. Its name is that of the source, the unit and the
// account that reads; configuration is the source's, with OU for the unit's
// objectGUID.
func newBranch(t *testing.T, app *apptest.App, d *adtest.Domain, name, configuration string) *branch {
	t.Helper()
	b := &branch{Domain: d, t: t, app: app, token: app.AddSource(store.SourceAD, name), ou: d.OU(name, "")}
	service := d.Service("svc-" + name)
	d.Grant(service.DN, adtest.ReplicatingChanges)
	d.Grant(service.DN, adtest.ReadDeletedObjects)
	var err error
	if b.source, err = app.Directory.Source(t.Context(), apptest.Tenant, name); err != nil {
		t.Fatal(err)
	}
	b.configure(configuration)
	file := filepath.Join(t.TempDir(), "identity.json")
	b.run(0, "This is now the agent", "--identity", file, "enrol", enrolmentCode(t, app, name), "--url", app.URL)
	b.agent = []string{"--identity", file, "once", "--server", d.URL(), "--server-name", d.Name(), "--ldap-ca", d.CAFile(),
		"--account", service.Name, "--password-file", service.PasswordFile}
	return b
}

func (b *branch) configure(configuration string) {
	b.t.Helper()
	admin, err := b.app.Directory.Administrator(b.t.Context(), "test", apptest.Tenant)
	if err != nil {
		b.t.Fatal(err)
	}
	change := directory.SourceChange{Configuration: []byte(strings.ReplaceAll(configuration, "OU", b.GUID(b.ou)))}
	if _, err := b.app.Directory.ChangeSource(b.t.Context(), admin, b.source.PublicID, nil, change); err != nil {
		b.t.Fatal(err)
	}
}

func (b *branch) run(status int, says string, args ...string) {
	b.t.Helper()
	var out bytes.Buffer
	if got := run(context.Background(), args, &out, &out); got != status || !strings.Contains(out.String(), says) {
		b.t.Fatalf("%v: %d, want %d and %q:\n%s", args, got, status, says, &out)
	}
}

// pull lets the agent pull once.
func (b *branch) pull() {
	b.t.Helper()
	b.run(0, "succeeded", b.agent...)
}

// list gives what a filter finds for a token.
func (b *branch) list(token, endpoint, filter string) []map[string]any {
	b.t.Helper()
	r := b.app.Do("GET", endpoint+"?count=500&filter="+url.QueryEscape(filter), token, "")
	if r.Status != 200 {
		b.t.Fatalf("%s %s: %d %s", endpoint, filter, r.Status, r.Text)
	}
	var all []map[string]any
	list, _ := r.Body["Resources"].([]any)
	for _, one := range list {
		all = append(all, one.(map[string]any))
	}
	return all
}

// one gives the only one that the source sees by its externalId.
func (b *branch) one(endpoint, dn string) map[string]any {
	b.t.Helper()
	all := b.list(b.token, endpoint, `externalId eq "`+b.GUID(dn)+`"`)
	if len(all) != 1 {
		b.t.Fatalf("%s: %d are found: %v", dn, len(all), all)
	}
	return all[0]
}

// manager gives the id of a user's manager as an administrator sees it; the
// source sees what it said, an anchor.
func (b *branch) manager(dn string) any {
	b.t.Helper()
	id, _ := b.one("/Users", dn)["id"].(string)
	r := b.app.Do("GET", "/Users/"+id, b.app.AdminToken, "")
	extension, _ := r.Body["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"].(map[string]any)
	m, _ := extension["manager"].(map[string]any)
	return m["value"]
}

// members are the ids of a group's members.
func members(group map[string]any) map[any]bool {
	all := map[any]bool{}
	list, _ := group["members"].([]any)
	for _, m := range list {
		all[m.(map[string]any)["value"]] = true
	}
	return all
}
