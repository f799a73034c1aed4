package acceptance_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// graph wants an error as Microsoft Graph gives it.
func (a *answer) graph(status int, code string) *answer {
	a.t.Helper()
	a.status(status)
	message, _ := a.at("error/message").(string)
	if a.at("error/code") != code || message == "" || a.at("error/innerError/request-id") != a.Header.Get("request-id") ||
		a.Header.Get("Content-Type") != "application/json; charset=utf-8" {
		a.t.Errorf("%s\n got %s %s\nwant a Graph error %s", a.asked, a.Header.Get("Content-Type"), short(a.Text), code)
	}
	return a
}

// Rows E061 and E106: the content type is SCIM's, the body a BulkRequest or one
// bare User; everything else is refused, and nothing of it is kept.
func TestWhatIsNoUploadIsRefused(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		u := n.uploader("hr", store.Policies{})
		one := person("a")
		many := make([]object, 51)
		for i := range many {
			many[i] = one
		}
		n.unchanged(t, func() {
			for _, ct := range []string{"application/json", "text/plain", "application/scim+json; charset=utf-16", "nonsense/", ""} {
				u.post(u.job+"/bulkUpload", bulkUpload(one), "Content-Type: "+ct).graph(400, "BadRequest")
			}
			for _, body := range []any{
				"", "{", "[]", "null", `"text"`, "{}", `{"name":"John Doe"}`, object{"schemas": list{bulkURN}}, object{"schemas": list{bulkURN}, "Operations": list{}},
				object{"schemas": list{bulkURN}, "Operations": "x"}, object{"schemas": list{bulkURN}, "Operations": list{1}}, object{"schemas": list{"urn:x"}, "Operations": list{}},
				object{"schemas": "x"}, object{"schemas": list{groupURN}, "displayName": "G"}, with(bulkUpload(one), "schemas", list{userURN}), bulkUpload(many...),
				`{"schemas":["` + bulkURN + `"],"Operations":[],"Operations":[]}`, strings.Repeat("[", 1000), "\xff",
			} {
				u.post(u.job+"/bulkUpload", body).graph(400, "BadRequest")
			}
			u.post(u.job+"/bulkUpload", bulkUpload(one), "Content-Encoding: gzip").graph(400, "BadRequest")
			u.post(u.job+"/bulkUpload", `{"schemas":["`+strings.Repeat("x", 9<<20)).graph(413, "RequestEntityTooLarge")
		})
		for _, ct := range []string{"application/scim+json; charset=utf-8", "Application/SCIM+JSON;odata=verbose"} {
			u.settled(u.post(u.job+"/bulkUpload", one, "Content-Type: "+ct), 1)
		}
		u.named("a")
		u.settled(u.post(u.job+"/bulkUpload", append([]byte("\xef\xbb\xbf"), marshal(t, with(bulkUpload(one), "failOnErrors", 1))...)), 1)
	})
}

// Row E060: the path names source and job, and the token must be the source's
// own; what isn't there and what is another's are told alike.
func TestPathAndTokenBelongTogether(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		hr, other, foreign := n.uploader("hr", store.Policies{}), n.uploader("other", store.Policies{}), n.house.tenant(t).uploader("hr", store.Policies{})
		body := bulkUpload(person("a"))
		mixed := strings.Replace(hr.job, hr.id, other.id, 1)
		nowhere := strings.NewReplacer(hr.id, "API2AAD."+nobody, strings.SplitAfter(hr.id, ".")[2], nobody).Replace(hr.job)
		for _, job := range []string{other.job, foreign.job, mixed, nowhere} {
			for _, path := range []string{"/bulkUpload", "/start", "/pause"} {
				hr.post(job+path, body).graph(403, "Authorization_RequestDenied")
			}
			hr.get(job).graph(403, "Authorization_RequestDenied")
			hr.get(job+"/schema").graph(403, "Authorization_RequestDenied")
		}
		n.admin.post(hr.job+"/bulkUpload", body).graph(403, "Authorization_RequestDenied")
		for _, token := range []string{"", "ws_b" + strings.Repeat("x", 49)} {
			a := (&client{t: t, token: token}).post(hr.job+"/bulkUpload", body).graph(401, "InvalidAuthenticationToken")
			if a.Header.Get("WWW-Authenticate") == "" {
				t.Error("no challenge")
			}
		}
		for _, method := range []string{"GET", "PUT", "PATCH", "DELETE"} {
			if a := hr.do(method, hr.job+"/bulkUpload", body).graph(405, "MethodNotAllowed"); a.Header.Get("Allow") != "POST" {
				t.Errorf("%s: Allow is %q", method, a.Header.Get("Allow"))
			}
		}
		hr.get(hr.root+"/users").graph(404, "ResourceNotFound")
		n.admin.find("/Users", `userName eq "a@contoso.com"`).total(0)
		hr.settled(hr.post(strings.Replace(hr.job, "/v1.0/", "/beta/", 1)+"/bulkUpload/", body), 1)
	})
}

