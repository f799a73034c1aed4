package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/internal/embedded"
	"github.com/workspace-scim/workspace/internal/feed"
	"github.com/workspace-scim/workspace/scim"
	"github.com/workspace-scim/workspace/store"
)

// Limits of one connection (RELIABILITY S3). Reading a request ends after 30 s;
// answering may take longer, because a list is streamed as fast as the client
// takes it.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = 5 * time.Minute
	idleTimeout       = 60 * time.Second
	maxHeaderBytes    = 32 << 10
)

// shutdownTimeout is what requests in flight get; together with closing the
// store it stays under the 10 s that supervisors wait.
const shutdownTimeout = 8 * time.Second

// How often the background work is done, and what the last flush gets before
// the store is closed.
const (
	sweepEvery = 10 * time.Minute
	flushEvery = time.Minute
	lastFlush  = 500 * time.Millisecond
)

// Options are what a Server takes besides its configuration.
type Options struct {
	// Version is shown in the metrics and in support bundles.
	Version string
	// Logger may not be nil.
	Logger *slog.Logger
	// Out gets what FirstRun prints for the person at the terminal; nil
	// discards it.
	Out io.Writer
	// Clock is the system's if nil.
	Clock directory.Clock
}

// Server is the assembled program. Make it with New, run it once with Run.
type Server struct {
	config    Config
	version   string
	log       *slog.Logger
	out       io.Writer
	store     store.Store
	directory *directory.Directory
	feed      *feed.Feed
	scim      *scim.Server
	metrics   *metrics
	listener  net.Listener
	http      *http.Server
	draining  atomic.Bool
	// connectors work inside the server, by its handler.
	connectors []*embedded.Connector

	flushMissed bool // the last flush failed; only background, then Run, use it
}

// New checks the configuration, opens the database, brings its schema up to
// date, listens, and does what the first run needs. Connections are taken from
// here on and answered by Run, which also closes what New opened.
func New(ctx context.Context, d Database, c Config, o Options) (*Server, error) {
	c = c.defaults()
	if err := c.check(); err != nil {
		return nil, err
	}
	files, err := c.readAD()
	if err != nil {
		return nil, err
	}
	secretKey, err := c.readSecretKey()
	if err != nil {
		return nil, err
	}
	var cert *tls.Config
	if c.TLSCert != "" {
		pair, err := loadCertificate(c.TLSCert, c.TLSKey, o.Logger)
		if err != nil {
			return nil, err
		}
		cert = pair.config()
	}
	st, err := OpenStore(ctx, d, true, o.Logger)
	if err != nil {
		return nil, err
	}
	m := newMetrics(o.Version)
	s := &Server{
		config: c, version: o.Version, log: o.Logger, out: o.Out, store: st,
		directory: directory.New(st, directory.Options{Clock: o.Clock, Logger: o.Logger, Features: c.Features, Repaired: m.repaired, SecretKey: secretKey}),
		metrics:   m,
	}
	networks, err := c.pushNetworks()
	if err != nil {
		return nil, errors.Join(err, st.Close())
	}
	s.feed = feed.New(feed.Config{Directory: s.directory, Logger: o.Logger, BaseURL: c.BaseURL, PushNetworks: networks, PushHTTP: c.PushHTTP})
	s.metrics.registry.MustRegister(newSourceMetrics(s.directory, o.Logger))
	if m, ok := st.(store.Measured); ok {
		s.metrics.registry.MustRegister(storeMetrics{m})
	}
	if s.out == nil {
		s.out = io.Discard
	}
	if err := s.listen(ctx, cert); err != nil {
		return nil, errors.Join(err, st.Close())
	}
	s.embed(files, o)
	if c.FirstRun {
		if err := s.firstRun(ctx); err != nil {
			return nil, errors.Join(err, s.listener.Close(), st.Close())
		}
	}
	return s, nil
}

