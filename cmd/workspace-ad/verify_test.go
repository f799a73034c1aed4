//go:build !windows

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/connectors/ad/adtest"
	"github.com/workspace-scim/workspace/connectors/runner"
	"github.com/workspace-scim/workspace/internal/apptest"
)

// H053: after the first pull the directory and Workspace agree (H052); a
// discrepancy of each kind, planted on either side, is found in the report that
// the server keeps, and nothing else is; a full pull sets them right.
func TestH053ADomainIsVerified(t *testing.T) {
	d := adtest.Start(t, adtest.Settings{})
	apptest.Each(t, func(t *testing.T, database string) {
		d := d.For(t)
		suffix, _, _ := strings.Cut(database, ":")
		b := newBranch(t, apptest.Start(t, apptest.On(database)), d, "verified-"+suffix, `{"scope":{"containers":{"include":["OU"]}}}`)
		people := map[string]string{}
		for _, name := range []string{"ada", "bob", "eve", "leo"} {
			people[name] = d.User(name+"-"+suffix, b.ou, adtest.Attrs{"givenName": {name}, "sn": {"Sn"}, "title": {"Countess"}})
		}
		crew := d.Group("crew-"+suffix, b.ou, people["ada"], people["bob"])
		verify := func(report string) []string {
			args := slices.Clone(b.agent)
			args[slices.Index(args, "once")] = "verify"
			return append(args, "--report", report)
		}
		file := func(name string) string { return filepath.Join(t.TempDir(), name) }
		service := "CN=svc-verified-" + suffix + ",CN=Users," + d.Base()
		b.pull()
		untouched := unwritten(t, d, service)
		b.run(0, "agree=5 differ=0", verify(file("first"))...)

		patch := func(path string, op ...string) {
			t.Helper()
			body := `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + strings.Join(op, ",") + `]}`
			if r := b.app.Do("PATCH", path, b.token, body); r.Status/100 != 2 {
				t.Fatalf("%s: %d %s", path, r.Status, r.Text)
			}
		}
		id := func(endpoint, dn string) string { return b.one(endpoint, dn)["id"].(string) }
		patch("/Users/"+id("/Users", people["ada"]), `{"op":"replace","path":"title","value":"Planted"}`)
		patch("/Groups/"+id("/Groups", crew), `{"op":"remove","path":"members[value eq \"`+id("/Users", people["bob"])+`\"]"}`)
		if r := b.app.Do("DELETE", "/Users/"+id("/Users", people["eve"]), b.token, ""); r.Status != 204 {
			t.Fatalf("%d %s", r.Status, r.Text)
		}
		untouched("a pull and a verification")
		ghost := b.GUID(people["leo"])
		d.Delete(people["leo"])
		untouched = unwritten(t, d, service)

		report := file("second")
		b.run(1, "1 attribute, 1 extra, 1 member, 1 missing", verify(report)...)
		text, err := os.ReadFile(report)
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]runner.Discrepancy{}
		for line := range strings.Lines(string(text)) {
			var x runner.Discrepancy
			if err := json.Unmarshal([]byte(line), &x); err != nil {
				t.Fatal(err)
			}
			found[x.Kind] = x
		}
		for kind, anchor := range map[string]string{
			runner.Attribute: b.GUID(people["ada"]), runner.Extra: ghost, runner.Member: b.GUID(crew), runner.Missing: b.GUID(people["eve"]),
		} {
			if found[kind].Anchor != anchor {
				t.Errorf("%s: %+v, want %s", kind, found[kind], anchor)
			}
		}
		want := []runner.Difference{{Path: "title", Workspace: "Planted", Source: "Countess"}}
		if got := found[runner.Attribute].Attributes; !slices.Equal(got, want) || found[runner.Member].MissingMembers != 1 {
			t.Errorf("%+v", found)
		}
		b.run(1, "exists", verify(report)...) // nothing is written over

		resync := slices.Clone(b.agent)
		resync[slices.Index(resync, "once")] = "resync"
		b.run(0, "succeeded", resync...)
		b.run(0, "agree=4 differ=0", verify(file("third"))...)
		untouched("verifications and a resync")
	})
}
