package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"

	"github.com/labstack/echo/v4"
)

// floorFlag makes this program the floor's server. It prints nothing; the
// address to listen on stands in the environment, in floorListen.
const (
	floorFlag   = "-floor-server"
	floorListen = "WORKSPACE_BENCH_LISTEN"
)

// serveFloor is what a plain JSON service on Echo does for the same exchanges.
// PUT keeps an answer under a name; GET and PATCH decode the request's body, if
// it has one, and the kept answer, and encode that.
func serveFloor(ctx context.Context) error {
	var mu sync.RWMutex
	answers := map[string][]byte{}
	e := echo.New()
	e.PUT("/floor/:name", func(c echo.Context) error {
		body, err := io.ReadAll(c.Request().Body)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		answers[c.Param("name")] = body
		return c.NoContent(http.StatusOK)
	})
	e.Match([]string{http.MethodGet, http.MethodPatch}, "/floor/:name", func(c echo.Context) error {
		if c.Request().ContentLength > 0 {
			var in map[string]any
			if err := json.NewDecoder(c.Request().Body).Decode(&in); err != nil {
				return err
			}
		}
		mu.RLock()
		answer := answers[c.Param("name")]
		mu.RUnlock()
		var out map[string]any
		if err := json.Unmarshal(answer, &out); err != nil {
			return err
		}
		return c.JSON(http.StatusOK, out)
	})
	e.GET("/readyz", func(c echo.Context) error { return c.NoContent(http.StatusOK) })
	server := &http.Server{Addr: os.Getenv(floorListen), Handler: e}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func startFloor(ctx context.Context, dir string) (*process, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p, err := start(address, "", filepath.Join(dir, "floor.log"), program, []string{floorListen + "=" + address}, floorFlag)
	if err != nil {
		return nil, err
	}
	return p, p.ready(ctx, "/readyz")
}
