package api

import (
	"log/slog"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/internal/feed"
	"github.com/workspace-scim/workspace/internal/ratelimit"
)

// Prefix is the path under which the API lives.
const Prefix = "/api/v1"

// Config is what the API needs.
type Config struct {
	Directory *directory.Directory
	// Logger discards if nil.
	Logger *slog.Logger
	// Version is the program's, for support.
	Version string
	// Feed delivers the events of streams.
	Feed *feed.Feed
	// Rate is how many requests a second one source may send, and all admin
	// tokens of a tenant together; 0 for 500. It is per process.
	Rate float64
	// MaxFile is how many bytes a file that is uploaded may have; 0 for 1 GiB.
	MaxFile int64
}

// Server is the API.
type Server struct {
	dir  *directory.Directory
	log  *slog.Logger
	feed *feed.Feed
	// version is the program's.
	version string
	rates   *ratelimit.Keyed // by source
	// enrolments bounds the guesses of those who have no token.
	enrolments *ratelimit.Keyed
	maxFile    int64
	files      chan struct{} // one for each file that is being taken
	// description is the OpenAPI document, operations what it says of parameters.
	description []byte
	operations  map[string]operation
}

// How many codes may be tried a second, by everybody together, and how many
// requests one source may send.
const (
	enrolmentRate = 5
	defaultRate   = 500
)

// New makes the API.
func New(c Config) *Server {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Rate == 0 {
		c.Rate = defaultRate
	}
	if c.MaxFile == 0 {
		c.MaxFile = defaultMaxFile
	}
	description, operations := mustDescribe()
	return &Server{
		dir: c.Directory, feed: c.Feed, log: c.Logger, version: c.Version, rates: ratelimit.New(c.Rate), enrolments: ratelimit.New(enrolmentRate),
		maxFile: c.MaxFile, files: make(chan struct{}, maxFiles),
		description: description, operations: operations,
	}
}

// methods maps HTTP methods to handlers; any other is refused with 405.
type methods map[string]func(*request) error

// endpoint is a path with its methods. What needs no token has one in its body.
type endpoint struct {
	path    string // as the router has it: /sources/:id
	methods methods
	token   bool
}

// Mount registers the routes. Every route under Prefix goes through serve, which
// authenticates on the matched route.
func (s *Server) Mount(e *echo.Echo) {
	g := e.Group(Prefix)
	for _, x := range s.endpoints() {
		g.Any(x.path, s.serve(x))
	}
	g.RouteNotFound("/*", s.serve(endpoint{token: true}))
	g.RouteNotFound("", s.serve(endpoint{token: true}))
}

