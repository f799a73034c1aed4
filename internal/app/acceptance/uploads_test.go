package acceptance_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/store"
)

// uploader is an HR tool that uploads as the published clients of API-driven
// inbound provisioning do.
type uploader struct {
	*client
	n         *tenant
	root, job string // URLs: of the door with its version, and of the job
	id        string // the job's
}

func (n *tenant) uploader(name string, p store.Policies) *uploader {
	n.t.Helper()
	u := &uploader{client: n.source(store.SourceAPI, name, p), n: n, root: n.house.URL + "/v1.0"}
	sp := u.get(u.root + "/servicePrincipals").status(200).text("value/0/id")
	u.id = u.get(u.root + "/servicePrincipals/" + sp + "/synchronization/jobs").status(200).text("value/0/id")
	u.job = u.root + "/servicePrincipals/" + sp + "/synchronization/jobs/" + u.id
	return u
}

// bulkUpload is the body with these users.
func bulkUpload(users ...object) object {
	ops := list{}
	for i, u := range users {
		ops = append(ops, object{"method": "POST", "path": "/Users", "bulkId": fmt.Sprint(i), "data": u})
	}
	return object{"schemas": list{bulkURN}, "Operations": ops, "failOnErrors": nil}
}

// person is a record of an HR tool; more are further attributes, in pairs.
func person(externalID string, more ...any) object {
	return user(externalID+"@contoso.com", append([]any{"externalId", externalID}, more...)...)
}

// upload sends users and waits until they are worked on. It gives the log of the
// run, in the order of the records.
func (u *uploader) upload(users ...object) []object {
	u.t.Helper()
	return u.settled(u.post(u.job+"/bulkUpload", bulkUpload(users...)), len(users))
}

// settled waits for what became of an upload's records.
func (u *uploader) settled(accepted *answer, records int) []object {
	u.t.Helper()
	accepted.status(202)
	var log list
	for deadline := time.Now().Add(60 * time.Second); len(log) < records; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			u.t.Fatalf("%d of %d records are settled", len(log), records)
		}
		log = u.get(accepted.Header.Get("Location") + "&$orderby=activityDateTime&$top=1000").status(200).at("value").(list)
	}
	out := make([]object, len(log))
	for i, e := range log {
		out[i] = e.(object)
	}
	return out
}

// outcome is what a log entry says: "create success", or with the code behind it.
func outcome(e object) string {
	s := e["provisioningStatusInfo"].(object)
	out := fmt.Sprint(e["provisioningAction"], " ", s["status"])
	if info, ok := s["errorInformation"].(object); ok && info["errorCode"] != "" {
		out += fmt.Sprint(" ", info["errorCode"])
	}
	return out
}

func (u *uploader) outcomes(want []string, users ...object) []object {
	u.t.Helper()
	log := u.upload(users...)
	var got []string
	for _, e := range log {
		got = append(got, outcome(e))
	}
	if !slices.Equal(got, want) {
		u.t.Errorf("the log says %q, want %q", got, want)
	}
	return log
}

// named finds the user that the tool calls so.
func (u *uploader) named(externalID string) *answer {
	u.t.Helper()
	found := u.find("/Users", fmt.Sprintf("externalId eq %q", externalID)).total(1)
	return u.get("/Users/" + found.text("Resources/0/id")).status(200)
}

