package acceptance_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// The conversations in testdata are txtar archives, one file for each client
// and subject. The comment says who the client is and where the shapes come
// from; a line "# source: KIND" in it picks the kind of the source, entra if
// there is none. Each part is one exchange:
//
//	-- what it is --
//	POST /Users
//	User-Agent: any header
//
//	{"userName": "{{name}}"}
//	=> 201
//	Location: {{scim}}/Users/$any
//
//	{"id": "$capture ada", "emails": [{"value": "a@b.example"}]}
//
// {{name}} stands for a variable, also in paths and headers. The JSON behind
// the status is a part of the answer: names that it leaves out may be there.
// Lists are compared element by element. A string that begins with a dollar
// sign is no value: "$any" wants one, "$absent" none, "$match RE" one that a
// regular expression matches, "$capture NAME" keeps it as a variable, "$not X"
// wants another than X, and {"$has": […]} wants a list to hold such elements.
type conversation struct {
	t         *testing.T
	client    *client
	variables map[string]string
}

// exchange is one request and what is expected.
type exchange struct {
	name, method, path string
	headers            []string
	body               string
	status             int
	expectHeaders      []string
	expect             string // JSON, "" for none
}

func TestE004ConversationsOfClients(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) < 15 {
		t.Fatal(files, err)
	}
	each(t, func(t *testing.T, h *house) {
		for _, file := range files {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				comment, parts := archive(string(text))
				c := h.tenant(t).conversation(t, sourceKind(comment))
				for _, p := range parts {
					c.hold(parseExchange(t, p[0], c.fill(p[1])))
				}
			})
		}
	})
}

// conversation makes the source that speaks and the variables it begins with.
func (n *tenant) conversation(t *testing.T, kind store.SourceKind) *conversation {
	t.Helper()
	const name = "client"
	c := n.source(kind, name, store.Policies{})
	secret, _, err := n.house.Directory.AddToken(t.Context(), "provider", directory.TokenSpec{Tenant: n.slug, Source: name, Kind: store.TokenSecret})
	if err != nil {
		t.Fatal(err)
	}
	sources, err := n.house.Directory.Sources(t.Context(), n.slug)
	if err != nil {
		t.Fatal(err)
	}
	return &conversation{t, c, map[string]string{
		"url": n.house.URL, "scim": n.house.SCIM, "nobody": nobody,
		"client_id": sources[len(sources)-1].PublicID, "client_secret": secret,
	}}
}

var sourceLine = regexp.MustCompile(`(?m)^# source: (\w+)$`)

func sourceKind(comment string) store.SourceKind {
	if m := sourceLine.FindStringSubmatch(comment); m != nil {
		return store.SourceKind(m[1])
	}
	return store.SourceEntra
}

// archive takes a txtar archive apart into its comment and its parts, each a
// name and a text.
func archive(text string) (comment string, parts [][2]string) {
	marker := regexp.MustCompile(`(?m)^-- (.+) --\n`)
	at := marker.FindAllStringSubmatchIndex(text, -1)
	for i, m := range at {
		end := len(text)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		parts = append(parts, [2]string{text[m[2]:m[3]], text[m[1]:end]})
	}
	if len(at) > 0 {
		text = text[:at[0][0]]
	}
	return text, parts
}

var variable = regexp.MustCompile(`\{\{(\w+)\}\}`)

// fill puts the variables in, as they are now.
func (c *conversation) fill(text string) string {
	return variable.ReplaceAllStringFunc(text, func(m string) string {
		name := variable.FindStringSubmatch(m)[1]
		value, ok := c.variables[name]
		if !ok {
			c.t.Fatalf("the variable %s is not set", name)
		}
		return value
	})
}

