package api

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// The bounds of requests.
const (
	maxBody   = 1 << 20 // bytes of a JSON body
	maxPage   = 500     // things of a page
	pageSize  = 100     // where the client doesn't say
	maxCursor = 2048    // bytes
)

// Keys under which the edge finds who spoke, for its log line. They are those
// of the SCIM endpoint.
const (
	contextTenant = "scim.tenant"
	contextSource = "scim.source"
)

var errUnreadable = errors.New("body not read to its end")

// request is one request on its way.
type request struct {
	s     *Server
	c     echo.Context
	actor directory.Actor

	id        string // the path's :id
	partition string // the path's :partition
	upload    string // the path's :upload
}

// txn is the request's id, which joins events and log lines.
func (r *request) txn() string { return r.c.Response().Header().Get(echo.HeaderXRequestID) }

// authenticate finds the actor by the bearer token (RFC 6750 §2.1), and takes
// over under which lease it says to write.
func (r *request) authenticate() error {
	h := r.c.Request().Header
	p, err := r.speaks(r.c.Request().Context())
	if err != nil {
		return err
	}
	r.actor = directory.NewActor(p, r.txn())
	r.c.Set(contextTenant, p.Tenant.Slug)
	r.c.Set(contextSource, p.Source.Name)
	if !r.s.rates.Allow(p.Source.ID) {
		return tooFast()
	}
	return r.actor.Claim(h.Get(directory.LeaseHeader), h.Get(directory.RunHeader))
}

// speaks finds whom the bearer token speaks for now.
func (r *request) speaks(ctx context.Context) (store.Principal, error) {
	return r.s.dir.AuthenticateControl(ctx, directory.Bearer(r.c.Request().Header.Get("Authorization")))
}

// place reads the parameters of the path. What can't be one of ours doesn't
// reach the database.
func (r *request) place() error {
	for _, name := range r.c.ParamNames() {
		value, unescaped := url.PathUnescape(r.c.Param(name))
		switch {
		case unescaped != nil || len(value) > 64:
			return store.ErrNotFound
		case name == "id" && strings.Trim(value, "-0123456789abcdefghijklmnopqrstuvwxyz") != "":
			return store.ErrNotFound
		case name == "id":
			r.id = value
		case name == "upload":
			r.upload = value
		case name == "partition" && !plain(value):
			return store.ErrNotFound
		case name == "partition":
			r.partition = value
		}
	}
	return nil
}

func plain(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// decode reads a JSON object of known fields from the body.
func (r *request) decode(v any) error {
	body, err := r.text()
	if err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return decodeError(err)
	}
	if !bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{")) { // null, which leaves v as it is
		return problem{Status: http.StatusBadRequest, Code: "invalidValue", Detail: "The body is null; a JSON object is wanted."}
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return problem{Status: http.StatusBadRequest, Code: "invalidSyntax", Detail: "Something follows the JSON object of the body."}
	}
	return nil
}

// text reads a JSON body.
func (r *request) text() ([]byte, error) {
	if err := r.bodyType("application/json"); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(http.MaxBytesReader(r.c.Response(), r.c.Request().Body, maxBody))
	if err != nil {
		return nil, unreadable(err)
	}
	return body, nil
}

func decodeError(err error) error {
	var syntax *json.SyntaxError
	var typed *json.UnmarshalTypeError
	bad := func(code, attribute, format string, args ...any) error {
		return problem{Status: http.StatusBadRequest, Code: code, Attribute: attribute, Detail: fmt.Sprintf(format, args...)}
	}
	switch {
	case errors.Is(err, io.EOF):
		return bad("invalidSyntax", "", "The body is empty; a JSON object is wanted.")
	case errors.As(err, &syntax), errors.Is(err, io.ErrUnexpectedEOF):
		return bad("invalidSyntax", "", "The body is no JSON.")
	case errors.As(err, &typed):
		return bad("invalidValue", typed.Field, "%s has the wrong JSON type.", orBody(typed.Field))
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		name = strings.Trim(name, `"`)
		return bad("unknownField", name, "There is no field %.100q.", name)
	}
	// What is left is a value that its type refuses, such as a time.
	return bad("invalidValue", "", "A value of the body can't be read; times are written as in RFC 3339.")
}

func orBody(field string) string {
	if field == "" {
		return "The body"
	}
	return field
}

// bodyType refuses another content type than the one wanted; none is taken for
// it.
func (r *request) bodyType(want string) error {
	h := r.c.Request().Header
	ct := h.Get("Content-Type")
	if ct != "" {
		if m, _, err := mime.ParseMediaType(ct); err != nil || m != want {
			return problem{Status: http.StatusUnsupportedMediaType, Code: "unsupportedMediaType", Detail: "The body must be " + want + "."}
		}
	}
	if enc := h.Get("Content-Encoding"); enc != "" && enc != "identity" {
		return problem{Status: http.StatusUnsupportedMediaType, Code: "unsupportedMediaType", Detail: "The body must not be compressed."}
	}
	return nil
}