// Rows E006, E057, E059, E062 and E063: the slide's user is accepted at once and
// created afterwards; nobody says whether it is there. Row W016: the events name
// the run and the request.
func TestAnUploadIsAcceptedAndWorkedOn(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		u := n.uploader("hr", store.Policies{})
		slide := object{
			"schemas": list{"urn:ietf:params:scim:schemas:core:2.0:user"}, "externalId": "701984", "userName": "bjensen@contoso.com",
			"name": object{
				"formatted": "Ms. Barbara J Jensen, III", "familyName": "Jensen", "givenName": "Barbara", "middleName": "Jane", "honorificPrefix": "Ms.", "honorificSuffix": "III",
			},
			"displayName": "Babs Jensen", "nickName": "Babs", "title": "", "emails": list{object{"value": "bjensen@contoso.com", "type": "work", "primary": true}},
		}
		n.eventsAfter(&n.seq)
		accepted := u.post(u.job+"/bulkUpload", bulkUpload(slide), "X-Request-ID: upload-1", "client-request-id: mine-1").status(202)
		if len(accepted.Text) > 0 || accepted.Header.Get("Content-Length") != "0" {
			t.Errorf("the body is %q", accepted.Text)
		}
		for name, want := range map[string]string{"request-id": "upload-1", "client-request-id": "mine-1"} {
			if got := accepted.Header.Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		e := u.settled(accepted, 1)[0]
		if outcome(e) != "create success" || e["changeId"] != "upload-1" || e["jobId"] != u.id || e["sourceIdentity"].(object)["id"] != "701984" {
			t.Errorf("the log says %v", e)
		}
		u.named("701984").is("id", e["targetIdentity"].(object)["id"]).is("name", slide["name"]).is("displayName", "Babs Jensen").is("nickName", "Babs").
			is("emails", slide["emails"]).is("userName", "bjensen@contoso.com").is("active", true).is("title", nil)
		for _, event := range aboutResources(n.eventsAfter(&n.seq)) {
			if event.Txn != "upload-1" || event.Run != e["cycleId"] || event.Actor == "" {
				t.Errorf("%s has the request %q, the run %q and the actor %q", event.Type, event.Txn, event.Run, event.Actor)
			}
		}
		n.api("GET", "/runs/"+e["cycleId"].(string), nil).status(200).is("kind", "upload").is("state", "succeeded").is("counts/created", 1.0).is("done", 1.0)
		u.outcomes([]string{"update success"}, with(slide, "title", "Tour Guide"))
		u.named("701984").is("title", "Tour Guide")
	})
}

// What a record leaves out, and what is null or empty in it, stays; of a list the
// elements of other types (rows E063, E070).
func TestWhatARecordLeavesOutStays(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		u := n.uploader("hr", store.Policies{})
		work, home := object{"value": "a@contoso.com", "type": "work", "primary": true}, object{"value": "a@home.example", "type": "home"}
		u.upload(person("a", "title", "Lead", "name", object{"givenName": "Ada", "familyName": "Lovelace"}, "emails", list{work, home},
			enterpriseURN, object{"department": "Tickets", "division": "Routes"}))
		u.outcomes([]string{"update success", "other skipped noChange"},
			person("a", "displayName", "Ada", "name", object{"familyName": "King"}, "emails", list{object{"type": "work", "value": "ada@contoso.com"}}),
			person("a", "title", nil, "nickName", "", "emails", list{object{"type": "home", "value": ""}}, "phoneNumbers", list{},
				enterpriseURN, object{"department": nil, "division": "", "manager": object{"value": ""}}))
		u.named("a").is("title", "Lead").is("displayName", "Ada").is("name", object{"givenName": "Ada", "familyName": "King"}).
			is("emails", list{object{"value": "ada@contoso.com", "type": "work", "primary": true}, home}).
			is(enterpriseURN, object{"department": "Tickets", "division": "Routes"})
	})
}

// With the policy clearOmitted a record clears what it leaves out, or has empty,
// as far as that is single-valued and not who the user is.
func TestClearOmittedClearsWhatIsSingle(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		u := n.uploader("hr", store.Policies{ClearOmitted: true})
		emails := list{object{"value": "a@contoso.com", "type": "work"}}
		u.upload(person("m"), person("a", "title", "Lead", "nickName", "A", "name", object{"givenName": "Ada", "familyName": "Lovelace"}, "emails", emails, "active", false,
			workspaceURN, object{"originAnchor": "anchor-a"}, enterpriseURN, object{"department": "Tickets", "manager": object{"value": "m"}}))
		u.outcomes([]string{"update success"}, object{
			"schemas": list{userURN}, "externalId": "a", "name": object{"familyName": "Lovelace"}, "nickName": "", enterpriseURN: object{"department": nil},
		})
		u.named("a").is("title", nil).is("nickName", nil).is("name", object{"familyName": "Lovelace"}).is("emails", emails).is("active", false).
			is("userName", "a@contoso.com").is(workspaceURN, object{"originAnchor": "anchor-a"}).is(enterpriseURN, nil)
	})
}

