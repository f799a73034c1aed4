package main

import (
	"bytes"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/workspace-scim/workspace/internal/apptest"
)

// TestAStreamIsReadFromAServerWithASecretKey starts the program as docs/events.md
// says: what signs and what pushes authorize themselves with are sealed in the
// database, receivers believe the tokens by the published key, also after the
// server was killed, and a server with another key signs nothing.
func TestAStreamIsReadFromAServerWithASecretKey(t *testing.T) {
	apptest.Each(t, func(t *testing.T, database string) {
		run := func(args ...string) string { return succeed(t, database, args...) }
		run("tenant", "add", "contoso", "--domain", "contoso.com")
		run("tenant", "enable", "contoso")
		admin := run("token", "add", "--tenant", "contoso", "--admin")
		key, other := keyFile(t, 1), keyFile(t, 2)
		s := serve(t, database, "--secret-key", key)
		api := func() string { return strings.TrimSuffix(s.scim, "/scim/v2") }
		want := func(status int, method, url, body string) map[string]any {
			t.Helper()
			req, err := http.NewRequest(method, url, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header = http.Header{"Authorization": {"Bearer " + admin}, "Content-Type": {"application/json"}}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			var answer map[string]any
			if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || resp.StatusCode != status {
				t.Fatalf("%s %s: %d %v %v", method, url, resp.StatusCode, answer, err)
			}
			return answer
		}
		stream := want(http.StatusCreated, "POST", api()+"/api/v1/streams", `{"delivery":"poll","audience":["https://receiver.example"]}`)["id"].(string)
		want(http.StatusCreated, "POST", api()+"/api/v1/streams", `{"delivery":"push","endpoint":"https://receiver.invalid/","authorization":"Bearer of-the-receiver","audience":["x"]}`)
		user := want(http.StatusCreated, "POST", s.scim+"/Users", userBody("ana@contoso.com"))["id"].(string)
		poll := func(status int) map[string]any {
			t.Helper()
			return want(status, "POST", api()+"/api/v1/streams/"+stream+"/poll", "{}")
		}
		first := believed(t, api(), poll(http.StatusOK))
		if !strings.Contains(first, `"uri":"/Users/`+user+`"`) {
			t.Errorf("told is %s", first)
		}
		for _, kept := range secretsIn(t, database) {
			if !strings.HasPrefix(kept, "aesgcm:") {
				t.Errorf("a secret is kept as %.20s", kept)
			}
		}
		s.end(syscall.SIGKILL)
		s = serve(t, database, "--secret-key", key)
		if again := believed(t, api(), poll(http.StatusOK)); jtiIn(t, again) != jtiIn(t, first) {
			t.Errorf("told is %s, then %s", first, again)
		}
		s.end(syscall.SIGTERM)
		s = serve(t, database, "--secret-key", other)
		poll(http.StatusInternalServerError)
		s.end(syscall.SIGTERM)
	})
}

// keyFile makes a secret key of one byte over and over, as openssl would write it.
func keyFile(t *testing.T, b byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "secret.key")
	if err := os.WriteFile(file, []byte(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, 32))+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// believed verifies the only token of an answer by the keys that the server
// publishes, and gives its claims.
func believed(t *testing.T, server string, answer map[string]any) string {
	t.Helper()
	sets := answer["sets"].(map[string]any)
	resp, err := http.Get(server + "/.well-known/jwks.json")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var keys jose.JSONWebKeySet
	if err := json.NewDecoder(resp.Body).Decode(&keys); err != nil || len(sets) != 1 {
		t.Fatalf("%d tokens, %v", len(sets), err)
	}
	for _, token := range sets {
		signed, err := jose.ParseSignedCompact(token.(string), []jose.SignatureAlgorithm{jose.ES256})
		if err != nil {
			t.Fatal(err)
		}
		text, err := signed.Verify(keys)
		if err != nil {
			t.Fatalf("%s: %v", token, err)
		}
		return string(text)
	}
	return ""
}

func jtiIn(t *testing.T, text string) string {
	t.Helper()
	var claims struct{ JTI string }
	if err := json.Unmarshal([]byte(text), &claims); err != nil || claims.JTI == "" {
		t.Fatalf("%s: %v", text, err)
	}
	return claims.JTI
}

// secretsIn reads from the database, past the server, what has to be sealed.
func secretsIn(t *testing.T, database string) (all []string) {
	t.Helper()
	driver, url := "pgx", database
	if path, ok := strings.CutPrefix(database, "sqlite:"); ok {
		driver, url = "sqlite3", path+"?_busy_timeout=10000"
	}
	db, err := sql.Open(driver, url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, column := range []string{"private_key FROM signing_keys", "secret FROM streams WHERE delivery = 'push'"} {
		var kept string
		if err := db.QueryRow("SELECT " + column).Scan(&kept); err != nil {
			t.Fatalf("%s: %v", column, err)
		}
		all = append(all, kept)
	}
	return all
}
