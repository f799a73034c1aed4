package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/internal/apptest"
)

// TestAcceptedRequestsSurviveKill9 kills the server right after it has accepted
// requests, and again while it carries them out: each takes effect once, in the
// order of acceptance, and is told once in the feed, which a receiver reads on
// through the kills.
func TestAcceptedRequestsSurviveKill9(t *testing.T) {
	const requests = 80
	apptest.Each(t, func(t *testing.T, database string) {
		run := func(args ...string) string { return succeed(t, database, args...) }
		run("tenant", "add", "contoso", "--domain", "contoso.com")
		run("tenant", "enable", "contoso")
		token := run("source", "add", "--tenant", "contoso", "--name", "hr", "--kind", "api", "--token")
		s := serve(t, database)
		call := func(method, url, body string, headers ...string) (int, http.Header, map[string]any) {
			t.Helper()
			req, err := http.NewRequest(method, url, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header = http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {"application/json"}}
			for i := 0; i < len(headers); i += 2 {
				req.Header.Set(headers[i], headers[i+1])
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			var answer map[string]any
			_ = json.NewDecoder(resp.Body).Decode(&answer) // there may be none
			return resp.StatusCode, resp.Header, answer
		}
		api := func() string { return strings.TrimSuffix(s.scim, "/scim/v2") + "/api/v1/streams" }
		status, _, stream := call("POST", api(), `{"delivery":"poll","audience":["x"],"events":["urn:ietf:params:scim:event:misc:asyncresp"]}`)
		if status != http.StatusCreated {
			t.Fatalf("stream: %d %v", status, stream)
		}
		_, _, user := call("POST", s.scim+"/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ana@contoso.com"}`)
		id := user["id"].(string)

		told, ack := map[string]string{}, []string{} // txn → jti
		poll := func() {
			t.Helper()
			acks, _ := json.Marshal(ack) // strings can't fail
			status, _, answer := call("POST", api()+"/"+stream["id"].(string)+"/poll", fmt.Sprintf(`{"returnImmediately":true,"ack":%s}`, acks))
			if status != http.StatusOK {
				t.Fatalf("poll: %d %v", status, answer)
			}
			ack = ack[:0]
			for jti, set := range answer["sets"].(map[string]any) {
				var claims struct{ Txn string }
				payload, err := base64.RawURLEncoding.DecodeString(strings.Split(set.(string), ".")[1])
				if err != nil || json.Unmarshal(payload, &claims) != nil {
					t.Fatalf("token %v", set)
				}
				if before := told[claims.Txn]; before != "" && before != jti {
					t.Errorf("%s is told by %s and %s", claims.Txn, before, jti)
				}
				told[claims.Txn], ack = jti, append(ack, jti)
			}
		}
		var accepted []string
		for i := range requests {
			status, header, answer := call("PATCH", s.scim+"/Users/"+id, fmt.Sprintf(
				`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"add","path":"emails","value":[{"type":"t%d","value":"%d@contoso.com"}]}]}`, i, i), "Prefer", "respond-async")
			if status != http.StatusAccepted {
				t.Fatalf("request %d: %d %v", i, status, answer)
			}
			accepted = append(accepted, header.Get("Set-Txn"))
			if i == requests/2 {
				poll()
				s.end(syscall.SIGKILL)
				s = serve(t, database)
			}
		}
		s.end(syscall.SIGKILL)
		s = serve(t, database)
		for deadline := time.Now().Add(2 * time.Minute); len(told) < requests; poll() {
			if time.Now().After(deadline) {
				t.Fatalf("%d of %d were told", len(told), requests)
			}
		}
		for i, txn := range accepted {
			if _, _, answer := call("GET", s.scim+"/AsyncRequests/"+txn, ""); told[txn] == "" || fmt.Sprint(answer["Operations"].([]any)[0].(map[string]any)["status"]) != "200" {
				t.Errorf("request %d: %v, told by %s", i, answer, told[txn])
			}
		}
		_, _, user = call("GET", s.scim+"/Users/"+id, "")
		emails := user["emails"].([]any)
		for i := range min(requests, len(emails)) {
			if got := emails[i].(map[string]any)["value"]; got != fmt.Sprintf("%d@contoso.com", i) {
				t.Fatalf("email %d is %v", i, got)
			}
		}
		if version := user["meta"].(map[string]any)["version"]; len(emails) != requests || version != fmt.Sprintf(`W/"%d"`, requests+1) {
			t.Errorf("%d emails, version %v after %d requests", len(emails), version, requests)
		}
	})
}
