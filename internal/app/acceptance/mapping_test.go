package acceptance_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// mapped is an HR tool that knows nothing of SCIM: its source has rules.
type mapped struct {
	*uploader
	path string // of the rules
}

func (n *tenant) mapped(name string, rules object) *mapped {
	n.t.Helper()
	m := &mapped{uploader: n.uploader(name, store.Policies{})}
	m.path = "/sources/" + n.api("GET", "/sources?limit=500", nil).status(200).idOf(name) + "/mapping"
	n.api("PUT", m.path, rules).status(200)
	return m
}

// idOf finds the id of the source of a name in a list.
func (a *answer) idOf(name string) string {
	a.t.Helper()
	for _, x := range a.at("items").(list) {
		if x.(object)["name"] == name {
			return x.(object)["id"].(string)
		}
	}
	a.t.Fatalf("there is no %s", name)
	return ""
}

func direct(target, source string, more ...any) object {
	return with(object{"target": target, "kind": "direct", "source": source}, more...)
}

func expression(target, text string, more ...any) object {
	return with(object{"target": target, "kind": "expression", "expression": text}, more...)
}

// staffRules bring who has a number and a login; more are further flows.
func staffRules(more ...any) object {
	return object{"match": list{"externalId"}, "flows": append(list{direct("externalId", "No"), direct("userName", "Login")}, more...)}
}

func staffRecord(no string, more ...any) object {
	return with(object{"No": no, "Login": no + "@contoso.com"}, more...)
}

func clause(attribute, operator, value string) object {
	c := object{"operator": operator}
	if attribute != "" {
		c["attribute"] = attribute
	}
	if value != "" {
		c["value"] = value
	}
	return c
}

// Row E007: each operator, AND within a group and OR between them, and how many
// are in scope before the rules are saved.
func TestE007ScopeSaysWhoIsBrought(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		m := n.mapped("hr", staffRules())
		m.upload(
			staffRecord("1", "Dept", "IT Oslo", "Level", 7, "Since", "2026-01-31", "Flags", 514),
			staffRecord("2", "Dept", "IT", "Level", "12", "Since", "2025-06-01T08:00:00Z", "Flags", 512, "Mail", ""),
			staffRecord("3", "Dept", "HR", "Level", 9, "Mail", "c@contoso.com"))
		group := n.admin.create("/Groups", object{"schemas": list{groupURN}, "displayName": "Board", "members": list{object{"value": m.named("3").text("id")}}})
		for _, c := range []struct {
			scope list
			want  string
		}{
			{list{list{clause("Dept", "eq", "IT")}}, "2"},
			{list{list{clause("Dept", "ne", "IT")}}, "1 3"},
			{list{list{clause("Dept", "co", "T O")}}, "1"},
			{list{list{clause("Dept", "sw", "IT")}}, "1 2"},
			{list{list{clause("Dept", "ew", "R")}}, "3"},
			{list{list{clause("Level", "gt", "9")}}, "2"},
			{list{list{clause("Level", "ge", "9")}}, "2 3"},
			{list{list{clause("Since", "lt", "2026-01-01")}}, "2"},
			{list{list{clause("Since", "le", "2026-01-31")}}, "1 2"},
			{list{list{clause("Dept", "regex", "^(HR|.*Oslo)$")}}, "1 3"},
			{list{list{clause("Mail", "isNull", "")}}, "1 2"},
			{list{list{clause("", "isMemberOf", group)}}, "3"},
			{list{list{clause("Flags", "isBitSet", "2")}}, "1"},
			{list{list{clause("Dept", "sw", "IT"), clause("Level", "gt", "9")}, list{clause("Dept", "eq", "HR")}}, "2 3"},
		} {
			rules := with(staffRules(), "scope", c.scope)
			said := n.api("POST", m.path+"/simulate", object{"rules": rules}).status(200)
			left := said.at("named").(list)
			in := []string{"1", "2", "3"}
			for _, p := range left {
				in = slices.DeleteFunc(in, func(no string) bool { return no == p.(object)["externalId"] })
			}
			if got := strings.Join(in, " "); got != c.want || said.at("inScope") != float64(len(in)) || said.at("leave") != float64(len(left)) {
				t.Errorf("%v: %s are in scope, want %s: %s", c.scope, got, c.want, said.Text)
			}
		}
		n.api("PUT", m.path, with(staffRules(), "scope", list{list{clause("Dept", "like", "IT")}})).status(400).is("faults/0/at", "scope[0][0]").is("faults/0/code", "invalidClause")
	})
}

