package api_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/workspace-scim/workspace/internal/api"
	"github.com/workspace-scim/workspace/internal/apptest"
)

// described is the OpenAPI document, against which the tests hold what they send
// and get.
type described struct {
	document object
	routes   []routePattern
}

type routePattern struct {
	method, path string
	match        *regexp.Regexp
	operation    object
}

// describedAPI reads the document once.
var describedAPI = sync.OnceValue(func() *described {
	d := &described{}
	if err := json.Unmarshal(api.Description(), &d.document); err != nil {
		panic(err)
	}
	parameter := regexp.MustCompile(`\{\w+\}`)
	for path, methods := range d.document["paths"].(object) {
		match := regexp.MustCompile("^/api/v1" + parameter.ReplaceAllString(strings.ReplaceAll(path, ".", `\.`), "[^/]+") + "$")
		for method, op := range methods.(object) {
			d.routes = append(d.routes, routePattern{strings.ToUpper(method), path, match, op.(object)})
		}
	}
	// What is spelled out goes before what has parameters.
	slices.SortFunc(d.routes, func(a, b routePattern) int { return strings.Count(a.path, "{") - strings.Count(b.path, "{") })
	return d
})

// check says what of an exchange isn't as it is described: of a request that was
// taken, its body, and the answer of any.
func (d *described) check(method, url string, body []byte, r apptest.Response) error {
	path, _, _ := strings.Cut(url, "?")
	i := slices.IndexFunc(d.routes, func(p routePattern) bool {
		return (p.method == method || method == "HEAD" && p.method == "GET") && p.match.MatchString(path)
	})
	if i < 0 || method == "HEAD" {
		return nil
	}
	op := d.routes[i].operation
	if r.Status >= 400 {
		return d.content(d.resolve(op["responses"].(object)["default"]), r)
	}
	if request, ok := op["requestBody"]; ok {
		if err := d.sent(request.(object), body); err != nil {
			return fmt.Errorf("request: %w", err)
		}
	}
	answer, ok := op["responses"].(object)[fmt.Sprint(r.Status)]
	if !ok {
		return fmt.Errorf("the status %d isn't described", r.Status)
	}
	headers, _ := answer.(object)["headers"].(object)
	for name := range headers {
		if r.Header.Get(name) == "" {
			return fmt.Errorf("the answer lacks the header %s", name)
		}
	}
	return d.content(answer.(object), r)
}

func (d *described) sent(request object, body []byte) error {
	media, ok := request["content"].(object)["application/json"]
	if !ok {
		return nil
	}
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return err
	}
	if fields, ok := v.(object); ok { // null is as if it were left out
		maps.DeleteFunc(fields, func(_ string, v any) bool { return v == nil })
	}
	return d.fits(media.(object)["schema"], v, "body")
}

func (d *described) content(answer object, r apptest.Response) error {
	all, _ := answer["content"].(object)
	got, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	media, ok := all[got]
	if !ok {
		if len(all) == 0 && len(r.Text) == 0 {
			return nil
		}
		return fmt.Errorf("the media type %q of a %d isn't described", got, r.Status)
	}
	if !strings.HasSuffix(got, "json") {
		return nil
	}
	var v any
	if err := json.Unmarshal(r.Text, &v); err != nil {
		return err
	}
	return d.fits(media.(object)["schema"], v, "answer")
}

func (d *described) resolve(v any) object {
	o := v.(object)
	ref, ok := o["$ref"].(string)
	if !ok {
		return o
	}
	at := any(d.document)
	for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		at = at.(object)[part]
	}
	if at == nil {
		panic("no " + ref)
	}
	return d.resolve(at)
}

// fits checks a value against a schema, of whose keywords it knows those that the
// document uses. A property that isn't described is an error.
func (d *described) fits(schema, v any, at string) error {
	s := d.resolve(schema)
	if want := types(s["type"]); len(want) > 0 && !slices.Contains(want, typeOf(v, want)) {
		return fmt.Errorf("%s is %T %v, not %v", at, v, v, want)
	}
	if all, ok := s["enum"].([]any); ok && !slices.Contains(all, v) {
		return fmt.Errorf("%s is %v, none of %v", at, v, all)
	}
	switch v := v.(type) {
	case string:
		return formatted(s, v, at)
	case []any:
		for i, e := range v {
			if err := d.fits(s["items"], e, fmt.Sprintf("%s[%d]", at, i)); err != nil {
				return err
			}
		}
	case object:
		return d.objectFits(s, v, at)
	}
	return nil
}

func (d *described) objectFits(s, v object, at string) error {
	required, _ := s["required"].([]any)
	for _, name := range required {
		if _, ok := v[name.(string)]; !ok {
			return fmt.Errorf("%s lacks %s", at, name)
		}
	}
	properties, _ := s["properties"].(object)
	for name, e := range v {
		switch more := s["additionalProperties"]; {
		case properties[name] != nil:
			if err := d.fits(properties[name], e, at+"."+name); err != nil {
				return err
			}
		case more == true:
		case more == nil:
			return fmt.Errorf("%s.%s isn't described", at, name)
		default:
			if err := d.fits(more, e, at+"."+name); err != nil {
				return err
			}
		}
	}
	return nil
}

func formatted(s object, v, at string) error {
	var err error
	switch s["format"] {
	case "uuid":
		_, err = uuid.Parse(v)
	case "date-time":
		_, err = time.Parse(time.RFC3339Nano, v)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	return nil
}

func types(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var out []string
		for _, e := range v {
			out = append(out, e.(string))
		}
		return out
	}
	return nil
}

func typeOf(v any, want []string) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case []any:
		return "array"
	case float64:
		if v == float64(int64(v)) && slices.Contains(want, "integer") {
			return "integer"
		}
		return "number"
	}
	return "object"
}
