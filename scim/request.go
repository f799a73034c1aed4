package scim

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	scimerrors "github.com/elimity-com/scim/errors"
	"github.com/labstack/echo/v4"
	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/scim/dialect"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// MediaType is SCIM's (RFC 7644 §8.1).
const MediaType = "application/scim+json"

// request is one SCIM request on its way.
type request struct {
	s       *Server
	c       echo.Context
	actor   directory.Actor
	set     *schema.Set
	t       *schema.ResourceType // where the route has one
	id      string
	query   url.Values
	dialect *dialect.Dialect
	dryRun  bool // answer as a preview
	asked   bool // the client asked for one; otherwise its source is in staging
	base    string
	frozen  bool   // inside a transaction: nothing may be declared
	careful bool   // authenticate, even who was recognized
	sent    []byte // the body, once it was read
	// carries is the request that is carried out now and was accepted before, nil
	// for one that somebody waits for: see WorkRequests.
	carries *store.Request
	// provisional are the custom attributes that the request uses first, and
	// version that of the schemas that have them.
	provisional []schema.Custom
	version     int
}

func (s *Server) newRequest(c echo.Context) *request {
	return &request{s: s, c: c, dialect: dialect.New(s.repaired)}
}

// admit finds out who speaks and reads the query string.
func (r *request) admit() error {
	if err := r.authenticate(); err != nil {
		return err
	}
	if !r.s.rates.Allow(r.actor.Source.ID) {
		return tooFast()
	}
	if err := r.acceptable(); err != nil {
		return err
	}
	var err error
	if r.query, err = r.dialect.Query(r.c.Request().URL.RawQuery); err != nil {
		return err
	}
	if r.asked, err = r.wantsDryRun(); err != nil {
		return err
	}
	r.dryRun = r.asked || r.actor.Source.Mode == store.ModeStaging
	r.base = r.baseURL()
	return r.loadSchema()
}

// wantsDryRun reads dryRun. A value that is neither yes nor no is refused:
// taking it for no would carry out what was to be a preview.
func (r *request) wantsDryRun() (bool, error) {
	if !r.query.Has("dryRun") {
		return false, nil
	}
	switch strings.ToLower(r.query.Get("dryRun")) {
	case "true", "1", "":
		return true, nil
	case "false", "0":
		return false, nil
	}
	return false, errScim(http.StatusBadRequest, scimerrors.ScimTypeInvalidValue, "dryRun is true or false.")
}

func (r *request) loadSchema() (err error) {
	r.set, err = r.s.dir.Schema(r.c.Request().Context(), r.actor.Tenant)
	return err
}

// foresee makes r.set and r.t the tenant's with custom attributes that the
// client used first. They are declared by the write that uses them, so a request
// that is refused, or only previewed, declares nothing.
func (r *request) foresee(attrs []schema.Custom) (err error) {
	r.provisional = append(r.provisional, attrs...)
	r.set, r.version, err = r.s.dir.Provisional(r.c.Request().Context(), r.actor, r.provisional)
	if err == nil && r.t != nil {
		r.t = r.set.OfKind(r.t.Kind)
	}
	return err
}

// declare declares what was foreseen. If another request was quicker, the
// schemas are not the foreseen ones, and the request begins again.
func (r *request) declare(w *directory.Writer) error {
	if len(r.provisional) == 0 {
		return nil
	}
	version, err := w.Declare(r.provisional)
	if err == nil && version != r.version {
		return document.ErrUndeclared
	}
	return err
}

// learns says whether custom attributes that nobody declared are declared on
// first use: Entra's administrators make them up in its attribute list, and
// those of a domain in the mapping of its source.
func (r *request) learns() bool {
	kind := r.actor.Source.Kind
	return !r.frozen && (kind == store.SourceEntra || kind == store.SourceAD) && !r.actor.Source.Policies.KnownAttributesOnly
}

// baseURL is the URL under which this client reaches the endpoint.
func (r *request) baseURL() string {
	if r.s.baseURL != "" {
		return r.s.baseURL + Prefix
	}
	return r.c.Scheme() + "://" + r.c.Request().Host + Prefix
}

func (r *request) location(t *schema.ResourceType, id string) string {
	return r.base + t.Endpoint + "/" + id
}

