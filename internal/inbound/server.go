package inbound

import (
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/internal/ratelimit"
)

// Config is what the door needs.
type Config struct {
	Directory *directory.Directory
	// Logger discards if nil.
	Logger *slog.Logger
	// BaseURL is how clients reach the server, without the version; "" for what
	// each request says.
	BaseURL string
	// Rate is how many look-ups a second one source may send, and all admin tokens
	// of a tenant together; 0 for 500. It is per process. Uploads are bounded by
	// the source's policy.
	Rate float64
}

// Server is the door.
type Server struct {
	dir     *directory.Directory
	log     *slog.Logger
	baseURL string
	rates   *ratelimit.Keyed  // look-ups, by source
	uploads *ratelimit.Window // uploads, by source
}

const (
	defaultRate = 500
	// Graph takes 40 uploads in five seconds.
	uploadWindow = 5 * time.Second
)

// New makes the door.
func New(c Config) *Server {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Rate == 0 {
		c.Rate = defaultRate
	}
	return &Server{
		dir: c.Directory, log: c.Logger, baseURL: strings.TrimRight(c.BaseURL, "/"), rates: ratelimit.New(c.Rate), uploads: ratelimit.NewWindow(uploadWindow),
	}
}

// versions are the versions of Graph that clients ask for; both get the same.
var versions = []string{"/v1.0", "/beta"}

// endpoint is a path with the one method that it has.
type endpoint struct {
	method, path string
	handle       func(*request) error
}

func (s *Server) endpoints() []endpoint {
	const job = "/servicePrincipals/:source/synchronization/jobs/:job"
	return []endpoint{
		{http.MethodGet, "/servicePrincipals", s.listPrincipals},
		{http.MethodGet, "/servicePrincipals/:source", s.getPrincipal},
		{http.MethodGet, "/servicePrincipals/:source/synchronization/jobs", s.listJobs},
		{http.MethodGet, job, s.getJob},
		{http.MethodGet, job + "/schema", s.getSchema},
		{http.MethodPost, job + "/start", s.startJob},
		{http.MethodPost, job + "/pause", s.pauseJob},
		{http.MethodPost, job + "/bulkUpload", s.bulkUpload},
		{http.MethodGet, "/auditLogs/provisioning", s.listLog},
	}
}

// Mount registers the routes, each with and without a slash at its end, as
// published clients write them. Every route goes through serve, which
// authenticates on the matched route.
func (s *Server) Mount(e *echo.Echo) {
	for _, version := range versions {
		for _, x := range s.endpoints() {
			e.Any(version+x.path, s.serve(version, x))
			e.Any(version+x.path+"/", s.serve(version, x))
		}
		e.RouteNotFound(version+"/*", s.serve(version, endpoint{}))
		e.RouteNotFound(version, s.serve(version, endpoint{}))
	}
}

// serve is the way of every request: who is it, is there such a path and method,
// and then the handler. Errors are answered as Graph does.
func (s *Server) serve(version string, x endpoint) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := &request{s: s, c: c, version: version}
		if err := r.handle(x); err != nil {
			return r.fail(err)
		}
		return nil
	}
}

func (r *request) handle(x endpoint) error {
	r.identify()
	if err := r.authenticate(); err != nil {
		return err
	}
	if x.handle == nil {
		return &problem{status: http.StatusNotFound, code: "ResourceNotFound", message: "There is nothing at this path; docs/uploads.md lists what there is."}
	}
	method := r.c.Request().Method
	if method == http.MethodHead {
		method = http.MethodGet // RFC 9110 §9.3.2
	}
	if method != x.method {
		r.c.Response().Header().Set("Allow", x.method)
		return &problem{status: http.StatusMethodNotAllowed, code: "MethodNotAllowed", message: "This path has the method " + x.method + " only."}
	}
	return x.handle(r)
}
