package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/internal/apptest"
)

const quickstarts = "../../docs/quickstarts"

// quickstart starts a server with a source for uploads, and gives its address
// and the source's token.
func quickstart(t *testing.T) (address, token string) {
	t.Helper()
	database := apptest.SQLite(t)
	for _, args := range [][]string{
		{"tenant", "add", "contoso", "--domain", "contoso.com"},
		{"tenant", "enable", "contoso"},
		{"source", "add", "--tenant", "contoso", "--name", "hr", "--kind", "api", "--token"},
	} {
		token = succeed(t, database, args...)
	}
	return strings.TrimSuffix(serve(t, database).scim, "/scim/v2"), token
}

// TestE065TheQuickStartForCURL runs the script as a reader would, twice.
func TestE065TheQuickStartForCURL(t *testing.T) {
	t.Parallel()
	address, token := quickstart(t)
	script := func() string {
		t.Helper()
		cmd := exec.Command("sh", filepath.Join(quickstarts, "upload.sh"))
		cmd.Env = append(os.Environ(), "WORKSPACE_URL="+address, "WORKSPACE_TOKEN="+token)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		_, told, _ := strings.Cut(string(out), "\n")
		return told
	}
	if told := script(); told != "701984: create, success\n701985: create, success\n" {
		t.Errorf("it tells %q", told)
	}
	if told := script(); strings.Count(told, `skipped {"errorCode":"noChange"`) != 2 {
		t.Errorf("the same again: %q", told)
	}
}

// postman is a collection of version 2.1, as far as ours uses it.
type postman struct {
	Variable []struct{ Key, Value string }
	Item     []postmanItem
}

type postmanItem struct {
	Name  string
	Item  []postmanItem
	Event []struct {
		Script struct{ Exec []string }
	}
	Request struct {
		Method string
		Header []struct{ Key, Value string }
		URL    struct {
			Raw   string
			Query []struct{ Key, Value string }
		}
		Body struct{ Raw string }
	}
}

// The two things that the collection's tests do.
var (
	wantsStatus = regexp.MustCompile(`^pm\.test\("\d+", \(\) => pm\.response\.to\.have\.status\((\d+)\)\);$`)
	keepsID     = regexp.MustCompile(`^pm\.collectionVariables\.set\("(\w+)", pm\.response\.json\(\)\.value\[0\]\.id\);$`)
)

