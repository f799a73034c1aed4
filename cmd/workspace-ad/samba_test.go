//go:build !windows

package main

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/connectors/ad/adtest"
	"github.com/workspace-scim/workspace/internal/apptest"
	"github.com/workspace-scim/workspace/store"
)

// W014, W015, W022, W024, A031, A032: the agent as it is run by hand, between a
// real domain controller and a real server. The missing right is named with the
// command that grants it, before the source is enabled; then people and groups
// arrive, and each kind of change after them; what doesn't change writes nothing.
// W013: nor is anything written to the domain, for which the account has no right.
func TestW014TheAgentBringsADomain(t *testing.T) {
	d := adtest.Start(t, adtest.Settings{})
	apptest.Each(t, func(t *testing.T, database string) {
		d := d.For(t)
		suffix, _, _ := strings.Cut(database, ":") // each database has its own people
		svc := d.Service("svc-" + suffix)
		app := apptest.Start(t, apptest.On(database))
		token := app.AddSource(store.SourceAD, "corp")
		if err := app.Directory.DisableSource(t.Context(), "test", apptest.Tenant, "corp"); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "identity.json")
		do := func(status int, says string, args ...string) {
			t.Helper()
			var out bytes.Buffer
			if got := run(context.Background(), append([]string{"--identity", file}, args...), &out, &out); got != status || !strings.Contains(out.String(), says) {
				t.Fatalf("%v: %d, want %d and %q:\n%s", args, got, status, says, &out)
			}
		}
		config := configFile(t, d, svc)
		domain := func(command string) []string { return []string{command, "--config", config} }
		do(0, "This is now the agent", "enrol", enrolmentCode(t, app, "corp"), "--url", app.URL)

		do(1, "Replicating Directory Changes", domain("check")...)
		for _, right := range []adtest.Right{adtest.ReplicatingChanges, adtest.ReadDeletedObjects} {
			d.Grant(svc.DN, right)
		}
		do(0, "Both ends are ready.", domain("check")...)
		if err := app.Directory.EnableSource(t.Context(), "test", apptest.Tenant, "corp"); err != nil {
			t.Fatal(err)
		}

		ou := d.OU("people-"+suffix, "")
		ada := d.User("ada-"+suffix, ou, adtest.Attrs{"givenName": {"Ada"}, "sn": {"Lovelace " + suffix}})
		bob := d.User("bob-"+suffix, ou, adtest.Attrs{"givenName": {"Bob"}, "sn": {"Babbage " + suffix}})
		crew := d.Group("crew-"+suffix, ou, ada, bob)
		untouched := unwritten(t, d, svc.DN)
		do(0, "Nothing was written; a run would succeed: ", domain("preview")...)
		do(0, "created  User   CN=ada-"+suffix, domain("preview")...)
		do(0, "succeeded: ", domain("once")...)

		find := func(endpoint, filter string) map[string]any {
			t.Helper()
			r := app.Do("GET", endpoint+"?filter="+url.QueryEscape(filter), token, "")
			list, _ := r.Body["Resources"].([]any)
			if r.Status != 200 || len(list) != 1 {
				t.Fatalf("%s %s: %d %s", endpoint, filter, r.Status, r.Text)
			}
			return list[0].(map[string]any)
		}
		user := find("/Users", `name.familyName eq "Lovelace `+suffix+`"`)
		if groups, _ := user["groups"].([]any); len(groups) != 1 || user["active"] != true {
			t.Errorf("ada: %v", user)
		}
		if group := find("/Groups", `displayName eq "crew-`+suffix+`"`); len(group["members"].([]any)) != 2 {
			t.Errorf("crew: %v", group)
		}

		do(0, "0 created, 0 updated, 0 disabled, 0 deleted", domain("once")...) // W015
		if again := find("/Users", `name.familyName eq "Lovelace `+suffix+`"`); !reflect.DeepEqual(again, user) {
			t.Errorf("an idle pull made of %v\n%v", user, again)
		}

		untouched("a full pull and one of no change")

		d.Set(ada, "sn", "King "+suffix)
		d.Set(bob, "userAccountControl", "546")
		d.RemoveMembers(crew, bob)
		untouched = unwritten(t, d, svc.DN)
		do(0, "members -1", domain("preview")...)
		do(0, `name.familyName "Lovelace `+suffix+`" -> "King `+suffix+`"`, domain("preview")...)
		do(0, "deviceObject", domain("preview")...)
		do(0, "succeeded", domain("once")...)
		if now := find("/Users", `name.familyName eq "King `+suffix+`"`); now["id"] != user["id"] {
			t.Errorf("the renamed one is %v", now)
		}
		if now := find("/Users", `name.familyName eq "Babbage `+suffix+`"`); now["active"] != false {
			t.Errorf("the disabled one is %v", now)
		}
		if group := find("/Groups", `displayName eq "crew-`+suffix+`"`); len(group["members"].([]any)) != 1 {
			t.Errorf("crew after one left: %v", group)
		}

		untouched("a preview and a pull of changes")

		d.Delete(bob)
		do(0, "1 deleted", domain("once")...)
		if r := app.Do("GET", "/Users?filter="+url.QueryEscape(`name.familyName eq "Babbage `+suffix+`"`), token, ""); fmt.Sprint(r.Body["totalResults"]) != "0" {
			t.Errorf("the deleted one: %s", r.Text)
		}
	})
}

// configFile is the configuration file of an agent of the domain.
func configFile(t *testing.T, d *adtest.Domain, svc adtest.Service) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "workspace-ad.yaml")
	text := fmt.Sprintf("server: [%q]\nserver-name: %q\nldap-ca: %q\naccount: %q\npassword-file: %q\n", d.URL(), d.Name(), d.CAFile(), svc.Name, svc.PasswordFile)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
