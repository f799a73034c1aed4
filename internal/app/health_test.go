package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/workspace-scim/workspace/store"
)

// pinged is a store that can only say how it is.
type pinged struct {
	store.Store
	err error
}

func (p *pinged) Ping(ctx context.Context) error {
	if _, bounded := ctx.Deadline(); !bounded {
		return errors.New("the probe has no bound")
	}
	return p.err
}

func TestReadyFollowsTheDatabaseAndEndsWithTheShutdown(t *testing.T) {
	db := &pinged{}
	s := &Server{store: db, log: slog.New(slog.DiscardHandler)}
	e := echo.New()
	probe := func(h echo.HandlerFunc) (int, string) {
		t.Helper()
		w := httptest.NewRecorder()
		if err := h(e.NewContext(httptest.NewRequest(http.MethodGet, "/", nil), w)); err != nil {
			t.Fatal(err)
		}
		return w.Code, strings.TrimSpace(w.Body.String())
	}
	want := func(status int, text string) {
		t.Helper()
		if code, got := probe(s.ready); code != status || got != text {
			t.Errorf("ready: %d %s, want %d %s", code, got, status, text)
		}
		if code, _ := probe(s.health); code != http.StatusOK {
			t.Errorf("health: %d", code)
		}
	}
	want(200, "ready")
	db.err = errors.New("password of the database is hunter2")
	want(503, "database unavailable")
	db.err = nil
	s.draining.Store(true)
	want(503, "shutting down")
}
