package acceptance_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// Extensions that nobody declared; the first can't be.
const (
	csvURN = "urn:ietf:params:scim:schemas:extension:csv:1.0:User"
	hrURN  = "urn:ietf:params:scim:schemas:extension:hr:2.0:User"
)

// Records as the published clients of API-driven inbound provisioning make them:
// each is carried out, and read back as a user (rows E006, E057, E062, E063, and the
// table of docs/compatibility.md).
func TestRecordsOfThePublishedUploaders(t *testing.T) {
	// The Logic App: a single object for a list, an attribute of the enterprise
	// extension beside the core ones, empty texts for empty cells.
	logicApp := object{
		"schemas": list{userURN, enterpriseURN, csvURN}, "externalId": "L1", "userName": "l1@contoso.com", "active": true, "displayName": "", "nickName": "",
		"name": object{"givenName": "Ada", "familyName": ""}, "addresses": object{"type": "work", "locality": "Utrecht", "country": "", "postalCode": "", "streetAddress": ""},
		"phoneNumbers": object{"type": "work", "value": "+31 30 1"}, "organization": "Contoso", "title": "", "userType": "Employee",
		csvURN: object{"HireDate": "", "JobCode": "A1"}, enterpriseURN: object{"employeeNumber": "L1", "department": "R&D", "division": "", "costCenter": "", "manager": object{"value": ""}},
	}
	// Postman's sample and the tutorial for cURL: an id of somebody else, and a
	// manager with a link and a name.
	postman := object{
		"schemas": list{userURN, enterpriseURN, csvURN}, "id": nobody, "externalId": "P1", "userName": "p1", "active": true, "timezone": "America/Los_Angeles",
		"emails":      list{object{"value": "p1@contoso.com", "type": "work", "primary": true}},
		enterpriseURN: object{"manager": object{"value": "L1", "$ref": "../Users/" + nobody, "displayName": "Somebody"}}, csvURN: object{"HireDate": "2021-05-01T00:00:00-05:00"},
	}
	// The Node client leaves out what is empty, and types.
	node := object{
		"schemas": list{userURN, csvURN}, "externalId": "N1", "userName": "n1@contoso.com", "addresses": list{object{"streetAddress": "Keizersgracht 1"}},
		csvURN: object{"level": 3, "remote": true},
	}
	// The PowerShell script names both schemas, whatever it maps, in any order, and
	// the extension that it is told.
	script := object{enterpriseURN: object{}, hrURN: object{"badge": "7"}, "active": "False", "schemas": list{enterpriseURN, userURN}, "userName": "s1@contoso.com", "externalId": "S1"}

	eachTenant(t, func(t *testing.T, n *tenant) {
		u := n.uploader("hr", store.Policies{})
		log := u.outcomes([]string{"create success", "create success", "create success", "create success"}, postman, logicApp, node, script)
		for i, want := range []string{csvURN, "organization, " + csvURN, csvURN, hrURN + ":badge"} {
			if info, _ := log[i]["provisioningStatusInfo"].(object)["errorInformation"].(object); !strings.Contains(fmt.Sprint(info["reason"]), want) {
				t.Errorf("the log says %v, not that %s was ignored", info, want)
			}
		}
		for _, id := range []string{"P1", "L1", "N1", "S1"} {
			u.named(id).is(csvURN, nil).is(hrURN, nil)
		}
		ada := u.named("L1").is("addresses/0/locality", "Utrecht").is("phoneNumbers/0/value", "+31 30 1").is("name/givenName", "Ada").is("name/familyName", nil).
			is(enterpriseURN+"/department", "R&D").is(enterpriseURN+"/organization", nil).is("displayName", nil)
		u.named("P1").is(enterpriseURN+"/manager/value", ada.text("id")).is("userName", "p1").is("emails/0/primary", true)
		if u.named("P1").text("id") == nobody {
			t.Error("the id of a record was taken")
		}
		u.named("N1").is("addresses/0/streetAddress", "Keizersgracht 1")
		u.named("S1").is("active", false)
	})
}

// Rules of the source bring what is in an extension that can't be declared.
func TestRulesReadTheExtensionOfThePublishedUploaders(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		m := n.mapped("hr", object{"match": list{"externalId"}, "flows": list{
			direct("externalId", "externalId"), direct("userName", "userName"), direct("title", csvURN+":JobCode"),
		}})
		m.upload(person("a", csvURN, object{"JobCode": "A1"}))
		m.named("a").is("title", "A1")
	})
}

// What those clients ask besides, and what is refused (rows E057 and E060).
func TestWhatPublishedUploadersAskBesides(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		u := n.uploader("hr", store.Policies{})
		first, last := u.upload(person("a")), u.upload(person("b"))
		log := n.house.URL + "/beta/auditLogs/provisioning"
		// The script's statistics of the last cycle; of those before it asks by ne.
		u.get(log+filterOf("jobid eq '"+u.id+"'")+"&$top=1").is("value/0/cycleId", last[0]["cycleId"]).is("value/1", nil)
		u.get(log+filterOf("cycleId eq '"+first[0]["cycleId"].(string)+"'")).is("value/0/id", first[0]["id"]).is("value/1", nil)
		u.get(log+filterOf("jobid eq '"+u.id+"' and cycleId ne '"+last[0]["cycleId"].(string)+"'")).is("value/0/id", first[0]["id"]).is("value/1", nil)
		u.get(log+filterOf("jobid ne '"+u.id+"'")).graph(400, "BadRequest")
		// The Node client's log.
		sp := strings.SplitAfter(u.id, ".")[2]
		u.get(log+filterOf("activityDateTime ge 2026-01-01T00:00:00.000Z and servicePrincipal/id eq '"+sp+"'")+"&$top=100&$orderby=activityDateTime%20desc").
			is("value/0/id", last[0]["id"]).is("value/1/id", first[0]["id"])
		// The schema of a job can't be written, nor is anything else of Graph here.
		u.do("PUT", u.job+"/schema", object{}).graph(405, "MethodNotAllowed")
		u.post(n.house.URL+"/beta/$batch", object{"requests": list{}}).graph(404, "ResourceNotFound")
		u.do("PATCH", u.root+"/servicePrincipals/"+sp, object{}).graph(405, "MethodNotAllowed")
	})
}

// An upload with an access token that client credentials buy in the header, with an
// empty scope, as Postman does it.
func TestAnUploaderBuysItsToken(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		u := n.uploader("hr", store.Policies{})
		secret, _, err := n.house.Directory.AddToken(t.Context(), "provider", directory.TokenSpec{Tenant: n.slug, Source: "hr", Kind: store.TokenSecret})
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, n.house.URL+"/oauth2/token", strings.NewReader(url.Values{"grant_type": {"client_credentials"}, "scope": {""}}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.SetBasicAuth(strings.SplitAfter(u.id, ".")[2], secret)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var bought struct {
			Token string `json:"access_token"`
		}
		if err := json.NewDecoder(resp.Body).Decode(&bought); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%d: %v", resp.StatusCode, err)
		}
		u.token = bought.Token
		if got := u.upload(person("a")); !slices.Equal([]string{outcome(got[0])}, []string{"create success"}) {
			t.Errorf("%v", got)
		}
	})
}
