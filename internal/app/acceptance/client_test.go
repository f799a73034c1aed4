package acceptance_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// client is a SCIM client with a token.
type client struct {
	t     *testing.T
	base  string // the URL of the SCIM endpoint
	token string // "" for none
}

// in gives the client to a part of a test.
func (c *client) in(t *testing.T) *client {
	return &client{t, c.base, c.token}
}

// answer is a response, read to its end, with what it answers.
type answer struct {
	t      *testing.T
	asked  string
	Status int
	Header http.Header
	Text   []byte
	Body   any // the JSON in it
}

// do sends a request. Path is below the endpoint, or a whole URL, and goes over
// the wire as it is. Body is JSON as text, nil for none, or what marshals to it.
// Headers are "Name: value".
func (c *client) do(method, path string, body any, headers ...string) *answer {
	c.t.Helper()
	if !strings.HasPrefix(path, "http") {
		path = c.base + path
	}
	text := marshal(c.t, body)
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.base, bytes.NewReader(text))
	if err != nil {
		c.t.Fatal(err)
	}
	req.URL = rawURL(path)
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/scim+json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if req.Header.Set(name, value); value == "" {
			req.Header.Del(name)
		}
	}
	return send(c.t, req, fmt.Sprintf("%s %s %s", method, path, short(text)))
}

// rawURL takes a URL apart without judging or mending what it asks for.
func rawURL(s string) *url.URL {
	scheme, rest, _ := strings.Cut(s, "://")
	host, path := rest, ""
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		host, path = rest[:i], rest[i:]
	}
	path, query, has := strings.Cut(path, "?")
	return &url.URL{Scheme: scheme, Host: host, Opaque: path, RawQuery: query, ForceQuery: has}
}

func send(t *testing.T, req *http.Request, asked string) *answer {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("%s: %v", asked, err)
	}
	return read(t, resp, asked)
}

func read(t *testing.T, resp *http.Response, asked string) *answer {
	t.Helper()
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s: %v", asked, err)
	}
	a := &answer{t: t, asked: asked, Status: resp.StatusCode, Header: resp.Header, Text: text}
	if json.Unmarshal(text, &a.Body) != nil {
		a.Body = nil
	}
	return a
}