// The manager is named by externalId, before or after the report, in the same
// upload or another, and the tool reads back who it is (row E057).
func TestTheManagerIsFoundWhateverTheOrder(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		u := n.uploader("hr", store.Policies{})
		reports := func(id, manager string) object {
			return person(id, enterpriseURN, object{"department": "Deck", "manager": object{"value": manager}})
		}
		managed := func(report, manager string) {
			t.Helper()
			id := u.named(manager).text("id")
			for _, c := range []*client{u.client, n.admin} {
				c.get("/Users/"+u.named(report).text("id")).status(200).is(enterpriseURN+"/manager/value", id)
			}
		}
		u.upload(reports("r1", "m1"), person("m1"))
		managed("r1", "m1")
		u.upload(reports("r2", "m2"), reports("r3", "m3"))
		u.upload(reports("r3", "m2")) // before either manager came
		u.upload(person("m2"), person("m3"))
		managed("r2", "m2")
		managed("r3", "m2")
		u.outcomes([]string{"other skipped noChange", "update success"}, reports("r2", "m2"), reports("r2", "m1"))
		managed("r2", "m1")
		u.find("/Users", fmt.Sprintf("%s:manager.value eq %q", enterpriseURN, u.named("m2").text("id"))).total(1)
	})
}

// Joiner, leaver, and back again: active:false disables and deletes nothing.
func TestALeaverIsDisabled(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		u := n.uploader("hr", store.Policies{})
		u.upload(person("a"))
		u.outcomes([]string{"disable success"}, person("a", "active", "false")) // a table has texts only
		u.named("a").is("active", false)
		u.outcomes([]string{"update success"}, person("a", "active", true))
		u.named("a").is("active", true)
	})
}

// The same file again changes nothing: no version, no event, no user.
func TestTheSameFileTwiceChangesNothing(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		u := n.uploader("hr", store.Policies{})
		var file []object
		for i := range 50 {
			file = append(file, person(fmt.Sprint("p", i), "title", "Mate", "emails", list{object{"value": fmt.Sprint(i, "@contoso.com"), "type": "work"}},
				enterpriseURN, object{"manager": object{"value": fmt.Sprint("p", (i*7)%50)}}))
		}
		u.upload(file...)
		n.unchanged(t, func() {
			events := n.since(func() {
				for _, e := range u.upload(file...) {
					if outcome(e) != "other skipped noChange" {
						t.Errorf("%s: %s", e["sourceIdentity"].(object)["id"], outcome(e))
					}
				}
			})
			if len(events) > 0 {
				t.Errorf("events %v", types(events))
			}
		})
	})
}

// One bad record doesn't spoil the others, whatever is bad about it, and each has
// a sentence.
func TestABadRecordSpoilsNoOther(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		u := n.uploader("hr", store.Policies{})
		n.admin.create("/Users", user("manual@contoso.com"))
		ops := bulkUpload(
			person("good1"),
			object{"schemas": list{userURN}, "displayName": "No Key"},
			object{"schemas": list{userURN}, "externalId": "nameless"},
			person("x", "userName", "good1@contoso.com"),
			person("manual"),
			person("y", "active", "maybe"),
			person("z", "schemas", list{"urn:other"}),
			person("nul", "title", "a\x00b"),
			person("good2"),
		)
		all := ops["Operations"].(list)
		for _, bad := range []object{{"method": "PUT"}, {"path": "/Groups"}, {"data": nil}, {"data": "text"}} {
			o := object{"method": "POST", "path": "/users", "data": person("w")}
			for k, v := range bad {
				o[k] = v
			}
			all = append(all, o)
		}
		ops["Operations"] = append(all, object{"method": "post", "path": "users/", "data": person("good3")})
		log := u.settled(u.post(u.job+"/bulkUpload", ops), 14)
		want := []string{
			"create success", "other failure matchMissing", "other failure invalidValue", "other failure uniqueness", "other failure manualAccount", "other failure invalidValue",
			"other failure invalidValue", "other failure invalidValue", "create success", "other failure invalidValue", "other failure invalidValue", "other failure invalidValue",
			"other failure invalidValue", "create success",
		}
		for i, e := range log {
			if got := outcome(e); got != want[i] {
				t.Errorf("record %d: %s, want %s", i, got, want[i])
			}
			if info, ok := e["provisioningStatusInfo"].(object)["errorInformation"].(object); ok && !strings.HasSuffix(info["reason"].(string), ".") {
				t.Errorf("record %d: no sentence: %v", i, info)
			}
		}
		u.find("/Users", `externalId sw "good"`).total(3)
		n.api("GET", "/conflicts", nil).status(200).is("items/0/reason", "manualAccount")
		n.api("GET", "/runs/"+log[0]["cycleId"].(string), nil).is("counts/created", 3.0).is("counts/failed", 11.0).is("state", "succeeded")
	})
}