// acceptable refuses a client that takes neither of our media types
// (RFC 7644 §3.8).
func (r *request) acceptable() error {
	accept := r.c.Request().Header.Get("Accept")
	if accept == "" || accept == MediaType {
		return nil
	}
	// RFC 9967 §2.5.1.1: of an asynchronous response Accept says nothing; of what
	// became of a request it may ask for the token.
	if r.c.Request().Method != http.MethodGet && r.prefersAsync() || r.wantsToken() && strings.HasPrefix(r.c.Path(), Prefix+endpointRequests+"/") {
		return nil
	}
	for part := range strings.SplitSeq(accept, ",") {
		m, params, err := mime.ParseMediaType(part)
		if err != nil || params["q"] == "0" {
			continue
		}
		switch m {
		case MediaType, "application/json", "application/*", "*/*":
			return nil
		}
	}
	return errScim(http.StatusNotAcceptable, "", "The answer is %s; the Accept header asks for something else.", MediaType)
}

// body reads the request's body within its bound; the content type must be
// ours or JSON, with any parameters.
func (r *request) body(limit int64) ([]byte, error) {
	if r.sent != nil {
		return r.sent, nil
	}
	req := r.c.Request()
	ct := req.Header.Get("Content-Type")
	if ct == "" {
		ct = MediaType // RFC 9110 §8.3: without one the recipient may assume
	}
	m, params, err := mime.ParseMediaType(ct)
	if err != nil || (m != MediaType && m != "application/json") {
		return nil, errScim(http.StatusUnsupportedMediaType, "", "The body must be %s or application/json.", MediaType)
	}
	if cs := params["charset"]; cs != "" && !strings.EqualFold(cs, "utf-8") {
		return nil, errScim(http.StatusUnsupportedMediaType, "", "The body must be UTF-8.")
	}
	if enc := req.Header.Get("Content-Encoding"); enc != "" && enc != "identity" {
		return nil, errScim(http.StatusUnsupportedMediaType, "", "The body must not be compressed.")
	}
	if req.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	var buf bytes.Buffer
	if req.ContentLength > 0 {
		buf.Grow(int(req.ContentLength) + bytes.MinRead)
	}
	n, err := buf.ReadFrom(io.LimitReader(req.Body, limit+1))
	if n > limit {
		return nil, tooLarge(limit)
	}
	if err != nil {
		var maxBytes *http.MaxBytesError
		if errors.As(err, &maxBytes) {
			return nil, tooLarge(limit)
		}
		return nil, errScim(http.StatusBadRequest, scimerrors.ScimTypeInvalidSyntax, "The body could not be read to its end.")
	}
	if len(bytes.TrimSpace(buf.Bytes())) == 0 {
		return nil, errScim(http.StatusBadRequest, scimerrors.ScimTypeInvalidSyntax, "The body is empty.")
	}
	// A byte order mark is no JSON, but some clients write one.
	r.sent = bytes.TrimPrefix(buf.Bytes(), []byte("\xef\xbb\xbf"))
	return r.sent, nil
}

func tooLarge(limit int64) error {
	return errScim(http.StatusRequestEntityTooLarge, "", "The body is larger than %d bytes.", limit)
}

// respond writes a whole answer.
func (r *request) respond(status int, body []byte) error {
	h := r.c.Response().Header()
	if body != nil {
		h.Set("Content-Type", MediaType)
		h.Set("Content-Length", strconv.Itoa(len(body)))
	}
	r.c.Response().WriteHeader(status)
	if body == nil || r.c.Request().Method == http.MethodHead {
		return nil
	}
	_, err := r.c.Response().Write(body)
	return err
}

// fail writes the answer to an error, and logs what is the server's fault.
func (r *request) fail(err error) error {
	f := explain(err)
	h := r.c.Response().Header()
	if f.Status == http.StatusUnauthorized {
		challenge(h, f)
	}
	if f.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(f.retryAfter))
	}
	if fault := f.fault(err); fault != nil {
		r.logFault(fault)
	}
	if r.c.Response().Committed {
		// The answer is under way: breaking it off is the only truth left.
		panic(http.ErrAbortHandler)
	}
	return r.respond(f.Status, f.json())
}

// logFault logs an error without the values that it may speak of.
func (r *request) logFault(err error) {
	r.s.log.Error("request failed", "error", store.LogText(err), "txn", r.actor.Txn, "tenant", r.actor.Tenant.Slug, "route", r.c.Path())
}
