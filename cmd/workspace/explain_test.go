package main

import (
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/internal/apptest"
)

// Rows H017 and E074: at the machine too a conflict is shown and decided, and it
// and the attribute that it was about are explained; the log of it is a file.
func TestE074AConflictIsExplainedDecidedAndExplainedAgain(t *testing.T) {
	apptest.Each(t, func(t *testing.T, database string) {
		s := serve(t, database)
		run := func(args ...string) (string, error) {
			out, err := exec.Command("workspace", append(args, "--database", database, "--tenant", "a")...).CombinedOutput()
			return string(out), err
		}
		workspace := func(args ...string) string {
			t.Helper()
			out, err := run(args...)
			if err != nil {
				t.Fatalf("workspace %v: %v\n%s", args, err, out)
			}
			return strings.TrimSpace(out)
		}
		holds := func(text string, parts ...string) {
			t.Helper()
			for _, p := range parts {
				if !strings.Contains(text, p) {
					t.Errorf("%q isn't in\n%s", p, text)
				}
			}
		}
		if out, err := exec.Command("workspace", "tenant", "add", "a", "--database", database).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if out, err := exec.Command("workspace", "tenant", "enable", "a", "--database", database).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		workspace("source", "add", "--kind", "ad", "--name", "corp")
		admin := tokenForm.FindString(workspace("token", "add", "--admin"))
		source := tokenForm.FindString(workspace("token", "add", "--source", "corp"))
		create := func(token, more string, want int) {
			t.Helper()
			body := strings.TrimSuffix(userBody("ana@contoso.com"), "}") + more + "}"
			if status, got, err := send("POST", s.scim+"/Users", token, body); err != nil || status != want {
				t.Fatalf("%d %v %v", status, got, err)
			}
		}
		create(admin, `,"title":"=1+1"`, http.StatusCreated)
		create(source, `,"title":"Engineer"`, http.StatusConflict)

		holds(workspace("conflict", "list"), "corp", "manualAccount", "ana@contoso.com")
		holds(workspace("explain", "ana@contoso.com", "--source", "corp"), "match      The source corp asks for a userName", "→ Decide the conflict", "outcome    It isn't here.")
		workspace("conflict", "adopt", "1", "--dry-run")
		holds(workspace("conflict", "list"), "ana@contoso.com") // open still
		workspace("conflict", "adopt", "1")
		if out := workspace("conflict", "list"); strings.Contains(out, "ana@contoso.com") {
			t.Errorf("still open:\n%s", out)
		}
		if out, err := run("conflict", "keep-apart", "1"); err == nil {
			t.Errorf("decided twice: %s", out)
		}
		holds(workspace("explain", "ana@contoso.com", "--attribute", "title"), "User ana@contoso.com ", "attribute title", "workspace asserts another value, which doesn't count.",
			"corp is the authority and asserts a value.", `outcome    title is "Engineer".`)

		holds(workspace("events", "--source", "corp", "--outcome", "refused"), `"type":"user.refused"`)
		holds(workspace("events", "--type", "user.", "--csv"), "seq,time,type,", ",user.created,applied,", ",user.refused,refused,")
		if out := workspace("events", "--type", "user.", "--until", "2020-01-01T00:00:00Z"); out != "" {
			t.Errorf("events before there were any: %s", out)
		}
		if out, err := run("events", "--outcome", "well"); err == nil || !strings.Contains(out, "Use applied") {
			t.Errorf("an outcome that there isn't: %v %s", err, out)
		}
	})
}

// Rows E074 and A016: at the machine too it is told why a user has an item. What
// the server was started with decides there what its tenants weren't told, so the
// command takes the same flag.
func TestE074AnItemIsExplainedAtTheMachine(t *testing.T) {
	apptest.Each(t, func(t *testing.T, database string) {
		s := serve(t, database, "--features", "groupReconciliation")
		workspace := func(args ...string) string {
			t.Helper()
			out, err := exec.Command("workspace", append(args, "--database", database)...).CombinedOutput()
			if err != nil {
				t.Fatalf("workspace %v: %v\n%s", args, err, out)
			}
			return string(out)
		}
		workspace("tenant", "add", "a")
		workspace("tenant", "enable", "a")
		workspace("source", "add", "--tenant", "a", "--kind", "ad", "--name", "corp")
		admin := tokenForm.FindString(workspace("token", "add", "--tenant", "a", "--admin"))
		source := tokenForm.FindString(workspace("token", "add", "--tenant", "a", "--source", "corp"))
		create := func(token, path, body string) string {
			t.Helper()
			status, got, err := send("POST", s.scim+path, token, body)
			if err != nil || status != http.StatusCreated {
				t.Fatalf("%s: %d %v %v", path, status, got, err)
			}
			return got["id"].(string)
		}
		ana := create(source, "/Users", userBody("ana@contoso.com"))
		group := create(source, "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Sales","members":[{"value":"`+ana+`"}]}`)
		item := create(admin, "/WorkspaceItems", `{"schemas":["urn:workspace:scim:schemas:core:2.0:WorkspaceItem"],"displayName":"Visio","provider":"ad","keepInSync":"on","group":{"value":"`+group+`"}}`)

		out := workspace("explain", "ana@contoso.com", "--target", item, "--tenant", "a", "--features", "groupReconciliation")
		for _, part := range []string{"about WorkspaceItem Visio ", "rule       The job reconcile is disabled", "→ Enable it: workspace job set.", "outcome    The User doesn't have the item"} {
			if !strings.Contains(out, part) {
				t.Errorf("%q isn't in\n%s", part, out)
			}
		}
		if strings.Contains(out, "The feature groupReconciliation is off") {
			t.Errorf("the server's choice doesn't hold:\n%s", out)
		}
		workspace("feature", "set", "groupReconciliation", "off", "--tenant", "a")
		if out := workspace("explain", ana, "--target", item, "--tenant", "a", "--features", "groupReconciliation"); !strings.Contains(out, "rule       The feature groupReconciliation is off") {
			t.Errorf("the tenant's choice doesn't hold:\n%s", out)
		}
	})
}
