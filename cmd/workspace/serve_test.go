package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/workspace-scim/workspace/internal/apptest"
)

var tokenForm = regexp.MustCompile(`(ws_b[0-9A-Za-z]{49})`)

// send sends a SCIM request and gives the status and the JSON object answered.
func send(method, url, token, body string) (int, map[string]any, error) {
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/scim+json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, nil, err
	}
	var object map[string]any
	if err := json.Unmarshal(text, &object); err != nil {
		return 0, nil, fmt.Errorf("%d %q: %w", resp.StatusCode, text, err)
	}
	return resp.StatusCode, object, nil
}

func userBody(name string) string {
	return fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":%q,"externalId":%[1]q}`, name)
}

func TestServeEndsOnSIGTERMWithStatus0AndKeepsItsData(t *testing.T) {
	apptest.Each(t, func(t *testing.T, database string) {
		first := serve(t, database, "--first-run")
		token := first.out.wait(t, tokenForm)
		if status, _, err := send("POST", first.scim+"/Users", token, userBody("ada@contoso.com")); err != nil || status != http.StatusCreated {
			t.Fatalf("create: %d %v", status, err)
		}
		if code := first.end(syscall.SIGTERM); code != 0 {
			t.Errorf("exit status %d", code)
		}
		if text, _ := first.log.now(); strings.Contains(text, token) {
			t.Error("the token is in the log")
		}
		second := serve(t, database, "--first-run")
		status, body, err := send("GET", second.scim+"/Users", token, "")
		if err != nil || status != http.StatusOK || body["totalResults"] != 1.0 {
			t.Errorf("after the restart: %d %v %v", status, body, err)
		}
		second.out.wait(t, regexp.MustCompile(`(workspace token add)`))
		if code := second.end(os.Interrupt); code != 0 {
			t.Errorf("exit status %d", code)
		}
	})
}

func TestCommandsWorkBesideARunningServer(t *testing.T) {
	apptest.Each(t, func(t *testing.T, database string) {
		s := serve(t, database, "--first-run")
		workspace := func(args ...string) string {
			t.Helper()
			out, err := exec.Command("workspace", append(args, "--database", database)...).Output()
			if err != nil {
				t.Fatalf("workspace %v: %v", args, err)
			}
			return strings.TrimSpace(string(out))
		}
		want := func(token string, status int) {
			t.Helper()
			if got, _, err := send("GET", s.scim+"/Users", token, ""); err != nil || got != status {
				t.Errorf("status %d (%v), want %d", got, err, status)
			}
		}
		workspace("tenant", "add", "b", "--domain", "b.com")
		workspace("source", "add", "--tenant", "b", "--kind", "entra", "--name", "entra")
		token := workspace("token", "add", "--tenant", "b", "--source", "entra", "--expires", "365d")
		want(token, http.StatusForbidden)
		workspace("tenant", "enable", "b")
		want(token, http.StatusOK)
		workspace("token", "revoke", "--tenant", "b", token[:8])
		want(token, http.StatusUnauthorized)
	})
}

// TestAcknowledgedWritesSurviveKill9 kills the server in the middle of creates:
// what it answered with 201 is there afterwards, once (RELIABILITY R1, R2).
func TestAcknowledgedWritesSurviveKill9(t *testing.T) {
	const writers, rounds, perRound = 8, 3, 60
	apptest.Each(t, func(t *testing.T, database string) {
		first := serve(t, database, "--first-run")
		token := first.out.wait(t, tokenForm)
		acknowledged := map[string]string{} // id by userName
		var mu sync.Mutex
		s := first
		for round := range rounds {
			var answered atomic.Int64
			var all sync.WaitGroup
			for w := range writers {
				all.Go(func() {
					for i := 0; ; i++ {
						name := fmt.Sprintf("u%d-%d-%d@contoso.com", round, w, i)
						status, body, err := send("POST", s.scim+"/Users", token, userBody(name))
						if err != nil {
							return // killed
						}
						if status != http.StatusCreated {
							t.Errorf("create %s: %d %v", name, status, body)
							return
						}
						mu.Lock()
						acknowledged[name] = body["id"].(string)
						mu.Unlock()
						if answered.Add(1) == perRound {
							_ = s.cmd.Process.Kill()
						}
					}
				})
			}
			all.Wait()
			_ = s.cmd.Wait()
			s = serve(t, database)
		}
		for name, id := range acknowledged {
			status, body, err := send("GET", s.scim+`/Users?filter=userName+eq+%22`+name+`%22&attributes=id`, token, "")
			if err != nil || status != http.StatusOK || body["totalResults"] != 1.0 {
				t.Fatalf("%s: %d %v %v", name, status, body, err)
			}
			if got := body["Resources"].([]any)[0].(map[string]any)["id"]; got != id {
				t.Errorf("%s has the id %v, was answered %s", name, got, id)
			}
		}
		if len(acknowledged) < rounds*perRound {
			t.Errorf("%d creates were acknowledged, fewer than the test counts", len(acknowledged))
		}
	})
}

func TestBackupOfARunningServerIsADatabase(t *testing.T) {
	database := apptest.SQLite(t)
	s := serve(t, database, "--first-run")
	token := s.out.wait(t, tokenForm)
	if status, _, err := send("POST", s.scim+"/Users", token, userBody("ada@contoso.com")); err != nil || status != http.StatusCreated {
		t.Fatalf("create: %d %v", status, err)
	}
	file := filepath.Join(t.TempDir(), "copy.db")
	if out, err := exec.Command("workspace", "backup", file, "--database", database).CombinedOutput(); err != nil {
		t.Fatalf("backup: %v\n%s", err, out)
	}
	restored := serve(t, "sqlite:"+file)
	status, body, err := send("GET", restored.scim+"/Users", token, "")
	if err != nil || status != http.StatusOK || body["totalResults"] != 1.0 {
		t.Errorf("from the backup: %d %v %v", status, body, err)
	}
	if out, err := exec.Command("workspace", "backup", file, "--database", database).CombinedOutput(); err == nil {
		t.Errorf("a backup wrote over a file: %s", out)
	}
}

func TestEventsFollowsTheLogUntilInterrupted(t *testing.T) {
	database := apptest.SQLite(t)
	run := func(args ...string) {
		t.Helper()
		if out, err := exec.Command("workspace", append(args, "--database", database)...).CombinedOutput(); err != nil {
			t.Fatalf("workspace %v: %v\n%s", args, err, out)
		}
	}
	run("tenant", "add", "a")
	out := newWatch()
	follow := exec.Command("workspace", "events", "--tenant", "a", "--follow", "--database", database)
	follow.Stdout = out
	if err := follow.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = follow.Process.Kill() }) // it may have ended
	out.wait(t, regexp.MustCompile(`"type":"(tenant\.created)"`))
	run("tenant", "enable", "a")
	out.wait(t, regexp.MustCompile(`"type":"(tenant\.syncEnabled)"`))
	if err := follow.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := follow.Wait(); err != nil {
		t.Errorf("interrupted: %v", err)
	}
}
