package storetest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// What documents don't hold: columns, members, groups, origin.
func rowFilterChecks() []check {
	return []check{
		{"id compares exactly", filterID},
		{"meta is that of the view", filterMeta},
		{"schemas are those that the document uses", filterSchemas},
		{"members are those of the view", filterMembers},
		{"groups are those of the view, direct and indirect", filterMemberships},
		{"origin is derived from links", filterOrigin},
		{"a sub-attribute that nobody can filter by is ErrUnfilterable", filterUnfilterable},
	}
}

func filterID(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	anna, bertha := w.user(w.ad, "anna", `{"title":"Boss"}`), w.user(w.ad, "bertha", "")
	w.link(w.hr, anna, nil)
	for _, source := range []int64{0, w.ad} {
		w.findsAll(w.users(source), []filterCase{
			{fmt.Sprintf(`id eq %q`, anna.ID), []string{"anna"}},
			{fmt.Sprintf(`id eq %q or id eq %q`, anna.ID, bertha.ID), []string{"anna", "bertha"}},
			{fmt.Sprintf(`id eq %q and title eq "boss"`, anna.ID), []string{"anna"}},
			{fmt.Sprintf(`id eq %q and title eq "clerk"`, anna.ID), nil},
			{fmt.Sprintf(`id ne %q`, anna.ID), []string{"bertha"}},
			{fmt.Sprintf(`not (id eq %q)`, bertha.ID), []string{"anna"}},
			{fmt.Sprintf(`id sw %q`, anna.ID[:13]), []string{"anna"}},
			{`id pr`, []string{"anna", "bertha"}},
			{`id eq "%"`, nil},
			{`id eq ""`, nil},
		})
	}
	w.findsAll(w.users(w.hr), []filterCase{
		{fmt.Sprintf(`id eq %q`, anna.ID), []string{"anna"}},
		{fmt.Sprintf(`id eq %q`, bertha.ID), nil},
		{fmt.Sprintf(`id ne %q`, bertha.ID), []string{"anna"}},
	})
	w.findsAll(w.groupsQuery(0), []filterCase{{fmt.Sprintf(`id eq %q`, anna.ID), nil}})
}

func filterMeta(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	anna := w.newUser(w.ad, "anna", `{"title":"Boss"}`)
	anna.CreatedAt, anna.ModifiedAt = at(10), at(20)
	bertha := w.newUser(w.ad, "bertha", "")
	bertha.CreatedAt, bertha.ModifiedAt = at(30), at(40)
	w.put(&anna, &bertha)
	for _, r := range []store.Resource{anna, bertha} {
		w.link(w.hr, r, func(l *store.Link) { l.CreatedAt, l.ModifiedAt = r.CreatedAt.Add(600e9), r.ModifiedAt.Add(600e9) })
	}
	instant := func(minute int) string { return at(minute).Format(`"2006-01-02T15:04:05.000000Z"`) }
	w.findsAll(w.users(0), []filterCase{
		{`meta.created ge ` + instant(30), []string{"bertha"}},
		{`meta.created gt ` + instant(30), nil},
		{`meta.created eq ` + instant(10), []string{"anna"}},
		{`meta.created ne ` + instant(10), []string{"bertha"}},
		{`meta.lastModified lt ` + instant(40), []string{"anna"}},
		{`meta.lastModified gt ` + instant(19) + ` and title eq "boss"`, []string{"anna"}},
		{`meta.lastModified le ` + instant(20) + ` or title eq "boss"`, []string{"anna"}},
		{`meta.resourceType eq "User"`, []string{"anna", "bertha"}},
		{`meta.resourceType eq "Group"`, nil},
		{`meta.lastModified pr`, []string{"anna", "bertha"}},
		{`meta.created eq null`, nil},
		{`meta pr`, []string{"anna", "bertha"}},
	})
	w.findsAll(w.users(w.hr), []filterCase{
		{`meta.created ge ` + instant(40), []string{"bertha"}},
		{`meta.created lt ` + instant(40), []string{"anna"}},
		{`meta.lastModified eq ` + instant(30), []string{"anna"}},
		{`meta.lastModified gt ` + instant(30), []string{"bertha"}},
	})
}

func filterSchemas(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	w.user(w.ad, "anna", fmt.Sprintf(`{%q:{"department":"Sales"}}`, schema.EnterpriseUserURN))
	w.user(w.ad, "bertha", "")
	w.findsAll(w.users(0), []filterCase{
		{fmt.Sprintf(`schemas eq %q`, schema.UserURN), []string{"anna", "bertha"}},
		{fmt.Sprintf(`schemas eq %q`, schema.EnterpriseUserURN), []string{"anna"}},
		{fmt.Sprintf(`schemas ne %q`, schema.EnterpriseUserURN), []string{"bertha"}},
		{fmt.Sprintf(`schemas eq %q`, schema.GroupURN), nil},
		{`schemas pr`, []string{"anna", "bertha"}},
	})
}

