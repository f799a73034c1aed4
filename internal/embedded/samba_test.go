package embedded_test

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/connectors/ad/adtest"
	"github.com/workspace-scim/workspace/internal/app"
	"github.com/workspace-scim/workspace/internal/apptest"
	"github.com/workspace-scim/workspace/store"
)

// A server with a connector inside brings the people of a real domain, and ends
// in order: its agent is revoked before the database is closed.
func TestServeBringsADomain(t *testing.T) {
	d := adtest.Start(t, adtest.Settings{})
	apptest.Each(t, func(t *testing.T, database string) {
		d := d.For(t)
		suffix, _, _ := strings.Cut(database, ":")
		svc := d.Service("serve-" + suffix)
		for _, right := range []adtest.Right{adtest.ReplicatingChanges, adtest.ReadDeletedObjects} {
			d.Grant(svc.DN, right)
		}
		ou := d.OU("served-"+suffix, "")
		d.User("ada-"+suffix, ou, adtest.Attrs{"givenName": {"Ada"}, "sn": {"Served " + suffix}})

		first := apptest.Start(t, apptest.On(database))
		token := first.AddSource(store.SourceAD, "corp")
		if err := first.Stop(); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "ad.yaml")
		text := fmt.Sprintf("tenant: %s\nsource: corp\nserver: [%q]\nserver-name: %q\nldap-ca: %q\naccount: %q\npassword-file: %q\n",
			apptest.Tenant, d.URL(), d.Name(), d.CAFile(), svc.Name, svc.PasswordFile)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		server := apptest.Start(t, apptest.On(database), apptest.Bare(), apptest.With(func(c *app.Config) { c.AD = []string{file} }))
		await(t, "ada is in Workspace", func() bool {
			r := server.Do("GET", "/Users?filter="+url.QueryEscape(`name.familyName eq "Served `+suffix+`"`), token, "")
			return fmt.Sprint(r.Body["totalResults"]) == "1"
		})
		if err := server.Stop(); err != nil {
			t.Fatal(err)
		}
		if log := server.Log.String(); strings.Contains(log, "agent not revoked") || strings.Contains(log, svc.Password) {
			t.Errorf("the log says %s", log)
		}
		again := apptest.Start(t, apptest.On(database), apptest.Bare())
		if left := agents(t, again); len(left) != 0 {
			t.Errorf("left behind: %+v", left)
		}
	})
}

// A file that makes no sense keeps the server from starting.
func TestAFileThatMakesNoSenseIsRefused(t *testing.T) {
	for text, says := range map[string]string{
		"tenant: a\nsource: b\nidentity: x\n":  `there is no setting "identity"`,
		"tenant: a\n":                          "source",
		"tenant: a\nsource: b\n":               "Servers: 0 are named",
		"tenant: a\nsource: b\ninterval: 1s\n": "shorter than 30s",
	} {
		file := filepath.Join(t.TempDir(), "ad.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := apptest.Run(apptest.On(apptest.SQLite(t)), apptest.With(func(c *app.Config) { c.AD = []string{file} }))
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", text, err, says)
		}
	}
}