// listen makes the HTTP server and its listener.
func (s *Server) listen(ctx context.Context, cert *tls.Config) error {
	router, err := s.routes()
	if err != nil {
		return err
	}
	s.http = &http.Server{
		Handler:           router,
		TLSConfig:         cert,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		// What a client does wrong below HTTP; nothing an operator can act on.
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	s.listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", s.config.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	return nil
}

// Directory is the core that the server runs on.
func (s *Server) Directory() *directory.Directory { return s.directory }

// Address is the host:port that the server listens on.
func (s *Server) Address() string { return s.listener.Addr().String() }

// URL is how clients reach the server, without a slash at the end: BaseURL, or
// the address that it listens on.
func (s *Server) URL() string {
	if s.config.BaseURL != "" {
		return strings.TrimRight(s.config.BaseURL, "/")
	}
	scheme := "http"
	if s.http.TLSConfig != nil {
		scheme = "https"
	}
	host, port, err := net.SplitHostPort(s.Address())
	if err != nil {
		return scheme + "://" + s.Address()
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "localhost"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// Run answers requests until ctx ends, then shuts down: not ready from that
// moment, no new connections, connectors end and requests in flight are
// answered, the database is closed. It takes at most 10 s and returns nil after an orderly end.
func (s *Server) Run(ctx context.Context) error {
	s.log.Info("listening", "url", s.URL(), "scim", s.URL()+pathSCIM, "tls", s.http.TLSConfig != nil)
	slack := make([]byte, collectorSlack)
	defer runtime.KeepAlive(slack)

	served := make(chan error, 1)
	go func() {
		if s.http.TLSConfig != nil {
			served <- s.http.ServeTLS(s.listener, "", "")
			return
		}
		served <- s.http.Serve(s.listener)
	}()
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	var background sync.WaitGroup
	background.Go(func() { s.background(work) })
	s.work(work, &background)
	background.Go(func() { s.feed.Push(work) })
	pulling, endConnectors := context.WithCancel(ctx)
	defer endConnectors()
	var connectors sync.WaitGroup
	for _, c := range s.connectors {
		connectors.Go(func() { c.Run(pulling) })
	}

	var err error
	select {
	case err = <-served: // the listener broke
	case <-ctx.Done():
		s.log.Info("shutting down")
	}
	endConnectors()
	err = errors.Join(err, s.shutdown())
	connectors.Wait() // they ended beside the requests in flight
	stop()
	background.Wait()
	s.flush(context.WithoutCancel(ctx), lastFlush)
	return errors.Join(err, s.store.Close())
}

// shutdown answers the requests in flight and cuts those that take too long.
func (s *Server) shutdown() error {
	s.draining.Store(true)
	s.feed.Stop() // who waits for news is answered
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		s.log.Warn("requests cut at shutdown")
		return s.http.Close()
	}
	return err
}

// background does what no request waits for, until ctx ends.
func (s *Server) background(ctx context.Context) {
	sweep, flush := time.NewTicker(sweepEvery), time.NewTicker(flushEvery)
	defer sweep.Stop()
	defer flush.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-sweep.C:
			err := errors.Join(s.directory.Sweep(ctx), s.directory.SweepTokens(ctx), s.directory.SweepAgents(ctx), s.directory.SweepPlans(ctx),
				s.directory.SweepUploads(ctx), s.directory.SweepRequests(ctx))
			if err != nil && ctx.Err() == nil {
				s.log.Error("sweep", "error", store.LogText(err))
			}
		case <-flush.C:
			s.flush(ctx, flushEvery/2)
			if err := s.directory.SweepPushes(ctx); err != nil && ctx.Err() == nil {
				s.log.Error("sweep", "error", store.LogText(err))
			}
		}
	}
}

// flush writes when tokens were last used, within a limit. Missing it is
// harmless, since what is not written is kept for the next time: it is told
// once, until it works again.
func (s *Server) flush(ctx context.Context, limit time.Duration) {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := s.directory.FlushUses(limited)
	if ctx.Err() != nil {
		return
	}
	if err != nil && !s.flushMissed {
		s.log.Warn("last use of tokens not written", "error", store.LogText(err))
	}
	s.flushMissed = err != nil
}