func parseExchange(t *testing.T, name, text string) exchange {
	t.Helper()
	e := exchange{name: name}
	request, response, ok := strings.Cut(text, "\n=> ")
	if !ok {
		t.Fatalf("%s: no line =>", name)
	}
	for strings.HasPrefix(request, "#") {
		_, request, _ = strings.Cut(request, "\n")
	}
	head, body, _ := strings.Cut(request, "\n\n")
	lines := strings.Split(head, "\n")
	e.method, e.path, _ = strings.Cut(lines[0], " ")
	e.headers, e.body = lines[1:], strings.TrimSpace(body)

	head, body, _ = strings.Cut(response, "\n\n")
	lines = strings.Split(strings.TrimSpace(head), "\n")
	var err error
	if e.status, err = strconv.Atoi(lines[0]); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	e.expectHeaders, e.expect = lines[1:], strings.TrimSpace(body)
	return e
}

// hold sends the request and compares the answer. A conversation goes on only
// as long as the statuses are right.
func (c *conversation) hold(e exchange) {
	c.t.Helper()
	var body any
	if e.body != "" {
		body = e.body
	}
	a := c.client.in(c.t).do(e.method, e.path, body, e.headers...)
	a.asked = e.name + ": " + a.asked
	a.status(e.status)
	for _, h := range e.expectHeaders {
		name, want, _ := strings.Cut(h, ": ")
		c.match(a, "header "+name, want, a.Header.Get(name))
	}
	if e.status == http.StatusNoContent && len(a.Text) > 0 {
		c.t.Errorf("%s: 204 with a body", a.asked)
	}
	if e.expect == "" {
		return
	}
	var want any
	if err := json.Unmarshal([]byte(e.expect), &want); err != nil {
		c.t.Fatalf("%s: expectation: %v", e.name, err)
	}
	c.match(a, "", want, a.Body)
}

// match compares a part of an answer with what is wanted of it.
func (c *conversation) match(a *answer, at string, want, got any) {
	c.t.Helper()
	switch w := want.(type) {
	case object:
		if elements, ok := w["$has"].(list); ok {
			c.matchHas(a, at, elements, got)
			return
		}
		g, ok := got.(object)
		if !ok {
			c.differ(a, at, want, got)
			return
		}
		for name, v := range w {
			c.match(a, at+"/"+name, v, g[name])
		}
	case list:
		g, ok := got.(list)
		if !ok && len(w) > 0 || len(g) != len(w) {
			c.differ(a, at, want, got)
			return
		}
		for i, v := range w {
			c.match(a, at+"/"+strconv.Itoa(i), v, g[i])
		}
	case string:
		if !c.matchText(w, got) {
			c.differ(a, at, want, got)
		}
	default:
		if want != got {
			c.differ(a, at, want, got)
		}
	}
}

func (c *conversation) matchHas(a *answer, at string, want list, got any) {
	c.t.Helper()
	all, _ := got.(list)
	for _, w := range want {
		found := false
		for _, g := range all {
			found = found || within(w, g)
		}
		if !found {
			c.differ(a, at, w, got)
		}
	}
}

// within says whether got has all that want has.
func within(want, got any) bool {
	w, ok := want.(object)
	if !ok {
		return want == got
	}
	g, _ := got.(object)
	for name, v := range w {
		if !within(v, g[name]) {
			return false
		}
	}
	return true
}

func (c *conversation) matchText(want string, got any) bool {
	text, _ := got.(string)
	rule, argument, _ := strings.Cut(want, " ")
	switch rule {
	case "$any":
		return got != nil && got != ""
	case "$absent":
		return got == nil || got == ""
	case "$not":
		return got != nil && text != argument
	case "$match":
		return regexp.MustCompile(argument).MatchString(text)
	case "$capture":
		c.variables[argument] = text
		return text != ""
	}
	return got == want
}

func (c *conversation) differ(a *answer, at string, want, got any) {
	c.t.Helper()
	c.t.Errorf("%s\nat %q\n got %s\nwant %s", a.asked, at, jsonText(got), jsonText(want))
}

func jsonText(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return short(b)
}