func marshal(t *testing.T, body any) []byte {
	t.Helper()
	switch b := body.(type) {
	case nil:
		return nil
	case string:
		return []byte(b)
	case []byte:
		return b
	}
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func short(text []byte) string {
	const most = 400
	if len(text) > most {
		return string(text[:most]) + "…"
	}
	return string(text)
}

func (c *client) get(path string, headers ...string) *answer {
	c.t.Helper()
	return c.do("GET", path, nil, headers...)
}

func (c *client) post(path string, body any, headers ...string) *answer {
	c.t.Helper()
	return c.do("POST", path, body, headers...)
}

func (c *client) put(path string, body any, headers ...string) *answer {
	c.t.Helper()
	return c.do("PUT", path, body, headers...)
}

// patch sends one operation or several.
func (c *client) patch(path string, ops ...object) *answer {
	c.t.Helper()
	return c.do("PATCH", path, patchOf(ops...))
}

func (c *client) delete(path string, headers ...string) *answer {
	c.t.Helper()
	return c.do("DELETE", path, nil, headers...)
}

// find lists an endpoint with a filter.
func (c *client) find(endpoint, filter string, more ...string) *answer {
	c.t.Helper()
	return c.get(endpoint + "?" + strings.Join(append(more, "filter="+url.QueryEscape(filter)), "&"))
}

// create creates a resource and gives its id.
func (c *client) create(endpoint string, body any) string {
	c.t.Helper()
	return c.post(endpoint, body).status(http.StatusCreated).text("id")
}

// everything is what the client sees, page by page, as text.
func (c *client) everything(parameters ...string) string {
	c.t.Helper()
	var all strings.Builder
	for cursor := ""; ; {
		p := c.get("?" + strings.Join(append(parameters, "count=1000", "cursor="+cursor), "&"))
		all.Write(p.Text)
		next, _ := p.at("nextCursor").(string)
		if next == "" {
			return all.String()
		}
		cursor = next
	}
}

func patchOf(ops ...object) object {
	return object{"schemas": list{patchURN}, "Operations": ops}
}

// op is a PATCH operation; path "" and value nil are left out.
func op(name, path string, value any) object {
	o := object{"op": name}
	if path != "" {
		o["path"] = path
	}
	if value != nil {
		o["value"] = value
	}
	return o
}

// user is the body of a user; more are further attributes, in pairs.
func user(userName string, more ...any) object {
	return with(object{"schemas": list{userURN}, "userName": userName}, more...)
}

// group is the body of a group.
func group(displayName string, more ...any) object {
	return with(object{"schemas": list{groupURN}, "displayName": displayName}, more...)
}

func with(o object, more ...any) object {
	for i := 0; i < len(more); i += 2 {
		o[more[i].(string)] = more[i+1]
	}
	return o
}

// refs is a list of members.
func refs(ids ...string) list {
	out := list{}
	for _, id := range ids {
		out = append(out, object{"value": id})
	}
	return out
}

// status ends the test unless the status is this one.
func (a *answer) status(want int) *answer {
	a.t.Helper()
	if a.Status != want {
		a.t.Fatalf("%s\n got %d %s\nwant %d", a.asked, a.Status, short(a.Text), want)
	}
	return a
}

// refused wants a SCIM error (RFC 7644 §3.12).
func (a *answer) refused(status int, scimType string) *answer {
	a.t.Helper()
	if problem := a.problem(status, scimType); problem != "" {
		a.t.Errorf("%s\n got %d %s\nwant %d %s: %s", a.asked, a.Status, short(a.Text), status, scimType, problem)
	}
	return a
}

// problem says in what an answer is not this SCIM error, "" if it is.
func (a *answer) problem(status int, scimType string) string {
	got, _ := a.at("scimType").(string)
	detail, _ := a.at("detail").(string)
	switch {
	case a.Status != status:
		return "status"
	case got != scimType:
		return "scimType"
	case a.Header.Get("Content-Type") != "application/scim+json":
		return "Content-Type"
	case a.at("status") != strconv.Itoa(status):
		return "status in the body"
	case !cmp.Equal(a.at("schemas"), any(list{errorURN})):
		return "schemas"
	case detail == "":
		return "detail"
	}
	return ""
}

// at gives the value at a path of names and indexes, as in Resources/0/id; nil
// if there is none.
func (a *answer) at(path string) any {
	v := a.Body
	for step := range strings.SplitSeq(path, "/") {
		switch x := v.(type) {
		case object:
			v = x[step]
		case list:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

// text gives the string at a path, which must be there.
func (a *answer) text(path string) string {
	a.t.Helper()
	s, ok := a.at(path).(string)
	if !ok {
		a.t.Fatalf("%s\n got %s\nwant a string at %s", a.asked, short(a.Text), path)
	}
	return s
}

// is wants this value at a path; nil wants none.
func (a *answer) is(path string, want any) *answer {
	a.t.Helper()
	if diff := cmp.Diff(plain(a.t, want), a.at(path)); diff != "" {
		a.t.Errorf("%s: %s (-want +got)\n%s", a.asked, path, diff)
	}
	return a
}

// total wants a ListResponse with so many results.
func (a *answer) total(want int) *answer {
	a.t.Helper()
	return a.status(http.StatusOK).is("totalResults", want)
}

// each gives the values at a path of each resource of a list.
func (a *answer) each(path string) []string {
	a.t.Helper()
	all, _ := a.at("Resources").(list)
	out := []string{}
	for i := range all {
		v := a.at("Resources/" + strconv.Itoa(i) + "/" + path)
		if v == nil {
			v = "-"
		}
		out = append(out, fmt.Sprint(v))
	}
	return out
}

// plain is a value as it comes out of JSON.
func plain(t *testing.T, v any) any {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}