// Users are matched by the attribute that the source's policy names (row E063).
func TestMatchingIsByTheSourcesRule(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		for policy, record := range map[string]func(key, title string) object{
			"userName": func(key, title string) object { return user(strings.ToUpper(key)+"@contoso.com", "title", title) },
			"employeeNumber": func(key, title string) object {
				return user(key+title+"@contoso.com", "title", title, enterpriseURN, object{"employeeNumber": key})
			},
		} {
			u, other := n.uploader("by "+policy, store.Policies{Match: policy}), n.uploader("other "+policy, store.Policies{Match: policy})
			key := strings.ToLower(policy)
			u.outcomes([]string{"create success", "update success"}, record(key, "One"), record(key, "Two"))
			u.find("/Users", `title eq "Two"`).total(1)
			u.find("/Users", `title eq "One"`).total(0)
			u.outcomes([]string{"other failure matchMissing"}, object{"schemas": list{userURN}, "externalId": "e"})
			if got := outcome(other.upload(record(key, "Three"))[0]); got == "update success" {
				t.Errorf("%s: another source's user was changed", policy)
			}
		}
		u := n.uploader("twice", store.Policies{Match: "employeeNumber"})
		for _, name := range []string{"t1", "t2"} {
			u.create("/Users", user(name+"@contoso.com", enterpriseURN, object{"employeeNumber": "77"}))
		}
		u.outcomes([]string{"other failure matchAmbiguous"}, user("t1@contoso.com", enterpriseURN, object{"employeeNumber": "77"}))
	})
}

// Of another source's user the record is kept in the tool's own link, with a
// warning (law 1).
func TestAnUploadChangesNothingThatAnotherSourceOwns(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		u := n.uploader("hr", store.Policies{MatchUserName: true})
		id := n.entra.create("/Users", user("ada@contoso.com", "title", "Countess"))
		record := user("ada@contoso.com", "externalId", "e1", "title", "Lead")
		u.upload(record)
		u.outcomes([]string{"update warning notAuthoritative"}, with(record, "title", "Boss"))
		u.named("e1").is("id", id).is("title", "Boss")
		n.admin.get("/Users/"+id).is("title", "Countess")
	})
}

// A source in staging changes nothing by uploads: what would be is pending (row
// E011).
func TestAnUploadOfASourceInStagingIsPending(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		u := n.uploader("hr", store.Policies{})
		u.upload(person("a"))
		sp := strings.SplitAfter(u.id, ".")[2]
		n.api("PATCH", "/sources/"+sp, object{"mode": "staging"}).status(200)
		n.unchanged(t, func() {
			u.outcomes([]string{"update skipped staging", "create skipped staging", "other skipped noChange"}, person("a", "title", "Lead"), person("b"), person("a"))
		})
		if got := n.api("GET", "/sources/"+sp+"/pending", nil).status(200).at("count"); got != 2.0 {
			t.Errorf("%v changes are pending, want 2", got)
		}
	})
}

// What uploads would destroy is judged by the limits of the source: over them it
// waits for a person, and the log says so.
func TestUploadsAreGuardedByTheLimitsOfTheSource(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		u := n.uploader("hr", store.Policies{})
		u.upload(person("a"), person("b"), person("c"))
		n.api("PATCH", "/sources/"+strings.SplitAfter(u.id, ".")[2], object{"limits": object{"disables": 1, "disablesPercent": -1}}).status(200)
		u.outcomes([]string{"disable success", "other warning overLimit", "update warning overLimit", "other warning overLimit"},
			person("a", "active", false), person("b", "active", false), person("c", "active", false, "title", "Lead"), person("b", "active", false))
		for name, active := range map[string]bool{"a": false, "b": true, "c": true} {
			n.admin.find("/Users", `userName eq "`+name+`@contoso.com"`).total(1).is("Resources/0/active", active)
		}
		n.api("GET", "/runs?state=held", nil).status(200).is("items/0/kind", "push").is("items/0/counts/held", 2.0)
	})
}

func filterOf(text string) string { return "?$filter=" + url.QueryEscape(text) }
