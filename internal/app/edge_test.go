package app_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/internal/apptest"
)

func TestEachRequestHasAnIDThatASaneClientChooses(t *testing.T) {
	a := apptest.Start(t)
	made := regexp.MustCompile(`^[0-9a-f-]{36}$`)
	for given, taken := range map[string]bool{
		"":                        false,
		"abc-123_X.y:z":           true,
		strings.Repeat("a", 64):   true,
		strings.Repeat("a", 65):   false,
		"a b":                     false,
		`x" level=ERROR msg="lie`: false,
		"ä":                       false,
	} {
		req, err := http.NewRequest(http.MethodGet, a.URL+"/scim/v2/Users", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Request-Id", given)
		req.Header.Set("Authorization", "Bearer "+a.Token)
		got := a.Send(req).Header.Get("X-Request-Id")
		if taken && got != given || !taken && !made.MatchString(got) {
			t.Errorf("given %q, answered %q", given, got)
		}
	}
}

func TestRequestIsOneLogLineWithoutItsContent(t *testing.T) {
	a := apptest.Start(t)
	const private = "Zaphod"
	body := fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"%s@contoso.com","name":{"givenName":"%[1]s","familyName":"%[1]s"}}`, private)
	r := a.Do("POST", "/Users?dryRun=false&x="+private, a.Token, body)
	if r.Status != 201 {
		t.Fatalf("create: %d %s", r.Status, r.Text)
	}
	a.Do("GET", `/Users?filter=userName+eq+"`+private+`"`, a.Token, "")
	a.Do("GET", "/"+private, a.Token, "")
	a.Do("GET", "/Users", private, "")
	if err := a.Stop(); err != nil {
		t.Fatal(err)
	}
	if text := a.Log.String(); strings.Contains(text, private) || strings.Contains(text, a.Token[8:]) {
		t.Errorf("the log holds what a client sent:\n%s", text)
	}
	all := lines(t, a, "request")
	if len(all) != 4 {
		t.Fatalf("%d lines for 4 requests", len(all))
	}
	line := all[0]
	for key, want := range map[string]any{
		"level": "INFO", "tenant": "default", "source": "entra", "method": "POST", "route": "/scim/v2/Users",
		"status": 201.0, "request_id": r.Header.Get("X-Request-Id"),
	} {
		if line[key] != want {
			t.Errorf("%s is %v, want %v", key, line[key], want)
		}
	}
	if _, ok := line["duration"]; !ok {
		t.Error("the line has no duration")
	}
	if _, ok := all[3]["tenant"]; ok {
		t.Error("a refused token has a tenant in the log")
	}
}

func TestRequestIDJoinsTheLogAndTheEvent(t *testing.T) {
	a := apptest.Start(t)
	r := a.Do("POST", "/Users", a.Token, `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ada@contoso.com"}`)
	if r.Status != 201 {
		t.Fatalf("create: %d %s", r.Status, r.Text)
	}
	events := a.Events(0, 1)
	last := events[len(events)-1]
	if last.Type != "user.created" || last.Txn != r.Header.Get("X-Request-Id") {
		t.Errorf("event %s of %s, want user.created of %s", last.Type, last.Txn, r.Header.Get("X-Request-Id"))
	}
}

func TestPathsOutsideTheEndpointAreSCIMErrors(t *testing.T) {
	a := apptest.Start(t)
	for path, status := range map[string]int{"/": 404, "/Users": 404, "/scim/v1/Users": 404, "/%2e%2e/etc/passwd": 404} {
		r := get(t, a, path)
		if r.Status != status || r.Body["status"] != fmt.Sprint(status) || r.Header.Get("Content-Type") != "application/scim+json" {
			t.Errorf("%s: %d %s", path, r.Status, r.Text)
		}
	}
	req, err := http.NewRequest(http.MethodDelete, a.URL+"/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	if r := a.Send(req); r.Status != 405 {
		t.Errorf("DELETE /healthz: %d", r.Status)
	}
}

func TestMetricsNameRoutesAndNoTenant(t *testing.T) {
	a := apptest.Start(t)
	a.Do("GET", "/Users/01890a5d-ac96-774b-bcce-b302099a8057", a.Token, "")
	a.Do("GET", "/nowhere/at/all", a.Token, "")
	req, err := http.NewRequest("BREW", a.URL+"/pot", nil)
	if err != nil {
		t.Fatal(err)
	}
	a.Send(req)
	text := string(get(t, a, "/metrics").Text)
	for _, want := range []string{
		`workspace_http_requests_total{method="GET",route="/scim/v2/Users/:id",status="404"} 1`,
		`workspace_http_requests_total{method="GET",route="/scim/v2/*",status="404"} 1`,
		`workspace_http_requests_total{method="other",route="none",status="404"} 1`,
		`workspace_http_request_duration_seconds_count{method="GET",route="/scim/v2/Users/:id"} 1`,
		`workspace_build_info{goversion=`,
		`workspace_panics_total 0`,
		`workspace_sqlite_wal_bytes `,
		`workspace_sqlite_writer_queue 0`,
		`workspace_sqlite_commits_total `,
		`go_goroutines`,
		`process_resident_memory_bytes`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
	for _, never := range []string{"01890a5d", "nowhere", "BREW", "default", "entra"} {
		if strings.Contains(text, never) {
			t.Errorf("the metrics name %s", never)
		}
	}
}

func TestEveryAnswerForbidsSniffing(t *testing.T) {
	a := apptest.Start(t)
	for _, path := range []string{"/scim/v2/Users", "/healthz", "/none", "/oauth2/token"} {
		if got := get(t, a, path).Header.Get("X-Content-Type-Options"); got != "nosniff" {
			t.Errorf("%s: X-Content-Type-Options %q", path, got)
		}
	}
}

func TestHeadersAreBounded(t *testing.T) {
	a := apptest.Start(t)
	for size, want := range map[int]int{31 << 10: 200, 40 << 10: 431} {
		req, err := http.NewRequest(http.MethodGet, a.SCIM+"/Users", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+a.Token)
		req.Header.Set("X-Padding", strings.Repeat("x", size))
		if r := a.Send(req); r.Status != want {
			t.Errorf("headers of %d bytes: %d, want %d", size, r.Status, want)
		}
	}
}