func filterMembers(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	anna, bertha := w.user(w.ad, "anna", ""), w.user(w.ad, "bertha", "")
	inner, outer := w.group(w.ad, "Inner", ""), w.group(w.ad, "Outer", "")
	w.group(w.ad, "Empty", "")
	for _, r := range []store.Resource{anna, bertha, inner, outer} {
		w.link(w.hr, r, nil)
	}
	w.update(func(tx store.Tx) error {
		return errors.Join(
			assert(tx, w, inner, w.ad, anna), assert(tx, w, outer, w.ad, inner, anna),
			// What another source asserts shows in its own view only.
			assert(tx, w, inner, w.hr, bertha),
		)
	})
	has := func(r store.Resource) string { return fmt.Sprintf(`members.value eq %q`, r.ID) }
	w.findsAll(w.groupsQuery(0), []filterCase{
		{has(anna), []string{"Inner", "Outer"}},
		{has(inner), []string{"Outer"}},
		{has(bertha), nil},
		{fmt.Sprintf(`members eq %q`, anna.ID), []string{"Inner", "Outer"}},
		{fmt.Sprintf(`members[value eq %q]`, inner.ID), []string{"Outer"}},
		{has(anna) + ` and displayName eq "inner"`, []string{"Inner"}},
		{has(anna) + ` and ` + has(inner), []string{"Outer"}},
		{`not (` + has(anna) + `)`, []string{"Empty"}},
		{fmt.Sprintf(`members.value ne %q`, inner.ID), []string{"Inner", "Empty"}},
		{fmt.Sprintf(`id eq %q and members eq %q`, inner.ID, anna.ID), []string{"Inner"}},
		{fmt.Sprintf(`id eq %q and members eq %q`, inner.ID, bertha.ID), nil},
		{`members pr`, []string{"Inner", "Outer"}},
		{`members eq null`, []string{"Empty"}},
		{`members.type eq "Group"`, []string{"Outer"}},
		{fmt.Sprintf(`members[type eq "User" and value eq %q]`, inner.ID), nil},
		{`members.display eq "ANNA"`, []string{"Inner", "Outer"}},
	})
	w.findsAll(w.groupsQuery(w.hr), []filterCase{
		{has(anna), nil},
		{has(bertha), []string{"Inner"}},
		{`members pr`, []string{"Inner"}},
	})
}

func filterMemberships(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	anna, bertha := w.user(w.ad, "anna", ""), w.user(w.ad, "bertha", "")
	w.user(w.ad, "carl", "")
	inner, outer := w.group(w.ad, "Inner", ""), w.group(w.ad, "Outer", "")
	w.update(func(tx store.Tx) error {
		return errors.Join(assert(tx, w, inner, w.ad, anna), assert(tx, w, outer, w.ad, inner, bertha))
	})
	for _, source := range []int64{0, w.ad} {
		w.findsAll(w.users(source), []filterCase{
			{fmt.Sprintf(`groups.value eq %q`, inner.ID), []string{"anna"}},
			{fmt.Sprintf(`groups eq %q`, outer.ID), []string{"anna", "bertha"}},
			{fmt.Sprintf(`groups[value eq %q and type eq "direct"]`, outer.ID), []string{"bertha"}},
			{`groups.type eq "indirect"`, []string{"anna"}},
			{`groups.display eq "inner"`, []string{"anna"}},
			{`groups pr`, []string{"anna", "bertha"}},
			{`not (groups pr)`, []string{"carl"}},
			{fmt.Sprintf(`groups.value ne %q`, inner.ID), []string{"bertha", "carl"}},
		})
	}
}

func filterOrigin(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	anna, bertha := w.newUser(w.ad, "anna", ""), w.newUser(w.hr, "bertha", "")
	anna.Class, bertha.Class = "hybrid", "cloudOnly"
	w.put(&anna, &bertha)
	w.link(w.hr, anna, nil)
	w.link(w.manual, bertha, func(l *store.Link) { l.State = store.LinkEnded })
	ad, hr := sourceOf(w, w.tenant, "ad"), sourceOf(w, w.tenant, "hr")
	for _, source := range []int64{0, w.hr} {
		w.findsAll(w.users(source), []filterCase{
			{schema.OriginURN + `:class eq "hybrid"`, []string{"anna"}},
			{schema.OriginURN + `:class ne "hybrid"`, []string{"bertha"}},
			{fmt.Sprintf(`%s:authority.value eq %q`, schema.OriginURN, hr.PublicID), []string{"bertha"}},
			{schema.OriginURN + `:authority.kind eq "ad"`, []string{"anna"}},
			{schema.OriginURN + `:authority.display eq "AD"`, []string{"anna"}},
			{fmt.Sprintf(`%s:presence.value eq %q`, schema.OriginURN, ad.PublicID), []string{"anna"}},
			{fmt.Sprintf(`%s:presence[value eq %q and kind eq "api"]`, schema.OriginURN, hr.PublicID), []string{"anna", "bertha"}},
			{schema.OriginURN + `:presence.kind eq "workspace"`, nil},
			{schema.OriginURN + `:presence.kind ne "ad"`, []string{"bertha"}},
		})
	}
}

func filterUnfilterable(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	w.user(w.ad, "anna", "")
	for f, q := range map[string]store.Query{
		`groups.$ref eq "https://x.example/Groups/1"`:                           w.users(0),
		`userName eq "nobody" and groups[$ref co "x"]`:                          w.users(0),
		`title eq "x" or not (groups.$ref sw "x")`:                              w.users(w.ad),
		`members.$ref sw "https"`:                                               w.groupsQuery(0),
		`displayName eq "x" or members[value eq "x" and not ($ref co "Users")]`: w.groupsQuery(w.ad),
	} {
		_, err := tryRead(w, func(r store.Reader) (listed, error) { return listIn(r, w.where(q, f)) })
		if !errors.Is(err, store.ErrUnfilterable) {
			t.Errorf("%s: %v, want %v", f, err, store.ErrUnfilterable)
		}
	}
}