// ifMatch gives If-Match as a judge of tags, nil without one. Tags are compared
// weakly; a body of ours is the same bytes for the same tag anyway.
func (r *request) ifMatch() func(tag string) bool {
	h := r.c.Request().Header.Get("If-Match")
	if h == "" {
		return nil
	}
	return func(tag string) bool {
		for t := range strings.SplitSeq(h, ",") {
			t = strings.TrimPrefix(strings.TrimSpace(t), "W/")
			if t == "*" || t == `"`+tag+`"` {
				return true
			}
		}
		return false
	}
}

// ifVersion is ifMatch for what counts versions.
func (r *request) ifVersion() directory.Precondition {
	match := r.ifMatch()
	if match == nil {
		return nil
	}
	return func(version int64) bool { return match(strconv.FormatInt(version, 10)) }
}

// etag sets the ETag of the answer.
func (r *request) etag(tag any) { r.c.Response().Header().Set("ETag", fmt.Sprintf(`"%v"`, tag)) }

// page is what of a list the client wants.
type page struct {
	limit  int
	cursor []string // the key behind which to go on, nil to begin
}

// page reads limit and cursor; the cursor has n parts.
func (r *request) page(n int) (page, error) {
	q := r.c.QueryParams()
	var err error
	p := page{limit: pageSize}
	if q.Has("limit") {
		p.limit, err = strconv.Atoi(q.Get("limit"))
		if err != nil || p.limit < 1 || p.limit > maxPage {
			return page{}, problem{Status: http.StatusBadRequest, Code: "invalidValue", Attribute: "limit", Detail: fmt.Sprintf("limit is a number from 1 to %d.", maxPage)}
		}
	}
	if q.Has("cursor") {
		p.cursor, err = parseCursor(q.Get("cursor"), n)
	}
	return p, err
}

// numbered reads the parameters of a list whose cursor is a number, 0 for none.
func (r *request) numbered() (p page, at int64, err error) {
	if p, err = r.page(1); err == nil {
		at, err = p.number()
	}
	return p, at, err
}

// A cursor is the key of the last thing that was given, as a JSON array in
// base64.
func parseCursor(text string, n int) ([]string, error) {
	bad := problem{Status: http.StatusBadRequest, Code: "invalidCursor", Attribute: "cursor", Detail: "The cursor is none of ours.", Way: "Begin without one."}
	if len(text) > maxCursor {
		return nil, bad
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, bad
	}
	var parts []string
	if err := json.Unmarshal(b, &parts); err != nil || len(parts) != n {
		return nil, bad
	}
	return parts, nil
}

// part gives a part of the cursor, "" to begin.
func (p page) part(i int) string {
	if p.cursor == nil {
		return ""
	}
	return p.cursor[i]
}

// number gives a cursor that is a number, 0 to begin.
func (p page) number() (int64, error) {
	if p.cursor == nil {
		return 0, nil
	}
	n, err := strconv.ParseInt(p.cursor[0], 10, 64)
	if err != nil || n <= 0 {
		return 0, problem{Status: http.StatusBadRequest, Code: "invalidCursor", Attribute: "cursor", Detail: "The cursor is none of ours.", Way: "Begin without one."}
	}
	return n, nil
}

// listing is a page of things, with the cursor of the next one if this one is
// full.
type listing[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"nextCursor,omitempty"`
}

// list answers a page. key gives the cursor behind a thing.
func list[S, T any](r *request, p page, all []S, show func(S) T, key func(S) []string) error {
	out, err := listed(p, all, show, key)
	if err != nil {
		return err
	}
	return r.json(http.StatusOK, out)
}

func listed[S, T any](p page, all []S, show func(S) T, key func(S) []string) (listing[T], error) {
	out := listing[T]{Items: make([]T, 0, len(all))}
	for _, s := range all {
		out.Items = append(out.Items, show(s))
	}
	if len(all) < p.limit {
		return out, nil
	}
	var err error
	out.Next, err = cursorOf(key(all[len(all)-1])...)
	return out, err
}

func cursorOf(key ...string) (string, error) {
	b, err := json.Marshal(key)
	return base64.RawURLEncoding.EncodeToString(b), err
}

// json answers a value as JSON.
func (r *request) json(status int, v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	return r.respond(status, "application/json", b.Bytes())
}

// server is the URL that the request was sent to.
func (r *request) server() string { return r.c.Scheme() + "://" + r.c.Request().Host }

func (r *request) respond(status int, mediaType string, body []byte) error {
	h := r.c.Response().Header()
	if body != nil {
		h.Set("Content-Type", mediaType)
		h.Set("Content-Length", strconv.Itoa(len(body)))
	}
	r.c.Response().WriteHeader(status)
	if body == nil || r.c.Request().Method == http.MethodHead {
		return nil
	}
	_, err := r.c.Response().Write(body)
	return err
}