// More than 40 uploads in five seconds are refused, with the time to wait, unless
// the source's policy says otherwise; so it is with 50 records of an upload.
func TestUploadsAreBoundedByTheSourcesPolicy(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		u, wide := n.uploader("hr", store.Policies{}), n.uploader("wide", store.Policies{UploadCalls: 60, UploadOperations: 60})
		send := func(u *uploader, calls int) (accepted int, last *answer) {
			for range calls {
				last = u.post(u.job+"/bulkUpload", person("a"))
				if last.Status == 202 {
					accepted++
				}
			}
			return accepted, last
		}
		accepted, last := send(u, 45)
		last.graph(429, "TooManyRequests")
		if wait, err := strconv.Atoi(last.Header.Get("Retry-After")); accepted != 40 || err != nil || wait < 1 || wait > 5 {
			t.Errorf("%d were accepted, then Retry-After %q", accepted, last.Header.Get("Retry-After"))
		}
		if accepted, _ := send(wide, 45); accepted != 45 {
			t.Errorf("%d were accepted, want 45", accepted)
		}
		records := make([]object, 60)
		for i := range records {
			records[i] = person(fmt.Sprint("w", i))
		}
		wide.upload(records...)
		wide.find("/Users", `externalId sw "w"`).total(60)
	})
	for _, p := range []store.Policies{{Match: "emails.value"}, {Match: "nothing"}, {UploadOperations: 1001}, {UploadOperations: -1}, {UploadCalls: -1}} {
		if _, err := houses["sqlite"].Directory.AddSource(t.Context(), "test", "x", directory.SourceSpec{Name: "p", Kind: store.SourceAPI, Policies: p}); !directory.Violated(err, directory.RuleInvalid) {
			t.Errorf("%+v: %v", p, err)
		}
	}
}

// The look-ups that the published PowerShell client makes before and around an
// upload.
func TestTheLookUpsOfPublishedClients(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		u := n.uploader("hr", store.Policies{Match: "userName"})
		sp := strings.SplitAfter(u.id, ".")[2]
		for _, root := range []string{u.root, n.house.URL + "/beta"} {
			principals := root + "/servicePrincipals"
			u.get(principals+filterOf("id eq '"+sp+"' or appId eq '"+sp+"'")+"&$select=id").status(200).is("value/0/id", sp).is("value/1", nil)
			u.get(principals+filterOf("appId eq '"+nobody+"'")).status(200).is("value", list{})
			u.get(principals+"/"+sp).status(200).is("id", sp).is("displayName", "hr")
			u.get(principals+"/hr/synchronization/jobs").status(200).is("value/0/id", u.id).is("value/0/status/code", "Active")
			u.get(principals+filterOf("id eq")).graph(400, "BadRequest")
			u.get(principals+filterOf("password eq 'x'")).graph(400, "BadRequest")
		}
		if got := len(n.admin.get(u.root + "/servicePrincipals").status(200).at("value").(list)); got != 3 {
			t.Errorf("the administrator sees %d sources, want 3", got)
		}
		schema := u.get(u.job + "/schema").status(200)
		if text := string(schema.Text); !strings.Contains(text, enterpriseURN+":department") || !strings.Contains(text, `"targetAttributeName":"userName","matchingPriority":1`) {
			t.Errorf("the schema is %s", short(schema.Text))
		}

		u.post(u.job+"/pause", nil).status(204)
		u.get(u.job).status(200).is("schedule/state", "Paused").is("status/code", "Paused")
		accepted := u.post(u.job+"/bulkUpload", person("a")).status(202)
		u.get(u.job).is("status/waitingRecords", 1.0).is("status/lastExecution/state", nil)
		events := n.eventsAfter(&n.seq)
		u.post(u.job+"/start", nil).status(204)
		u.settled(accepted, 1)
		u.get(u.job).is("schedule/state", "Active").is("status/lastExecution/state", "Succeeded").is("status/waitingRecords", 0.0)
		if all := types(append(events, n.eventsAfter(&n.seq)...)); !slices.Contains(all, "uploads.paused") || !slices.Contains(all, "uploads.started") {
			t.Errorf("events %v", all)
		}
	})
}