// Row E007, laws 2 and 9: who leaves the scope is disabled, stays where another
// source has the account, and is the same person when coming back.
func TestWhoLeavesTheScopeIsDisabledAndComesBack(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		m := n.mapped("hr", with(staffRules(direct("title", "Job")), "scope", list{list{clause("Dept", "eq", "IT")}}))
		m.outcomes([]string{"create success", "other skipped outOfScope"}, staffRecord("1", "Dept", "IT", "Job", "Clerk"), staffRecord("2", "Dept", "HR"))
		id := m.named("1").text("id")
		events := n.since(func() { m.outcomes([]string{"disable success outOfScope"}, object{"No": "1", "Dept": "HR"}) })
		if len(events) != 1 || events[0].Type != "user.deleted" || events[0].Subject != id || !strings.HasPrefix(events[0].Detail, "outOfScope") {
			t.Errorf("%+v", events)
		}
		n.admin.get("/Users/"+id).status(200).is("active", false)
		m.get("/Users/" + id).status(404)
		m.outcomes([]string{"create success"}, object{"No": "1", "Dept": "IT"})
		m.named("1").is("id", id).is("active", true).is("title", "Clerk").is("userName", "1@contoso.com")
	})
}

// Row E008: one value of each kind of flow, on what a tool sends.
func TestE008FlowsMakeTheUser(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		m := n.mapped("hr", staffRules(
			direct("name.givenName", "First name"), direct("name.familyName", "Last name"),
			object{"target": "userType", "kind": "constant", "value": "Employee"},
			expression("displayName", `Join(" ", [First name], ToUpper([Last name]))`),
			direct("title", "Job", "default", "Newcomer"),
			direct("nickName", "Nick", "apply", "once"),
			direct("emails", "Mails"), expression("emails[type eq \"work\"].value", "[Mail]"),
			direct(enterpriseURN+":department", "Dept", "null", "ignore"), direct(enterpriseURN+":division", "Unit")))
		schema := m.get(m.job + "/schema").status(200)
		schema.is("synchronizationRules/0/objectMappings/0/attributeMappings/0", object{
			"targetAttributeName": "externalId", "matchingPriority": 1.0, "source": object{"type": "Attribute", "name": "no", "expression": "[no]"},
		}).is("synchronizationRules/0/objectMappings/0/attributeMappings/4/source/type", "Constant").is("synchronizationRules/0/objectMappings/0/attributeMappings/5/source/type", "Function")
		m.outcomes([]string{"create success"}, staffRecord("1", "First name", "Zoë", "Last name", "Berg", "Nick", "Z", "Dept", "IT", "Unit", "Nord",
			"Mail", "zoe@contoso.com", "Mails", list{object{"value": "z@home.example", "type": "home"}, object{"value": "ZOE@contoso.com"}}))
		m.named("1").is("displayName", "Zoë BERG").is("userType", "Employee").is("title", "Newcomer").is("nickName", "Z").
			is("name", object{"givenName": "Zoë", "familyName": "Berg"}).is(enterpriseURN, object{"department": "IT", "division": "Nord"})
		if emails := m.named("1").at("emails").(list); len(emails) < 2 {
			t.Errorf("merged are %v", emails)
		}
		// Once stays; null clears, or is ignored; what is left out stays.
		m.outcomes([]string{"update success"}, object{"No": "1", "Nick": "Zed", "Dept": nil, "Unit": nil, "Last name": "Holm"})
		m.named("1").is("nickName", "Z").is(enterpriseURN, object{"department": "IT"}).is("displayName", "Zoë HOLM").is("title", "Newcomer")
		m.outcomes([]string{"other skipped noChange"}, object{"No": "1"})
		n.api("PUT", m.path, staffRules(expression("title", "Redact([Job])"))).status(400).is("faults/0/at", "flows[2].expression").is("faults/0/code", "notSupported")
		// An authoritative null is told in what the source asserts, and that it is so.
		n.api("PUT", m.path, staffRules(direct("title", "Job", "null", "authoritative"))).status(200)
		m.outcomes([]string{"update success"}, object{"No": "1", "Job": nil})
		m.named("1").is("title", nil).is(workspaceURN, object{"authoritativeNulls": list{"title"}})
		steps := n.api("GET", "/explain?subject="+m.named("1").text("id")+"&attribute=title", nil).status(200).at("steps").(list)
		if !slices.ContainsFunc(steps, func(s any) bool { return s.(object)["code"] == "null" }) {
			t.Errorf("it is explained by %v", steps)
		}
	})
}

