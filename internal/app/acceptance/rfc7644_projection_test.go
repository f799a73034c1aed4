package acceptance_test

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// names gives the attributes of an answer and, of complex ones, their
// sub-attributes: "name.givenName".
func names(v any) string {
	out := map[string]bool{}
	var walk func(prefix string, v any)
	walk = func(prefix string, v any) {
		switch v := v.(type) {
		case object:
			for name, inner := range v {
				walk(prefix+"."+name, inner)
			}
			return
		case list:
			for _, inner := range v {
				walk(prefix, inner)
			}
			return
		}
		out[strings.TrimPrefix(prefix, ".")] = true
	}
	walk("", v)
	return strings.Join(slices.Sorted(maps.Keys(out)), " ")
}

// RFC 7644 §3.9: what each choice of attributes leaves of the user.
var projections = []struct{ parameters, want string }{
	{"attributes=userName", "id schemas userName"},
	{"attributes=USERNAME", "id schemas userName"},
	{"attributes=userName,title", "id schemas title userName"},
	{"attributes=userName&attributes=title", "id schemas title userName"},
	{"attributes=" + url.QueryEscape(" userName , title "), "id schemas title userName"},
	{"attributes=name", "id name.familyName name.givenName schemas"},
	{"attributes=name.givenName", "id name.givenName schemas"},
	{"attributes=name.givenName,name", "id name.familyName name.givenName schemas"},
	{"attributes=emails.value", "emails.value id schemas"},
	{"attributes=emails", "emails.primary emails.type emails.value id schemas"},
	{"attributes=meta.version", "id meta.version schemas"},
	{"attributes=meta", "id meta.created meta.lastModified meta.location meta.resourceType meta.version schemas"},
	{"attributes=id", "id schemas"},
	{"attributes=schemas", "id schemas"},
	{"attributes=groups.display", "groups.display id schemas"},
	{"attributes=password", "id schemas"},
	{"attributes=noSuch", "id schemas"},
	{"attributes=noSuch,userName", "id schemas userName"},
	{"attributes=" + userURN + ":title", "id schemas title"},
	{"attributes=" + enterpriseURN + ":department", "id schemas " + enterpriseURN + ".department"},
	{"attributes=" + enterpriseURN, "id schemas " + enterpriseURN + ".costCenter " + enterpriseURN + ".department"},
	{"attributes=" + originURN + ":class", "id schemas " + originURN + ".class"},
	{"excludedAttributes=" + strings.Join([]string{"meta", "emails", "groups", "name", "title", "active", enterpriseURN, originURN}, ","), "id schemas userName"},
	{
		"excludedAttributes=emails.value,emails.type,name.familyName,meta,groups,active," + originURN + "," + enterpriseURN + ":costCenter",
		"emails.primary id name.givenName schemas title " + enterpriseURN + ".department userName",
	},
	{"excludedAttributes=id,schemas,userName,meta,emails,groups,name,title,active," + enterpriseURN + "," + originURN, "id schemas"},
}

func TestRFC7644Section39Projection(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		body := user("ana@contoso.com", "title", "Smith", "name", object{"givenName": "Ana", "familyName": "Silva"},
			"emails", list{object{"value": "a@contoso.com", "type": "work", "primary": true}},
			enterpriseURN, object{"department": "Forge", "costCenter": "C"})
		id := n.entra.create("/Users", body)
		n.entra.create("/Groups", group("Smiths", "members", refs(id)))
		me := n.me("entra", id)
		for _, p := range projections {
			check := func(v any, asked string) {
				t.Helper()
				if diff := cmp.Diff(sorted(p.want), sorted(names(v))); diff != "" {
					t.Errorf("%s (-want +got)\n%s", asked, diff)
				}
			}
			for _, a := range []*answer{
				n.entra.get("/Users/" + id + "?" + p.parameters),
				n.entra.put("/Users/"+id+"?"+p.parameters, body),
				n.entra.patch("/Users/"+id+"?"+p.parameters, op("replace", "title", "Smith")),
				me.get("/Me?" + p.parameters),
			} {
				check(a.status(200).Body, a.asked)
			}
			for _, a := range []*answer{
				n.entra.get("/Users?" + p.parameters),
				n.entra.get("?filter=userName+pr&" + p.parameters),
				n.entra.post("/Users/.search", searchOf(t, p.parameters)),
				n.entra.post("/.search", with(searchOf(t, p.parameters), "filter", "userName pr")),
			} {
				check(a.total(1).at("Resources/0"), a.asked)
			}
		}
		created := n.entra.post("/Users?attributes=title", user("new@contoso.com", "title", "T")).status(201)
		if got := names(created.Body); got != "id schemas title" {
			t.Errorf("POST: %s", got)
		}
	})
}

func sorted(s string) string {
	parts := strings.Fields(s)
	slices.Sort(parts)
	return strings.Join(parts, " ")
}

// searchOf is a search request with the parameters of a query string.
func searchOf(t *testing.T, query string) object {
	t.Helper()
	v, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	o := object{"schemas": list{searchURN}}
	for name, values := range v {
		o[name] = values
	}
	return o
}

func TestRFC7644Section39ProjectionOfGroups(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		u := n.entra.create("/Users", user("ana@contoso.com", "displayName", "Ana"))
		id := n.entra.create("/Groups", group("Smiths", "members", refs(u)))
		for parameters, want := range map[string]string{
			"attributes=displayName":                                   "displayName id schemas",
			"attributes=members":                                       "id members.$ref members.display members.type members.value schemas",
			"attributes=members.value":                                 "id members.value schemas",
			"attributes=displayName,members.display":                   "displayName id members.display schemas",
			"excludedAttributes=members,meta," + originURN:             "displayName id schemas",
			"excludedAttributes=members.$ref,meta," + originURN:        "displayName id members.display members.type members.value schemas",
			"excludedAttributes=displayName,meta,members," + originURN: "id schemas",
		} {
			for _, v := range []any{
				n.entra.get("/Groups/" + id + "?" + parameters).status(200).Body,
				n.entra.get("/Groups?" + parameters).total(1).at("Resources/0"),
				n.entra.put("/Groups/"+id+"?"+parameters, group("Smiths")).status(200).Body,
			} {
				if got := names(v); got != want {
					text, _ := json.Marshal(v)
					t.Errorf("%s: %s, want %s: %s", parameters, got, want, text)
				}
			}
		}
		// A group's PATCH answers 204, or what is asked for.
		n.entra.patch("/Groups/"+id, op("replace", "displayName", "Smiths")).status(204)
		a := n.entra.patch("/Groups/"+id+"?attributes=displayName", op("replace", "displayName", "Smiths"))
		if got := names(a.status(200).Body); got != "displayName id schemas" {
			t.Errorf("PATCH: %s", got)
		}
	})
}
