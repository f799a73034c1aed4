//go:build !windows

package main

import (
	"maps"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/connectors/ad/adtest"
	"github.com/workspace-scim/workspace/internal/apptest"
)

// Objects with names and values that nobody would expect are brought as they are
// or without the value, each with a problem that docs/ad.md explains, and stop
// nothing else (law 10).
func TestOddObjectsAreBroughtOrSaidToBeOdd(t *testing.T) {
	d := adtest.Start(t, adtest.Settings{})
	apptest.Each(t, func(t *testing.T, database string) {
		d := d.For(t)
		suffix, _, _ := strings.Cut(database, ":")
		rule := func(prefix, name, source string) string {
			return `{"target":"` + prefix + name + `","kind":"direct","sources":["` + source + `"]}`
		}
		b := newBranch(t, apptest.Start(t, apptest.On(database)), d, "odd-"+suffix, `{"scope":{"containers":{"include":["OU"]}},"mapping":{"users":[`+
			`{"target":"userName","kind":"direct","sources":["comment"]},`+rule("", "displayName", "displayName")+`,`+
			rule("name.", "familyName", "sn")+`,`+rule("", "title", "title")+`,`+rule(badgeURN, ":photo", "thumbnailPhoto")+`,`+
			`{"target":"emails","kind":"direct","sources":["mail","proxyAddresses"],"format":"addresses"},`+
			`{"target":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager","kind":"direct","sources":["manager"],"format":"reference"}]}}`)
		// The place in the tree is as odd as the names.
		ou := d.OU(`people, "of" = <Å> + `+suffix, b.ou)
		made := 0
		add := func(cn string, more adtest.Attrs) string {
			made++
			account := "odd" + string(rune('a'+made)) + "-" + suffix
			attrs := adtest.Attrs{"sAMAccountName": {account}, "comment": {account + "@contoso.com"}, "givenName": {"G"}, "sn": {"S"}, "userAccountControl": {"544"}}
			maps.Copy(attrs, more)
			dn := d.User(account, ou, attrs)
			return d.Rename(dn, cn)
		}
		names := []string{`Doe, "Jane"`, `a\b+c=d<e>;#`, " leading and trailing ", "two\nlines", "# Ünïcödé 日本語 🙂", `C:\0A`}
		var people []string
		for _, name := range names {
			people = append(people, add(name, nil))
		}
		for i, dn := range people[1:] {
			d.Set(dn, "manager", people[i])
		}
		crew := d.Rename(d.Group("crew-"+suffix, ou, people...), `crew, "all" = 日本 `+suffix)

		bell := add("bell", adtest.Attrs{"displayName": {"ring\ademand"}})
		binary := add("binary", adtest.Attrs{"thumbnailPhoto": {"\xff\xd8\xff\xe0"}})
		long := add("long", adtest.Attrs{"thumbnailPhoto": {strings.Repeat("x", 5000)}})
		blank := add("blank", adtest.Attrs{"title": {"   "}, "displayName": {"\t"}})
		address := add("address", adtest.Attrs{"mail": {"nobody"}, "proxyAddresses": {"SMTP:one@contoso.com", "SMTP:two@contoso.com"}})
		twins := []string{add("twin1", adtest.Attrs{"comment": {"twin-" + suffix + "@contoso.com"}, "mail": {"same@contoso.com"}}),
			add("twin2", adtest.Attrs{"comment": {"TWIN-" + suffix + "@contoso.com"}, "mail": {"same@contoso.com"}})}
		nobody := add("nobody", adtest.Attrs{"comment": {" "}})

		b.pull()
		for i, dn := range people {
			one := b.one("/Users", dn)
			if i > 0 && b.manager(dn) != b.one("/Users", people[i-1])["id"] {
				t.Errorf("%s: manager %v", dn, b.manager(dn))
			}
			if got := members(b.one("/Groups", crew)); !got[one["id"]] {
				t.Errorf("%s isn't in the crew: %v", dn, got)
			}
		}
		if name := b.one("/Groups", crew)["displayName"]; name != `crew, "all" = 日本 `+suffix {
			t.Errorf("the crew is called %q", name)
		}
		for _, dn := range []string{bell, binary, long, blank, address} {
			one := b.one("/Users", dn)
			if one["title"] != nil || one["displayName"] != nil || one[badgeURN] != nil {
				t.Errorf("%s: %v", dn, one)
			}
		}
		// Which of the two has the name is the order in which they are told.
		holder := 0
		if len(b.list(b.token, "/Users", `externalId eq "`+b.GUID(twins[0])+`"`)) == 0 {
			holder = 1
		}
		want := map[string]string{b.GUID(bell): "valueNotText", b.GUID(binary): "valueNotText", b.GUID(long): "valueTooLong",
			b.GUID(address): "twoPrimaryAddresses", b.GUID(twins[1-holder]): "uniqueness", b.GUID(nobody): "requiredMissing"}
		if got := b.problems(); !maps.Equal(got, want) {
			t.Errorf("problems %v, want %v", got, want)
		}

		// What is mended arrives by itself, and its problem goes.
		d.Delete(twins[holder])
		d.Set(twins[1-holder], "title", "the only one") // so it isn't waited for a minute
		d.Set(bell, "displayName", "bell")
		d.Set(binary, "thumbnailPhoto")
		d.Set(long, "thumbnailPhoto", "short")
		d.Set(address, "proxyAddresses")
		d.Set(address, "mail", "one@contoso.com")
		d.Set(nobody, "comment", "somebody-"+suffix+"@contoso.com")
		b.pull()
		if got := b.problems(); len(got) != 0 {
			t.Errorf("problems of what is mended: %v", got)
		}
		for _, dn := range []string{twins[1-holder], nobody} {
			b.one("/Users", dn)
		}
	})
}
