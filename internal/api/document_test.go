package api_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/internal/api"
)

// The document describes every method of every route, and none more.
func TestTheDescriptionIsOfTheRoutes(t *testing.T) {
	var got []string
	for _, r := range describedAPI().routes {
		got = append(got, r.method+" "+r.path)
	}
	slices.Sort(got)
	want := api.Routes()
	for _, r := range want {
		if !slices.Contains(got, r) {
			t.Errorf("%s is a route and isn't described: add it to a file of openapi/", r)
		}
	}
	for _, r := range got {
		if !slices.Contains(want, r) {
			t.Errorf("%s is described and is no route", r)
		}
	}
}

// Each operation has what OpenAPI 3.1 asks for, and what a reader needs: its
// parameters, the schemas of what it takes and of what it answers.
func TestTheDescriptionIsWhole(t *testing.T) {
	d := describedAPI()
	if d.document["openapi"] != "3.1.0" || d.document["info"].(object)["title"] == "" || d.document["info"].(object)["version"] == "" {
		t.Errorf("frame %v", d.document["info"])
	}
	seen := map[string]bool{}
	for _, r := range d.routes {
		at, op := r.method+" "+r.path, r.operation
		id, _ := op["operationId"].(string)
		if id == "" || seen[id] || op["summary"] == nil || op["tags"] == nil {
			t.Errorf("%s: operationId %q, summary %v", at, id, op["summary"])
		}
		seen[id] = true
		d.checkParameters(t, at, r.path, op)
		body, has := op["requestBody"]
		if wants := r.method == "PUT" || r.method == "PATCH"; wants && !has || has && !wants && r.method != "POST" {
			t.Errorf("%s: request body described: %v", at, has)
		}
		if has {
			d.checkContent(t, at+" request", body.(object), true)
		}
		responses := op["responses"].(object)
		if len(responses) < 2 || responses["default"] == nil {
			t.Errorf("%s: responses %v", at, responses)
		}
		for status, x := range responses {
			if x := d.resolve(x); x["description"] == nil {
				t.Errorf("%s: %s has no description", at, status)
			} else {
				d.checkContent(t, at+" "+status, x, status != "204")
			}
		}
	}
	for name, s := range d.document["components"].(object)["schemas"].(object) {
		d.checkSchema(t, name, s)
	}
}

func (d *described) checkParameters(t *testing.T, at, path string, op object) {
	t.Helper()
	inPath, seen := []string{}, map[string]bool{}
	all, _ := op["parameters"].([]any)
	for _, p := range all {
		p := d.resolve(p)
		name, place := p["name"].(string), p["in"].(string)
		if seen[place+name] || !slices.Contains([]string{"path", "query", "header"}, place) || p["schema"] == nil {
			t.Errorf("%s: parameter %v", at, p)
		}
		seen[place+name] = true
		if place == "path" {
			inPath = append(inPath, "{"+name+"}")
			if p["required"] != true {
				t.Errorf("%s: %s isn't required", at, name)
			}
		} else if p["description"] == nil {
			t.Errorf("%s: %s has no description", at, name)
		}
		d.checkSchema(t, at+" "+name, p["schema"])
	}
	if want := regexp.MustCompile(`\{\w+\}`).FindAllString(path, -1); fmt.Sprint(inPath) != fmt.Sprint(want) {
		t.Errorf("%s: parameters of the path %v, want %v", at, inPath, want)
	}
}

func (d *described) checkContent(t *testing.T, at string, x object, wanted bool) {
	t.Helper()
	content, _ := x["content"].(object)
	if wanted == (len(content) == 0) {
		t.Errorf("%s: content %v", at, content)
	}
	for media, m := range content {
		d.checkSchema(t, at+" "+media, m.(object)["schema"])
	}
	headers, _ := x["headers"].(object)
	for _, h := range headers {
		d.checkSchema(t, at, d.resolve(h)["schema"])
	}
}

// checkSchema sees to it that a schema, and what it is made of, can be read.
func (d *described) checkSchema(t *testing.T, at string, schema any) {
	t.Helper()
	o, ok := schema.(object)
	if !ok {
		t.Errorf("%s: no schema", at)
		return
	}
	if o["$ref"] != nil {
		d.resolve(o) // which panics if it leads nowhere; it is checked where it stands
		return
	}
	for _, name := range types(o["type"]) {
		if !slices.Contains([]string{"object", "array", "string", "integer", "number", "boolean", "null"}, name) {
			t.Errorf("%s: type %s", at, name)
		}
	}
	if o["type"] == nil && o["enum"] == nil && o["const"] == nil {
		t.Errorf("%s: no type", at)
	}
	properties, _ := o["properties"].(object)
	required, _ := o["required"].([]any)
	for _, name := range required {
		if properties[name.(string)] == nil {
			t.Errorf("%s: %v is required and not described", at, name)
		}
	}
	for name, p := range properties {
		d.checkSchema(t, at+"."+name, p)
	}
	if slices.Contains(types(o["type"]), "array") {
		d.checkSchema(t, at+"[]", o["items"])
	}
	if more, ok := o["additionalProperties"].(object); ok {
		d.checkSchema(t, at+".*", more)
	}
}

// The codes of errors in the document are those of docs/api.md, and hold every
// rule of the core that the API gives a status of its own.
func TestTheDescriptionHasEveryCode(t *testing.T) {
	text, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n## Codes\n")
	if !found {
		t.Fatal("docs/api.md has no section Codes")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var told []string
	for _, m := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(section, -1) {
		told = append(told, m[1])
	}
	slices.Sort(told)
	var described []string
	schemas := describedAPI().document["components"].(object)["schemas"].(object)
	for _, c := range schemas["Problem"].(object)["properties"].(object)["code"].(object)["enum"].([]any) {
		described = append(described, c.(string))
	}
	if fmt.Sprint(told) != fmt.Sprint(described) {
		t.Errorf("docs/api.md has  %v\nthe document has %v", told, described)
	}
	for code := range api.Statuses() {
		if !slices.Contains(described, code) {
			t.Errorf("%s isn't described", code)
		}
	}
}

// The server gives out the document, to whoever it knows.
func TestTheDescriptionIsServed(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		for _, c := range []*client{h.admin, h.ad, h.foreign} {
			if r := c.get("/openapi.json", 200); string(r.Text) != string(api.Description()) {
				t.Errorf("another document: %.200s", r.Text)
			}
		}
	})
}

// What a client sends that isn't described is refused, everywhere.
func TestNoOperationTakesWhatIsNotDescribed(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		for _, r := range describedAPI().routes {
			path := strings.NewReplacer("{id}", h.adID, "{partition}", "default").Replace(r.path)
			h.admin.refused(400, "unknownField", r.method, path+"?nothing=1", nil)
			h.admin.refused(400, "invalidQuery", r.method, path+"?%zz", nil)
		}
	})
}
