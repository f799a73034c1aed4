package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/internal/apptest"
)

// uploading is an HR tool whose server is killed and comes back.
type uploading struct {
	t        *testing.T
	database string
	s        *server
	token    string
	job      string // the path of the job
}

func (u *uploading) start() {
	u.t.Helper()
	u.s = serve(u.t, u.database)
}

func (u *uploading) url(path string) string {
	return strings.TrimSuffix(u.s.scim, "/scim/v2") + "/v1.0" + path
}

func (u *uploading) get(path string) map[string]any {
	u.t.Helper()
	status, body, err := send("GET", u.url(path), u.token, "")
	if err != nil || status != http.StatusOK {
		u.t.Fatalf("GET %s: %d %v", path, status, err)
	}
	return body
}

// call POSTs to the job, which answers without a body.
func (u *uploading) call(action, body string) (location string) {
	u.t.Helper()
	req, err := http.NewRequest("POST", u.url(u.job+action), strings.NewReader(body))
	if err != nil {
		u.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+u.token)
	req.Header.Set("Content-Type", "application/scim+json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		u.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted && resp.StatusCode != http.StatusNoContent {
		u.t.Fatalf("POST %s: %d", action, resp.StatusCode)
	}
	return resp.Header.Get("Location")
}

func (u *uploading) waiting() int {
	u.t.Helper()
	return int(u.get(u.job)["status"].(map[string]any)["waitingRecords"].(float64))
}

func (u *uploading) await(what string, done func(waiting int) bool) {
	u.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !done(u.waiting()); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			u.t.Fatalf("waited in vain for %s; %d records wait", what, u.waiting())
		}
	}
}

// TestAcceptedUploadsSurviveKill9 kills the server before it has worked on what
// it accepted, and again and again while it works: each record is carried out
// once, in the order in which it was accepted (RELIABILITY R1, R2; row E059).
func TestAcceptedUploadsSurviveKill9(t *testing.T) {
	const people, files, kills = 200, 6, 2
	apptest.Each(t, func(t *testing.T, database string) {
		run := func(args ...string) string { return succeed(t, database, args...) }
		run("tenant", "add", "contoso", "--domain", "contoso.com")
		run("tenant", "enable", "contoso")
		u := &uploading{t: t, database: database, token: run("source", "add", "--tenant", "contoso", "--name", "hr", "--kind", "api", "--upload-operations", "200", "--token")}
		u.start()
		principal := u.get("/servicePrincipals")["value"].([]any)[0].(map[string]any)["id"].(string)
		jobs := "/servicePrincipals/" + principal + "/synchronization/jobs"
		u.job = jobs + "/" + u.get(jobs)["value"].([]any)[0].(map[string]any)["id"].(string)

		u.call("/pause", "")
		var logs []string
		for file := range files {
			logs = append(logs, u.call("/bulkUpload", peopleFile(people, file)))
		}
		u.s.end(syscall.SIGKILL)
		u.start()
		if got := u.waiting(); got != people*files {
			t.Fatalf("%d records wait after the kill, %d were accepted", got, people*files)
		}
		u.call("/start", "")
		for left, kill := people*files, 0; kill < kills; kill++ {
			u.await("some records to be settled", func(waiting int) bool { return waiting < left })
			u.s.end(syscall.SIGKILL)
			u.start()
			if left = u.waiting(); left == 0 {
				t.Fatalf("kill %d came when nothing was left", kill)
			}
		}
		u.await("all records to be settled", func(waiting int) bool { return waiting == 0 })

		for file, log := range logs {
			got := map[string]int{}
			path := log[strings.Index(log, "/auditLogs"):] + "&$top=1000"
			for _, e := range u.get(path)["value"].([]any) {
				entry := e.(map[string]any)
				got[fmt.Sprint(entry["provisioningAction"], " ", entry["provisioningStatusInfo"].(map[string]any)["status"])]++
			}
			want := "update success"
			if file == 0 {
				want = "create success"
			}
			if got[want] != people || len(got) != 1 {
				t.Errorf("file %d: %v, want %d times %q", file, got, people, want)
			}
		}
		status, body, err := send("GET", u.s.scim+fmt.Sprintf("/Users?count=1&filter=title%%20eq%%20%%22file%%20%d%%22", files-1), u.token, "")
		if err != nil || status != http.StatusOK || body["totalResults"] != float64(people) {
			t.Errorf("users of the last file: %d %v %v", status, body["totalResults"], err)
		}
		events := strings.Split(run("events", "--tenant", "contoso"), "\n")
		created, updated := count(events, "user.created"), count(events, "user.updated")
		if created != people || updated < people*(files-1) {
			t.Errorf("%d events of created users and %d of updated ones, want %d and %d", created, updated, people, people*(files-1))
		}
	})
}

func count(lines []string, part string) int {
	return len(slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return !strings.Contains(l, part) }))
}

// peopleFile is a whole file of people; each has the next as manager.
func peopleFile(people, file int) string {
	var b strings.Builder
	b.WriteString(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[`)
	for i := range people {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"method":"POST","path":"/Users","bulkId":"%d","data":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],
			"externalId":"p%[1]d","userName":"p%[1]d@contoso.com","title":"file %[2]d",
			"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":{"value":"p%[3]d"}}}}`, i, file, (i+1)%people)
	}
	return b.String() + "]}"
}
