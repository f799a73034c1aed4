package app

import (
	"fmt"
	"net"
	"net/http"

	"github.com/labstack/echo/v4"
	"github.com/workspace-scim/workspace/internal/api"
	"github.com/workspace-scim/workspace/internal/inbound"
	"github.com/workspace-scim/workspace/scim"
	"github.com/workspace-scim/workspace/scim/oauth"
)

// The paths that are served.
const (
	pathSCIM    = scim.Prefix
	pathToken   = "/oauth2/token"
	pathHealth  = "/healthz"
	pathReady   = "/readyz"
	pathMetrics = "/metrics"
	pathKeys    = "/.well-known/jwks.json"
)

// routes makes the router with everything mounted.
func (s *Server) routes() (*echo.Echo, error) {
	e := echo.New()
	e.HTTPErrorHandler = s.httpError
	if err := trust(e, s.config.TrustedProxies); err != nil {
		return nil, err
	}
	e.Use(s.observe, s.secure)

	e.GET(pathHealth, s.health)
	e.GET(pathReady, s.ready)
	e.GET(pathMetrics, echo.WrapHandler(s.metrics.handler()))
	e.Any(pathToken, echo.WrapHandler(oauth.New(oauth.Config{
		Directory: s.directory,
		Logger:    s.log,
		TokenLife: s.config.AccessTokenLife,
	})))
	keys := echo.WrapHandler(http.HandlerFunc(s.feed.Keys))
	e.GET(pathKeys, keys)
	e.HEAD(pathKeys, keys)
	s.scim = scim.New(scim.Config{
		Directory: s.directory,
		Logger:    s.log,
		BaseURL:   s.config.BaseURL,
		Repaired:  s.metrics.repaired,
		Token:     s.feed.Completion,
		Limits:    scim.Limits{Rate: float64(s.config.Rate)},
	})
	s.scim.Mount(e)
	api.New(api.Config{Directory: s.directory, Logger: s.log, Version: s.version, MaxFile: int64(s.config.MaxUpload) << 20, Feed: s.feed}).Mount(e)
	inbound.New(inbound.Config{Directory: s.directory, Logger: s.log, BaseURL: s.config.BaseURL}).Mount(e)
	return e, nil
}

// trust says whose X-Forwarded headers are believed: those of the proxies, and
// nobody's without any. Echo's own default believes everyone's address header.
func trust(e *echo.Echo, proxies []string) error {
	if len(proxies) == 0 {
		e.IPExtractor = echo.ExtractIPDirect()
		e.SchemeExtractor = echo.ExtractSchemeDirect()
		return nil
	}
	options := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, p := range proxies {
		_, network, err := net.ParseCIDR(p)
		if err != nil {
			return fmt.Errorf("trusted-proxy: %w", err)
		}
		options = append(options, echo.TrustIPRange(network))
	}
	e.IPExtractor = echo.ExtractIPFromXFFHeader(options...)
	e.SchemeExtractor = echo.ExtractSchemeFromHeaders(options...)
	return nil
}
