// Package apptest boots the whole server for tests, on a free port and a
// database of the test's own.
package apptest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/internal/app"
	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// What Start makes.
const (
	Tenant = "default"
	Source = "entra"
)

// App is a running server with a tenant whose hybrid sync is on, an Entra source
// and two tokens.
type App struct {
	// URL is the server's, without a slash at the end, whatever its base URL is;
	// SCIM is the endpoint's.
	URL, SCIM string
	// Token speaks for the Entra source, AdminToken sees the resolved view.
	Token, AdminToken string
	// Database is the URL of the database.
	Database string
	// Directory is the core of the server.
	Directory *directory.Directory
	// Log is what the server logged, at every level.
	Log *Log

	t       testing.TB
	printed *Log
	stop    func() error
}

// Option changes how Start runs the server.
type Option func(*options)

type options struct {
	database string
	config   app.Config
	app      app.Options
	bare     bool
	log      *Log
	printed  *Log
}

// On runs the server on this database instead of a new SQLite file.
func On(database string) Option { return func(o *options) { o.database = database } }

// With changes the server's configuration.
func With(change func(*app.Config)) Option { return func(o *options) { change(&o.config) } }

// WithClock sets the clock that is written down.
func WithClock(c directory.Clock) Option { return func(o *options) { o.app.Clock = c } }

// Bare leaves the database as it is: no tenant, no source, no tokens.
func Bare() Option { return func(o *options) { o.bare = true } }

// Start boots a server; it ends with the test.
func Start(t testing.TB, change ...Option) *App {
	t.Helper()
	o := collect(change)
	if o.database == "" {
		o.database = SQLite(t)
	}
	a, err := o.run()
	if err != nil {
		t.Fatal(err)
	}
	a.t = t
	t.Cleanup(func() {
		if err := a.stop(); err != nil {
			t.Errorf("server: %v", err)
		}
	})
	if !o.bare {
		a.fill()
	}
	return a
}

// Run boots a server that several tests share, on a bare database that On
// names; who runs it stops it. The methods of the App that send requests or add
// to the tenant are not for it, as they belong to one test.
func Run(change ...Option) (*App, error) {
	return collect(change).run()
}

func collect(change []Option) *options {
	log, printed := &Log{}, &Log{}
	o := &options{
		config:  app.Config{Listen: "127.0.0.1:0"},
		log:     log,
		printed: printed,
		app: app.Options{
			Version: "test",
			Logger:  slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
			Out:     printed,
		},
	}
	for _, c := range change {
		c(o)
	}
	return o
}

// run runs a server in the background.
func (o *options) run() (*App, error) {
	s, err := app.New(context.Background(), app.Database{Database: o.database}, o.config, o.app)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	url := "http://" + s.Address()
	if o.config.TLSCert != "" {
		url = "https://" + s.Address()
	}
	return &App{
		URL: url, SCIM: url + "/scim/v2", Database: o.database, Directory: s.Directory(), Log: o.log, printed: o.printed,
		stop: sync.OnceValue(func() error {
			cancel()
			return <-done
		}),
	}, nil
}

// Printed is what the server printed for the person at the terminal.
func (a *App) Printed() string { return a.printed.String() }

// Stop shuts the server down and waits for its end; doing so twice is harmless.
func (a *App) Stop() error { return a.stop() }

func (a *App) fill() {
	a.t.Helper()
	ctx := context.Background()
	if _, err := a.Directory.AddTenant(ctx, "test", Tenant, "", []string{"contoso.com"}); err != nil {
		a.t.Fatal(err)
	}
	if _, err := a.Directory.EnableTenant(ctx, "test", Tenant); err != nil {
		a.t.Fatal(err)
	}
	a.Token = a.AddSource(store.SourceEntra, Source)
	token, _, err := a.Directory.AddToken(ctx, "test", directory.TokenSpec{Tenant: Tenant, Admin: true})
	if err != nil {
		a.t.Fatal(err)
	}
	a.AdminToken = token
}

// AddSource adds a source to the tenant and returns a token of it.
func (a *App) AddSource(kind store.SourceKind, name string) (token string) {
	a.t.Helper()
	return a.AddSourceWith(directory.SourceSpec{Name: name, Kind: kind})
}

// AddSourceWith is AddSource with everything that a source can be told.
func (a *App) AddSourceWith(spec directory.SourceSpec) (token string) {
	a.t.Helper()
	ctx := context.Background()
	if _, err := a.Directory.AddSource(ctx, "test", Tenant, spec); err != nil {
		a.t.Fatal(err)
	}
	token, _, err := a.Directory.AddToken(ctx, "test", directory.TokenSpec{Tenant: Tenant, Source: spec.Name})
	if err != nil {
		a.t.Fatal(err)
	}
	return token
}

// Response is an answer that was read to its end.
type Response struct {
	Status int
	Header http.Header
	Text   []byte
	// Body is the JSON object in it, nil for none.
	Body map[string]any
}

// Do sends a request to the SCIM endpoint, path below /scim/v2, with the token
// if it isn't empty and the body, JSON as text, if that isn't.
func (a *App) Do(method, path, token, body string) Response {
	a.t.Helper()
	req, err := http.NewRequest(method, a.SCIM+path, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/scim+json")
	}
	return a.Send(req)
}

// Send sends a request.
func (a *App) Send(req *http.Request) Response {
	a.t.Helper()
	client := http.Client{Timeout: 30 * time.Second}
	resp, err := client.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	r := Response{Status: resp.StatusCode, Header: resp.Header, Text: text}
	if err := json.Unmarshal(text, &r.Body); err != nil {
		r.Body = nil
	}
	return r
}

// Log keeps what was logged. It is safe for concurrent use.
type Log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write keeps a line.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// String gives everything so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// Events gives the tenant's events behind a sequence number, at most 1000, as
// soon as there are n: on PostgreSQL an event shows when all changes of the same
// database that began before it have ended, those of other tests included.
func (a *App) Events(after int64, n int) []store.Event {
	a.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		var all []store.Event
		err := a.Directory.Events(context.Background(), Tenant, after, 1000, func(e store.Event) error {
			all = append(all, e)
			return nil
		})
		if err != nil {
			a.t.Fatal(err)
		}
		if len(all) >= n || time.Now().After(deadline) {
			return all
		}
	}
}
