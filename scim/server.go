package scim

import (
	"context"
	"log/slog"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/internal/ratelimit"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// Prefix is the path under which the endpoint lives.
const Prefix = "/scim/v2"

// Limits are the bounds of one request. The zero value means the defaults.
type Limits struct {
	Body           int64   // bytes of a body; 1 MiB
	BulkBody       int64   // bytes of a bulk body; 8 MiB
	BulkOperations int     // operations of a bulk request; 1,000
	PageSize       int     // resources of a page where the client doesn't say; 100
	MaxPageSize    int     // resources of a page at most; 1,000
	MaxScan        int     // rows that a filter without an index may look at; 250,000
	Rate           float64 // requests a second of one source, sustained; 5,000
}

func (l Limits) withDefaults() Limits {
	def := func(v *int64, d int64) {
		if *v == 0 {
			*v = d
		}
	}
	num := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	def(&l.Body, 1<<20)
	def(&l.BulkBody, 8<<20)
	num(&l.BulkOperations, 1000)
	num(&l.PageSize, 100)
	num(&l.MaxPageSize, 1000)
	num(&l.MaxScan, 250_000)
	if l.Rate == 0 {
		l.Rate = 5000
	}
	return l
}

// Config is what the endpoint needs.
type Config struct {
	Directory *directory.Directory
	// Logger discards if nil.
	Logger *slog.Logger
	// BaseURL is how clients reach the server, without Prefix, e.g.
	// https://scim.contoso.com; if empty it is taken from each request.
	BaseURL string
	// Repaired is told the id of each repair of scim/dialect; may be nil.
	Repaired func(id string)
	// Token signs an event token of an issuer for an audience; nil where there are
	// none.
	Token  func(ctx context.Context, issuer, audience string, n directory.Notice) (string, error)
	Limits Limits
}

// Server is the SCIM endpoint.
type Server struct {
	dir      *directory.Directory
	log      *slog.Logger
	baseURL  string
	repaired func(string)
	limits   Limits
	rates    *ratelimit.Keyed // by source
	echo     *echo.Echo       // of requests that are carried out later
	token    func(ctx context.Context, issuer, audience string, n directory.Notice) (string, error)
}

// New makes the endpoint.
func New(c Config) *Server {
	s := &Server{
		dir: c.Directory, log: c.Logger, baseURL: strings.TrimSuffix(c.BaseURL, "/"),
		repaired: c.Repaired, limits: c.Limits.withDefaults(), echo: echo.New(), token: c.Token,
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.repaired == nil {
		s.repaired = func(string) {}
	}
	s.rates = ratelimit.New(s.limits.Rate)
	return s
}

// methods maps HTTP methods to handlers; any other is refused with 405.
type methods map[string]func(*request) error

// Mount registers the routes. Every route under Prefix goes through serve,
// which authenticates on the matched route (not on a path prefix that another
// spelling of the path could evade) and answers in SCIM's error form, the
// unknown paths and methods too.
func (s *Server) Mount(e *echo.Echo) {
	g := e.Group(Prefix)
	route := func(path string, m methods) {
		g.Any(path, s.serve(m))
		g.Any(path+"/", s.serve(m))
	}
	route("/ServiceProviderConfig", methods{http.MethodGet: confirmed(s.getServiceProviderConfig)})
	route("/ResourceTypes", methods{http.MethodGet: confirmed(s.listResourceTypes)})
	route("/ResourceTypes/:id", methods{http.MethodGet: confirmed(s.getResourceType)})
	route("/Schemas", methods{http.MethodGet: confirmed(s.listSchemas)})
	route("/Schemas/:id", methods{http.MethodGet: confirmed(s.getSchema)})
	route(endpointBulk, methods{http.MethodPost: confirmed(s.bulk)})
	route(endpointRequests+"/:id", methods{http.MethodGet: confirmed(s.getAsyncRequest)})
	route("/Me", methods{
		http.MethodGet: s.me(s.get), http.MethodPut: s.me(s.replace), http.MethodPatch: s.me(s.patch),
		http.MethodDelete: s.me(s.delete), http.MethodPost: s.me(s.noMeCreate),
	})
	route("/.search", methods{http.MethodPost: s.searchAll})
	for _, t := range schema.Must().Types {
		typed := func(h func(*request) error) func(*request) error { return s.typed(t.Endpoint, h) }
		if t.Derived {
			route(t.Endpoint, methods{http.MethodGet: typed(s.listGrants), http.MethodPost: typed(s.createGrant)})
			route(t.Endpoint+"/.search", methods{http.MethodPost: typed(s.searchGrants)})
			route(t.Endpoint+"/:id", methods{http.MethodGet: typed(s.getGrant), http.MethodDelete: typed(s.deleteGrant)})
			continue
		}
		route(t.Endpoint, methods{http.MethodGet: typed(s.list), http.MethodPost: typed(s.create)})
		route(t.Endpoint+"/.search", methods{http.MethodPost: typed(s.search)})
		route(t.Endpoint+"/:id", methods{
			http.MethodGet: typed(s.get), http.MethodPut: typed(s.replace),
			http.MethodPatch: typed(s.patch), http.MethodDelete: typed(s.delete),
		})
	}
	route("", methods{http.MethodGet: s.listAll})
	g.RouteNotFound("/*", s.serve(nil))
}

// typed sets the resource type that a route is about.
func (s *Server) typed(endpoint string, h func(*request) error) func(*request) error {
	return func(r *request) error {
		r.t = r.set.Type(endpoint)
		if err := r.mayUse(r.t); err != nil {
			return err
		}
		if r.id = r.param("id"); r.id != "" && !plausibleID(r.id) {
			return store.ErrNotFound
		}
		return h(r)
	}
}

// mayUse refuses a source what administrators keep to themselves.
func (r *request) mayUse(t *schema.ResourceType) error {
	if t.Administered && !r.actor.Admin {
		return &directory.Violation{
			Rule: directory.RuleForbidden, Detail: t.Endpoint + " is for administrators; this is the token of a source.",
			Way: "Use an admin token: workspace token add --admin.",
		}
	}
	return nil
}

// plausibleID says whether a text can be an id of ours at all; others, with
// slashes, NUL or worse, don't reach the database.
func plausibleID(id string) bool {
	if len(id) > 64 {
		return false
	}
	for i := 0; i < len(id); i++ {
		c := id[i]
		if c != '-' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return true
}

// serve is the way of every request: who is it, may it now, is there such a
// method, and then the handler. Errors become SCIM's.
func (s *Server) serve(m methods) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := s.newRequest(c)
		err := r.handle(m)
		if err != nil && r.outdated(err) {
			again := s.newRequest(c)
			again.sent, again.careful = r.sent, true
			r, err = again, again.handle(m)
		}
		if err != nil {
			return r.fail(err)
		}
		return nil
	}
}

func (r *request) handle(m methods) error {
	if err := r.admit(); err != nil {
		return err
	}
	return dispatch(r, m)
}

func dispatch(r *request, m methods) error {
	method := r.c.Request().Method
	if m == nil && !routed(method) {
		return errMethod(method, "GET, POST, PUT, PATCH, DELETE")
	}
	if m == nil {
		return errNoEndpoint(r.c.Request().URL.Path)
	}
	if method == http.MethodHead {
		method = http.MethodGet // RFC 9110 §9.3.2
	}
	h, ok := m[method]
	if !ok {
		r.c.Response().Header().Set("Allow", m.allow())
		return errMethod(method, m.allow())
	}
	return h(r)
}

// routed says whether Echo routes a method at all (echo.Group.Any); others end
// up where no route is, whatever the path.
func routed(method string) bool {
	switch method {
	case http.MethodConnect, http.MethodDelete, http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPatch,
		http.MethodPost, http.MethodPut, http.MethodTrace, echo.PROPFIND, echo.REPORT:
		return true
	}
	return false
}

func (m methods) allow() string {
	var out []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		if m[method] != nil {
			out = append(out, method)
		}
	}
	return strings.Join(out, ", ")
}