// Row E008, precedence: what the rules of a tool bring doesn't outdo a directory's
// value, and is there when the directory has none.
func TestE008TheDirectorysValueWinsOverTheRules(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		ad := n.source(store.SourceAD, "ad", store.Policies{})
		id := ad.create("/Users", user("ana@contoso.com", "externalId", "x", "title", "Lead", workspaceURN, object{"originAnchor": "anchor-1"}))
		m := n.mapped("hr", staffRules(direct("title", "Job"), direct("nickName", "Nick"), direct(workspaceURN+":originAnchor", "Anchor")))
		m.outcomes([]string{"create success"}, object{"No": "1", "Login": "ana@contoso.com", "Job": "Clerk", "Nick": "A", "Anchor": "anchor-1"})
		n.admin.get("/Users/"+id).status(200).is("title", "Lead").is("nickName", "A")
		m.named("1").is("title", "Clerk").is("id", id)
	})
}

// Rows E037, E038, E048 and E094: dates come from wherever the rules say, in SCIM's
// form, and all fifteen extension attributes come back.
func TestE048DatesAndExtensionAttributesAreMapped(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		flows := list{
			expression(workspaceURN+":employeeHireDate", `FormatDateTime([extensionAttribute1], , "yyyyMMddHHmmss.fZ", "yyyy-MM-ddTHH:mm:ssZ")`),
			expression(workspaceURN+":employeeLeaveDateTime", `FormatDateTime([Left], , "dd.MM.yyyy", "yyyy-MM-ddTHH:mm:ssZ")`),
		}
		record, want := staffRecord("1", "Left", "31.12.2030"), object{"employeeHireDate": "2026-01-31T12:00:00Z", "employeeLeaveDateTime": "2030-12-31T00:00:00Z"}
		for i := 1; i <= 15; i++ {
			name := fmt.Sprint("extensionAttribute", i)
			record[name], want[name] = fmt.Sprint("value ", i), fmt.Sprint("value ", i)
			flows = append(flows, direct(workspaceURN+":"+name, name))
		}
		record["extensionAttribute1"], want["extensionAttribute1"] = "20260131120000.0Z", "20260131120000.0Z"
		m := n.mapped("hr", staffRules(flows...))
		m.outcomes([]string{"create success", "other skipped noChange"}, record, record)
		m.named("1").is(workspaceURN, want)
		// Another form is a problem of that attribute, told with what is wanted.
		log := m.outcomes([]string{"update warning expressionFailed"}, object{"No": "1", "extensionAttribute1": "soon", "extensionAttribute2": "new"})
		if said := fmt.Sprint(log[0]["provisioningStatusInfo"]); !strings.Contains(said, "soon") {
			t.Errorf("%s", said)
		}
		m.named("1").is(workspaceURN+"/extensionAttribute2", "new").is(workspaceURN+"/employeeHireDate", "2026-01-31T12:00:00Z")
		detail := n.admin.post("/Users", user("b@contoso.com", workspaceURN, object{"employeeHireDate": "31.1.2026"})).refused(400, "invalidValue").text("detail")
		if !strings.Contains(detail, "employeeHireDate") || !strings.Contains(detail, "2026-01-31T09:00:00Z") {
			t.Errorf("%s", detail)
		}
		// It is changed to another attribute, and everybody follows with what they said before.
		flows[0] = expression(workspaceURN+":employeeHireDate", `FormatDateTime([Hired], , "yyyyMMdd", "yyyy-MM-ddTHH:mm:ssZ")`)
		n.api("PUT", m.path, staffRules(flows...)).status(200)
		m.outcomes([]string{"update success"}, object{"No": "1", "Hired": "20270201"})
		m.named("1").is(workspaceURN+"/employeeHireDate", "2027-02-01T00:00:00Z")
	})
}

