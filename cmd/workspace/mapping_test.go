package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/internal/apptest"
)

// Row E092: at the machine, changed rules are tried over everybody beside the
// running server, with the names in a file for a spreadsheet, and then saved.
func TestE092RulesAreTriedAtTheMachine(t *testing.T) {
	apptest.Each(t, func(t *testing.T, database string) {
		s := serve(t, database)
		workspace := func(args ...string) string {
			t.Helper()
			out, err := exec.Command("workspace", append(args, "--database", database)...).Output()
			if err != nil {
				t.Fatalf("workspace %v: %v\n%s", args, err, out)
			}
			return string(out)
		}
		mapping := func(args ...string) string {
			return workspace(append(append([]string{"mapping"}, args...), "--tenant", "a", "--name", "hr")...)
		}
		workspace("tenant", "add", "a")
		workspace("tenant", "enable", "a")
		u := &uploading{t: t, database: database, s: s, token: tokenForm.FindString(workspace("source", "add", "--tenant", "a", "--kind", "api", "--name", "hr", "--token"))}
		principal := u.get("/servicePrincipals")["value"].([]any)[0].(map[string]any)["id"].(string)
		jobs := "/servicePrincipals/" + principal + "/synchronization/jobs"
		u.job = jobs + "/" + u.get(jobs)["value"].([]any)[0].(map[string]any)["id"].(string)

		write := func(name, scope string) string {
			file := filepath.Join(t.TempDir(), name)
			rules := `{` + scope + `"match":["externalId"],"flows":[{"target":"externalId","kind":"direct","source":"externalId"},{"target":"userName","kind":"direct","source":"userName"}]}`
			if err := os.WriteFile(file, []byte(rules), 0o600); err != nil {
				t.Fatal(err)
			}
			return file
		}
		mapping("set", write("all.json", ""))
		u.call("/bulkUpload", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"externalId":"1","userName":"=ana@contoso.com","title":"Boss"}`)
		u.call("/bulkUpload", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"externalId":"2","userName":"bo@contoso.com","title":"Clerk"}`)
		for deadline := time.Now().Add(60 * time.Second); strings.Count(mapping("records"), "\n") < 2; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("the records are not worked on")
			}
		}
		bosses := write("bosses.json", `"scope":[[{"attribute":"title","operator":"eq","value":"Clerk"}]],`)
		file := filepath.Join(t.TempDir(), "people.csv")
		out := mapping("simulate", bosses, "--csv", file)
		for _, line := range []string{"people", "in scope", "leave", "unchanged"} {
			if !strings.Contains(strings.Join(strings.Fields(out), " "), line+" "+map[string]string{"people": "2"}[line]) {
				t.Errorf("%q isn't in\n%s", line, out)
			}
		}
		csv, err := os.ReadFile(file)
		if err != nil || strings.Count(string(csv), "\n") != 2 || !strings.Contains(string(csv), "leaves,1,'=ana@contoso.com,") {
			t.Errorf("%v\n%s", err, csv)
		}
		if again := mapping("simulate", "--csv", "-"); strings.Count(again, "\n") != 1 {
			t.Errorf("the rules that are there change something:\n%s", again)
		}
	})
}
