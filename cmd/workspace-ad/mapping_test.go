//go:build !windows

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/connectors/ad/adtest"
	"github.com/workspace-scim/workspace/internal/apptest"
)

// E092: rules of a mapping are edited, added and deleted; what that would do is
// shown before it is saved, by a file, and writes nothing; saved, it is so with
// the next pull.
func TestE092AMappingIsTriedAndThenSaved(t *testing.T) {
	d := adtest.Start(t, adtest.Settings{})
	apptest.Each(t, func(t *testing.T, database string) {
		d := d.For(t)
		suffix, _, _ := strings.Cut(database, ":")
		mapping := func(rules ...string) string {
			rules = append([]string{
				`{"target":"userName","kind":"direct","sources":["userPrincipalName"]}`,
				`{"target":"name.givenName","kind":"direct","sources":["givenName"]}`,
				`{"target":"name.familyName","kind":"direct","sources":["sn"]}`,
			}, rules...)
			return `{"scope":{"containers":{"include":["OU"]}},"mapping":{"users":[` + strings.Join(rules, ",") + `]}}`
		}
		const (
			title    = `{"target":"title","kind":"direct","sources":["title"]}`
			edited   = `{"target":"title","kind":"join","sources":["title","department"],"separator":", "}`
			nickName = `{"target":"nickName","kind":"direct","sources":["initials"]}`
			userType = `{"target":"userType","kind":"constant","value":"Employee"}`
		)
		b := newBranch(t, apptest.Start(t, apptest.On(database)), d, "rules-"+suffix, mapping(title, nickName))
		ada := d.User("ada-"+suffix, b.ou, adtest.Attrs{"givenName": {"Ada"}, "sn": {"Lovelace"}, "title": {"Countess"}, "department": {"Engines"}, "initials": {"AL"}})
		b.pull()
		before := b.one("/Users", ada)
		if before["title"] != "Countess" || before["nickName"] != "AL" {
			t.Fatalf("%v", before)
		}

		wanted := mapping(edited, userType)
		file := filepath.Join(t.TempDir(), "wanted.json")
		if err := os.WriteFile(file, []byte(strings.ReplaceAll(wanted, "OU", b.GUID(b.ou))), 0o600); err != nil {
			t.Fatal(err)
		}
		preview := slices.Clone(b.agent)
		preview[slices.Index(preview, "once")] = "preview"
		for _, says := range []string{
			"a run would succeed: 0 created, 1 updated", `title "Countess" -> "Countess, Engines"`, `userType none -> "Employee"`, `nickName "AL" -> none`,
		} {
			b.run(0, says, append(preview, "--configuration", file)...)
		}
		b.run(0, "0 created, 0 updated", preview...) // by what is saved
		b.pull()
		if now := b.one("/Users", ada); now["title"] != before["title"] || now["nickName"] != before["nickName"] || now["userType"] != nil {
			t.Errorf("what was only tried made of %v\n%v", before, now)
		}

		b.configure(wanted)
		b.pull()
		if now := b.one("/Users", ada); now["title"] != "Countess, Engines" || now["nickName"] != nil || now["userType"] != "Employee" || now["id"] != before["id"] {
			t.Errorf("when it is saved: %v", now)
		}
		if err := os.WriteFile(file, []byte(`{"mappings":{}}`), 0o600); err != nil {
			t.Fatal(err)
		}
		b.run(1, "mappings", append(preview, "--configuration", file)...)
	})
}