// endpoints are the routes. Each method of each stands in a file of openapi/ too,
// which says what parameters it takes.
func (s *Server) endpoints() []endpoint {
	const (
		get, put, post, patch, del = http.MethodGet, http.MethodPut, http.MethodPost, http.MethodPatch, http.MethodDelete
	)
	var all []endpoint
	route := func(path string, m methods) { all = append(all, endpoint{path: path, methods: m, token: true}) }
	route("/openapi.json", methods{get: s.describe})
	route("/sources", methods{get: s.listSources})
	route("/sources/:id", methods{get: s.getSource, patch: s.patchSource})
	route("/sources/:id/versions", methods{get: s.listVersions})
	route("/sources/:id/pending", methods{get: s.listPending})
	route("/sources/:id/mapping", methods{get: s.getMapping, put: s.putMapping, post: s.cloneMapping, del: s.deleteMapping})
	route("/sources/:id/mapping/versions", methods{get: s.listMappings})
	route("/sources/:id/mapping/records", methods{get: s.listSaid})
	route("/sources/:id/mapping/apply", methods{post: s.reapplyMapping})
	route("/sources/:id/mapping/simulate", methods{post: s.simulateMapping})
	route("/sources/:id/problems", methods{get: s.listProblems})
	route("/sources/:id/problems/.search", methods{post: s.findProblems})
	route("/sources/:id/departed", methods{post: s.depart})
	route("/sources/:id/runs", methods{get: s.listSourceRuns, post: s.startRun})
	route("/sources/:id/uploads", methods{post: s.uploadFile})
	route("/sources/:id/uploads/:upload", methods{get: s.getUpload})
	route("/sources/:id/uploads/:upload/results", methods{get: s.listResults})
	route("/sources/:id/leases", methods{get: s.listLeases})
	route("/sources/:id/leases/:partition", methods{post: s.acquireLease, del: s.releaseLease})
	route("/sources/:id/checkpoints/:partition", methods{get: s.getCheckpoint, put: s.putCheckpoint})
	route("/sources/:id/drill", methods{post: s.drill})
	route("/sources/:id/commands", methods{post: s.addCommand})
	route("/sources/:id/enrolment-codes", methods{post: s.addCode})
	route("/compatibility", methods{get: s.getCompatibility})
	route("/compatibility/map", methods{get: s.getCompatibilityMap})
	route("/pending-exports", methods{get: s.listExports})
	route("/groups/:id/authority", methods{put: s.putAuthority})

	route("/sources/:id/verify", methods{post: s.verifySource})
	route("/support-bundle", methods{get: s.supportBundle})
	route("/digests", methods{get: s.listDigests})
	route("/events/head", methods{get: s.getLogHead})
	route("/runs", methods{get: s.listRuns})
	route("/runs/:id", methods{get: s.getRun, patch: s.patchRun})
	route("/runs/:id/plan", methods{get: s.getPlan, put: s.putPlan})
	route("/runs/:id/signature", methods{get: s.getSignature})
	route("/runs/:id/impact", methods{get: s.getImpact})
	route("/runs/:id/approve", methods{post: s.approveRun})
	route("/runs/:id/reject", methods{post: s.rejectRun})
	route("/runs/:id/undo", methods{post: s.undoRun})
	route("/runs/:id/objects", methods{post: s.reportObjects})
	route("/features", methods{get: s.listFeatures, patch: s.patchFeatures})
	route("/jobs", methods{get: s.listJobs})
	route("/jobs/:id", methods{patch: s.patchJob})
	route("/items/:id/reconcile", methods{post: s.reconcileItem})
	route("/agents", methods{get: s.listAgents})
	route("/agents/:id", methods{del: s.revokeAgent})
	route("/agents/:id/heartbeat", methods{post: s.heartbeat})
	route("/conflicts", methods{get: s.listConflicts})
	route("/conflicts/:id", methods{get: s.getConflict, post: s.decideConflict})
	route("/explain", methods{get: s.explain})
	route("/events", methods{get: s.listEvents})
	route("/streams", methods{get: s.listStreams, post: s.addStream})
	route("/streams/:id", methods{get: s.getStream, patch: s.patchStream, del: s.deleteStream})
	route("/streams/:id/poll", methods{post: s.poll})
	return append(all, endpoint{path: "/agents/enrol", methods: methods{post: s.enrol}})
}

// serve is the way of every request: who is it, may it now, is there such a
// method, and then the handler. Errors become problems.
func (s *Server) serve(x endpoint) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := &request{s: s, c: c}
		if err := r.handle(x); err != nil {
			return r.fail(err)
		}
		return nil
	}
}

func (r *request) handle(x endpoint) error {
	r.c.Response().Header().Set("Cache-Control", "no-store")
	if x.token {
		if err := r.authenticate(); err != nil {
			return err
		}
	}
	m := x.methods
	if m == nil {
		return problem{Status: http.StatusNotFound, Code: "noEndpoint", Detail: "There is no such endpoint.", Way: "docs/api.md lists them."}
	}
	method := r.c.Request().Method
	if method == http.MethodHead {
		method = http.MethodGet // RFC 9110 §9.3.2
	}
	h, ok := m[method]
	if !ok {
		r.c.Response().Header().Set("Allow", m.allow())
		return problem{Status: http.StatusMethodNotAllowed, Code: "methodNotAllowed", Detail: "This endpoint doesn't have this method.", Way: "Use " + m.allow() + "."}
	}
	if err := r.place(); err != nil {
		return err
	}
	if err := r.parameters(r.s.operations[operationKey(method, x.path)]); err != nil {
		return err
	}
	return h(r)
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
