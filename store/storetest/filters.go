package storetest

import (
	"fmt"
	"slices"
	"testing"

	ast "github.com/scim2/filter-parser/v2"
	"github.com/workspace-scim/workspace/scim/filter"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

func operatorChecks() []check {
	return []check{
		{"every operator on every type of attribute", filterOperators},
		{"and, or and not nest", filterLogic},
		{"a value path asks one element for everything", filterElements},
		{"absent values fulfil ne, not and null only", filterAbsent},
		{"custom attributes of every type", filterCustom},
		{"groups are filtered by what groups have", filterGroups},
		{"a filter of 200 terms, 32 deep, is answered", filterLarge},
	}
}

// filterCase is a filter with the displays of those it finds.
type filterCase struct {
	filter string
	want   []string
}

func (w *world) findsAll(q store.Query, cases []filterCase) {
	w.Helper()
	for _, c := range cases {
		w.finds(c.filter, w.where(q, c.filter), c.want...)
	}
}

func crew(w *world) {
	w.Helper()
	w.user(w.ad, "anna", fmt.Sprintf(`{"externalId":"E-1","displayName":"Anna Ångström","name":{"familyName":"Ångström","givenName":"Anna"},
		"title":"Boss","active":true,"profileUrl":"https://x.example/Anna",
		"emails":[{"value":"anna@work.example","type":"work","primary":true},{"value":"anna@home.example","type":"home"}],
		"x509Certificates":[{"value":"AAEC"}],
		%q:{"employeeNumber":"007","department":"Sales","manager":{"value":"Boss-1"}},
		%q:{"originAnchor":"AAEC","employeeHireDate":"2026-03-01T09:00:00Z","extensionAttribute1":"Blue"}}`, schema.EnterpriseUserURN, schema.WorkspaceUserURN))
	w.user(w.ad, "bertha", fmt.Sprintf(`{"externalId":"e-1","displayName":"Bertha","name":{"familyName":"Curie"},"title":"clerk","active":false,
		"emails":[{"value":"bertha@home.example","type":"home","primary":true},{"value":"info@work.example","type":"work"}],
		%q:{"department":"sales","manager":{"value":"boss-1"}},
		%q:{"originAnchor":"aaec","employeeHireDate":"2026-03-01T10:00:00+01:00","extensionAttribute1":"blue sky"}}`, schema.EnterpriseUserURN, schema.WorkspaceUserURN))
	w.user(w.ad, "carl", fmt.Sprintf(`{"title":"Bookkeeper","emails":[{"type":"work"}],
		%q:{"employeeHireDate":"2026-02-28T23:59:59.999Z"}}`, schema.WorkspaceUserURN))
	w.user(w.ad, "dora", "")
}

func filterOperators(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	crew(w)
	const hired = "urn:ietf:params:scim:schemas:extension:workspace:2.0:User:employeeHireDate"
	const blue = "urn:ietf:params:scim:schemas:extension:workspace:2.0:User:extensionAttribute1"
	const department = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"
	w.findsAll(w.users(0), []filterCase{
		// An indexed string without case.
		{`userName eq "ANNA"`, []string{"anna"}},
		{`userName ne "ANNA"`, []string{"bertha", "carl", "dora"}},
		{`userName co "AR"`, []string{"carl"}},
		{`userName sw "B"`, []string{"bertha"}},
		{`userName ew "A"`, []string{"anna", "bertha", "dora"}},
		{`userName gt "bertha"`, []string{"carl", "dora"}},
		{`userName ge "BERTHA"`, []string{"bertha", "carl", "dora"}},
		{`userName lt "bertha"`, []string{"anna"}},
		{`userName le "bertha"`, []string{"anna", "bertha"}},
		{`name.familyName eq "ångström"`, []string{"anna"}},
		{blue + ` sw "BLUE"`, []string{"anna", "bertha"}},
		// With case.
		{`externalId eq "E-1"`, []string{"anna"}},
		{`externalId sw "e"`, []string{"bertha"}},
		{`urn:ietf:params:scim:schemas:extension:workspace:2.0:User:originAnchor eq "AAEC"`, []string{"anna"}},
		// Without an index.
		{`title eq "boss"`, []string{"anna"}},
		{`title sw "BO"`, []string{"anna", "carl"}},
		{`title co "k"`, []string{"bertha", "carl"}},
		{`title ew "keeper"`, []string{"carl"}},
		{`title ge "boss"`, []string{"anna", "bertha"}},
		{department + ` eq "SALES"`, []string{"anna", "bertha"}},
		{`name.givenName pr`, []string{"anna"}},
		// Booleans, references, binaries.
		{`active eq true`, []string{"anna"}},
		{`active eq false`, []string{"bertha"}},
		{`active ne true`, []string{"bertha", "carl", "dora"}},
		{`active pr`, []string{"anna", "bertha"}},
		{`profileUrl eq "https://x.example/Anna"`, []string{"anna"}},
		{`profileUrl eq "https://x.example/anna"`, []string{}},
		{`x509Certificates.value eq "AAEC"`, []string{"anna"}},
		{`x509Certificates.value eq "aaec"`, []string{}},
		// Dates are compared by their instant.
		{hired + ` eq "2026-03-01T10:00:00+01:00"`, []string{"anna", "bertha"}},
		{hired + ` eq "2026-03-01T09:00:00.000Z"`, []string{"anna", "bertha"}},
		{hired + ` lt "2026-03-01T00:00:00Z"`, []string{"carl"}},
		{hired + ` ge "2026-02-28T23:59:59.999Z"`, []string{"anna", "bertha", "carl"}},
		{hired + ` gt "2026-02-28T23:59:59.999Z"`, []string{"anna", "bertha"}},
		{hired + ` ne "2026-03-01T09:00:00Z"`, []string{"carl", "dora"}},
		// Several values: one that fits is enough, but for ne.
		{`emails eq "anna@home.example"`, []string{"anna"}},
		{`emails.value ew "@HOME.example"`, []string{"anna", "bertha"}},
		{`emails.value co "work"`, []string{"anna", "bertha"}},
		{`emails.value ne "anna@home.example"`, []string{"bertha", "carl", "dora"}},
		{`emails.type eq "work"`, []string{"anna", "bertha", "carl"}},
		// Presence, of complex attributes and extensions too.
		{`emails pr`, []string{"anna", "bertha", "carl"}},
		{`emails.value pr`, []string{"anna", "bertha"}},
		{`name pr`, []string{"anna", "bertha"}},
		{`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User pr`, []string{"anna", "bertha"}},
		{`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager pr`, []string{"anna", "bertha"}},
	})
}

func filterLogic(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	crew(w)
	w.findsAll(w.users(0), []filterCase{
		{`userName eq "anna" and title eq "boss"`, []string{"anna"}},
		{`userName eq "anna" and title eq "clerk"`, []string{}},
		{`userName eq "anna" or userName eq "dora"`, []string{"anna", "dora"}},
		{`userName eq "anna" or title eq "clerk"`, []string{"anna", "bertha"}},
		{`userName eq "anna" or title eq "boss"`, []string{"anna"}},
		{`not (userName eq "anna")`, []string{"bertha", "carl", "dora"}},
		{`not (title eq "boss")`, []string{"bertha", "carl", "dora"}},
		{`not (userName eq "anna" and title eq "boss")`, []string{"bertha", "carl", "dora"}},
		{`not (userName eq "anna" or title eq "clerk")`, []string{"carl", "dora"}},
		{`not (not (userName eq "anna"))`, []string{"anna"}},
		{`(userName eq "anna" or userName eq "bertha") and (title eq "clerk" or title eq "bookkeeper")`, []string{"bertha"}},
		{`userName eq "dora" or userName eq "anna" and title eq "clerk"`, []string{"dora"}},
		{`userName pr and not (emails.value pr) and not (title pr)`, []string{"dora"}},
		{`(userName sw "a" or (title eq "clerk" and not (active eq true))) and (emails.value co "home" or userName eq "x")`, []string{"anna", "bertha"}},
		{`emails.value eq "anna@work.example" and emails.value eq "anna@home.example"`, []string{"anna"}},
		{`emails.value eq "anna@work.example" and not (emails.value eq "anna@home.example")`, []string{}},
		{`userName eq "anna" and userName eq "bertha"`, []string{}},
	})
}

func filterElements(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	crew(w)
	w.findsAll(w.users(0), []filterCase{
		{`emails[type eq "work" and value eq "anna@work.example"]`, []string{"anna"}},
		{`emails[type eq "work" and value eq "anna@home.example"]`, []string{}},
		{`emails[value eq "ANNA@WORK.example"]`, []string{"anna"}},
		{`emails[type eq "home" and primary eq true]`, []string{"bertha"}},
		{`emails[type eq "work" and not (value pr)]`, []string{"carl"}},
		{`emails[value ne "anna@work.example"]`, []string{"anna", "bertha", "carl"}},
		{`emails[primary ne true]`, []string{"anna", "bertha", "carl"}},
		{`emails[primary eq null and value pr]`, []string{"anna", "bertha"}},
		{`emails[type eq "work" or primary eq true]`, []string{"anna", "bertha", "carl"}},
		{`emails[not (type eq "home")]`, []string{"anna", "bertha", "carl"}},
		{`not (emails[type eq "home"])`, []string{"carl", "dora"}},
		{`emails[type eq "home"] and emails[type eq "work"]`, []string{"anna", "bertha"}},
		{`emails[type eq "work"] and title eq "bookkeeper"`, []string{"carl"}},
		{`emails[(type eq "work" or type eq "home") and (value sw "info" or value ew "nobody")]`, []string{"bertha"}},
		{`emails[value co "work" and value co "info"]`, []string{"bertha"}},
	})
}

func filterAbsent(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	w.user(w.ad, "bare", "")
	const extension = "urn:ietf:params:scim:schemas:extension:workspace:2.0:User:"
	for _, c := range []struct{ attr, operand string }{
		{"displayName", `"x"`}, {"externalId", `"x"`}, {"title", `"x"`}, {"active", "true"}, {"active", "false"},
		{"emails.value", `"x"`}, {"emails.type", `"x"`}, {"name.familyName", `"x"`}, {"profileUrl", `"x"`},
		{extension + "employeeHireDate", `"2026-01-01T00:00:00Z"`}, {extension + "extensionAttribute3", `"x"`},
	} {
		operators := []string{"eq", "co", "sw", "ew", "gt", "ge", "lt", "le"}
		switch {
		case c.attr == "active":
			operators = []string{"eq"}
		case c.attr == extension+"employeeHireDate":
			operators = []string{"eq", "gt", "ge", "lt", "le"}
		}
		for _, op := range operators {
			f := fmt.Sprintf("%s %s %s", c.attr, op, c.operand)
			w.findsAll(w.users(0), []filterCase{{f, nil}, {"not (" + f + ")", []string{"bare"}}})
		}
		w.findsAll(w.users(0), []filterCase{
			{c.attr + " ne " + c.operand, []string{"bare"}},
			{"not (" + c.attr + " ne " + c.operand + ")", nil},
			{c.attr + " pr", nil},
			{c.attr + " eq null", []string{"bare"}},
			{c.attr + " ne null", nil},
			{"not (" + c.attr + " ne null)", []string{"bare"}},
		})
	}
	w.findsAll(w.users(0), []filterCase{
		{`userName eq null`, nil}, {`userName ne null`, []string{"bare"}},
		{`emails eq null`, []string{"bare"}}, {`name ne null`, nil},
		{`emails[type pr]`, nil}, {`emails[not (type pr)]`, nil}, {`emails[type ne "work"]`, nil}, {`not (emails[type pr])`, []string{"bare"}},
	})
}

// A custom attribute has an index number, whatever its type; only strings have
// index rows that compare as their type does.
func filterCustom(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	var declared []schema.Custom
	for i, typ := range []schema.Type{schema.String, schema.Boolean, schema.Decimal, schema.Integer, schema.DateTime} {
		declared = append(declared, declare(w, schema.Custom{URN: customURN, Name: []string{"text", "flag", "rate", "count", "since"}[i], Type: typ}))
	}
	set, err := schema.New(declared)
	w.is(err, nil)
	w.set = set
	w.user(w.ad, "anna", fmt.Sprintf(`{%q:{"text":"Blue","flag":true,"rate":1.50,"count":9,"since":"2026-03-01T10:00:00+01:00"}}`, customURN))
	w.user(w.ad, "bertha", fmt.Sprintf(`{%q:{"text":"blue sky","flag":false,"rate":15e-1,"count":10,"since":"2026-03-01T09:30:00Z"}}`, customURN))
	w.user(w.ad, "carl", fmt.Sprintf(`{%q:{"rate":-2,"count":100}}`, customURN))
	w.user(w.ad, "dora", "")
	var cases []filterCase
	for _, c := range []filterCase{
		{`text eq "BLUE"`, []string{"anna"}},
		{`text sw "blue"`, []string{"anna", "bertha"}},
		{`text ne "blue"`, []string{"bertha", "carl", "dora"}},
		{`flag eq true`, []string{"anna"}},
		{`flag ne true`, []string{"bertha", "carl", "dora"}},
		{`flag pr`, []string{"anna", "bertha"}},
		{`rate eq 1.5`, []string{"anna", "bertha"}},
		{`rate lt 1.5`, []string{"carl"}},
		{`rate pr`, []string{"anna", "bertha", "carl"}},
		{`rate ne 1.5`, []string{"carl", "dora"}},
		{`count gt 9`, []string{"bertha", "carl"}},
		{`count le 10`, []string{"anna", "bertha"}},
		{`count eq null`, []string{"dora"}},
		{`since eq "2026-03-01T09:00:00Z"`, []string{"anna"}},
		{`since gt "2026-03-01T09:00:00Z"`, []string{"bertha"}},
		{`since ge "2026-03-01T09:00:00Z"`, []string{"anna", "bertha"}},
		{`since ne "2026-03-01T09:00:00Z"`, []string{"bertha", "carl", "dora"}},
	} {
		cases = append(cases, filterCase{customURN + ":" + c.filter, c.want})
	}
	w.findsAll(w.users(0), cases)
	w.findsAll(w.users(w.ad), cases)
}

func filterGroups(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	w.group(w.ad, "Sales", fmt.Sprintf(`{"externalId":"G-1",%q:{"groupType":"security","originAnchor":"AAEC"}}`, schema.WorkspaceGroupURN))
	w.group(w.ad, "Sales", `{"externalId":"G-2"}`)
	w.group(w.ad, "Support", "")
	w.user(w.ad, "sales", `{"displayName":"Sales","externalId":"G-1"}`)
	w.findsAll(w.groupsQuery(0), []filterCase{
		{`displayName eq "SALES"`, []string{"Sales", "Sales"}},
		{`displayName sw "s" and externalId eq "G-2"`, []string{"Sales"}},
		{`externalId eq "g-1"`, nil},
		{schema.WorkspaceGroupURN + `:originAnchor eq "AAEC"`, []string{"Sales"}},
		{schema.WorkspaceGroupURN + `:groupType ne "security"`, []string{"Sales", "Support"}},
		{`not (externalId pr)`, []string{"Support"}},
	})
}

// 200 terms and 32 levels are the most that the server takes of a client.
func filterLarge(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	crew(w)
	name := w.attr("userName")
	for _, attr := range []string{"userName", "title"} {
		a := w.attr(attr)
		var terms []filter.Expr
		for i := range 199 {
			terms = append(terms, &filter.Compare{Attr: a, Op: ast.EQ, Text: fmt.Sprint("x", i)})
		}
		q := w.users(0)
		q.Filter = &filter.Or{Terms: append(slices.Clone(terms), &filter.Compare{Attr: name, Op: ast.EQ, Text: "carl"})}
		w.finds("200 alternatives of "+attr, q, "carl")
		none := &filter.Not{Term: &filter.Or{Terms: terms}}
		q.Filter = &filter.And{Terms: []filter.Expr{none, &filter.Compare{Attr: name, Op: ast.SW, Text: "d"}}}
		w.finds("none of 199 alternatives of "+attr, q, "dora")
	}
	// An odd number of times "not this and not carl" is "absent, or carl".
	var deep filter.Expr = &filter.Compare{Attr: w.attr("title"), Op: ast.PR}
	for range 15 {
		deep = &filter.Not{Term: &filter.And{Terms: []filter.Expr{deep, &filter.Compare{Attr: name, Op: ast.NE, Text: "carl"}}}}
	}
	q := w.users(0)
	q.Filter = deep
	w.finds("30 levels", q, "carl", "dora")
}
