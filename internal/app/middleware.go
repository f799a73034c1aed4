package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"github.com/workspace-scim/workspace/scim"
	"github.com/workspace-scim/workspace/store"
)

// observe gives the request its id, answers it, and then counts and logs it:
// one line with who, what and how long, and never a token, a query or a body.
func (s *Server) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := time.Now()
		id := requestID(c.Request().Header.Get(echo.HeaderXRequestID))
		c.Response().Header().Set(echo.HeaderXRequestID, id)
		cut := s.guard(c, id, next)

		route, took := routeOf(c), time.Since(start)
		s.metrics.answered(route, c.Request().Method, c.Response().Status, took)
		s.logRequest(c, id, route, took)
		if cut {
			// The answer had begun: only a broken connection tells the client
			// that it isn't whole.
			panic(http.ErrAbortHandler)
		}
		return nil
	}
}

// guard answers the request and recovers from a panic, once, here at the edge.
// It says whether the answer had begun by then.
func (s *Server) guard(c echo.Context, id string, next echo.HandlerFunc) (cut bool) {
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		if err, ok := r.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			cut = true
			return
		}
		s.metrics.panics.Inc()
		s.log.Error("panic", "request_id", id, "panic", panicText(r), "stack", string(debug.Stack()))
		if c.Response().Committed {
			cut = true
			return
		}
		s.writeError(c, http.StatusInternalServerError, "Internal error; the request's id is "+id+".")
	}()
	if err := next(c); err != nil {
		c.Error(err)
	}
	return false
}

// panicText is a panic for the log: the runtime's own words, but of any other
// value the type, because the value may be what somebody sent. The stack tells
// where it was.
func panicText(r any) string {
	if err, ok := r.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("%T", r)
}

// logRequest writes the line of a request.
func (s *Server) logRequest(c echo.Context, id, route string, took time.Duration) {
	level := slog.LevelInfo
	if route == pathHealth || route == pathReady || route == pathMetrics {
		level = slog.LevelDebug
	}
	attrs := []slog.Attr{
		slog.String("request_id", id),
		slog.String("method", knownMethod(c.Request().Method)),
		slog.String("route", route),
		slog.Int("status", c.Response().Status),
		slog.Duration("duration", took),
	}
	for _, who := range []struct{ key, name string }{{scim.ContextTenant, "tenant"}, {scim.ContextSource, "source"}} {
		if v, ok := c.Get(who.key).(string); ok {
			attrs = append(attrs, slog.String(who.name, v))
		}
	}
	s.log.LogAttrs(c.Request().Context(), level, "request", attrs...)
}

// routeOf is the pattern of the matched route, "none" without one: a path holds
// ids, and a client can invent as many as it likes.
func routeOf(c echo.Context) string {
	if p := c.Path(); p != "" {
		return p
	}
	return "none"
}

// requestID takes over the client's id if it is short and plain, so that its log
// and ours can be laid side by side.
func requestID(given string) string {
	if given == "" || len(given) > 64 {
		return uuid.NewString()
	}
	for _, r := range given {
		plain := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' ||
			r == '-' || r == '_' || r == '.' || r == ':'
		if !plain {
			return uuid.NewString()
		}
	}
	return given
}

// secure sets the headers that every answer has.
func (s *Server) secure(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set(echo.HeaderXContentTypeOptions, "nosniff")
		if s.config.TLSCert != "" {
			h.Set(echo.HeaderStrictTransportSecurity, "max-age=31536000")
		}
		return next(c)
	}
}

// httpError answers what no handler did: an unknown path or method. All of it
// is in the form of a SCIM error (RFC 7644 §3.12), because who comes here is a
// SCIM client with a wrong URL.
func (s *Server) httpError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	status, detail := http.StatusInternalServerError, "Internal error; the request's id is "+c.Response().Header().Get(echo.HeaderXRequestID)+"."
	var he *echo.HTTPError
	switch {
	case errors.As(err, &he) && he.Code == http.StatusNotFound:
		status, detail = he.Code, "There is nothing at this path; the SCIM endpoint is "+pathSCIM+"."
	case errors.As(err, &he) && he.Code == http.StatusMethodNotAllowed:
		status, detail = he.Code, "This path doesn't have this method."
	default:
		s.log.Error("request failed", "request_id", c.Response().Header().Get(echo.HeaderXRequestID), "error", store.LogText(err))
	}
	s.writeError(c, status, detail)
}

func (s *Server) writeError(c echo.Context, status int, detail string) {
	body, _ := json.Marshal(map[string]any{ // strings only: can't fail
		"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:Error"},
		"status":  strconv.Itoa(status),
		"detail":  detail,
	})
	if c.Request().Method == http.MethodHead {
		body = nil
	}
	if err := c.Blob(status, "application/scim+json", body); err != nil {
		s.log.Debug("answer not sent", "error", err)
	}
}
