package app

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
)

// edge serves routes that go wrong behind the server's middleware.
func edge(t *testing.T, log io.Writer) *httptest.Server {
	s := &Server{log: slog.New(slog.NewTextHandler(log, nil)), metrics: newMetrics("test")}
	e := echo.New()
	e.HTTPErrorHandler = s.httpError
	e.Use(s.observe, s.secure)
	e.GET("/panic", func(echo.Context) error { panic("the secret of ada@contoso.com") })
	e.GET("/late", func(c echo.Context) error {
		c.Response().WriteHeader(http.StatusOK)
		c.Response().Flush()
		panic("too late")
	})
	e.GET("/error", func(echo.Context) error { return errors.New(`"ada@contoso.com" is no number; table users is full`) })
	e.GET("/ok", func(c echo.Context) error { return c.NoContent(http.StatusNoContent) })
	srv := httptest.NewServer(e)
	t.Cleanup(srv.Close)
	return srv
}

func TestPanicIsASCIM500WithTheRequestIDAndNothingElse(t *testing.T) {
	var log strings.Builder
	srv := edge(t, &log)
	for _, path := range []string{"/panic", "/error"} {
		resp, err := http.Get(srv.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		var body struct {
			Schemas        []string
			Status, Detail string
		}
		if err := json.Unmarshal(text, &body); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		id := resp.Header.Get("X-Request-Id")
		if resp.StatusCode != 500 || body.Status != "500" || len(body.Schemas) != 1 || !strings.Contains(body.Detail, id) {
			t.Errorf("%s: %d %s", path, resp.StatusCode, text)
		}
		if inside := strings.ReplaceAll(string(text), id, ""); strings.Contains(inside, "ada") || strings.Contains(inside, "table") {
			t.Errorf("%s: the answer tells what went wrong inside: %s", path, text)
		}
		if !strings.Contains(log.String(), id) {
			t.Errorf("%s: the log lacks the request's id", path)
		}
	}
	if text := log.String(); strings.Contains(text, "ada@contoso.com") || !strings.Contains(text, "table users is full") || !strings.Contains(text, "recover_test.go") {
		t.Errorf("the log has to say what went wrong and where, and about nobody:\n%s", text)
	}
	if resp, err := http.Get(srv.URL + "/ok"); err != nil || resp.StatusCode != http.StatusNoContent {
		t.Errorf("after a panic: %v %v", resp, err)
	}
}

func TestPanicInTheMiddleOfAnAnswerBreaksTheConnection(t *testing.T) {
	var log strings.Builder
	srv := edge(t, &log)
	resp, err := http.Get(srv.URL + "/late")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.ReadAll(resp.Body); err == nil {
		t.Error("the client took half an answer for a whole one")
	}
}