// The provisioning log is searched as the published clients do, and paged.
func TestTheProvisioningLogIsSearchedAndPaged(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		u, other := n.uploader("hr", store.Policies{}), n.uploader("other", store.Policies{})
		first := u.upload(person("a"), person("b"), object{"schemas": list{userURN}})
		second := u.upload(person("a", "title", "Lead"), person("c", "active", false))
		other.upload(person("o"))
		log := u.root + "/auditLogs/provisioning"
		count := func(c *client, filter string) int {
			t.Helper()
			return len(c.get(log + filterOf(filter)).status(200).at("value").(list))
		}
		sp, run := strings.SplitAfter(u.id, ".")[2], second[0]["cycleId"].(string)
		at := second[0]["activityDateTime"].(string)
		for filter, want := range map[string]int{
			"": 5, "jobid eq '" + u.id + "'": 5, "JobId eq '" + strings.ToUpper(u.id) + "'": 5, "jobId eq '" + other.id + "'": 0, "servicePrincipal/id eq '" + sp + "'": 5,
			"cycleId eq '" + run + "'": 2, "jobid eq '" + u.id + "' and sourceIdentity/id eq 'a'": 2, "sourceIdentity/id eq 'o'": 0,
			"statusInfo/status eq 'failure'": 1, "provisioningStatusInfo/status eq 'Success'": 4, "provisioningAction eq 'create'": 3, "provisioningAction eq 'Update'": 1,
			"targetIdentity/id eq '" + u.named("b").text("id") + "'": 1, "activityDateTime ge " + at: 2, "activityDateTime lt " + at + " and (jobid eq '" + u.id + "')": 3,
			"activityDateTime gt 2001-01-01T00:00:00Z": 5, "activityDateTime le 2001-01-01T00:00:00+01:00": 0, "sourceIdentity/id eq 'a' and sourceIdentity/id eq 'b'": 0, "sourceIdentity/id eq 'it''s'": 0,
		} {
			if got := count(u.client, filter); got != want {
				t.Errorf("%s: %d entries, want %d", filter, got, want)
			}
		}
		if got := count(n.admin, "jobid eq '"+other.id+"'"); got != 1 {
			t.Errorf("the administrator sees %d entries, want 1", got)
		}
		for _, filter := range []string{"jobid", "jobid ne 'x'", "jobid eq 'x' or jobid eq 'y'", "x eq 'y'", "jobid eq 'x", "(jobid eq 'x'", "jobid eq 'x')", "activityDateTime ge yesterday", strings.Repeat("(", 100), "'jobid' eq 'x'", "jobid eq"} {
			u.get(log+filterOf(filter)).graph(400, "BadRequest")
		}
		for _, query := range []string{"?$top=0", "?$top=x", "?$orderby=id", "?$skiptoken=x"} {
			u.get(log+query).graph(400, "BadRequest")
		}
		n.admin.get(log).graph(400, "BadRequest") // which of the jobs?

		for _, order := range []string{"activityDateTime desc", "activityDateTime asc"} {
			want := append(slices.Clone(first), second...)
			if strings.HasSuffix(order, "desc") {
				slices.Reverse(want)
			}
			var got []string
			for next := log + "/?$top=2&$orderby=" + strings.ReplaceAll(order, " ", "%20"); next != ""; {
				page := u.get(next).status(200)
				for _, e := range page.at("value").(list) {
					got = append(got, e.(object)["id"].(string))
				}
				next, _ = page.at("@odata.nextLink").(string)
			}
			var ids []string
			for _, e := range want {
				ids = append(ids, e["id"].(string))
			}
			if !slices.Equal(got, ids) {
				t.Errorf("%s: %v, want %v", order, got, ids)
			}
		}
	})
}