// Row E058: each source has its own rules; a clone is edited without the other.
func TestE058EachSourceHasItsOwnRules(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		one := n.mapped("hr", staffRules(direct("title", "Job")))
		two := n.uploader("payroll", store.Policies{})
		path := "/sources/" + n.api("GET", "/sources?limit=500", nil).idOf("payroll") + "/mapping"
		clone := n.api("POST", path, object{"from": "hr"}).status(200)
		if clone.text("version") != n.api("GET", one.path, nil).status(200).text("version") {
			t.Errorf("%s", clone.Text)
		}
		n.api("PUT", path, staffRules(expression("title", "ToUpper([Job])"))).status(200)
		one.outcomes([]string{"create success"}, staffRecord("1", "Job", "Clerk"))
		two.outcomes([]string{"create success"}, staffRecord("2", "Job", "Clerk"))
		one.named("1").is("title", "Clerk")
		two.named("2").is("title", "CLERK")
		n.api("DELETE", path, nil).status(204)
		two.outcomes([]string{"other failure matchMissing", "create success"}, staffRecord("3"), person("3"))
	})
}

// Row E092: a mapping is edited, simulated, saved, and in effect with the next run,
// for all that the source ever said of a person.
func TestE092RulesAreEditedSimulatedAndSaved(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		m := n.mapped("hr", staffRules(direct("title", "Job")))
		m.upload(staffRecord("1", "Job", "Clerk", "Room", "12"), staffRecord("2", "Job", "Boss"))
		rules := n.api("GET", m.path, nil).status(200)
		edited := staffRules(expression("title", "ToUpper([Job])"), direct("nickName", "Room"))
		n.unchanged(t, func() {
			said := n.api("POST", m.path+"/simulate", object{"rules": edited}).status(200)
			said.is("change", 2.0).is("attributes", object{"nickName": 1.0, "title": 2.0}).is("named/0/externalId", "1").is("named/0/attributes", list{"nickName", "title"})
			n.api("PUT", m.path+"?dryRun=true", edited).status(200).is("number", 2.0)
		})
		m.named("1").is("title", "Clerk")
		n.eventsAfter(&n.seq)
		n.admin.do("PUT", n.house.URL+"/api/v1"+m.path, edited, "Content-Type: application/json", "If-Match: "+rules.Header.Get("ETag")).status(200)
		events := n.eventsAfter(&n.seq)
		if len(events) != 1 || events[0].Type != "source.mappingChanged" || !strings.Contains(string(events[0].Before), rules.text("version")) {
			t.Errorf("%+v", events)
		}
		n.admin.do("PUT", n.house.URL+"/api/v1"+m.path, edited, "Content-Type: application/json", "If-Match: "+rules.Header.Get("ETag")).status(412)
		m.outcomes([]string{"update success", "update success"}, object{"No": "1"}, object{"No": "2"})
		m.named("1").is("title", "CLERK").is("nickName", "12")
		n.api("GET", m.path+"/records?user="+m.named("1").text("id"), nil).status(200).is("items/0/record", staffRecord("1", "Job", "Clerk", "Room", "12"))
	})
}

// Row E095: a custom attribute is declared, shown in /Schemas, filled by a flow,
// and what isn't of its type is told for each object.
func TestE095CustomAttributesAreMapped(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		const urn = "urn:ietf:params:scim:schemas:extension:acme:2.0:User"
		flow := direct(urn+":badge", "Badge")
		u := n.uploader("hr", store.Policies{})
		path := "/sources/" + n.api("GET", "/sources?limit=500", nil).idOf("hr") + "/mapping"
		n.api("PUT", path, staffRules(flow)).status(400).is("faults/0/code", "invalidTarget")
		n.declare(schema.Custom{URN: urn, Name: "badge", Type: schema.Integer})
		n.admin.get("/Schemas/"+urn).status(200).is("attributes/0/name", "badge").is("attributes/0/type", "integer")
		n.api("PUT", path, staffRules(flow)).status(200)
		log := u.outcomes([]string{"create success", "create warning invalidValue"}, staffRecord("1", "Badge", "4711"), staffRecord("2", "Badge", "none"))
		u.named("1").is(urn, object{"badge": 4711.0})
		u.named("2").is(urn, nil)
		if said := fmt.Sprint(log[1]["provisioningStatusInfo"]); !strings.Contains(said, "whole number") {
			t.Errorf("%s", said)
		}
	})
}