// TestE065ThePostmanCollection sends the collection's requests from the top, and
// does what their tests say.
func TestE065ThePostmanCollection(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(quickstarts, "workspace.postman_collection.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all postman
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	variables := map[string]string{}
	for _, v := range all.Variable {
		variables[v.Key] = v.Value
	}
	variables["url"], variables["token"] = quickstart(t)
	sent := 0
	for _, folder := range all.Item {
		for _, x := range folder.Item {
			x.send(t, variables)
			sent++
		}
	}
	if sent < 10 {
		t.Errorf("%d requests", sent)
	}
}

func (x *postmanItem) send(t *testing.T, variables map[string]string) {
	t.Helper()
	fill := func(s string) string {
		for key, value := range variables {
			s = strings.ReplaceAll(s, "{{"+key+"}}", value)
		}
		return s
	}
	path, _, _ := strings.Cut(x.Request.URL.Raw, "?")
	query := url.Values{}
	for _, q := range x.Request.URL.Query {
		query.Set(q.Key, fill(q.Value))
	}
	req, err := http.NewRequest(x.Request.Method, fill(path)+"?"+query.Encode(), strings.NewReader(fill(x.Request.Body.Raw)))
	if err != nil {
		t.Fatalf("%s: %v", x.Name, err)
	}
	req.Header.Set("Authorization", "Bearer "+variables["token"])
	for _, h := range x.Request.Header {
		req.Header.Set(h.Key, h.Value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("%s: %v", x.Name, err)
	}
	defer resp.Body.Close()
	for _, line := range x.Event[0].Script.Exec {
		if m := wantsStatus.FindStringSubmatch(line); m != nil {
			if !strings.HasPrefix(resp.Status, m[1]) {
				t.Fatalf("%s: %s, want %s", x.Name, resp.Status, m[1])
			}
			continue
		}
		m := keepsID.FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("%s: this test doesn't know what to do with %s", x.Name, line)
		}
		var body struct{ Value []struct{ ID string } }
		if err := json.NewDecoder(resp.Body).Decode(&body); err != nil || len(body.Value) == 0 {
			t.Fatalf("%s: %v, %d values", x.Name, err, len(body.Value))
		}
		variables[m[1]] = body.Value[0].ID
	}
}

// TestE065TheLogicApp does what its actions say for two people: the expressions
// that it knows are the parameters, the job and the columns of a person.
func TestE065TheLogicApp(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(quickstarts, "logic-app.json"))
	if err != nil {
		t.Fatal(err)
	}
	type call struct {
		Inputs struct {
			Method, URI string
			Headers     map[string]string
			Body        map[string]any
		}
	}
	var app struct {
		Definition struct {
			Actions struct {
				Job     call
				Records struct {
					Inputs struct{ Select json.RawMessage }
				}
				Each struct {
					Actions struct{ Upload call }
				} `json:"Each_fifty"`
			}
		}
	}
	if err := json.Unmarshal(text, &app); err != nil {
		t.Fatal(err)
	}
	address, token := quickstart(t)
	known := map[string]string{"@{parameters('url')}": address, "@{parameters('token')}": token, "@{parameters('source')}": "hr", "@{guid()}": "1"}
	fill := func(s string) string {
		for expression, value := range known {
			s = strings.ReplaceAll(s, expression, value)
		}
		if strings.Contains(s, "@{") {
			t.Errorf("this test doesn't know what to do with %s", s)
		}
		return s
	}
	do := func(c call, body string) (status int, answer []byte) {
		req, err := http.NewRequest(c.Inputs.Method, fill(c.Inputs.URI), strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range c.Inputs.Headers {
			req.Header.Set(name, fill(value))
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		answer, err = io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, answer
	}
	var jobs struct{ Value []struct{ ID string } }
	status, answer := do(app.Definition.Actions.Job, "")
	if err := json.Unmarshal(answer, &jobs); status != http.StatusOK || err != nil {
		t.Fatalf("the job: %d %s", status, answer)
	}
	known["@{body('Job')['value'][0]['id']}"] = jobs.Value[0].ID

	column := regexp.MustCompile(`"@item\(\)\?\['(\w+)'\]"`)
	var records []json.RawMessage
	for _, person := range []map[string]string{
		{"employeeId": "1", "userPrincipalName": "ada@contoso.com", "surname": "Lovelace", "managerId": "2", "accountEnabled": "true"},
		{"employeeId": "2", "userPrincipalName": "bob@contoso.com", "accountEnabled": "false"},
	} {
		records = append(records, json.RawMessage(column.ReplaceAllStringFunc(fill(string(app.Definition.Actions.Records.Inputs.Select)), func(s string) string {
			value, there := person[column.FindStringSubmatch(s)[1]]
			if !there {
				return "null"
			}
			return strconv.Quote(value)
		})))
	}
	upload := app.Definition.Actions.Each.Actions.Upload
	upload.Inputs.Body["Operations"] = records
	body, err := json.Marshal(upload.Inputs.Body)
	if err != nil {
		t.Fatal(err)
	}
	if status, answer := do(upload, string(body)); status != http.StatusAccepted {
		t.Fatalf("%d %s", status, answer)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		_, list, err := send("GET", address+"/scim/v2/Users?filter="+url.QueryEscape(`manager pr and name.familyName eq "Lovelace"`), token, "")
		if err != nil {
			t.Fatal(err)
		}
		if list["totalResults"] == 1.0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("Ada isn't there with her manager: %v", list)
		}
	}
}
